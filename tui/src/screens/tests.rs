//! Every screen as it is drawn, in its many states. The pictures are in `snapshots/`, to be read before accepted.

mod alerting;
mod palette;

use insta::assert_snapshot;
use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use roster_protocol::{
    ConsentBegun, ConsentMethod, ConsentState, Cursor, ErrorKind, Event, EventBatch, MissingScope, RosterError,
};

use super::{alerts, audit, changes, influencer, sync};
use crate::message::NoDaemon;
use crate::message::{Message, Request, Response};
use crate::model::Model;
use crate::testing::*;
use crate::theme::Theme;

const SMALL: (u16, u16) = (80, 24);
const WIDE: (u16, u16) = (200, 60);

/// A model with its daemon, after some keys.
fn after(keys: &str, size: (u16, u16)) -> (Model, Daemon) {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, size.0, size.1);
    press(&mut model, &mut daemon, keys);
    (model, daemon)
}

fn shown(keys: &str, size: (u16, u16)) -> String {
    picture(&after(keys, size).0)
}

fn unreachable() -> RosterError {
    RosterError::new(ErrorKind::Unreachable, "the connection to rosterd was lost")
        .hint("look whether it still runs: `systemctl status rosterd`, with --user where it is your own")
}

#[test]
fn roster() {
    assert_snapshot!("roster_small", shown("jj", SMALL));
    assert_snapshot!("roster_wide", shown("jj", WIDE));
    assert_snapshot!("roster_narrow", shown("j", (46, 16)));
    assert_snapshot!("roster_exact", shown("x", SMALL));
    assert_snapshot!("roster_no_account", shown("jjjjj", SMALL));
    assert_snapshot!("roster_crowd", {
        let mut daemon = Daemon::crowd(10_000);
        let mut model = online(&mut daemon, 120, 30);
        press(&mut model, &mut daemon, "G");
        picture(&model)
    });
}

#[test]
fn a_daemon_that_cannot_write_says_so_as_long_as_it_cannot() {
    let (mut model, _) = after("jj", SMALL);
    let status = model.shared.status.as_mut().expect("online");
    status.not_ready = Some("the store cannot be written: no space is left on the disk".to_owned());
    assert_snapshot!("not_ready", picture(&model));
}

#[test]
fn roster_filtered() {
    assert_snapshot!("roster_filtering", shown("/osk", SMALL));
    assert_snapshot!("roster_filtered", shown("/osk↵", SMALL));
    assert_snapshot!("roster_nobody_fits", shown("/zzz", SMALL));
    assert_snapshot!("roster_filter_wrong", shown("/growth30:>lots", SMALL));
    assert_snapshot!("roster_filter_unknown", shown("/osk↵/ -folowers:>10k", (120, 30)));
}

#[test]
fn roster_without_rows() {
    let mut daemon = Daemon::crowd(0);
    let empty = online(&mut daemon, SMALL.0, SMALL.1);
    assert_snapshot!("roster_empty", picture(&empty));
    let mut loading = Model::new(NOW, TimeZone::UTC, Size { width: 80, height: 24 });
    assert_snapshot!("connecting", picture(&loading));
    let effects = crate::update::update(&mut loading, Message::Online);
    assert!(!effects.is_empty());
    assert_snapshot!("roster_loading", picture(&loading));
    let query = effects.into_iter().find_map(|effect| match effect {
        crate::message::Effect::Request(Request::Page(query)) => Some(query),
        _ => None,
    });
    let error = RosterError::failed("the store cannot be read").hint("look at rosterd's log");
    let response = Response::Page(query.expect("the first page is requested"), Err(error));
    crate::update::update(&mut loading, Message::Response(Box::new(response)));
    assert_snapshot!("roster_failed", picture(&loading));
}

