use roster_protocol::alert::{About, Explained};
use roster_protocol::metric::Ratio;
use roster_protocol::rule::Window;
use roster_protocol::samples;
use roster_protocol::time::Timestamp;

use super::*;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\r\nBcc: x@y.example \u{1b}[31m\u{202e}\" https://evil.example & Co";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn alert(name: &str, severity: Severity) -> Alert {
    Alert {
        rule: "followers-fall".into(),
        severity,
        influencer_name: Some(name.into()),
        from: Some(10_900.0),
        to: Some(9_100.0),
        change: Some(9_100.0 / 10_900.0 - 1.0),
        opened_at: at("2026-11-21T12:00:00Z"),
        explained: Explained {
            window: Some(Window::Day),
            from_at: Some(at("2026-11-21T06:00:00Z")),
            usual: Some(Ratio(3_000)),
            peers: Some(Ratio(-1_000)),
            step: Some(100),
            score: Some(-55.04),
        },
        why: "followers fell 16.5 % within 6 hours, from 10,900 to 9,100 (a normal day: ±0.3 %)".into(),
        ..samples::alert()
    }
}

fn over(name: &str) -> Alert {
    Alert { state: AlertState::Resolved, ended_at: Some(at("2026-11-21T18:30:00Z")), ..alert(name, Severity::Warning) }
}

fn down() -> Alert {
    Alert {
        rule: "platform-down".into(),
        about: About::Platform("mastodon/social.example".into()),
        influencer_name: None,
        metric: None,
        from: None,
        to: None,
        change: None,
        explained: Explained::default(),
        why: "Mastodon (social.example) is down since 14:02".into(),
        ..alert("", Severity::Info)
    }
}

fn written(kind: MessageKind, alerts: Vec<Alert>) -> Text {
    let followers = [10_000, 10_050, 10_100, 10_900, 10_800, 9_500, 9_100];
    let hours = (0..).map(|hour| Timestamp(at("2026-11-21T06:00:00Z").0 + hour * 3_600_000));
    let points = if kind == MessageKind::Opened { hours.zip(followers).collect() } else { Vec::new() };
    let message = Message { id: "m1".into(), kind, at: at("2026-11-21T12:00:00Z"), alerts, points };
    write(&message, &TimeZone::get("Europe/Athens").expect("a zone"))
}

fn shown(text: &Text) -> String {
    format!("Subject: {}\n\n{}", text.subject, text.plain)
}

#[test]
fn an_alert_says_all_that_explains_it() {
    let text = written(MessageKind::Opened, vec![alert("Mara Lindqvist", Severity::Critical)]);
    assert!(text.is_critical);
    insta::assert_snapshot!("opened_plain", shown(&text));
    insta::assert_snapshot!("opened_html", text.html.replace("><", ">\n<"));
}

#[test]
fn an_end_says_that_it_is_one() {
    let noted = Alert {
        acknowledged_by: Some("ana".into()),
        acknowledged_at: Some(at("2026-11-21T13:00:00Z")),
        note: Some("a purge".into()),
        assigned_to: Some("oskar".into()),
        severity: Severity::Critical,
        ..over("Mara Lindqvist")
    };
    let text = written(MessageKind::Resolved, vec![noted]);
    assert!(!text.is_critical, "what is over is not urgent");
    insta::assert_snapshot!("resolved_plain", shown(&text));
}

#[test]
fn a_group_and_a_test_say_what_they_are() {
    let group = Alert { about: About::Platform("youtube".into()), influencer_name: None, members: 5000, ..down() };
    let group = Alert { why: "5,000 accounts moved together: followers −2.1 % (median)".into(), ..group };
    insta::assert_snapshot!("group_plain", shown(&written(MessageKind::Group, vec![group.clone()])));
    let grown = written(MessageKind::Grown, vec![group]);
    assert!(grown.subject.starts_with("Grown: ") && grown.plain.contains("far more by now"), "{}", grown.plain);
    insta::assert_snapshot!("test_plain", shown(&written(MessageKind::Test, vec![])));
}

#[test]
fn a_digest_has_the_gravest_first_and_of_one_severity_what_is_over_last() {
    let alerts = vec![down(), over("Ines"), alert("Oskar", Severity::Warning), alert("Mara", Severity::Critical)];
    let text = written(MessageKind::Digest, alerts);
    insta::assert_snapshot!("digest_plain", shown(&text));
    insta::assert_snapshot!("digest_html", text.html.replace("><", ">\n<"));
    let one = written(MessageKind::Digest, vec![over("Ines")]);
    assert_eq!(one.subject, "1 alert over: Ines · youtube");
}

#[test]
fn a_digest_of_thousands_counts_what_it_does_not_list() {
    let text = written(MessageKind::Digest, vec![alert("Mara", Severity::Info); 5000]);
    assert!(text.plain.contains("4900 more are not listed here"), "{}", &text.plain[..200]);
    assert_eq!(text.plain.matches("followers fell").count(), MOST_LISTED);
    // Gmail hides what is behind 102 KB.
    assert!(text.html.len() < 100_000, "{}", text.html.len());
}

#[test]
fn hostile_names_and_reasons_are_text() {
    let hostile = Alert {
        why: HOSTILE.into(),
        note: Some(HOSTILE.into()),
        acknowledged_by: Some(HOSTILE.into()),
        metric: None,
        ..alert(HOSTILE, Severity::Warning)
    };
    for kind in [MessageKind::Opened, MessageKind::Digest] {
        let text = written(kind, vec![hostile.clone(), hostile.clone()]);
        harmless(&text);
        let text = written(kind, vec![hostile.clone()]);
        harmless(&text);
        insta::assert_snapshot!(format!("hostile_{kind:?}"), shown(&text));
    }
}

/// Neither markup nor a link nor a line of the foreign text's own.
fn harmless(text: &Text) {
    assert!(!text.subject.contains(char::is_control), "{:?}", text.subject);
    for part in [&text.subject, &text.plain, &text.html] {
        assert!(!part.contains(['\u{1b}', '\u{202e}', '\r']), "{part}");
        assert!(!part.contains("://"), "{part}");
    }
    assert!(!text.plain.lines().any(|line| line.starts_with("Bcc")), "{}", text.plain);
    assert!(
        !text.html.contains("<img") && !text.html.contains("<a ") && !text.html.contains("<script"),
        "{}",
        text.html
    );
}

proptest::proptest! {
    #[test]
    fn no_foreign_text_becomes_markup(name in "(\\PC|\\pC|[<>&\"':/]){0,60}", why in "(\\PC|\\pC|[<>&\"':/]){0,300}") {
        let alert = Alert { why, rule: name.clone(), metric: None, ..alert(&name, Severity::Warning) };
        let text = written(MessageKind::Opened, vec![alert]);
        proptest::prop_assert!(!text.subject.contains(char::is_control));
        proptest::prop_assert!(!text.plain.contains("://") && !text.html.contains("://"));
        let tags = |html: &str| html.matches('<').count();
        let plain = written(MessageKind::Opened, vec![super::tests::alert("x", Severity::Warning)]);
        proptest::prop_assert!(tags(&text.html) <= tags(&plain.html));
    }
}
