//! What users type: names, tags, notes, intervals, pauses, accounts, merging, removing.

use roster_protocol::audit::PauseTarget;
use roster_protocol::connection::{Profile, Source};
use roster_protocol::ids::Id;
use roster_protocol::influencer::{EditBase, InfluencerEdit, NewInfluencer};
use roster_protocol::metric::Numbers;
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::Date;

use super::*;
use crate::decision::connect::{self, Found};
use crate::decision::{acknowledge, checks, edit, erase, merge, pause, record, request};
use crate::model::Settings;
use crate::platforms::Observation;
use crate::roster::rows::Seen;

const SEEN: Seen = Seen { now: NOON, interval: Seconds(6 * 3600) };

#[test]
fn what_users_type_is_stored_up_to_its_bounds() {
    let name = |text: &str| checks::checked_name(text).ok();
    assert_eq!(name("Mara"), Some("Mara".into()));
    assert_eq!(["𝒶".repeat(80), "𝒶".repeat(81)].map(|text| name(&text).is_some()), [true, false]);
    assert_eq!([name(""), name("a\u{1b}[2J")], [None, None]);
    let tag = |text: &str| checks::checked_tag(text).ok();
    assert_eq!(tag("##beauty"), Some("beauty".into()));
    assert_eq!([tag(&"a".repeat(60)).is_some(), tag(&"a".repeat(61)).is_some()], [true, false]);
    assert_eq!([tag("two words"), tag("#"), tag("a\u{7}")], [None, None, None]);
    let note = |text: &str| checks::checked_note(text).ok();
    assert_eq!(note(" likes tea "), Some(Some("likes tea".into())));
    assert_eq!(note("  "), Some(None));
    assert_eq!([note(&"a".repeat(1000)).is_some(), note(&"a".repeat(1001)).is_some()], [true, false]);
    assert_eq!(note("a\u{1b}[2J"), None);
    let tags = |count: usize| checks::sorted_tags((0..count).rev().map(|number| format!("t{number:02}")).collect());
    assert_eq!(checks::sorted_tags(["b", "a", "b"].map(String::from).into()).ok(), Some(vec!["a".into(), "b".into()]));
    assert_eq!([tags(20).is_ok(), tags(21).is_ok()], [true, false]);
}

fn found(platform: &str, handle: &str, id: Option<&str>) -> Found {
    let observation = id.map(|id| Observation { platform_user_id: id.into(), ..Observation::default() });
    Found { platform: platform.into(), handle: handle.into(), observation }
}

#[test]
fn two_spellings_of_an_account_are_one() {
    let check = |a: &Found, b: &Found, expected: bool| assert_eq!(a.is_same(b), expected, "{a:?} {b:?}");
    check(&found("bluesky", "A.example", None), &found("bluesky", "a.EXAMPLE", None), true);
    check(&found("bluesky", "a.example", Some("1")), &found("bluesky", "b.example", Some("1")), true);
    check(&found("bluesky", "a.example", Some("1")), &found("bluesky", "b.example", Some("2")), false);
    check(&found("bluesky", "a.example", None), &found("bluesky", "b.example", None), false);
    check(&found("bluesky", "a.example", Some("1")), &found("mastodon", "a.example", Some("1")), false);
}

#[test]
fn an_influencer_is_added_with_accounts_and_both_are_logged() {
    let new = NewInfluencer { name: "Ida".into(), accounts: vec![], tags: vec!["#b".into(), "a".into()], note: None };
    let accounts = vec![found("bluesky", "ida.example", Some("did:ida")), found("youtube", "@ida", None)];
    let entry = edit::Entry::checked(&new).expect("it can be stored");
    let (id, commit) = Scene::new().commit(|decision| edit::add(decision, &ana(), entry, accounts));
    let [influencer] = commit.roster.influencers.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((influencer.id, influencer.name.as_str(), influencer.tags.join(" ")), (id, "Ida", "a b".into()));
    assert_eq!(influencer.added_at, NOON);
    let stored = commit.roster.connections.iter().map(|it| (it.influencer, it.handle.as_str(), it.next_due_at));
    assert_eq!(Vec::from_iter(stored), [(id, "ida.example", NOON), (id, "@ida", NOON)]);
    let [sky, tube] = [0, 1].map(|index| commit.roster.connections[index].id);
    let expected = [
        format!("influencer.add {id} Ida: – -> –"),
        format!("connection.connect {sky} bluesky:ida.example: – -> –"),
        format!("connection.connect {tube} youtube:@ida: – -> –"),
    ];
    assert_eq!(lines(&commit), expected);
    let who = commit.audit.lines[0].who.clone();
    assert_eq!((who, commit.audit.lines[0].at, commit.audit.lines[0].cause.as_str()), (Some(ana()), NOON, "person"));
}

