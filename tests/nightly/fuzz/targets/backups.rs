#![no_main]
//! A file that someone calls a backup: as it is, and as frames that nothing compressed or encrypted.

use libfuzzer_sys::fuzz_target;
use roster_backup::{Key, Passphrase, frame, identities, open, verify};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frames) = open(bytes, &Key::Nothing) {
        let _ = verify(frames);
    }
    let framed = [frame::MAGIC, bytes].concat();
    let _ = verify(framed.as_slice());
    let _ = identities(bytes);
    let _ = Passphrase::read(bytes);
});
