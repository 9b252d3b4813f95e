//! Silences: which alerts they are about, what is refused, and what becomes of them.

use roster_protocol::silence::{NewSilence, SilenceEnd};

use super::*;
use crate::decision::deliveries::put;
use crate::decision::{merge, silences};
use crate::model::{DeliveryKey, DeliveryKind};

fn new() -> NewSilence {
    let ends = SilenceEnd::After(Seconds(3600));
    NewSilence { rule: None, platform: None, influencer: None, tag: None, ends, reason: "known".into() }
}

fn scene() -> Scene {
    let mara = Influencer { tags: vec!["Beauty".into()], ..influencer(MARA, "Mara") };
    Scene::new().after(RosterCommit { influencers: vec![mara], ..RosterCommit::default() })
}

#[test]
fn an_alert_is_silent_when_it_matches_every_part() {
    let of_mara = Alert { rule: "big-drop".into(), ..alert(1, AlertState::Open, about(SKY, MARA)) };
    let down = alert(2, AlertState::Open, About::Platform("bluesky/host.example".into()));
    let check = |new: NewSilence, expected: [bool; 2]| {
        let mut scene = scene();
        let (_, commit) = scene.commit(|decision| silences::add(decision, &ana(), &new));
        let mut scene = scene.after(commit);
        let covered = [&of_mara, &down].map(|alert| scene.decide(|decision| silences::cover(decision, alert)).0);
        assert_eq!(covered, expected, "{new:?}");
    };
    let some = |text: &str| Some(text.to_owned());
    check(new(), [true, true]);
    check(NewSilence { rule: some("big-drop"), ..new() }, [true, false]);
    check(NewSilence { platform: some("bluesky"), ..new() }, [true, true]);
    check(NewSilence { platform: some("youtube"), ..new() }, [false, false]);
    check(NewSilence { influencer: some("Mara"), ..new() }, [true, false]);
    check(NewSilence { influencer: some("Léa"), ..new() }, [false, false]);
    check(NewSilence { tag: some("#beauty"), ..new() }, [true, false]);
    check(NewSilence { rule: some("big-drop"), platform: some("youtube"), ..new() }, [false, false]);
}

#[test]
fn what_makes_no_silence_is_refused() {
    let some = |text: &str| Some(text.to_owned());
    let at = |seconds: i64| SilenceEnd::At(NOON.plus_seconds(seconds));
    for (new, expected) in [
        (NewSilence { rule: some("no-such"), ..new() }, ErrorKind::NotFound),
        (NewSilence { platform: some("orkut"), ..new() }, ErrorKind::NotFound),
        (NewSilence { influencer: some("no one"), ..new() }, ErrorKind::NotFound),
        (NewSilence { tag: some("two words"), ..new() }, ErrorKind::Usage),
        (NewSilence { reason: "  ".into(), ..new() }, ErrorKind::Usage),
        (NewSilence { reason: "a\u{1b}[2J".into(), ..new() }, ErrorKind::Usage),
        (NewSilence { ends: at(0), ..new() }, ErrorKind::Usage),
        (NewSilence { ends: at(367 * 86_400), ..new() }, ErrorKind::Usage),
        (NewSilence { ends: SilenceEnd::After(Seconds(u64::MAX)), ..new() }, ErrorKind::Usage),
    ] {
        let error = scene().refusal(|decision| silences::add(decision, &ana(), &new));
        assert_eq!(error.kind, expected, "{new:?}: {error:?}");
    }
}

#[test]
fn a_silence_ends_by_its_id_and_goes_with_a_merged_influencer() {
    let mut scene = scene();
    let named = NewSilence { influencer: Some("Mara".into()), ..new() };
    let (id, commit) = scene.commit(|decision| silences::add(decision, &ana(), &named));
    assert_eq!(lines(&commit), [format!("silence.add {id} Mara: – -> until {}: known", NOON.plus_seconds(3600))]);
    let mut scene = scene.after(commit);
    let (_, commit) = scene.commit(|decision| merge::merge(decision, &ana(), "Mara", "Léa"));
    let moved: Vec<_> = commit.alerting.silences.iter().map(|it| (it.id, it.influencer)).collect();
    assert_eq!(moved, [(id, Some(LEA))]);
    for wrong in ["", "no-such"] {
        let error = scene.refusal(|decision| silences::end(decision, &ana(), wrong));
        assert_eq!(error.kind, ErrorKind::NotFound, "{wrong:?}");
    }
    let (_, commit) = scene.commit(|decision| silences::end(decision, &ana(), &id.to_string()[..4]));
    assert_eq!((commit.alerting.removed_silences.as_slice(), lines(&commit).len()), ([id].as_slice(), 1));
    let scene = scene.after(commit);
    assert!(scene.roster.silences.is_empty());
}

#[test]
fn a_silence_stops_what_waits_to_be_delivered_of_alerts_that_are_open_already() {
    let later = |hours: i64| NOON.plus_seconds(hours * 3600);
    let key = |number: u64, kind: DeliveryKind| DeliveryKey::of(number, "team", kind);
    let down = alert(2, AlertState::Open, About::Platform("bluesky/host.example".into()));
    let mut scene = scene().with_alerts(vec![alert(1, AlertState::Open, about(SKY, MARA)), down]);
    let (_, commit) = scene.commit(|decision| {
        for (key, at) in [
            (key(1, DeliveryKind::Opened), later(0)),
            (key(1, DeliveryKind::Grown), later(0)),
            (key(1, DeliveryKind::Resolved), later(0)),
            (key(2, DeliveryKind::Opened), later(0)),
        ] {
            put(decision, key, at, None);
        }
        // One hour is silent: what escalates before its end is dropped, what comes after is not.
        put(decision, DeliveryKey::of(1, "boss", DeliveryKind::Escalated), later(2), None);
        put(decision, DeliveryKey::of(1, "team", DeliveryKind::Escalated), NOON.plus_seconds(3599), None);
        Ok(())
    });
    let mut scene = scene.after(commit);
    let named = NewSilence { influencer: Some("Mara".into()), ..new() };
    let (_, mut commit) = scene.commit(|decision| silences::add(decision, &ana(), &named));
    commit.alerting.dropped.sort();
    let mut expected = [DeliveryKind::Opened, DeliveryKind::Escalated, DeliveryKind::Grown].map(|kind| key(1, kind));
    expected.sort();
    assert_eq!(commit.alerting.dropped, expected);
}
