#![no_main]
//! Foreign text before it reaches terminals, logs and desktops.

use libfuzzer_sys::fuzz_target;
use roster_fuzz::is_harmless;
use roster_protocol::alert::{About, Alert, AlertState, Severity};
use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId};
use roster_protocol::notice;
use roster_protocol::text::{clean, is_clean};
use roster_protocol::time::Timestamp;

fn alert(name: &str, why: &str) -> Alert {
    Alert {
        id: AlertId::from_bytes([1; 5]),
        state: AlertState::Open,
        rule: "needs-person".to_owned(),
        severity: Severity::Warning,
        about: About::Connection {
            connection: ConnectionId::from_bytes([3; 5]),
            influencer: InfluencerId::from_bytes([2; 5]),
            platform: "youtube".to_owned(),
        },
        influencer_name: Some(name.to_owned()),
        metric: None,
        from: None,
        to: None,
        change: None,
        opened_at: Timestamp(0),
        ended_at: None,
        acknowledged_by: None,
        acknowledged_at: None,
        note: None,
        assigned_to: None,
        assigned_at: None,
        group: None,
        members: 0,
        silenced: Default::default(),
        yours: None,
        explained: Default::default(),
        why: why.to_owned(),
    }
}

/// No markup, and every ampersand begins one of the three things it may.
fn is_plain(body: &str) -> bool {
    let entities = ["&amp;", "&lt;", "&gt;"];
    !body.contains(['<', '>'])
        && body.match_indices('&').all(|(at, _)| entities.iter().any(|entity| body[at..].starts_with(entity)))
}

fuzz_target!(|text: &str| {
    let most = text.len() % 300;
    let line = clean(text, most);
    assert!(is_harmless(&line), "{line:?}");
    assert_eq!(clean(&line, most), line, "clean text stays as it is");
    let _ = is_clean(text);
    let (name, why) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let alerts = [alert(name, why), alert(why, name)];
    for (title, body) in [notice::popup_text(&alerts[0]), notice::summary_text(&alerts)] {
        assert!(is_harmless(&title) && is_harmless(&body), "{title:?} {body:?}");
        assert!(is_plain(&body), "{body:?}");
    }
});
