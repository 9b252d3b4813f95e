//! The UI as a whole: keys and responses in, requests out.

mod consents;
mod opening;
mod roles;

use super::*;
use crate::message::{ConsentReply, ConsentStep, Mutation, Which};
use crate::screens::{influencer, roster};
use crate::testing::*;
use crossterm::event::{KeyCode, KeyModifiers};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::layout::Size;
use roster_protocol::alert::{Silenced, Yours};
use roster_protocol::rule::RuleParts;
use roster_protocol::silence::NewSilence;
use roster_protocol::{
    Alert, AlertState, ConsentBegun, ConsentMethod, ConsentState, Cursor, ErrorKind, InfluencerQuery, SyncTarget,
};

fn list(model: &Model) -> &roster::State {
    state(model)
}

fn offline() -> RosterError {
    RosterError::new(ErrorKind::Unreachable, "the connection to rosterd was lost")
}

fn requested_mutations(daemon: &Daemon) -> Vec<Mutation> {
    let mutations = daemon.requested.iter().filter_map(|request| match request {
        Request::Mutate(mutation) => Some(mutation.clone()),
        _ => None,
    });
    mutations.collect()
}

#[test]
fn keys_do_what_the_table_says() {
    let check = |keys: &str, expected: &str| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        let mutation = requested_mutations(&daemon).pop();
        let name = mutation.as_ref().map_or("nothing".to_owned(), |mutation| match mutation {
            Mutation::Sync { target: SyncTarget::One(_), name } => format!("sync {name}"),
            Mutation::Sync { target, .. } => format!("sync {target:?}"),
            Mutation::Pause { name, paused, .. } => format!("pause {name} {paused}"),
            Mutation::Edit { name, edit, .. } => format!("edit {name} {:?} {:?} {:?}", edit.tag, edit.untag, edit.note),
            Mutation::Add(new) => format!("add {} {:?} {:?}", new.name, new.accounts.len(), new.tags),
            Mutation::Connect { name, account, .. } => format!("connect {name} {}", account.handle),
            Mutation::Remove { name, .. } => format!("remove {name}"),
            Mutation::Erase { name, .. } => format!("erase {name}"),
            Mutation::Undo => "undo".to_owned(),
            Mutation::Merge { name, into_name, .. } => format!("merge {name} into {into_name}"),
            Mutation::Disconnect { name, .. } => format!("disconnect {name}"),
            Mutation::Interval { interval, .. } => format!("interval {interval:?}"),
            Mutation::Record { record, .. } => {
                format!("record {:?} {:?} {}", record.day, record.numbers.followers, record.replace)
            }
            Mutation::Handle { handle, another, .. } => format!("handle {handle} {another}"),
            Mutation::Acknowledge(alerts, None) => format!("acknowledge {}", alerts.len()),
            Mutation::Read(alerts) => format!("read {:?}", alerts.as_ref().map(Vec::len)),
            Mutation::AddRule { name, draft } => {
                let RuleParts { percent, absolute, event, crosses, .. } = &draft.parts;
                format!("add rule {name} {percent:?} {absolute:?} {crosses:?} {event:?} {:?}", draft.influencers)
            }
            Mutation::EditRule { name, draft } => {
                let RuleParts { whole, percent, absolute, enabled, .. } = &draft.parts;
                format!("edit rule {name} {whole} {percent:?} {absolute:?} {enabled:?}")
            }
            Mutation::SwitchRule { name, on } => format!("switch {name} {on}"),
            Mutation::RemoveRule { name } => format!("remove rule {name}"),
            Mutation::Acknowledge(_, Some(note)) => format!("note {note}"),
            Mutation::Assign { user, .. } => format!("assign {user:?}"),
            Mutation::Silence(new) => {
                let NewSilence { rule, platform, influencer, tag, ends, reason } = new.as_ref();
                format!("silence {rule:?} {platform:?} {influencer:?} {tag:?} {ends:?} {reason}")
            }
        });
        assert_eq!(name, expected, "{keys}");
    };
    check("s", "sync Mara Lindqvist");
    check("jjs", "sync Oskar & Ines");
    check("jjP", "pause Oskar & Ines true");
    check("GP", "pause Ferrow Athletics false");
    check("n call in May↵", "edit Mara Lindqvist [] [] Some(\"call in May\")");
    check("jje⇥ summer↵", "edit Oskar & Ines [\"summer\"] [] None");
    check("aTea: a channel↵↵", "add Tea: a channel 0 []");
    // Somebody has this name already: the form says so first.
    check("abluesky:mara↵⇥#tea↵", "nothing");
    check("abluesky:mara↵⇥#tea↵↵", "add Mara Lindqvist 1 [\"tea\"]");
    check("abluesky:mara↵X↵", "add Mara LindqvistX 1 []");
    check("abluesky:mara↵⎋", "nothing");
    check("c→↵mara.example↵↵", "connect Mara Lindqvist mara.example");
    check("Dyes↵", "remove Mara Lindqvist");
    check("Dno↵", "nothing");
    check("D⎋", "nothing");
    check("U", "undo");
    check(":undo↵", "undo");
    check("MOskar↵y", "merge Mara Lindqvist into Oskar & Ines");
    check("MOskar↵n", "nothing");
    check("jj↵s", "sync Oskar & Ines");
    check("jj↵p", "pause YouTube @oskarines true");
    check("jj↵jjjp", "pause Mastodon oskar@social.example false");
    check("jj↵dy", "disconnect YouTube @oskarines");
    check("jj↵dn", "nothing");
    check("jj↵i6h↵", "interval Some(Seconds(21600))");
    check("jj↵m12.3k↵", "record Ago(0) Some(12300) false");
    check("jj↵Hx↵", "handle @oskarinesx false");
    check("2s", "sync Due");
    check("8j ", "switch milestone false");
    check("8jj ", "switch mine true");
    // The config's is the config's, and what is built in stays.
    check("8 ", "nothing");
    check("8e", "nothing");
    check("8D", "nothing");
    check("8jD", "nothing");
    check("8jjDy", "remove rule mine");
    check("8jj↵e↵", "edit rule mine true Some(5.0) Some(100.0) Some(false)");
    check("8jje⇥⇥⇥⌫↵", "edit rule mine true None Some(100.0) Some(false)");
    check("8jje⇥⇥⇥⌫⇥⌫⌫⌫↵", "nothing");
    check("8jje⇥⇥⇥⇥⌫⌫⌫↵", "edit rule mine true Some(5.0) None Some(false)");
    check("8nmine-2⇥⇥⇥⇥⇥2.5↵", "add rule mine-2 Some(2.5) None None None Some([])");
    check("8nlevels⇥→⇥⇥⇥10k 1M↵", "add rule levels None None Some([10000, 1000000]) None Some([])");
    check("8nold⇥←↵", "add rule old None None None Some(Stale) Some([])");
    check("8nNo Name↵", "nothing");
    check("8nx⇥⇥⇥⇥⇥many↵", "nothing");
    check("3 ", "acknowledge 1");
    check("3↵ ", "acknowledge 1");
    check("3jj ", "nothing");
    check("3nher agent knows↵", "note her agent knows");
    check("3↵nher agent knows↵", "note her agent knows");
    check("3n↵", "acknowledge 1");
    check("3uada↵", "assign Some(\"ada\")");
    check("3jju⌫⌫⌫↵", "assign None");
    let oskar = influencer_id(3);
    let silence =
        format!("silence Some(\"big-drop\") Some(\"youtube\") Some(\"{oskar}\") None After(Seconds(86400)) known");
    check("3zknown↵", &silence);
    check("3↵zknown↵", &silence);
    check("3z↵", "nothing");
    check("3R", "read None");
    check(":sync↵", "sync Due");
    // What concerns everyone is done after a yes only.
    check(":sync all↵", "nothing");
    check(":sync all↵n", "nothing");
    check(":sync all↵y", "sync All");
    check(":pause all↵", "nothing");
    check(":pause all↵⎋", "nothing");
    check(":pause all↵y", "pause everything true");
    check(":resume all↵", "pause everything false");
    check(":resume platform:bluesky↵", "pause Bluesky false");
}