#[test]
fn link() {
    let (mut model, mut daemon) = after("", SMALL);
    send(&mut model, &mut daemon, Message::Lost(unreachable()));
    assert_snapshot!("offline_small", picture(&model));
    let (mut model, mut daemon) = after("2", (120, 30));
    send(&mut model, &mut daemon, Message::Lost(unreachable()));
    assert_snapshot!("offline_wide", picture(&model));
    let mut model = Model::new(NOW, TimeZone::UTC, Size { width: 80, height: 24 });
    let error = RosterError::new(ErrorKind::Unreachable, "rosterd is not running").hint("start one");
    let tried = vec!["/run/user/1000/roster/rosterd.sock".into(), "/run/roster/rosterd.sock".into()];
    let no_daemon = NoDaemon { tried, error, can_start: true, starting: false };
    send(&mut model, &mut daemon, Message::NoDaemon(no_daemon.clone()));
    assert_snapshot!("no_daemon", picture(&model));
    let error =
        RosterError::new(ErrorKind::Unreachable, "roster speaks version 1 and rosterd version 2: restart roster")
            .hint("install the same version of roster and rosterd");
    send(&mut model, &mut daemon, Message::NoDaemon(NoDaemon { error, can_start: false, ..no_daemon }));
    assert_snapshot!("no_daemon_wrong_version", picture(&model));
}

#[test]
fn overview() {
    assert_snapshot!("overview_small", shown("0", SMALL));
    assert_snapshot!("overview_wide", shown("0", WIDE));
    assert_snapshot!("overview_narrow", shown("0", (46, 16)));
}

#[test]
fn due() {
    assert_snapshot!("due_small", shown("7jj", SMALL));
    assert_snapshot!("due_wide", shown("7", WIDE));
    assert_snapshot!("due_narrow", shown("7", (46, 16)));
}

#[test]
fn a_hold_of_all_that_is_due_says_until_when() {
    let (mut model, _) = after("2", SMALL);
    let status = model.shared.status.as_mut().expect("online");
    status.running.clear();
    status.waits_for = Some("bluesky is held: the platform's limit is used up".to_owned());
    assert_snapshot!("sync_waits", picture(&model));
}

#[test]
fn that_a_choice_waits_is_readable_in_a_small_terminal_too() {
    let (mut model, _) = after("2", SMALL);
    model.shared.status.as_mut().expect("online").retention_chosen = false;
    let shown = picture(&model);
    assert!(shown.contains("a choice waits: roster retention --dry-run"), "{shown}");
}

#[test]
fn influencer() {
    assert_snapshot!("influencer_small", shown("jj↵", SMALL));
    assert_snapshot!("influencer_wide", shown("jj↵t←←", WIDE));
    assert_snapshot!("influencer_cursor", shown("jj↵-←←←", SMALL));
    assert_snapshot!("influencer_metric", shown("jj↵]]]x", SMALL));
    assert_snapshot!("influencer_metric_unknown", shown("jj↵]", SMALL));
    assert_snapshot!("influencer_reported", shown("jj↵j[[", SMALL));
    assert_snapshot!("influencer_reported_wide", shown("jj↵j[[[", WIDE));
    assert_snapshot!("influencer_low", shown("jj↵", (60, 14)));
    let (mut model, _) = after("jj↵", SMALL);
    if let Some(state) = state_mut::<influencer::State>(&mut model) {
        state.known.as_mut().expect("loaded").connections.clear();
        state.changes.clear();
        state.alerts.clear();
    }
    assert_snapshot!("influencer_without_accounts", picture(&model));
}

#[test]
fn sync() {
    let (mut model, mut daemon) = after("2j", SMALL);
    assert_snapshot!("sync_small", picture(&model));
    daemon.status.running = running();
    daemon.status.paused = true;
    let batch = EventBatch { next: Cursor::default(), events: vec![Event::SyncMoved], reload: false };
    send(&mut model, &mut daemon, Message::Happened(batch));
    model.shared.size = Size { width: 200, height: 60 };
    assert_snapshot!("sync_wide", picture(&model));
}

#[test]
fn other_screens() {
    assert_snapshot!("alerts_small", shown("3", SMALL));
    assert_snapshot!("alerts_wide", shown("3j", WIDE));
    assert_snapshot!("changes_small", shown("4", SMALL));
    assert_snapshot!("changes_wide", shown("4jx", WIDE));
    assert_snapshot!("audit_small", shown("5", SMALL));
    assert_snapshot!("audit_wide", shown("5", WIDE));
}

