#![no_main]
//! Requests and responses as a frame holds them: what can be decoded is encoded again as the same bytes.

use libfuzzer_sys::fuzz_target;
use roster_protocol::{RosterRequest, RosterResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn understood<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(first) = postcard::from_bytes::<T>(bytes) else { return };
    let written = postcard::to_stdvec(&first).expect("what was read can be written");
    let second: T = postcard::from_bytes(&written).expect("what was written can be read");
    assert_eq!(postcard::to_stdvec(&second).expect("written"), written);
}

fuzz_target!(|bytes: &[u8]| {
    understood::<RosterRequest>(bytes);
    understood::<RosterResponse>(bytes);
});
