//! What a key or an addition opens: the account, the metric, the day, the influencer.

use roster_protocol::{About, Alert, Change, InfluencerRow, Metric, Run};

use super::*;
use crate::screens::influencer::charted::Charted;
use crate::screens::{alert, changes, sync};

#[test]
fn an_alert_a_change_a_run_and_a_connection_open_their_own_account() {
    // Its main account is another one, and is listed first.
    let (bluesky, influencer, at) = (connection_id(32), influencer_id(3), minutes_ago(95 * 1440));
    let check = |keys: &str, place: &dyn Fn(&mut Model), expected: (Metric, Option<i32>)| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        place(&mut model);
        press(&mut model, &mut daemon, "↵");
        let page: &influencer::State = state(&model);
        assert_eq!(page.connection().map(|connection| connection.id), Some(bluesky), "{keys}");
        let day = expected.1.map(|days| TODAY.plus_days(days));
        assert_eq!((page.charted, page.day), (Charted::Measured(expected.0), day), "{keys}");
        let shown = picture(&model);
        assert!(shown.contains("Bluesky oskarines.") && shown.contains(expected.0.label()), "{keys}: {shown}");
        assert_eq!(shown.contains("[1y]"), day.is_some(), "the chart reaches back to that day\n{shown}");
        // The cursor moves freely from there.
        press(&mut model, &mut daemon, "k");
        let page: &influencer::State = state(&model);
        assert_eq!((page.connection().map(|it| it.id), page.day), (Some(connection_id(31)), None), "{keys}");
    };
    let alert = |model: &mut Model| {
        let about = About::Connection { connection: bluesky, influencer, platform: "bluesky".to_owned() };
        let alert =
            Alert { about, metric: Some(Metric::AvgLikes), opened_at: at, ..crate::testing::alerts().remove(0) };
        state_mut::<alert::State>(model).expect("shown").alert = alert;
    };
    check("3↵", &alert, (Metric::AvgLikes, Some(-95)));
    let change = |model: &mut Model| {
        let change =
            Change { connection: bluesky, metric: Metric::AvgViews, at, ..crate::testing::changes().remove(0) };
        state_mut::<changes::State>(model).expect("shown").list.rows[0] = change;
    };
    check("4", &change, (Metric::AvgViews, Some(-95)));
    let run = |model: &mut Model| {
        let run = Run { connection: bluesky, influencer, started_at: at, ..runs().remove(0) };
        state_mut::<sync::State>(model).expect("shown").runs.rows[0] = run;
    };
    check("2", &run, (Metric::Followers, Some(-95)));
    check("6jjjjj", &|_| {}, (Metric::Followers, None));
}

#[test]
fn a_number_recorded_for_an_earlier_day_opens_on_that_day() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    // Measured, or recorded, now; but of another day.
    let snapshot = &snapshots()[60];
    press(&mut model, &mut daemon, "4");
    state_mut::<changes::State>(&mut model).expect("shown").list.rows[0].at = snapshot.observed_at;
    model.shared.days = TimeZone::get("Pacific/Kiritimati").ok();
    press(&mut model, &mut daemon, "↵");
    let page: &influencer::State = state(&model);
    assert_eq!(page.day, Some(snapshot.date), "its snapshot's, not the calendar's");
    assert!(picture(&model).contains(": 451,970"), "{}", picture(&model));
}

#[test]
fn a_day_without_a_number_is_shown_as_such() {
    for (days, expected) in [(69, "Sep 13: not measured"), (400, ": not measured"), (6 * 365, ": before this chart")] {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, "2");
        let run = &mut state_mut::<sync::State>(&mut model).expect("shown").runs.rows[0];
        run.started_at = minutes_ago(days * 1440);
        press(&mut model, &mut daemon, "↵");
        assert!(picture(&model).contains(expected), "{}", picture(&model));
    }
}

#[test]
fn an_account_that_is_gone_opens_no_other_account_s_day() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "4");
    state_mut::<changes::State>(&mut model).expect("shown").list.rows[0].connection = connection_id(77);
    press(&mut model, &mut daemon, "↵");
    let page: &influencer::State = state(&model);
    assert_eq!(page.day, None);
    assert!(picture(&model).contains("not connected any more"), "{}", picture(&model));
}

#[test]
fn only_who_is_seen_can_be_merged_into() {
    let mut daemon = Daemon::crowd(40);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "GM↓↓↓↓↓↓↓↓↓↓↓↓");
    let shown = picture(&model);
    assert!(shown.contains("▌ Invented 00008") && shown.contains("more fit: type more"), "{shown}");
    press(&mut model, &mut daemon, "↵");
    assert!(picture(&model).contains("Merge Invented 00039 into Invented 00008?"), "{}", picture(&model));
    press(&mut model, &mut daemon, "nM00021");
    assert!(!picture(&model).contains("more fit"), "{}", picture(&model));
}

#[test]
fn what_needs_a_consent_shows_nothing_without_one() {
    let mut daemon = Daemon::new();
    daemon.connections[0].grant = None;
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "6");
    assert!(picture(&model).contains("no consent: nothing is read · c asks"), "{}", picture(&model));
}

#[test]
fn the_next_key_is_for_the_one_who_was_added() {
    // In the list, with a filter that hides them, in another order, on another screen.
    for before in ["", "jj", "/osk↵", "/followers:x↵", "ooo", "2", "jj↵"] {
        let mut daemon = Daemon::new();
        daemon.preview.display_name = Some("Newcomer".to_owned());
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, &format!("{before}ahttps://bsky.app/profile/new.example↵↵"));
        assert_eq!(list(&model).current().map(|row| row.name.as_str()), Some("Newcomer"), "{before:?}");
        let added = daemon.influencers.last().expect("added").id;
        press(&mut model, &mut daemon, "c");
        let Some(Modal::Form(form)) = &model.modal else { panic!("{before:?}: no form") };
        assert!(
            matches!(&form.kind, modal::form::Kind::Connect { influencer, .. } if *influencer == added),
            "{before:?}"
        );
    }
}

#[test]
fn the_next_key_after_a_merge_is_for_the_one_who_stays() {
    let mut daemon = Daemon::crowd(40);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "jjjM00009↵y");
    assert_eq!(list(&model).current().map(|row| row.name.as_str()), Some("Invented 00009"));
}

#[test]
fn the_cursor_stays_on_the_one_who_was_added_until_it_is_moved() {
    let mut daemon = Daemon::crowd(5_000);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "aNewcomer↵↵");
    let name = |model: &Model| list(model).current().map(|row| row.name.clone());
    assert_eq!((name(&model).as_deref(), list(&model).window.cursor), (Some("Newcomer"), 5_000));
    // The first sync moves the row far away.
    let row: InfluencerRow = daemon.influencers.pop().expect("added");
    daemon.influencers.insert(7, row);
    let batch = || EventBatch { next: Cursor::default(), events: vec![Event::SyncMoved], reload: false };
    send(&mut model, &mut daemon, Message::Happened(batch()));
    assert_eq!((name(&model).as_deref(), list(&model).window.cursor), (Some("Newcomer"), 7));
    press(&mut model, &mut daemon, "j");
    assert_eq!(name(&model).as_deref(), Some("Invented 00007"));
    press(&mut model, &mut daemon, "k");
    daemon.influencers.remove(7);
    send(&mut model, &mut daemon, Message::Happened(batch()));
    assert_eq!(name(&model).as_deref(), Some("Invented 00007"), "the one after who was removed");
}