#[test]
fn connections() {
    assert_snapshot!("connections_small", shown("6", SMALL));
    assert_snapshot!("connections_wide", shown("6jjj", WIDE));
    assert_snapshot!("connections_disconnect", shown("6D", SMALL));
    let mut daemon = Daemon { connections: Vec::new(), ..Daemon::new() };
    let mut model = online(&mut daemon, SMALL.0, SMALL.1);
    press(&mut model, &mut daemon, "6");
    assert_snapshot!("connections_none", picture(&model));
}

/// A consent for the account under the cursor, with these states, after some keys.
fn consent(answers: Vec<ConsentState>, keys: &str, size: (u16, u16)) -> String {
    let mut daemon = Daemon { consent: answers.into(), ..Daemon::new() };
    let mut model = online(&mut daemon, size.0, size.1);
    press(&mut model, &mut daemon, "6c");
    press(&mut model, &mut daemon, keys);
    picture(&model)
}

#[test]
fn consent_waits() {
    assert_snapshot!("consent_small", consent(vec![], "", SMALL));
    assert_snapshot!("consent_wide", consent(vec![], "", WIDE));
    assert_snapshot!("consent_copied", consent(vec![], "y", SMALL));
    assert_snapshot!("consent_code_small", consent(vec![], "f", SMALL));
    assert_snapshot!("consent_code_wide", consent(vec![], "f", WIDE));
    assert_snapshot!("consent_pasting", consent(vec![], "phttps://x", SMALL));
    assert_snapshot!("consent_device_small", consent(vec![], "d", SMALL));
    assert_snapshot!("consent_device_code", consent(vec![], "df", SMALL));
    assert_snapshot!("consent_device_wide", consent(vec![], "d", WIDE));
    assert_snapshot!("consent_low", consent(vec![], "", (60, 14)));
}

/// A consent with a short link, after some keys.
fn short_link(keys: &str, size: (u16, u16)) -> String {
    let begun = begun(ConsentMethod::Redirect);
    let begun = ConsentBegun {
        url: begun.url.replace("http%3A%2F%2F127.0.0.1%3A8787", "https%3A%2F%2Froster.example.com"),
        short_url: Some("https://roster.example.com/c/c2hvcnQtY29kZS0xMjgtYg".to_owned()),
        redirect_uri: Some("https://roster.example.com/oauth/instagram/callback".to_owned()),
        ..begun
    };
    let mut daemon = Daemon { begun: Some(begun), ..Daemon::new() };
    let mut model = online(&mut daemon, size.0, size.1);
    press(&mut model, &mut daemon, "6c");
    press(&mut model, &mut daemon, keys);
    picture(&model)
}

#[test]
fn a_short_link_makes_a_code_that_fits() {
    let code = |picture: &str| picture.lines().filter(|line| line.contains(['█', '▀', '▄'])).count();
    for keys in ["", "f", "y"] {
        let shown = short_link(keys, SMALL);
        assert!(code(&shown) >= 15, "{keys}: {shown}");
        assert!(keys == "f" || shown.contains("\nhttps://roster.example.com/c/"), "{keys}: {shown}");
    }
    assert_snapshot!("consent_short_small", short_link("", SMALL));
    assert_snapshot!("consent_short_wide", short_link("", WIDE));
    assert_snapshot!("consent_short_copied", short_link("y", SMALL));
    assert_snapshot!("consent_short_pasting", short_link("phttps://x", SMALL));
    assert_snapshot!("consent_short_code", short_link("f", SMALL));
    assert_snapshot!("consent_short_low", short_link("", (60, 14)));
}

#[test]
fn consent_says_what_to_do_where_the_scopes_are_refused() {
    for size in [SMALL, WIDE] {
        let if_refused = "leave insights out: scopes = [\"profile\"] is enough".to_owned();
        let begun = ConsentBegun { if_refused, ..begun(ConsentMethod::Redirect) };
        let mut daemon = Daemon { begun: Some(begun), ..Daemon::new() };
        let mut model = online(&mut daemon, size.0, size.1);
        press(&mut model, &mut daemon, "6c");
        let picture = picture(&model);
        assert!(picture.contains("If the page ends in an error about scopes: leave insights out"), "{picture}");
    }
}

