//! What YouTube's hub sends: that a channel published, changed or deleted a video. Pure.
//!
//! After developers.google.com/youtube/v3/guides/push_notifications and WebSub (w3.org/TR/websub), read on 2026-11-21.
//! A subscription is for one channel and ends after at most ten days. Each has an address and a secret of its own, so
//! that nothing of a notification is read: which channel it is about is known from where it was sent to. Nothing is
//! said about subscribers.

use hmac::{Hmac, KeyInit, Mac};
use roster_protocol::time::Seconds;
use sha1::Sha1;

use super::YouTube;
use crate::platforms::webhook::{Hook, Hub, Pushed, Received, Refused, Webhooks, is_signed_hex};
use crate::secret::Secret;

const HUB: Hub = Hub {
    host: "pubsubhubbub.appspot.com",
    path: "/subscribe",
    topic: |channel| format!("https://www.youtube.com/xml/feeds/videos.xml?channel_id={channel}"),
    longest: Seconds(10 * 24 * 3600),
};

impl Webhooks for YouTube {
    /// Nothing is entered anywhere.
    fn hooks(&self) -> &'static [Hook] {
        &[]
    }

    fn read(&self, _: Received<'_>) -> Result<Vec<Pushed>, Refused> {
        Err(Refused::NotHere)
    }

    fn hub(&self) -> Option<&'static Hub> {
        Some(&HUB)
    }

    /// The hub signs with SHA-1; the standard knows others.
    fn is_from_hub(&self, secret: &Secret, received: Received<'_>) -> bool {
        let Some((method, signature)) = received.header("x-hub-signature").and_then(|value| value.split_once('='))
        else {
            return false;
        };
        match method {
            "sha1" => {
                let Ok(mac) = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()) else { return false };
                let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
                decoded.is_ok_and(|signature| mac.chain_update(received.body).verify_slice(&signature).is_ok())
            }
            "sha256" => is_signed_hex(secret, &[received.body], signature),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Timestamp;

    use super::*;
    use crate::platforms::webhook::tests::headers;

    #[test]
    fn only_the_hub_that_has_the_secret_is_believed() {
        let check = |signature: &str, body: &[u8], expected: bool| {
            let headers = headers(&[("x-hub-signature", signature)]);
            let received = Received { hook: Hook::Events, headers: &headers, body, now: Timestamp(0) };
            let youtube = YouTube::new(None, None);
            assert_eq!(youtube.is_from_hub(&Secret::new("hub-secret"), received), expected, "{signature}");
        };
        let good = "sha1=d07260cad34b4772d7f4167f7e45b4d5f26fe2a1";
        check(good, b"<feed/>", true);
        check(good, b"<feed />", false);
        check(&good.replace("sha1", "sha256"), b"<feed/>", false);
        check(&good.replace("sha1", "md5"), b"<feed/>", false);
        for bad in ["", "sha1", "sha1=", "d07260cad34b4772d7f4167f7e45b4d5f26fe2a1", &good[..40]] {
            check(bad, b"<feed/>", false);
        }
        check("sha256=61dad5919d4ef6db9579425b5bafae84aed088ea3e9a02988a2b898250ee0f0a", b"<feed/>", true);
        assert_eq!((HUB.topic)("UC1"), "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC1");
    }
}
