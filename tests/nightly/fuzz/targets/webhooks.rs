#![no_main]
//! What anyone sends to the addresses of platforms, unsigned and signed with the app's own secret: read without panic,
//! and no id comes through that would lead a request elsewhere.

use std::sync::LazyLock;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use roster_protocol::Timestamp;
use rosterd::platforms::Registered;
use rosterd::platforms::webhook::{Hook, Pushed, Received};
use sha2::Sha256;

static PLATFORMS: LazyLock<Vec<Registered>> = LazyLock::new(|| roster_fuzz::platforms("http://127.0.0.1:1"));
const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(b"invented").expect("any key");
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().to_vec()
}

fn headers(body: &[u8]) -> HeaderMap {
    let meta = format!("sha256={}", HEXLOWER.encode(&mac(&[body])));
    let tiktok = format!("t=1800000000,s={}", HEXLOWER.encode(&mac(&[b"1800000000.".as_slice(), body])));
    let pairs = [("x-hub-signature-256", meta), ("tiktok-signature", tiktok)];
    let pairs = pairs.map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("letters and digits"))
    });
    HeaderMap::from_iter(pairs)
}

fuzz_target!(|bytes: &[u8]| {
    let payload = BASE64URL_NOPAD.encode(bytes);
    let request = format!("signed_request={}.{payload}", BASE64URL_NOPAD.encode(&mac(&[payload.as_bytes()])));
    for (signed, body) in [(headers(bytes), bytes), (HeaderMap::new(), bytes), (HeaderMap::new(), request.as_bytes())] {
        for registered in PLATFORMS.iter() {
            let Some(webhooks) = registered.platform.webhooks() else { continue };
            for hook in Hook::ALL {
                let received = Received { hook, headers: &signed, body, now: NOW };
                for pushed in webhooks.read(received).unwrap_or_default() {
                    let ids = match pushed {
                        Pushed::Changed { ids } => ids,
                        Pushed::Removed { owner_id, why, .. } => {
                            assert!(roster_fuzz::is_harmless(&why), "{why:?}");
                            vec![owner_id]
                        }
                        Pushed::Deletion { owner_id, .. } => vec![owner_id],
                    };
                    assert!(ids.iter().all(|id| !id.is_empty() && !id.contains(['/', '?', '#', '%'])), "{ids:?}");
                }
            }
            let query = String::from_utf8_lossy(bytes);
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let _ = webhooks.challenge(&pairs);
        }
    }
});
