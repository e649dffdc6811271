//! What a service says of itself: one JSON object a line, on standard error. Never a key, never the content of a file.

use std::io::Write as _;
use std::time::SystemTime;

use serde_json::{Value, json};

/// Writes a line; the time comes first.
pub(crate) fn line(what: Value) {
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let mut entry = json!({ "time": time });
    if let (Value::Object(entry), Value::Object(what)) = (&mut entry, what) {
        entry.extend(what);
    }
    // A log that cannot be written must not end a service.
    let _ = writeln!(std::io::stderr().lock(), "{entry}");
}

/// Something that is broken and that whoever runs the service should see.
pub(crate) fn fault(what: &str) {
    line(json!({ "level": "error", "message": what }));
}

/// Something that happened.
pub(crate) fn event(what: &str) {
    line(json!({ "level": "info", "message": what }));
}