#[test]
fn q_quits_everywhere_but_in_text() {
    let check = |keys: &str, quits: bool| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        assert_eq!(model.quit, quits, "{keys}");
    };
    for keys in ["q", "↵q", "2q", "3q", "4q", "5q", "6q", "?q", "jj↵dq", "6cq"] {
        check(keys, true);
    }
    for keys in ["/q", "aq", ":q", "Dq", "Mq", "nq", "6cpq"] {
        check(keys, false);
    }
    check(":q↵", true);
}

#[test]
fn the_filter_works_while_typing() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "jj/osk");
    assert_eq!((list(&model).matching, list(&model).total), (1, 7));
    press(&mut model, &mut daemon, "↵");
    assert!(!list(&model).filtering);
    assert_eq!(list(&model).filter.value(), "osk");
    press(&mut model, &mut daemon, "⎋");
    assert_eq!((list(&model).filter.value(), list(&model).matching), ("", 7));
    press(&mut model, &mut daemon, "/followers:x");
    assert!(list(&model).error.as_ref().is_some_and(|error| error.message.contains("write a number")));
    press(&mut model, &mut daemon, "⎋");
    assert_eq!((list(&model).error.clone(), list(&model).matching), (None, 7));
}

#[test]
fn only_the_pages_around_the_cursor_are_held() {
    let mut daemon = Daemon::crowd(10_000);
    let mut model = online(&mut daemon, 200, 60);
    assert!(list(&model).rows.len() <= 256);
    press(&mut model, &mut daemon, "G");
    assert_eq!(list(&model).current().map(|row| row.name.as_str()), Some("Invented 09999"));
    assert!(list(&model).rows.len() <= 256);
    press(&mut model, &mut daemon, ":go 5000↵");
    assert_eq!(list(&model).current().map(|row| row.name.as_str()), Some("Invented 04999"));
    let picture = picture(&model);
    assert!(picture.contains("Invented 04999") && !picture.contains("Invented 09999"));
    daemon.requested.clear();
    press(&mut model, &mut daemon, "jk");
    let pages = daemon.requested.iter().filter(|request| matches!(request, Request::Page(_))).count();
    assert_eq!(pages, 0, "a step inside a page requests none");
}

