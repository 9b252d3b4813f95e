//! What Meta sends: notifications, and requests of owners who removed the app or want their data deleted. Pure.
//!
//! After developers.facebook.com /docs/graph-api/webhooks "Getting Started" and /docs/development/create-an-app
//! "Data Deletion Request Callback", read on 2026-11-21. Meta signs the bytes that it sends; it does not sign when. It
//! repeats a notification for 36 hours, up to a thousand entries together.

use data_encoding::BASE64URL_NOPAD;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use url::form_urlencoded;

use crate::platforms::reading::{Items, id, plain_id};
use crate::platforms::webhook::{Hook, Pushed, REMEMBERED_S, Received, Refused, SKEW_S, is_signed, is_signed_hex};
use crate::secret::Secret;
use crate::secret::vault::fingerprint;

/// More entries are not read: a batch has no more.
const MOST_ENTRIES: usize = 1000;
/// A challenge is a number.
const MOST_CHALLENGE_BYTES: usize = 100;

/// What proves and answers requests of one app.
pub(in crate::platforms) struct MetaHooks<'a> {
    /// The platform's name for users.
    pub(in crate::platforms) name: &'static str,
    /// The app's secret; `None` where the app is not set up.
    pub(in crate::platforms) secret: Option<&'a Secret>,
    /// What the operator entered at Meta beside the address of notifications.
    pub(in crate::platforms) verify_token: Option<&'a Secret>,
}

#[derive(Deserialize)]
struct Batch {
    entry: Items,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(deserialize_with = "id")]
    id: String,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(deserialize_with = "id")]
    user_id: String,
    algorithm: String,
    issued_at: i64,
}

impl MetaHooks<'_> {
    /// As `Webhooks::hooks`.
    pub(in crate::platforms) const HOOKS: &'static [Hook] = &Hook::ALL;

    /// As `Webhooks::read`.
    pub(in crate::platforms) fn read(&self, received: Received<'_>) -> Result<Vec<Pushed>, Refused> {
        let secret = self.secret.ok_or(Refused::NotHere)?;
        match received.hook {
            Hook::Events => notification(secret, received).map(|ids| vec![Pushed::Changed { ids }]),
            Hook::Deauthorize => {
                let (owner_id, at) = signed_request(secret, received)?;
                let why = format!("the owner removed the authorization on {}: consent is needed again", self.name);
                Ok(vec![Pushed::Removed { owner_id, at, why }])
            }
            Hook::Deletion => {
                let (owner_id, at) = signed_request(secret, received)?;
                Ok(vec![Pushed::Deletion { owner_id, at }])
            }
        }
    }

    /// As `Webhooks::challenge`.
    pub(in crate::platforms) fn challenge(&self, query: &[(String, String)]) -> Result<String, Refused> {
        let token = self.verify_token.ok_or(Refused::NotHere)?;
        let given = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (Some("subscribe"), Some(presented), Some(challenge)) =
            (given("hub.mode"), given("hub.verify_token"), given("hub.challenge"))
        else {
            return Err(Refused::Malformed);
        };
        if fingerprint(&Secret::new(presented)) != fingerprint(token) {
            return Err(Refused::Forged);
        }
        let is_plain = challenge.len() <= MOST_CHALLENGE_BYTES && challenge.bytes().all(|c| c.is_ascii_alphanumeric());
        if is_plain { Ok(challenge.to_owned()) } else { Err(Refused::Malformed) }
    }
}

