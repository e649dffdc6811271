//! Every target; which one, its binary's name says.
#![no_main]

libfuzzer_sys::fuzz_target!(init: credlink_fuzz::prepare(), |bytes: &[u8]| {
    credlink_fuzz::call(env!("CARGO_BIN_NAME"), bytes);
});