#[test]
fn a_row_is_explained_once_the_cursor_rests() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    let explained = |model: &Model| list(model).explained.as_ref().map(|row| row.name.clone());
    assert_eq!(explained(&model).as_deref(), Some("Mara Lindqvist"));
    daemon.requested.clear();
    for _ in 0..2 {
        send(&mut model, &mut daemon, key(crossterm::event::KeyCode::Down));
    }
    assert_eq!((explained(&model).as_deref(), daemon.requested.len()), (Some("Mara Lindqvist"), 0));
    assert!(model.next_tick() <= NOW.plus_seconds(1));
    model.shared.now = NOW.plus_seconds(1);
    send(&mut model, &mut daemon, Message::Tick);
    assert_eq!((explained(&model).as_deref(), daemon.requested.len()), (Some("Oskar & Ines"), 1));
}

#[test]
fn a_late_page_is_dropped() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    let late = daemon.respond(Request::Page(InfluencerQuery { filter: "nobody".to_owned(), ..Default::default() }));
    send(&mut model, &mut daemon, Message::Response(Box::new(late.expect("at once"))));
    assert_eq!(list(&model).matching, 7);
}

#[test]
fn rows_that_never_arrive_are_not_requested_forever() {
    let mut daemon = Daemon { withheld: 5, ..Daemon::new() };
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "Gkg");
    let pages = daemon.requested.iter().filter(|request| matches!(request, Request::Page(_))).count();
    assert!(pages <= 4, "{pages}");
}

#[test]
fn the_cursor_follows_its_influencer() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "jj");
    daemon.influencers.swap(2, 0);
    let batch = EventBatch { next: Cursor::default(), events: vec![Event::SyncMoved], reload: false };
    send(&mut model, &mut daemon, Message::Happened(batch));
    assert_eq!(list(&model).current().map(|row| row.name.as_str()), Some("Oskar & Ines"));
    assert_eq!(list(&model).window.cursor, 0);
}

#[test]
fn an_offline_daemon_leaves_the_screen() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    send(&mut model, &mut daemon, Message::Lost(offline()));
    let shown = picture(&model);
    assert!(shown.contains("offline since 12:00") && shown.contains("Mara Lindqvist"), "{shown}");
    daemon.refuses = Some(offline());
    press(&mut model, &mut daemon, "s");
    assert!(picture(&model).contains("the connection to rosterd was lost"));
    send(&mut model, &mut daemon, Message::Online);
    assert!(picture(&model).contains("synced"));
}

