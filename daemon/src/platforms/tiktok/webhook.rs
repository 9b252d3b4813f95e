//! What TikTok sends: that an owner ended an authorization, and what became of posts. Pure.
//!
//! After developers.tiktok.com "Webhooks: Overview", "Events" and "Verification", read on 2026-11-21. TikTok signs the
//! moment of sending and the bytes, repeats for 72 hours what is not answered with 200, and may send twice. Nothing is
//! said about followers.

use roster_protocol::time::Timestamp;
use serde::Deserialize;

use super::{NAME, TikTok};
use crate::platforms::reading::plain_id;
use crate::platforms::webhook::{Hook, Pushed, Received, Refused, SKEW_S, Webhooks, is_signed_hex};
use crate::secret::Secret;

#[derive(Deserialize)]
struct Notification {
    client_key: String,
    event: String,
    /// Seconds.
    create_time: i64,
    user_openid: String,
    /// JSON, as a text.
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct Removal {
    reason: u32,
}

impl Webhooks for TikTok {
    fn hooks(&self) -> &'static [Hook] {
        &[Hook::Events]
    }

    fn read(&self, received: Received<'_>) -> Result<Vec<Pushed>, Refused> {
        let app = self.app.as_ref().ok_or(Refused::NotHere)?;
        check_signature(&app.secret, received)?;
        let notification: Notification = serde_json::from_slice(received.body).map_err(|_| Refused::Malformed)?;
        let owner = plain_id(&notification.user_openid).ok_or(Refused::Malformed)?.to_owned();
        if notification.client_key != app.id {
            return Err(Refused::Malformed);
        }
        if notification.event != "authorization.removed" {
            return Ok(vec![Pushed::Changed { ids: vec![owner] }]);
        }
        let reason = serde_json::from_str::<Removal>(&notification.content).map_or(0, |removal| removal.reason);
        let at = Timestamp(notification.create_time.saturating_mul(1000));
        Ok(vec![Pushed::Removed { owner_id: owner, at, why: why(reason) }])
    }
}

/// Proves that the app's secret signed the body, and when.
fn check_signature(secret: &Secret, received: Received<'_>) -> Result<(), Refused> {
    let header = received.header("tiktok-signature").ok_or(Refused::Forged)?;
    let part = |name: &str| {
        let mut found = header.split(',').filter_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        found.next().filter(|_| found.next().is_none())
    };
    let (Some(at), Some(signature)) = (part("t"), part("s")) else { return Err(Refused::Forged) };
    if !is_signed_hex(secret, &[at.as_bytes(), b".", received.body], signature) {
        return Err(Refused::Forged);
    }
    let seconds: i64 = at.parse().map_err(|_| Refused::Malformed)?;
    let age = received.now.since(Timestamp(seconds.saturating_mul(1000)));
    if age.abs() > SKEW_S * 1000 { Err(Refused::Old) } else { Ok(()) }
}