#[test]
fn consent_ends() {
    let choose = || vec![ConsentState::Choose(choices())];
    assert_snapshot!("consent_choose_small", consent(choose(), "j ", SMALL));
    assert_snapshot!("consent_choose_wide", consent(choose(), " jj ", WIDE));
    assert_snapshot!("consent_connected_small", consent(choose(), "↵", SMALL));
    assert_snapshot!("consent_connected_wide", consent(vec![ConsentState::Done(consented())], "", WIDE));
    let denied = RosterError::failed("Instagram says that the account's owner said no")
        .hint("ask them again, or connect another account");
    assert_snapshot!("consent_failed", consent(vec![ConsentState::Failed(denied)], "", SMALL));
    assert_snapshot!("consent_answered", consent(vec![ConsentState::Finishing], "", SMALL));
}

#[test]
fn consent_reports_side_failures() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, SMALL.0, SMALL.1);
    press(&mut model, &mut daemon, "6c");
    daemon.refuses = Some(
        RosterError::usage("Instagram knows no device codes")
            .hint("begin without a device code: the URL can be opened on any device too"),
    );
    press(&mut model, &mut daemon, "d");
    assert_snapshot!("consent_no_device", picture(&model));
    send(&mut model, &mut daemon, Message::Paste("https://x.example/\n?code=1".to_owned()));
    press(&mut model, &mut daemon, "↵");
    assert_snapshot!("consent_wrong_address", picture(&model));
}

#[test]
fn modals() {
    assert_snapshot!("help_small", shown("?", SMALL));
    assert_snapshot!("help_wide", shown("jj↵?", WIDE));
    assert_snapshot!("add_empty", shown("a", SMALL));
    assert_snapshot!("add_seen", shown("abluesky:mara↵", SMALL));
    assert_snapshot!("add_same_name", shown("abluesky:mara↵↵", SMALL));
    assert_snapshot!("add_name_only", shown("aBaker Street↵", SMALL));
    assert_snapshot!("add_wrong", shown("amyspace:mara↵", SMALL));
    assert_snapshot!("connect", shown("jjc", SMALL));
    assert_snapshot!("connect_off", shown("jjc←", SMALL));
    assert_snapshot!("connect_seen", shown("jjc→↵mara↵", SMALL));
    assert_snapshot!("edit", shown("jje", SMALL));
    assert_snapshot!("record", shown("jj↵m", SMALL));
    assert_snapshot!("interval", shown("jj↵i", SMALL));
    assert_snapshot!("remove", shown("jjDye", SMALL));
    assert_snapshot!("disconnect", shown("jj↵d", SMALL));
    assert_snapshot!("merge", shown("M", SMALL));
    assert_snapshot!("merge_question", shown("Mosk↵", SMALL));
    assert_snapshot!("merge_long_names", {
        let mut daemon = Daemon::new();
        daemon.influencers[0].name = "A".repeat(39) + " " + &"B".repeat(40);
        daemon.influencers[1].name = "C".repeat(80);
        let mut model = online(&mut daemon, SMALL.0, SMALL.1);
        press(&mut model, &mut daemon, "M↵");
        picture(&model)
    });
    assert_snapshot!("pause_all", shown(":pause all↵", SMALL));
    assert_snapshot!("sync_all", shown(":sync all↵", SMALL));
    assert_snapshot!("command", shown(":sort gro", SMALL));
    assert_snapshot!("command_wrong", shown(":snyc↵", SMALL));
}

#[test]
fn toasts() {
    let (mut model, mut daemon) = after("jjs", SMALL);
    let alert = Event::AlertChanged(Box::new(alerts().swap_remove(0)));
    let batch = EventBatch { next: Cursor::default(), events: vec![alert], reload: false };
    send(&mut model, &mut daemon, Message::Happened(batch));
    daemon.refuses = Some(RosterError::failed("the store is read-only").hint("free some space on the disk"));
    press(&mut model, &mut daemon, "P");
    assert_snapshot!("toasts", picture(&model));
}

#[test]
fn too_small() {
    for (width, height) in [(0, 0), (1, 1), (39, 24), (80, 11), (20, 3)] {
        let shown = shown("jj", (width, height));
        assert!(width < 20 || shown.contains("too small"), "{shown}");
    }
}

