//! The list without its daemon: nothing shown is the answer to what was not answered.

use roster_protocol::{ErrorKind, RosterError};

use crate::message::Message;
use crate::testing::*;

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
