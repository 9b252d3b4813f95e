#![no_main]
//! The filter language and the counts in it.

use libfuzzer_sys::fuzz_target;
use roster_protocol::query;

fuzz_target!(|text: &str| {
    if let Err(error) = query::parse(text) {
        assert!(!error.to_string().is_empty());
    }
    let _ = query::count(text);
});