/// Whether a sign changes what a terminal does, or is invisible.
fn harmful(symbol: &str) -> bool {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            || matches!(c, '\u{feff}' | '\u{00ad}' | '\u{115f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..)
    };
    symbol.chars().any(bad) || symbol.chars().count() > 10
}

#[test]
fn hostile_texts_do_no_harm_on_any_screen() {
    for text in hostile_texts() {
        let mut daemon = Daemon::new();
        for row in &mut daemon.influencers {
            (row.name, row.tags, row.note) = (text.clone(), vec![text.clone()], Some(text.clone()));
        }
        for platform in &mut daemon.status.platforms {
            (platform.name, platform.reason) = (text.clone(), Some(text.clone()));
        }
        daemon.preview.display_name = Some(text.clone());
        daemon.preview.handle = text.clone();
        daemon.refuses = Some(RosterError::failed(text.clone()).hint(text.clone()));
        spoil(&mut daemon, &text);
        let mut daemon = Hostile { daemon, text: text.clone() };
        let keys = [
            "jj",
            "jj↵",
            "2",
            "3",
            "4",
            "5",
            "6",
            "6G",
            "abluesky:x↵",
            "jjc",
            "jje",
            "D",
            "M",
            "jj↵d",
            "s",
            "jj↵m1↵",
            "6c",
            "6D",
        ];
        for keys in keys {
            let model = daemon.after(keys, if keys == "jj↵" { WIDE } else { SMALL });
            for cell in &buffer(&model).content {
                assert!(!harmful(cell.symbol()), "{:?} after {keys} of {:.40?}", cell.symbol(), text);
            }
        }
    }
}

/// Counts what a terminal was made to do beside showing text.
#[derive(Default)]
struct Watch(Vec<String>);

impl vt100::Callbacks for Watch {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("bell".to_owned());
    }
    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.0.push(format!("icon {name:?}"));
    }
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0.push(format!("title {title:?}"));
    }
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0.push(format!("clipboard {data:?}"));
    }
    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.0.push(format!("control {byte}"));
    }
    fn unhandled_osc(&mut self, _: &mut vt100::Screen, words: &[&[u8]]) {
        self.0.push(format!("osc {words:?}"));
    }
}

#[test]
fn a_terminal_shows_hostile_texts_as_text_only() {
    for text in hostile_texts() {
        let mut daemon = Hostile { daemon: Daemon::new(), text: text.clone() };
        daemon.daemon.influencers.iter_mut().for_each(|row| row.name.clone_from(&text));
        let model = daemon.after("jj↵", SMALL);
        let lines = |number: u16| std::num::NonZero::new(number).expect("not 0");
        let mut bytes = Vec::new();
        let area = Rect::new(0, 0, SMALL.0, SMALL.1);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(&mut bytes), options).expect("a fixed size");
        terminal.draw(|frame| crate::view::view(&model, frame)).expect("a Vec takes all");
        drop(terminal);
        let mut parser = vt100::Parser::new_with_callbacks(lines(SMALL.1), lines(SMALL.0), 0, Watch::default());
        parser.process(&bytes);
        assert_eq!(parser.callbacks().0, Vec::<String>::new(), "{text:.40?}");
        let footer = parser.screen().rows(0, SMALL.0).last().unwrap_or_default();
        assert!(footer.starts_with(" esc back"), "{footer}");
    }
}

/// A daemon whose every text is hostile.
struct Hostile {
    daemon: Daemon,
    text: String,
}

/// Every text of a consent and of the connections is `text`.
fn spoil(daemon: &mut Daemon, text: &str) {
    let all = || text.to_owned();
    let missing = || vec![MissingScope { scope: all(), costs: all() }];
    for row in &mut daemon.connections {
        (row.influencer_name, row.connection.handle) = (all(), all());
        row.connection.last_error = Some(all());
        if let Some(grant) = &mut row.grant {
            (grant.account, grant.note, grant.scopes, grant.missing) = (all(), Some(all()), vec![all()], missing());
        }
    }
    daemon.begun = Some(ConsentBegun {
        url: all(),
        platform_name: all(),
        user_code: Some(all()),
        redirect_uri: Some(all()),
        scopes: vec![all()],
        reads: vec![all()],
        if_refused: all(),
        listener: Some(all()),
        ..begun(ConsentMethod::Redirect)
    });
}