#[test]
fn a_fresh_id_is_in_neither_the_roster_nor_the_commit() {
    let mut scene = Scene::new();
    let drawn: Id<roster_protocol::ids::OfInfluencer> = scene.dice.clone().id();
    let taken = Connection { id: Id::from_bytes(drawn.0), ..connection(SKY, MARA, "youtube", "@other") };
    scene = scene.with_connection(taken);
    let (ids, _) = scene.decide(|decision| {
        let first: InfluencerId = decision.fresh_id();
        decision.commit.roster.influencers.push(influencer(first, "Ida"));
        decision.dice.0 = fastrand::Rng::with_seed(7);
        (first, decision.fresh_id::<roster_protocol::ids::OfConnection>())
    });
    assert_ne!(ids.0.0, drawn.0, "a connection has the first");
    assert!(ids.1.0 != drawn.0 && ids.1.0 != ids.0.0, "the roster has the first, the commit the second");
}

#[test]
fn shares_are_spread_between_nothing_and_all() {
    let mut dice = Dice(fastrand::Rng::with_seed(7));
    let shares: Vec<f64> = (0..100).map(|_| dice.share()).collect();
    let within = |low: f64, high: f64| shares.iter().filter(|share| (low..high).contains(*share)).count();
    assert_eq!(within(0.0, 1.0), 100);
    assert!([within(0.0, 0.5), within(0.5, 1.0)].iter().all(|half| (30..=70).contains(half)), "{shares:?}");
}

#[test]
fn a_disconnected_account_comes_back_with_its_history() {
    let profile = Some(Profile {
        followers: Some(7),
        engagement_rate: None,
        avg_likes: None,
        as_of: Timestamp(3),
        source: Source::Api,
    });
    let before = Connection {
        disconnected_at: Some(Timestamp(9)),
        interval: Some(Seconds(60)),
        last_synced_at: Some(Timestamp(8)),
        first_day: Some(Date(3)),
        failures: 4,
        paused: true,
        profile,
        ..connection(SKY, MARA, "bluesky", "mara.example")
    };
    let mut scene = Scene::new().with_connection(before.clone());
    let again = found("bluesky", "mara.example", Some("id:mara.example"));
    let (id, commit) = scene.commit(|decision| connect::put(decision, &ana(), &influencer(LEA, "Léa"), again));
    let [after] = commit.roster.connections.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!(id, SKY);
    let expected = Connection {
        influencer: LEA,
        connected_at: NOON,
        disconnected_at: None,
        paused: false,
        next_due_at: NOON,
        slot_at: NOON,
        failures: 0,
        ..before
    };
    assert_eq!(*after, expected);
}

#[test]
fn a_taken_account_is_refused_with_a_way_on() {
    let mut scene = Scene::new();
    let taken = || found("bluesky", "MARA.example", None);
    let mut refused = |wanted: Influencer| {
        let error = scene.refusal(|decision| connect::put(decision, &ana(), &wanted, taken()));
        assert_eq!(error.message, "bluesky:mara.example is connected to Mara already");
        kinds(&error)
    };
    let merge = format!("are they one? `roster merge {LEA} {MARA}`; or `roster disconnect {SKY}` first");
    assert_eq!(refused(influencer(LEA, "Léa")), (ErrorKind::Conflict, merge));
    let own = format!("`roster show {MARA}` shows it as connection {SKY}");
    assert_eq!(refused(influencer(MARA, "Mara")), (ErrorKind::Conflict, own));
    let show = format!("`roster show {MARA}` shows that entry");
    assert_eq!(refused(influencer(InfluencerId::from_bytes([0x60; 5]), "Mara")), (ErrorKind::Conflict, show));
}

