#![no_main]
//! What token endpoints respond, and what browsers bring back: read without panic, and never quoted in an error.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rosterd::oauth::{Reply, TokenRequest};
use rosterd::platforms::Registered;
use rosterd::secret::Secret;

static PLATFORMS: LazyLock<Vec<Registered>> = LazyLock::new(|| roster_fuzz::platforms("http://127.0.0.1:1"));
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 401, 429, 503];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes).into_owned();
    for registered in PLATFORMS.iter() {
        let Some(provider) = &registered.provider else { continue };
        let reply = Reply { status: STATUSES[usize::from(*first) % 8], body: Secret::new(text.clone()) };
        if let Err(error) = provider.read_tokens(&reply, TokenRequest::Renewal) {
            let error = error.to_string();
            assert!(roster_fuzz::is_harmless(&error) && error.chars().count() < 400, "{error:?}");
        }
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let _ = provider.read_callback(&pairs);
    }
});