impl Hostile {
    fn after(&mut self, keys: &str, size: (u16, u16)) -> Model {
        let mut model = online(&mut self.daemon, size.0, size.1);
        press(&mut model, &mut self.daemon, keys);
        let text = || self.text.clone();
        if let Some(state) = state_mut::<influencer::State>(&mut model) {
            let known = state.known.as_mut().expect("loaded");
            (known.row.name, known.note) = (text(), Some(text()));
            for connection in &mut known.connections {
                (connection.handle, connection.last_error) = (text(), Some(text()));
            }
            state.alerts.iter_mut().for_each(|alert| alert.why = text());
        }
        if let Some(state) = state_mut::<sync::State>(&mut model) {
            for run in &mut state.runs.rows {
                (run.influencer_name, run.error) = (text(), Some(text()));
            }
        }
        if let Some(state) = state_mut::<alerts::State>(&mut model) {
            for alert in &mut state.list.rows {
                (alert.influencer_name, alert.why, alert.rule) = (Some(text()), text(), text());
            }
        }
        if let Some(state) = state_mut::<changes::State>(&mut model) {
            state.list.rows.iter_mut().for_each(|change| change.influencer_name = text());
        }
        if let Some(state) = state_mut::<audit::State>(&mut model) {
            for entry in &mut state.list.rows {
                (entry.action, entry.on, entry.old, entry.new) = (text(), text(), Some(text()), Some(text()));
            }
        }
        model
    }
}

#[test]
fn without_colours_shapes_remain() {
    let (mut model, _) = after("jj", SMALL);
    model.shared.theme = Theme::colorless();
    let picture = buffer(&model);
    assert!(picture.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
}

#[test]
fn columns_keep_their_position_whatever_is_written() {
    let (model, _) = after("", SMALL);
    let picture = buffer(&model);
    let edge = |y: u16| (0..80).filter(|x| picture[(*x, y)].symbol() == "%").collect::<Vec<u16>>();
    assert_eq!(edge(3), edge(7), "the row with wide characters has its numbers where the first has them");
}

#[test]
fn footers_offer_only_what_does_something_now() {
    let footer = |keys: &str| {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, SMALL.0, SMALL.1);
        press(&mut model, &mut daemon, keys);
        picture(&model).lines().last().expect("a footer").to_owned()
    };
    let check = |keys: &str, word: &str, offered: bool| {
        let footer = footer(keys);
        assert_eq!(footer.contains(word), offered, "{keys}: {footer}");
    };
    check("D", "do it", false);
    check("Dye", "do it", false);
    check("Dyes", "do it", true);
    check("n", "next field", false);
    check("e", "next field", true);
    check("M", "choose", true);
    check("Mnokey:x", "choose", false);
    check("Mzzz", "next", false);
}

#[test]
fn a_small_step_is_never_shown_as_another() {
    let shared = online(&mut Daemon::new(), SMALL.0, SMALL.1).shared;
    let check = |from: f64, to: f64, expected: &str| {
        let shown = super::states::from_to(&shared, roster_protocol::Metric::Followers, Some(from), Some(to));
        assert_eq!(shown, expected);
    };
    check(91_049.0, 91_051.0, "91,049 → 91,051");
    check(1_004_999.0, 1_005_001.0, "1,004,999 → 1,005,001");
    check(459_000.0, 402_000.0, "459K → 402K");
    check(9.0, 10.0, "9 → 10");
}

#[test]
fn while_all_is_paused_the_platforms_name_what_resumes_them() {
    let mut daemon = Daemon::new();
    daemon.status.paused = true;
    daemon.status.platforms.iter_mut().for_each(|platform| platform.paused = true);
    let mut model = online(&mut daemon, SMALL.0, SMALL.1);
    press(&mut model, &mut daemon, "2");
    let shown = picture(&model);
    assert!(shown.contains("‖ paused with everything · :resume all") && !shown.contains("platform:"), "{shown}");
    press(&mut model, &mut daemon, ":resume all↵");
    let shown = picture(&model);
    assert!(shown.contains("resumed all but what is paused by itself"), "{shown}");
}