#[test]
fn a_name_that_is_taken_is_warned_of_once() {
    let warned = |keys: &str| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        (picture(&model).contains("on the roster already"), requested_mutations(&daemon).len())
    };
    assert_eq!(warned("amara lindqvist↵↵"), (true, 0));
    assert_eq!(warned("amara lindqvist↵↵↵"), (false, 1));
    assert_eq!(warned("amara lindqvist↵↵x"), (false, 0), "another name");
    assert_eq!(warned("amara lindqvist↵↵x↵"), (false, 1));
    // A name that another influencer has; one's own in capitals is none.
    let rename = |name: &str| format!("je{}{name}↵", "⌫".repeat(40));
    assert_eq!(warned(&rename("Oskar & Ines")), (true, 0));
    assert_eq!(warned(&rename("TIDEWATER KITCHEN")), (false, 1));
}

#[test]
fn a_form_says_what_was_wrong_and_stays_open() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    daemon.refuses = Some(RosterError::conflict("the API measured that day"));
    press(&mut model, &mut daemon, "jj↵m500↵");
    let shown = picture(&model);
    assert!(shown.contains("the API measured that day") && shown.contains("Enter once more replaces it"), "{shown}");
    daemon.refuses = None;
    press(&mut model, &mut daemon, "↵");
    let last = requested_mutations(&daemon).pop();
    assert!(matches!(&last, Some(Mutation::Record { record, .. }) if record.replace), "{last:?}");
    assert!(model.modal.is_none());
}

#[test]
fn what_another_user_changed_is_shown_before_it_is_overwritten() {
    let check = |keys: &str, based_on: fn(&Mutation) -> bool| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        let now = r#"the value was changed meanwhile: it is "theirs" now, and was empty"#;
        daemon.refuses = Some(RosterError::conflict(now));
        press(&mut model, &mut daemon, keys);
        assert!(requested_mutations(&daemon).last().is_some_and(based_on), "{keys}: says what it saw");
        let shown = picture(&model);
        assert!(shown.contains("theirs") && shown.contains("Enter once more saves"), "{shown}");
        daemon.refuses = None;
        press(&mut model, &mut daemon, "↵");
        assert!(requested_mutations(&daemon).last().is_some_and(|last| !based_on(last)), "{keys}: overwrites");
        assert!(model.modal.is_none());
    };
    check("n call in May↵", |it| matches!(it, Mutation::Edit { edit, .. } if edit.based_on.note.is_some()));
    check("jjex↵", |it| matches!(it, Mutation::Edit { edit, .. } if edit.based_on.name.is_some()));
    check("jj↵i6h↵", |it| matches!(it, Mutation::Interval { based_on: Some(_), .. }));
}

#[test]
fn an_account_that_is_taken_leads_to_who_has_it() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    daemon.preview.taken_by = Some(influencer_id(3));
    press(&mut model, &mut daemon, "abluesky:mara↵");
    assert!(picture(&model).contains("Already on the roster"));
    press(&mut model, &mut daemon, "↵");
    assert_eq!(state::<influencer::State>(&model).id, influencer_id(3));
    assert!(requested_mutations(&daemon).is_empty());
}

#[test]
fn a_sync_is_followed_to_its_end() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "jjs");
    assert!(model.shared.watched.is_empty());
    assert!(picture(&model).contains("synced Oskar & Ines: 402K followers"));
    model.shared.now = NOW.plus_seconds(60);
    send(&mut model, &mut daemon, Message::Tick);
    assert!(model.shared.toasts.is_empty());
}

#[test]
fn only_news_is_said_in_a_toast() {
    let check = |alert: Alert, expected: usize| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        let events = vec![Event::AlertChanged(Box::new(alert))];
        send(&mut model, &mut daemon, Message::Happened(EventBatch { next: Cursor::default(), events, reload: false }));
        assert_eq!(model.shared.toasts.len(), expected, "{:?}", model.shared.toasts);
    };
    let alert = alerts().swap_remove(0);
    check(alert.clone(), 1);
    let until = Some(NOW.plus_seconds(60));
    check(Alert { silenced: Silenced { at_opening: false, until }, ..alert.clone() }, 0);
    check(Alert { silenced: Silenced { at_opening: true, until: None }, ..alert.clone() }, 0);
    check(Alert { group: Some(alert.id), ..alert.clone() }, 0);
    check(Alert { assigned_to: Some("ada".to_owned()), ..alert.clone() }, 0);
    check(Alert { state: AlertState::Resolved, ..alert }, 0);
}