#[test]
fn an_edit_changes_what_it_names_and_logs_each_field() {
    let mut scene = Scene::new();
    let before =
        Influencer { tags: vec!["a".into(), "b".into()], note: Some("old".into()), ..influencer(MARA, "Mara") };
    scene = scene.after(RosterCommit { influencers: vec![before], ..RosterCommit::default() });
    let wanted = InfluencerEdit {
        name: Some("Mara Lind".into()),
        tag: vec!["#c".into()],
        untag: vec!["a".into()],
        note: Some("new".into()),
        main: Some(TUBE.to_string()),
        based_on: EditBase::default(),
    };
    let (id, commit) = scene.commit(|decision| edit::edit(decision, &ana(), "mara", &wanted));
    let [after] = commit.roster.influencers.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((id, after.name.as_str(), after.tags.join(" ")), (MARA, "Mara Lind", "b c".into()));
    assert_eq!((after.note.as_deref(), after.main), (Some("new"), Some(TUBE)));
    let expected = [
        format!("influencer.rename {MARA} Mara Lind: Mara -> Mara Lind"),
        format!("influencer.tags {MARA} Mara Lind: a b -> b c"),
        format!("influencer.note {MARA} Mara Lind: old -> new"),
        format!("influencer.main {MARA} Mara Lind: auto -> {TUBE}"),
    ];
    assert_eq!(lines(&commit), expected);

    scene = scene.after(commit);
    let auto = InfluencerEdit { main: Some("auto".into()), ..InfluencerEdit::default() };
    let (_, commit) = scene.commit(|decision| edit::edit(decision, &ana(), "Mara Lind", &auto));
    assert_eq!(commit.roster.influencers[0].main, None);
    let nothing = InfluencerEdit { name: Some("Mara Lind".into()), tag: vec!["b".into()], ..InfluencerEdit::default() };
    let (_, commit) = scene.commit(|decision| edit::edit(decision, &ana(), "Mara Lind", &nothing));
    assert!(commit.roster.influencers.is_empty() && commit.audit.lines.is_empty(), "nothing changed: {commit:?}");
    let others = InfluencerEdit { main: Some(HERS.to_string()), ..InfluencerEdit::default() };
    let error = scene.refusal(|decision| edit::edit(decision, &ana(), "Mara Lind", &others));
    assert_eq!(error.kind, ErrorKind::Usage);
}

#[test]
fn what_was_missed_before_another_interval_was_missed_by_the_one_before() {
    let late = Connection {
        next_due_at: NOON.plus_seconds(-13 * 3600),
        slot_at: NOON.plus_seconds(-13 * 3600),
        ..connection(SKY, MARA, "bluesky", "mara.example")
    };
    let mut scene = Scene::new().with_connection(late);
    let (_, commit) =
        scene.commit(|decision| edit::set_interval(decision, &ana(), &SKY.to_string(), Some(Seconds(10)), None));
    let missed: u64 = commit.sync.runs.iter().map(|run| run.missed).sum();
    assert_eq!(missed, 2, "two slots of six hours, and the last is run now: {:?}", commit.sync.runs);
    let after = &commit.roster.connections[0];
    assert!(after.slot_at > NOON.plus_seconds(-6 * 3600) && after.next_due_at <= NOON, "{after:?}");
}

