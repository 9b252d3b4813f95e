//! The list: whose numbers it shows, and what it says without its daemon.

use roster_protocol::{ErrorKind, RosterError, SortBy};

use crate::message::{Message, Request};
use crate::testing::*;
use crate::widgets::pen::columns;

fn lost() -> Message {
    Message::Lost(RosterError::new(ErrorKind::Unreachable, "the connection to rosterd was lost"))
}

#[test]
fn an_offline_daemon_filters_and_sorts_nothing_and_the_list_says_so() {
    for (before, keys) in [("", "/osk"), ("", "o"), ("/zzz", "x"), ("/osk", "⎋")] {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, before);
        send(&mut model, &mut daemon, lost());
        daemon.unreachable = true;
        press(&mut model, &mut daemon, keys);
        let shown = picture(&model);
        assert!(shown.contains("offline: the rows below are not filtered or sorted anew"), "{keys}: {shown}");
        assert!(!shown.contains(" of 7 ") && !shown.contains("fits this filter"), "{keys}: {shown}");
        daemon.unreachable = false;
        send(&mut model, &mut daemon, Message::Online);
        let shown = picture(&model);
        assert!(!shown.contains("the rows below"), "{keys}: {shown}");
    }
}

#[test]
fn a_daemon_that_does_not_respond_in_time_filters_nothing_either() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    daemon.unreachable = true;
    press(&mut model, &mut daemon, "/osk");
    let shown = picture(&model);
    assert!(shown.contains("no response: the rows below are not filtered or sorted anew"), "{shown}");
    daemon.unreachable = false;
    press(&mut model, &mut daemon, "a⌫");
    let shown = picture(&model);
    assert!(shown.contains("1 of 7 ") && !shown.contains("the rows below"), "{shown}");
}

#[test]
fn a_filter_that_was_answered_before_the_daemon_was_lost_stays_true() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "/osk");
    send(&mut model, &mut daemon, lost());
    daemon.unreachable = true;
    press(&mut model, &mut daemon, "x");
    assert!(!picture(&model).contains(" of 7 "), "{}", picture(&model));
    press(&mut model, &mut daemon, "⌫");
    let shown = picture(&model);
    assert!(shown.contains("1 of 7 ") && !shown.contains("the rows below"), "{shown}");
}

#[test]
fn the_followers_of_the_main_account_and_of_all_are_called_so() {
    let mut daemon = Daemon::new();
    (daemon.influencers[0].followers, daemon.influencers[0].followers_total) = (Some(6_065_724), Some(9_310_619));
    let shown = picture(&online(&mut daemon, 120, 30));
    let line = |part: &str| shown.lines().find(|line| line.contains(part)).expect("such a line");
    let end_of = |line: &str, text: &str| line.find(text).map(|at| columns(&line[..at + text.len()]));
    for (title, number) in [("MAIN FLW", "6.07M"), ("TOTAL", "9.31M")] {
        assert_eq!(end_of(line("MAIN FLW"), title), end_of(line("▌"), number), "{shown}");
    }
    assert!(shown.contains("followers of the main account") && shown.contains("6.07M of 9.31M in all"), "{shown}");
}

#[test]
fn a_filter_that_is_none_leaves_the_cursor_among_the_rows_that_are_there() {
    let mut daemon = Daemon::crowd(300);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "/nokey:x↵");
    let before = daemon.requested.len();
    press(&mut model, &mut daemon, "G");
    let shown = picture(&model);
    assert!(
        shown.contains("✗ ") && !shown.lines().any(|line| line.trim_end().ends_with('…') && line.len() < 12),
        "{shown}"
    );
    let asked = daemon.requested[before..].iter().filter(|request| matches!(request, Request::Page(_))).count();
    assert_eq!(asked, 0, "{shown}");
}

#[test]
fn an_order_by_the_total_shows_the_total() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    let titles = |model: &crate::model::Model| picture(model).lines().nth(2).expect("the titles").to_owned();
    assert!(titles(&model).contains("MAIN FLW") && !titles(&model).contains("TOTAL"));
    press(&mut model, &mut daemon, "o");
    assert!(titles(&model).contains("TOTAL") && !titles(&model).contains("MAIN FLW"), "{}", titles(&model));
}

#[test]
fn columns_are_chosen_and_widened_where_they_are_seen() {
    for (name, size) in [("columns_small", (80, 24)), ("columns_wide", (200, 60))] {
        let mut daemon = Daemon::new();
        let mut model = online(&mut daemon, size.0, size.1);
        // The engagement goes, the total comes, and followers are wider.
        press(&mut model, &mut daemon, "wjj++j kjjjjjj kk");
        insta::assert_snapshot!(name, picture(&model));
        press(&mut model, &mut daemon, "⎋");
        insta::assert_snapshot!(format!("{name}_chosen"), picture(&model));
        assert_eq!(model.shared.remembered.widths["followers"], 11);
        press(&mut model, &mut daemon, "wr↵");
        assert!(model.shared.remembered.columns.is_empty() && model.modal.is_none());
    }
}

#[test]
fn the_order_is_turned_round_and_remembered() {
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    let heading = |model: &crate::model::Model| picture(model).lines().nth(2).expect("titles").to_owned();
    let sent = |daemon: &Daemon| {
        let pages = daemon.requested.iter().rev();
        let mut orders = pages.filter_map(|request| match request {
            Request::Page(query) => Some((query.sort, query.reverse)),
            _ => None,
        });
        orders.next()
    };
    assert!(heading(&model).contains("▼MAIN FLW"), "{}", heading(&model));
    press(&mut model, &mut daemon, "O");
    assert!(heading(&model).contains("▲MAIN FLW"), "{}", heading(&model));
    assert_eq!(sent(&daemon), Some((SortBy::Followers, true)));
    press(&mut model, &mut daemon, ":sort name↵");
    assert!(heading(&model).contains("NAME▲"), "{}", heading(&model));
    press(&mut model, &mut daemon, ":reverse↵");
    assert!(heading(&model).contains("NAME▼"), "{}", heading(&model));
    assert_eq!((model.shared.remembered.sort(), model.shared.remembered.reverse), (SortBy::Name, true));
    // The next start begins there.
    let mut next = crate::model::Model::new(NOW, jiff::tz::TimeZone::UTC, model.shared.size);
    next.shared.remembered = model.shared.remembered.clone();
    send(&mut next, &mut daemon, Message::Online);
    assert!(heading(&next).contains("NAME▼"), "{}", heading(&next));
    assert_eq!(sent(&daemon), Some((SortBy::Name, true)));
}