#[test]
fn what_is_opened_is_read_and_what_is_assigned_to_the_user_is_said() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "3");
    let unread = Some(Yours { unread: true, mine: true });
    if let Some(list) = state_mut::<crate::screens::alerts::State>(&mut model) {
        list.list.rows[0].yours = unread;
    }
    assert!(picture(&model).contains("▌•!   2d  Oskar & Ines · YouTube · yours"), "{}", picture(&model));
    let id = alerts()[0].id;
    press(&mut model, &mut daemon, "↵");
    assert_eq!(requested_mutations(&daemon), [Mutation::Read(Some(vec![id]))]);
    assert!(model.shared.toasts.is_empty(), "that it is read is seen");
    let alert = Alert { assigned_to: Some("ada".to_owned()), yours: unread, ..alerts().swap_remove(0) };
    let batch = |alert: Alert| EventBatch {
        next: Cursor::default(),
        events: vec![Event::AlertChanged(Box::new(alert))],
        reload: false,
    };
    let read = Alert { yours: Some(Yours { unread: false, mine: true }), ..alert.clone() };
    send(&mut model, &mut daemon, Message::Happened(batch(read)));
    assert!(model.shared.toasts.is_empty());
    send(&mut model, &mut daemon, Message::Happened(batch(alert)));
    assert_eq!(model.shared.toasts[0].text, "assigned to you: Oskar & Ines: followers -12.4%▼");
    daemon.status.unread_alerts = 1;
    press(&mut model, &mut daemon, "⎋oo");
    assert!(picture(&model).contains("No alert is assigned to you"), "{}", picture(&model));
    send(&mut model, &mut daemon, Message::Online);
    assert!(picture(&model).contains("2 alerts, 1 unread"), "{}", picture(&model));
}

#[test]
fn a_rule_of_the_config_says_which_file_to_edit_and_a_refusal_says_why() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "8 ");
    let toast = model.shared.toasts.last().expect("why nothing happens");
    let hint = "change [rules.big-drop] in /etc/roster/rosterd.toml, then reload rosterd";
    assert_eq!((toast.text.as_str(), toast.hint.as_deref()), ("the config has the rule big-drop", Some(hint)));
    daemon.refuses = Some(RosterError::new(ErrorKind::NotPermitted, "not permitted").hint("a rule concerns all users"));
    press(&mut model, &mut daemon, "j ");
    assert!(picture(&model).contains("not permitted · a rule concerns all users"), "{}", picture(&model));
    press(&mut model, &mut daemon, "je↵");
    assert!(picture(&model).contains("✗ not permitted"), "{}", picture(&model));
    daemon.refuses = None;
    send(&mut model, &mut daemon, Message::Key(KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL)));
    let tested = "last year: 6 alerts, 0.50 per account and year, about 2 of 12 accounts";
    assert!(picture(&model).contains(tested), "{}", picture(&model));
}

#[test]
fn who_is_removed_leads_back() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "3↵↵");
    assert_eq!(model.above.len(), 3);
    press(&mut model, &mut daemon, "Dyes↵");
    assert_eq!(model.shown().title(), "Alert");
    let gone = Response::Influencer(influencer_id(1), Err(RosterError::not_found("no such influencer")));
    press(&mut model, &mut daemon, "1↵");
    send(&mut model, &mut daemon, Message::Response(Box::new(gone)));
    assert!(model.above.is_empty());
}

#[test]
fn a_list_that_was_left_while_it_loaded_keeps_loading() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "3");
    let batch = EventBatch { next: Cursor::default(), events: Vec::new(), reload: false };
    let late = update(&mut model, Message::Happened(batch.clone()));
    press(&mut model, &mut daemon, "↵");
    for effect in late {
        let Effect::Request(request) = effect else { continue };
        let response = daemon.respond(request).expect("nothing here waits");
        send(&mut model, &mut daemon, Message::Response(Box::new(response)));
    }
    press(&mut model, &mut daemon, "⎋");
    let effects = update(&mut model, Message::Happened(batch));
    assert!(effects.contains(&Effect::Request(Request::Alerts(Which::Live, None))), "{effects:?}");
}

