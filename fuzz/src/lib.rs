//! The targets, for a fuzzer.

#[allow(dead_code, reason = "seeds are made elsewhere")]
mod targets;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

/// Makes ready what targets use, and has panics told instead of ending the process: libraries may panic where we catch it.
pub fn prepare() {
    targets::prepare();
    set_hook(Box::new(told));
}

/// Tells of a panic, once for each place.
fn told(panic: &PanicHookInfo<'_>) {
    static PLACES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if places.insert(place) {
        eprintln!("{panic}");
    }
}

/// Calls the target of that name; a panic that reaches this ends the process.
pub fn call(name: &str, bytes: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target is called {name}"));
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.call)(bytes))) {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied());
        eprintln!("{name}: {}", said.unwrap_or("it panicked"));
        std::process::abort();
    }
}