#[test]
fn what_another_user_changed_meanwhile_is_not_overwritten() {
    let check = |edit: InfluencerEdit, refused: Option<&str>| {
        let mara = Influencer { note: Some("likes tea".into()), ..influencer(MARA, "Mara") };
        let mut scene = Scene::new().after(RosterCommit { influencers: vec![mara], ..RosterCommit::default() });
        let (result, commit) = scene.decide(|decision| edit::edit(decision, &ana(), "Mara", &edit));
        assert_eq!(result.as_ref().err().map(|error| error.message.as_str()), refused, "{edit:?}");
        assert_eq!(commit.roster.influencers.is_empty(), refused.is_some(), "{edit:?}");
    };
    let note = |note: &str, seen: Option<&str>| InfluencerEdit {
        note: Some(note.into()),
        based_on: EditBase { note: seen.map(String::from), name: None },
        ..InfluencerEdit::default()
    };
    check(note("likes coffee", None), None);
    check(note("likes coffee", Some("likes tea")), None);
    let refused = r#"the note was changed meanwhile: it is "likes tea" now, and was empty"#;
    check(note("likes coffee", Some("")), Some(refused));
    check(
        note("", Some("likes milk")),
        Some(r#"the note was changed meanwhile: it is "likes tea" now, and was "likes milk""#),
    );
    let based_on = EditBase { name: Some("Marla".into()), note: None };
    let name = InfluencerEdit { name: Some("Mia".into()), based_on, ..InfluencerEdit::default() };
    check(name, Some(r#"the name was changed meanwhile: it is "Mara" now, and was "Marla""#));
    // Tags are added and taken away one by one.
    check(InfluencerEdit { tag: vec!["new".into()], ..InfluencerEdit::default() }, None);
    let set = |based_on: Option<Seconds>| {
        let mut scene = Scene::new();
        let set = |decision: &mut Decision<'_>| {
            edit::set_interval(decision, &ana(), &SKY.to_string(), Some(Seconds(60)), Some(based_on))
        };
        scene.decide(set).0.map_err(|error| error.message)
    };
    assert!(set(None).is_ok());
    let refused = "the interval was changed meanwhile: it is \"default\" now, and was \"3600 s\"";
    assert_eq!(set(Some(Seconds(3600))), Err(refused.to_owned()));
}

#[test]
fn an_interval_of_ones_own_moves_the_next_slot() {
    let mut scene = Scene::new();
    let mut set = |interval: Option<u64>| {
        let interval = interval.map(Seconds);
        let (result, commit) =
            scene.decide(|decision| edit::set_interval(decision, &ana(), &SKY.to_string(), interval, None));
        let stored = commit.roster.connections.first().map(|it| (it.interval, it.next_due_at, it.slot_at));
        (result.is_ok(), stored, lines(&commit))
    };
    for (seconds, fits) in [(9, false), (10, true), (366 * 86_400, true), (366 * 86_400 + 1, false)] {
        assert_eq!(set(Some(seconds)).0, fits, "{seconds}");
    }
    // A slot in a week: what is due in an hour stays.
    let hour = NOON.plus_seconds(3600);
    let (_, stored, logged) = set(Some(7 * 86_400));
    assert_eq!(stored, Some((Some(Seconds(7 * 86_400)), hour, hour)));
    assert_eq!(logged, [format!("connection.interval {SKY} bluesky:mara.example: default -> 604800 s")]);
    let (_, stored, _) = set(Some(60));
    let (_, due, slot) = stored.expect("a connection");
    assert!(due > NOON && due <= NOON.plus_seconds(60) && slot == due, "the next minute: {due}");
}

#[test]
fn pauses_concern_what_they_name() {
    let mut scene = Scene::new();
    let mut set = |target: PauseTarget, paused: bool| {
        let (touched, commit) = scene.commit(|decision| pause::pause(decision, &ana(), &target, paused));
        (touched, commit)
    };
    let (touched, commit) = set(PauseTarget::All, true);
    assert_eq!(touched.len(), 3);
    assert_eq!(commit.roster.settings, Some(Settings { paused: true, paused_platforms: vec![] }));
    assert_eq!(lines(&commit), ["pause everything: – -> –"]);
    let (touched, commit) = set(PauseTarget::Platform("bluesky".into()), true);
    assert_eq!((touched.contains(&SKY), touched.contains(&TUBE), touched.contains(&HERS)), (true, false, true));
    assert_eq!(commit.roster.settings.map(|settings| settings.paused_platforms), Some(vec!["bluesky".to_owned()]));
    let (touched, commit) = set(PauseTarget::One(SKY.to_string()), false);
    assert_eq!((touched, lines(&commit)), (vec![SKY], vec![format!("resume {SKY} bluesky:mara.example: – -> –")]));
    let (touched, commit) = set(PauseTarget::One("Mara".into()), true);
    assert_eq!(touched.iter().collect::<std::collections::BTreeSet<_>>(), [SKY, TUBE].iter().collect());
    assert!(commit.roster.influencers[0].paused && commit.roster.connections.is_empty());

    let settings = Settings { paused: false, paused_platforms: vec!["bluesky".into(), "youtube".into()] };
    scene = scene.after(RosterCommit { settings: Some(settings), ..RosterCommit::default() });
    let platform = |slug: &str| PauseTarget::Platform(slug.into());
    for (slug, paused, expected) in [
        ("bluesky", true, "bluesky youtube"),
        ("bluesky", false, "youtube"),
        ("mastodon", true, "bluesky mastodon youtube"),
    ] {
        let (_, commit) = scene.commit(|decision| pause::pause(decision, &ana(), &platform(slug), paused));
        let settings = commit.roster.settings.expect("settings");
        assert_eq!((settings.paused, settings.paused_platforms.join(" ")), (false, expected.to_owned()));
    }
    let error = scene.refusal(|decision| pause::pause(decision, &ana(), &platform("orkut"), true));
    assert!(error.message.contains("orkut"), "{error:?}");
}

#[test]
fn only_open_alerts_are_acknowledged_and_each_once() {
    let alerts = [AlertState::Open, AlertState::Acknowledged, AlertState::Open];
    let alerts = alerts.into_iter().enumerate().map(|(index, state)| alert(index as u64 + 1, state, about(SKY, MARA)));
    let mut scene = Scene::new().with_alerts(alerts.collect());
    let ids = [1, 2, 1, 9].map(|number| AlertId::from_bytes([number; 5]));
    let ((), commit) = scene.commit(|decision| acknowledge::acknowledge(decision, &ana(), &ids, None));
    let [seen] = commit.alerting.alerts.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((seen.number, seen.state, seen.ended_at), (1, AlertState::Acknowledged, Some(NOON)));
    assert_eq!(seen.acknowledged_by.as_deref(), Some("ana"));
    assert_eq!(lines(&commit), [format!("alert.acknowledge {} followers fell: – -> –", ids[0])]);
    let nameless = Who { uid: 77, name: String::new() };
    let ((), commit) = scene.commit(|decision| acknowledge::acknowledge(decision, &nameless, &ids, None));
    assert_eq!(commit.alerting.alerts[0].acknowledged_by.as_deref(), Some("uid 77"));
}

#[test]
fn a_note_is_kept_on_what_is_acknowledged_now_or_was_before() {
    let before = Alert { note: Some("later".into()), ..alert(2, AlertState::Acknowledged, about(SKY, MARA)) };
    let mut scene = Scene::new().with_alerts(vec![alert(1, AlertState::Open, about(SKY, MARA)), before]);
    let ids = [1, 2, 9].map(|number| AlertId::from_bytes([number; 5]));
    let mut noted = |note: &str| scene.decide(|it| acknowledge::acknowledge(it, &ana(), &ids, Some(note)));
    let (result, commit) = noted("her agent knows");
    assert_eq!(result, Ok(()));
    let notes: Vec<_> = commit.alerting.alerts.iter().map(|it| (it.number, it.state, it.note.as_deref())).collect();
    let expected = |number| (number, AlertState::Acknowledged, Some("her agent knows"));
    assert_eq!(notes, [expected(1), expected(2)]);
    assert_eq!(commit.alerting.alerts[1].acknowledged_by, None, "another user did that");
    let expected = [
        format!("alert.acknowledge {} followers fell: – -> her agent knows", ids[0]),
        format!("alert.note {} followers fell: later -> her agent knows", ids[1]),
    ];
    assert_eq!(lines(&commit), expected);
    assert_eq!(noted("later").1.alerting.alerts.len(), 1, "the same note is no change");
    assert_eq!(noted(" ").1.alerting.alerts.len(), 1, "an empty note is none, and replaces none");
    for bad in ["a\nb", "\u{1b}[2J", &"x".repeat(1001)] {
        let (result, commit) = noted(bad);
        assert_eq!(result.map_err(|error| error.kind), Err(ErrorKind::Usage), "{bad:?}");
        assert!(commit.alerting.alerts.is_empty() && lines(&commit).is_empty(), "nothing is acknowledged without it");
    }
}

#[test]
fn an_alert_that_is_not_over_is_assigned_to_a_user() {
    let assigned = Alert { assigned_to: Some("ines".into()), ..alert(2, AlertState::Acknowledged, about(SKY, MARA)) };
    let mut scene = Scene::new().with_alerts(vec![alert(1, AlertState::Open, about(SKY, MARA)), assigned]);
    let id = |number| AlertId::from_bytes([number; 5]);
    let mut assign = |number, user: Option<&str>| {
        let ((), commit) = scene.commit(|decision| acknowledge::assign(decision, &ana(), id(number), user));
        let alert = commit.alerting.alerts.first().map(|alert| (alert.state, alert.assigned_to.clone()));
        (alert, lines(&commit).join(""))
    };
    let expected = Some((AlertState::Open, Some("oskar".into())));
    assert_eq!(assign(1, Some("oskar")), (expected, format!("alert.assign {} followers fell: – -> oskar", id(1))));
    let expected = Some((AlertState::Acknowledged, None));
    assert_eq!(assign(2, None), (expected, format!("alert.assign {} followers fell: ines -> –", id(2))));
    assert_eq!([assign(2, Some("ines")), assign(1, None)], [(None, String::new()), (None, String::new())]);
    let mut refused = |number, user| scene.refusal(|it| acknowledge::assign(it, &ana(), id(number), Some(user))).kind;
    assert_eq!(refused(9, "ines"), ErrorKind::Conflict);
    for bad in ["", "two words", "a\u{1b}[2J", &"x".repeat(65)] {
        assert_eq!(refused(1, bad), ErrorKind::Usage, "{bad:?}");
    }
}

#[test]
fn a_merged_entry_gives_away_all_it_has() {
    let from = Influencer { tags: vec!["b".into(), "c".into()], note: Some("from".into()), ..influencer(MARA, "Mara") };
    let into = Influencer { tags: vec!["a".into(), "b".into()], note: Some("into".into()), ..influencer(LEA, "Léa") };
    let mut scene = Scene::new().with_alerts(vec![
        alert(1, AlertState::Open, about(SKY, MARA)),
        alert(2, AlertState::Acknowledged, About::Influencer(MARA)),
        alert(3, AlertState::Open, about(HERS, LEA)),
    ]);
    scene = scene.after(RosterCommit { influencers: vec![from, into], ..RosterCommit::default() });
    let (id, commit) = scene.commit(|decision| merge::merge(decision, &ana(), "Mara", "Léa"));
    assert_eq!((id, commit.roster.removed_influencers.as_slice()), (LEA, [MARA].as_slice()));
    let mut moved: Vec<_> = commit.roster.connections.iter().map(|it| (it.id, it.influencer)).collect();
    moved.sort();
    assert_eq!(moved, [(SKY, LEA), (TUBE, LEA)]);
    let kept = &commit.roster.influencers[0];
    assert_eq!((kept.tags.join(" "), kept.note.as_deref()), ("a b c".into(), Some("into · from")));
    let mut alerts: Vec<_> = commit.alerting.alerts.iter().map(|it| (it.number, it.about.clone())).collect();
    alerts.sort_by_key(|(number, _)| *number);
    assert_eq!(alerts, [(1, about(SKY, LEA)), (2, About::Influencer(LEA))]);
    assert_eq!(lines(&commit), [format!("influencer.merge {LEA} Léa: {MARA} Mara: from -> Léa")]);
    assert_eq!(scene.refusal(|decision| merge::merge(decision, &ana(), "Mara", "Mara")).kind, ErrorKind::Usage);

    let (_, commit) = Scene::new().commit(|decision| merge::merge(decision, &ana(), "Mara", "Léa"));
    assert_eq!(commit.roster.influencers[0].note, None);
}

#[test]
fn a_disconnected_connection_stays_and_a_deleted_one_leaves() {
    let alerts = vec![alert(1, AlertState::Open, about(SKY, MARA)), alert(2, AlertState::Open, about(HERS, LEA))];
    let mut scene = Scene::new().with_alerts(alerts).with_grants(vec![grant(1, GrantState::Live)], vec![used(SKY, 1)]);
    let name = SKY.to_string();
    let (_, commit) = scene.commit(|decision| erase::disconnect(decision, &ana(), &name, false, SEEN));
    assert_eq!(commit.roster.connections.iter().map(|it| it.disconnected_at).collect::<Vec<_>>(), [Some(NOON)]);
    assert!(commit.roster.removals.is_empty());
    assert_eq!(lines(&commit), [format!("connection.disconnect {SKY} bluesky:mara.example: – -> –")]);
    let ended = |commit: &Commit| Vec::from_iter(commit.alerting.alerts.iter().map(|it| (it.number, it.state)));
    assert_eq!(ended(&commit), [(1, AlertState::Resolved)]);
    assert_eq!(commit.consents.ended_uses, [SKY]);

    let (_, deleted) = scene.commit(|decision| erase::disconnect(decision, &ana(), &name, true, SEEN));
    let removed =
        |commit: &Commit| Vec::from_iter(commit.roster.removals.iter().flat_map(|it| &it.connections).map(|it| it.id));
    assert_eq!(removed(&deleted), [SKY]);
    assert!(deleted.roster.connections.is_empty());
    assert_eq!(lines(&deleted), [format!("connection.delete {SKY} bluesky:mara.example: – -> –")]);

    // What is disconnected already is not so again, but its history can still be deleted.
    scene = scene.after(commit);
    let (_, again) = scene.commit(|decision| erase::disconnect(decision, &ana(), &name, false, SEEN));
    assert!(again.roster.connections.is_empty() && again.audit.lines.is_empty());
    let (_, deleted) = scene.commit(|decision| erase::disconnect(decision, &ana(), &name, true, SEEN));
    assert_eq!(removed(&deleted), [SKY]);
}

#[test]
fn a_removed_influencer_takes_everything_along() {
    let alerts =
        vec![alert(1, AlertState::Open, About::Influencer(MARA)), alert(2, AlertState::Open, about(HERS, LEA))];
    let grants = vec![grant(1, GrantState::Live), grant(2, GrantState::Live)];
    let mut scene = Scene::new().with_alerts(alerts).with_grants(grants, vec![used(SKY, 1), used(HERS, 2)]);
    let (removed, commit) = scene.commit(|decision| erase::remove(decision, &ana(), "Mara", SEEN));
    assert_eq!((removed.row.name.as_str(), commit.roster.removed_influencers.as_slice()), ("Mara", [MARA].as_slice()));
    let mut connections: Vec<_> = commit.roster.removals[0].connections.iter().map(|it| it.id).collect();
    connections.sort();
    assert_eq!(connections, [SKY, TUBE]);
    assert_eq!(commit.consents.ended_uses, [SKY]);
    assert_eq!(commit.consents.grants.iter().map(|it| it.id).collect::<Vec<_>>(), [used(SKY, 1).grant]);
    assert_eq!(commit.alerting.alerts.iter().map(|it| it.number).collect::<Vec<_>>(), [1]);
    assert_eq!(lines(&commit), [format!("influencer.remove {MARA} Mara: – -> –")]);
}

#[test]
fn a_recorded_number_has_a_day_and_is_a_number() {
    let today = Date(20_778);
    let some = Numbers { followers: Some(1), ..Numbers::default() };
    let check = |day: i32, fits: bool| assert_eq!(record::check(Date(day), &some, today).is_ok(), fits, "{day}");
    check(12_783, false);
    check(12_784, true);
    check(20_778, true);
    check(20_779, false);
    assert!(record::check(today, &Numbers::default(), today).is_err());
}

#[test]
fn a_sync_marks_later_connections_due() {
    let paused = Connection { paused: true, ..connection(TUBE, MARA, "bluesky", "mara2.example") };
    let mut scene = Scene::new().with_connection(paused);
    let sync = |scene: &mut Scene, target: SyncTarget, recent: Option<ConnectionId>| {
        let (result, commit) =
            scene.commit(|decision| request::sync(decision, &ana(), &target, |id| recent == Some(id)));
        let mut due: Vec<_> = commit.roster.connections.iter().map(|it| (it.id, it.next_due_at)).collect();
        due.sort();
        let mut queued = result.queued;
        queued.sort();
        let skipped: Vec<_> = result.skipped.iter().map(|run| run.connection).collect();
        (queued, skipped, result.earlier, due, lines(&commit))
    };
    let (queued, skipped, earlier, due, logged) = sync(&mut scene, SyncTarget::All, None);
    assert_eq!((queued, skipped, earlier), (vec![SKY, HERS], vec![], vec![]));
    assert_eq!(due, [(SKY, NOON), (HERS, NOON)]);
    assert_eq!(logged, ["sync everything: – -> 2 requested, 0 kept back, 0 recent"]);
    let one = || SyncTarget::One(SKY.to_string());
    let (queued, _, earlier, due, logged) = sync(&mut scene, one(), Some(SKY));
    assert_eq!((queued, earlier, due.len(), logged.len()), (vec![], vec![SKY], 0, 0), "the run before counts");
    let (_, _, _, _, logged) = sync(&mut scene, one(), None);
    assert_eq!(logged, [format!("sync {SKY} bluesky:mara.example: – -> 1 requested, 0 kept back, 0 recent")]);
    scene.roster.running.insert(SKY);
    let (queued, _, earlier, due, _) = sync(&mut scene, one(), Some(SKY));
    assert_eq!((queued, earlier, due.len()), (vec![SKY], vec![], 0), "it runs already");
    let (queued, ..) = sync(&mut scene, SyncTarget::Due, None);
    assert!(queued.is_empty(), "nothing is due at noon");
    let (queued, skipped, ..) = sync(&mut scene, SyncTarget::One("Mara".into()), None);
    assert_eq!((queued, skipped), (vec![SKY], vec![TUBE]), "the other is paused");
}

#[test]
fn a_sync_of_what_is_paused_says_what_to_resume() {
    let check = |settings: Settings, paused: bool, influencer: bool, expected: &str| {
        let mine = Connection { paused, ..connection(SKY, MARA, "bluesky", "mara.example") };
        let mut scene = Scene::new().with_connection(mine);
        scene = scene.after(RosterCommit { settings: Some(settings), ..RosterCommit::default() });
        if influencer {
            let (_, commit) =
                scene.commit(|decision| pause::pause(decision, &ana(), &PauseTarget::One("Mara".into()), true));
            scene = scene.after(commit.roster.clone());
        }
        let target = SyncTarget::One(SKY.to_string());
        let (requested, _) = scene.commit(|decision| request::sync(decision, &ana(), &target, |_| false));
        let why: Vec<_> = requested.skipped.iter().filter_map(|run| run.error.as_deref()).collect();
        assert_eq!(why, [expected]);
    };
    let settings = |paused: bool, platforms: &[&str]| Settings {
        paused,
        paused_platforms: platforms.iter().map(|slug| (*slug).to_owned()).collect(),
    };
    check(settings(false, &[]), true, false, "it is paused; resume it first");
    check(settings(false, &[]), false, true, "its influencer is paused; resume them first");
    check(settings(false, &["bluesky"]), true, true, "bluesky is paused; resume platform:bluesky first");
    check(settings(true, &["bluesky"]), false, false, "everything is paused; resume all first");
}