#[test]
fn nothing_is_shown_before_a_daemon_was_there() {
    let mut daemon = Daemon::new();
    let mut model = Model::new(NOW, TimeZone::UTC, Size { width: 80, height: 24 });
    let no_daemon = crate::message::NoDaemon {
        tried: vec!["/run/roster/rosterd.sock".into()],
        error: RosterError::new(ErrorKind::Unreachable, "rosterd is not running"),
        can_start: true,
        starting: false,
    };
    send(&mut model, &mut daemon, Message::NoDaemon(no_daemon.clone()));
    press(&mut model, &mut daemon, "a1/:");
    assert!(model.modal.is_none());
    let effects = update(&mut model, key(crossterm::event::KeyCode::Char('y')));
    assert_eq!(effects, [Effect::StartDaemon]);
    assert_eq!(update(&mut model, key(crossterm::event::KeyCode::Char('y'))), [], "once is enough");
    send(&mut model, &mut daemon, Message::NoDaemon(no_daemon));
    assert!(picture(&model).contains("Starting one"));
    send(&mut model, &mut daemon, Message::Online);
    assert!(picture(&model).contains("Mara Lindqvist"));
}

#[test]
fn connections_are_mended_from_their_screen() {
    let check = |keys: &str, part: &str| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        let mutations = format!("{:?}", requested_mutations(&daemon));
        assert!(mutations.contains(part), "{keys}: {mutations}");
    };
    check("6js", "name: \"Mastodon nightgarden@social.example\"");
    check("6Dy", "Disconnect { connection: ");
    check("6Dn", "[]");
    check(":connections↵s", "Instagram oskar.ines");
}

fn any_code() -> impl Strategy<Value = crossterm::event::KeyCode> {
    use crossterm::event::KeyCode::*;
    prop_oneof![
        6 => prop::sample::select("abcdefghijklmnopqrstuxyzDGMPS0123456789/?:[]+-=*. \u{202e}\u{1b}é日".chars().collect::<Vec<_>>()).prop_map(Char),
        3 => prop::sample::select(vec![Enter, Esc, Tab, BackTab, Up, Down, Left, Right, PageUp, PageDown, Home, End, Backspace, Delete, F(1), Null]),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let batch = |reload: bool| EventBatch { next: Cursor::default(), events: Vec::new(), reload };
    prop_oneof![
        20 => any_code().prop_map(key),
        1 => any::<u8>().prop_map(|bits| Message::Key(KeyEvent::new(crossterm::event::KeyCode::Char('d'), crossterm::event::KeyModifiers::from_bits_truncate(bits)))),
        1 => (0u16..220, 0u16..70).prop_map(|(width, height)| Message::Resized(Size { width, height })),
        1 => ".{0,40}".prop_map(Message::Paste),
        1 => Just(Message::Tick),
        1 => Just(Message::Lost(offline())),
        1 => Just(Message::Online),
        1 => any::<bool>().prop_map(move |reload| Message::Happened(batch(reload))),
    ]
}

fn any_state() -> impl Strategy<Value = ConsentState> {
    prop_oneof![
        Just(ConsentState::Waiting),
        Just(ConsentState::Choose(choices())),
        Just(ConsentState::Choose(Vec::new())),
        Just(ConsentState::Done(consented())),
        Just(ConsentState::Done(Vec::new())),
        Just(ConsentState::Failed(RosterError::failed("no"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_keys_at_any_size_do_harm(
        messages in prop::collection::vec(any_message(), 1..60),
        size in (0u16..220, 0u16..70),
        count in prop::sample::select(vec![0u64, 1, 7, 500]),
        refuses: bool,
        states in prop::collection::vec(any_state(), 0..4),
    ) {
        let mut daemon = if count == 7 { Daemon::new() } else { Daemon::crowd(count) };
        daemon.refuses = refuses.then(|| RosterError::conflict("no").hint("never"));
        daemon.consent = states.into();
        let mut model = online(&mut daemon, size.0, size.1);
        for message in messages {
            send(&mut model, &mut daemon, message);
            model.quit = false;
            let buffer = buffer(&model);
            prop_assert!(buffer.content.iter().all(|cell| !cell.symbol().contains(char::is_control)));
        }
    }
}