/// Why an authorization is over, by TikTok's numbers.
fn why(reason: u32) -> String {
    let why = match reason {
        2 => "its account was deleted",
        3 => "the owner's age was changed",
        4 => "the owner was banned",
        5 => return format!("the authorization was revoked on {NAME} in our name: consent is needed again"),
        _ => return format!("the owner removed the authorization on {NAME}: consent is needed again"),
    };
    format!("{NAME} removed the authorization, because {why}: look at the account; consent is needed again")
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::OAuthApp;
    use crate::platforms::webhook::tests::headers;

    const SENT: Timestamp = Timestamp(1_633_174_587_000);
    const BODY: &str = "{\"client_key\":\"k\",\"event\":\"authorization.removed\",\"create_time\":1615338610,\
                        \"user_openid\":\"act.x\",\"content\":\"{\\\"reason\\\": 1 }\"}";
    const SIGNATURE: &str = "0e3134ded8d3cdfa9b747ec06b9328631e9d468744a7fe9a2f2f509f2b1ebdd0";

    fn tiktok() -> TikTok {
        let (id, secret) = ("k".to_owned(), Secret::new("client-secret"));
        TikTok { app: Some(OAuthApp { id, secret, redirect_uri: None, scopes: None, config_id: None }) }
    }

    fn read(signature: &str, body: &str, now: Timestamp) -> Result<Vec<Pushed>, Refused> {
        let headers = headers(&[("tiktok-signature", signature)]);
        tiktok().read(Received { hook: Hook::Events, headers: &headers, body: body.as_bytes(), now })
    }

    /// A body that is signed now.
    fn signed(body: &str) -> Result<Vec<Pushed>, Refused> {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(b"client-secret").expect("any key");
        let mac = mac.chain_update("1633174587.").chain_update(body).finalize().into_bytes();
        read(&format!("t=1633174587,s={}", data_encoding::HEXLOWER.encode(&mac)), body, SENT)
    }

    #[test]
    fn a_removal_counts_while_its_signature_is_fresh() {
        let good = format!("t=1633174587,s={SIGNATURE}");
        let removed = Ok(vec![Pushed::Removed {
            owner_id: "act.x".to_owned(),
            at: Timestamp(1_615_338_610_000),
            why: "the owner removed the authorization on TikTok: consent is needed again".to_owned(),
        }]);
        let check = |signature: &str, body: &str, after_s: i64, expected: &Result<Vec<Pushed>, Refused>| {
            assert_eq!(&read(signature, body, SENT.plus_seconds(after_s)), expected, "{signature} {after_s}");
        };
        check(&good, BODY, 0, &removed);
        check(&good, BODY, SKEW_S, &removed);
        check(&good, BODY, -SKEW_S, &removed);
        check(&good, BODY, SKEW_S + 1, &Err(Refused::Old));
        check(&good, BODY, -SKEW_S - 1, &Err(Refused::Old));
        check(&format!("s={SIGNATURE}, t=1633174587"), BODY, 0, &removed);
        let forged = Err(Refused::Forged);
        check(&good.replace("1633174587", "1633174588"), BODY, 0, &forged);
        check(&good, &BODY.replace("act.x", "act.y"), 0, &forged);
        for bad in ["", "t=1633174587", &format!("s={SIGNATURE}"), SIGNATURE, &format!("{good},t=1")] {
            check(bad, BODY, 0, &forged);
        }
    }

    #[test]
    fn the_reason_is_said_and_other_events_only_mark_the_account() {
        let with = |from: &str, to: &str| signed(&BODY.replace(from, to));
        let said = |reason: &str| match with("reason\\\": 1", &format!("reason\\\": {reason}")).as_deref() {
            Ok([Pushed::Removed { why, .. }]) => why.clone(),
            other => panic!("{other:?}"),
        };
        assert!(said("2").contains("was deleted") && said("3").contains("age") && said("4").contains("banned"));
        assert!(said("5").contains("in our name"));
        for unknown in ["0", "1", "99", "-1", "\\\"x\\\""] {
            assert!(said(unknown).starts_with("the owner removed the authorization on TikTok"), "{unknown}");
        }
        let changed = Ok(vec![Pushed::Changed { ids: vec!["act.x".to_owned()] }]);
        assert_eq!(with("authorization.removed", "video.publish.completed"), changed);
        assert_eq!(with("authorization.removed", "unheard.of"), changed);
        for (from, to) in [("\"k\"", "\"other\""), ("act.x", "../x"), ("1615338610", "\"x\""), ("{", "[")] {
            assert_eq!(with(from, to), Err(Refused::Malformed), "{to}");
        }
    }

    proptest! {
        #[test]
        fn any_request_is_read_without_panic(body in ".{0,200}", signature in ".{0,90}") {
            let _ = signed(&body);
            if let Ok(value) = http::HeaderValue::from_str(&signature) {
                let name = http::HeaderName::from_static("tiktok-signature");
                let headers = http::HeaderMap::from_iter([(name, value)]);
                let received = Received { hook: Hook::Events, headers: &headers, body: body.as_bytes(), now: SENT };
                prop_assert!(tiktok().read(received).is_err());
            }
        }
    }
}
