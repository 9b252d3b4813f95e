//! How messages read: a title and lines, clean, for channels to escape and shorten in their own way. Pure.

use roster_protocol::alert::{Alert, AlertState, Severity};
use roster_protocol::text::clean;

use super::channels::{Message, MessageKind};

/// The longest title and line, in visible characters.
const TITLE_CHARACTERS: usize = 120;
const LINE_CHARACTERS: usize = 600;

/// The title of a message: `Mara Lindqvist · youtube`.
pub fn title(message: &Message) -> String {
    let first = message.alerts.first();
    let title = match (message.kind, first) {
        (MessageKind::Test, _) | (_, None) => "Roster: a test".to_owned(),
        (MessageKind::Digest, _) => format!("{} alerts of Roster", message.alerts.len()),
        (MessageKind::Resolved, Some(alert)) => format!("Over: {}", whose(alert)),
        (MessageKind::Group, Some(alert)) => format!("{} accounts: {}", alert.members, whose(alert)),
        (MessageKind::Grown, Some(alert)) => format!("Now {} accounts: {}", alert.members, whose(alert)),
        (MessageKind::Opened, Some(alert)) => whose(alert),
    };
    clean(&title, TITLE_CHARACTERS)
}

/// What a message says: one line, or of a digest one for each alert.
pub fn lines(message: &Message) -> Vec<String> {
    match (message.kind, message.alerts.as_slice()) {
        (MessageKind::Test, _) | (_, []) => vec!["This channel works: alerts will arrive here.".to_owned()],
        (MessageKind::Digest, alerts) => gravest_first(alerts).into_iter().map(line_of_many).collect(),
        (_, [alert, ..]) => vec![clean(&alert.why, LINE_CHARACTERS)],
    }
}

/// The severity of the gravest alert; of what is over, and of a test, the least.
pub fn severity(message: &Message) -> Severity {
    match message.kind {
        MessageKind::Resolved | MessageKind::Test => Severity::Info,
        _ => message.alerts.iter().map(|alert| alert.severity).max().unwrap_or(Severity::Info),
    }
}

/// What a message of one alert is about, for people who look it up: `big-drop · warning · alert aeaqcaib`.
pub fn context(message: &Message) -> Option<String> {
    match message.alerts.as_slice() {
        [alert] => {
            let context = format!("{} · {} · alert {}", alert.rule, alert.severity.as_str(), alert.id);
            Some(clean(&context, TITLE_CHARACTERS))
        }
        _ => None,
    }
}

/// Whom an alert is about: `Mara Lindqvist · youtube`.
fn whose(alert: &Alert) -> String {
    let (who, platform) = alert.subject();
    platform.map_or_else(|| who.to_owned(), |platform| format!("{who} · {platform}"))
}

fn line_of_many(alert: &Alert) -> String {
    let over = if alert.state == AlertState::Resolved { " (over)" } else { "" };
    clean(&format!("{}: {}{over}", whose(alert), alert.why), LINE_CHARACTERS)
}

fn gravest_first(alerts: &[Alert]) -> Vec<&Alert> {
    let mut sorted: Vec<&Alert> = alerts.iter().collect();
    sorted.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    sorted
}

/// As many of the lines as have room in `most` bytes, and how many are left out.
pub fn fitting(lines: &[String], most: usize, length: impl Fn(&str) -> usize) -> (&[String], usize) {
    let mut room = most;
    let fits = lines.iter().take_while(|line| {
        let needed = length(line) + 1;
        let has_room = needed <= room;
        room = room.saturating_sub(needed);
        has_room
    });
    let count = fits.count();
    (&lines[..count], lines.len() - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::{alert, message};

    #[test]
    fn a_message_says_whom_it_is_about_and_what_happened() {
        let check = |kind: MessageKind, title: &str| {
            assert_eq!(super::title(&message(kind, vec![alert(1, Severity::Warning)])), title);
        };
        check(MessageKind::Opened, "Mara <b>&Co · youtube");
        check(MessageKind::Resolved, "Over: Mara <b>&Co · youtube");
        check(MessageKind::Digest, "1 alerts of Roster");
        check(MessageKind::Test, "Roster: a test");
        let opened = message(MessageKind::Opened, vec![alert(1, Severity::Warning)]);
        assert_eq!(lines(&opened), ["followers fell 15.8 % <!channel> @everyone 1"]);
        assert_eq!(context(&opened).as_deref(), Some("big-drop · warning · alert aeaqcaib"));
        assert!(lines(&message(MessageKind::Test, Vec::new()))[0].starts_with("This channel works"));
    }

    #[test]
    fn a_digest_has_the_gravest_first_and_says_what_is_over() {
        let over = Alert { state: AlertState::Resolved, ..alert(2, Severity::Info) };
        let digest = message(MessageKind::Digest, vec![over, alert(3, Severity::Critical)]);
        let said = lines(&digest);
        assert_eq!(said.len(), 2);
        assert!(said[0].ends_with("@everyone 3") && said[1].ends_with("@everyone 2 (over)"), "{said:?}");
        assert_eq!((severity(&digest), context(&digest)), (Severity::Critical, None));
    }

    #[test]
    fn lines_that_have_no_room_are_counted() {
        let lines = ["12345", "123", "1"].map(str::to_owned);
        let check = |most, kept: usize, left| {
            let (fits, out) = fitting(&lines, most, str::len);
            assert_eq!((fits.len(), out), (kept, left), "{most}");
        };
        check(100, 3, 0);
        check(10, 2, 1);
        check(9, 1, 2);
        check(0, 0, 3);
    }
}