/// The ids that a notification is about, each once.
fn notification(secret: &Secret, received: Received<'_>) -> Result<Vec<String>, Refused> {
    let signature = received.header("x-hub-signature-256").and_then(|value| value.strip_prefix("sha256="));
    if !signature.is_some_and(|signature| is_signed_hex(secret, &[received.body], signature)) {
        return Err(Refused::Forged);
    }
    let batch: Batch = serde_json::from_slice(received.body).map_err(|_| Refused::Malformed)?;
    let entries = batch.entry.iter().take(MOST_ENTRIES);
    let entries = entries.filter_map(|text| serde_json::from_str::<Entry>(text.get()).ok());
    let mut ids: Vec<String> = entries.filter_map(|entry| plain_id(&entry.id).map(str::to_owned)).collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Who sent a signed request, by their id within the app, and when Meta issued it.
fn signed_request(secret: &Secret, received: Received<'_>) -> Result<(String, Timestamp), Refused> {
    let mut fields = form_urlencoded::parse(received.body).filter(|(name, _)| name == "signed_request");
    let (Some((_, request)), None) = (fields.next(), fields.next()) else { return Err(Refused::Malformed) };
    let (signature, payload) = request.split_once('.').ok_or(Refused::Malformed)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| Refused::Forged)?;
    if !is_signed(secret, &[payload.as_bytes()], &signature) {
        return Err(Refused::Forged);
    }
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|_| Refused::Malformed)?;
    let signed: Signed = serde_json::from_slice(&payload).map_err(|_| Refused::Malformed)?;
    let owner = plain_id(&signed.user_id).ok_or(Refused::Malformed)?;
    if !signed.algorithm.eq_ignore_ascii_case("HMAC-SHA256") {
        return Err(Refused::Malformed);
    }
    let at = Timestamp(signed.issued_at.saturating_mul(1000));
    let age = received.now.since(at);
    match (-SKEW_S * 1000..=REMEMBERED_S * 1000).contains(&age) {
        true => Ok((owner.to_owned(), at)),
        false => Err(Refused::Old),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platforms::webhook::tests::headers;

    /// When the sample request was issued.
    const ISSUED: Timestamp = Timestamp(1_291_836_800_000);
    const REQUEST: &str = "e4ceQm-XcbCvHuoHVaktFcsK2TKIC36fHF0Ymk8sF3c.\
                           eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4MDA\
                           sImV4cGlyZXMiOjEyOTE4NDA0MDB9";

    fn read(hook: Hook, pairs: &[(&'static str, &str)], body: &[u8], now: Timestamp) -> Result<Vec<Pushed>, Refused> {
        let secret = Secret::new("app-secret");
        let hooks = MetaHooks { name: "Facebook", secret: Some(&secret), verify_token: None };
        hooks.read(Received { hook, headers: &headers(pairs), body, now })
    }

    /// A request that the app's secret signs.
    fn signed(payload: &str) -> String {
        use hmac::{KeyInit, Mac};
        let payload = BASE64URL_NOPAD.encode(payload.as_bytes());
        let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"app-secret").expect("any key");
        let mac = mac.chain_update(&payload).finalize().into_bytes();
        format!("signed_request={}.{payload}", BASE64URL_NOPAD.encode(&mac))
    }

    #[test]
    fn a_notification_is_about_whom_its_signed_entries_name() {
        let good = "sha256=e6e9d7a842a48e17f43a34d6125d0d933e2aab92ee37f0993a4d493b50e3d438";
        let body = br#"{"object":"page","entry":[]}"#;
        let check = |signature: &str, body: &[u8], expected: Result<Vec<Pushed>, Refused>| {
            let found = read(Hook::Events, &[("x-hub-signature-256", signature)], body, ISSUED);
            assert_eq!(found, expected, "{signature}");
        };
        check(good, body, Ok(vec![Pushed::Changed { ids: vec![] }]));
        check(&good.replace("sha256=", ""), body, Err(Refused::Forged));
        check(&good.replace("sha256=", "sha1="), body, Err(Refused::Forged));
        check(good, br#"{"object":"page","entry":[ ]}"#, Err(Refused::Forged));
        assert_eq!(read(Hook::Events, &[], body, ISSUED), Err(Refused::Forged));

        let of = |body: &str| {
            use hmac::{KeyInit, Mac};
            let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"app-secret").expect("any key").chain_update(body);
            let signature = format!("sha256={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()));
            read(Hook::Events, &[("x-hub-signature-256", &signature)], body.as_bytes(), ISSUED)
        };
        let ids = |ids: &[&str]| Ok(vec![Pushed::Changed { ids: ids.iter().map(|id| (*id).to_owned()).collect() }]);
        let two =
            r#"{"object":"instagram","entry":[{"id":"17","time":1},{"id":17,"changes":[{"field":"x"}]},{"id":"16"}]}"#;
        assert_eq!(of(two), ids(&["16", "17"]));
        assert_eq!(of(r#"{"entry":[{"id":"../me"},{"id":"18"}]}"#), ids(&["18"]), "no other path is requested");
        assert_eq!(of(r#"{"entry":[{},7,{"id":{}},{"id":"19"}]}"#), ids(&["19"]), "one odd entry costs itself");
        for bad in ["", "[]", "{}", r#"{"entry":7}"#, "\u{0}"] {
            assert_eq!(of(bad), Err(Refused::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_signed_request_names_its_owner_while_it_is_fresh() {
        let at = |hook, after_s: i64| {
            let body = format!("signed_request={REQUEST}");
            read(hook, &[], body.as_bytes(), ISSUED.plus_seconds(after_s))
        };
        let deletion = Ok(vec![Pushed::Deletion { owner_id: "218471".to_owned(), at: ISSUED }]);
        assert_eq!(at(Hook::Deletion, 0), deletion);
        assert_eq!(at(Hook::Deletion, REMEMBERED_S), deletion);
        assert_eq!(at(Hook::Deletion, REMEMBERED_S + 1), Err(Refused::Old));
        assert_eq!(at(Hook::Deletion, -SKEW_S), deletion);
        assert_eq!(at(Hook::Deletion, -SKEW_S - 1), Err(Refused::Old));
        match at(Hook::Deauthorize, 60).expect("genuine").as_slice() {
            [Pushed::Removed { owner_id, why, .. }] => {
                assert!(owner_id == "218471" && why.contains("removed the authorization on Facebook"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_that_is_not_signed_or_not_understood_does_nothing() {
        let check = |body: &str, expected: Refused| {
            assert_eq!(read(Hook::Deletion, &[], body.as_bytes(), ISSUED), Err(expected), "{body}");
        };
        let good = r#"{"user_id":218471,"algorithm":"HMAC-SHA256","issued_at":1291836800}"#;
        assert!(read(Hook::Deletion, &[], signed(good).as_bytes(), ISSUED).is_ok(), "its id may be a number");
        check("", Refused::Malformed);
        check("signed_request=", Refused::Malformed);
        check("signed_request=.", Refused::Forged);
        check(&format!("signed_request={}", REQUEST.replacen('e', "f", 1)), Refused::Forged);
        check(&format!("signed_request={}", REQUEST.replace("J1c2", "J1c3")), Refused::Forged);
        check(&format!("signed_request={REQUEST}&signed_request={REQUEST}"), Refused::Malformed);
        check(&signed("{}"), Refused::Malformed);
        check(&signed("no JSON"), Refused::Malformed);
        check(&signed(&good.replace("HMAC-SHA256", "none")), Refused::Malformed);
        check(&signed(&good.replace("218471", "\"../me\"")), Refused::Malformed);
        check(&signed(&good.replace("1291836800", "99999999999999")), Refused::Old);
        check(&signed(&good.replace("1291836800", "-9223372036854775808")), Refused::Old);
        check(&signed(r#"{"user_id":"1","algorithm":"HMAC-SHA256"}"#), Refused::Malformed);
    }

    #[test]
    fn the_challenge_is_returned_to_who_knows_the_token() {
        let token = Secret::new("verify-me");
        let check = |token: Option<&Secret>, query: &str, expected: Result<&str, Refused>| {
            let hooks = MetaHooks { name: "Facebook", secret: None, verify_token: token };
            let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            assert_eq!(hooks.challenge(&query).as_deref().map_err(|refused| *refused), expected, "{query:?}");
        };
        let good = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify-me";
        check(Some(&token), good, Ok("1158201444"));
        check(None, good, Err(Refused::NotHere));
        check(Some(&token), &good.replace("verify-me", "verify-you"), Err(Refused::Forged));
        check(Some(&token), &good.replace("verify-me", ""), Err(Refused::Forged));
        check(Some(&token), &good.replace("=subscribe", "=other"), Err(Refused::Malformed));
        check(Some(&token), &good.replace("1158201444", "%3Cscript%3E"), Err(Refused::Malformed));
        check(Some(&token), &good.replace("1158201444", &"1".repeat(101)), Err(Refused::Malformed));
        check(Some(&token), "", Err(Refused::Malformed));
    }

    proptest! {
        #[test]
        fn any_request_is_read_without_panic(body in any::<Vec<u8>>(), signature in ".{0,90}", payload in ".{0,200}") {
            if let Ok(value) = http::HeaderValue::from_str(&signature) {
                let headers = http::HeaderMap::from_iter([(http::HeaderName::from_static("x-hub-signature-256"), value)]);
                let secret = Secret::new("app-secret");
                let hooks = MetaHooks { name: "Facebook", secret: Some(&secret), verify_token: None };
                for hook in Hook::ALL {
                    let _ = hooks.read(Received { hook, headers: &headers, body: &body, now: ISSUED });
                }
            }
            let _ = read(Hook::Deletion, &[], signed(&payload).as_bytes(), ISSUED);
        }
    }
}
