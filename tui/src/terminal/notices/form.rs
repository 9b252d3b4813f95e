//! The bytes of a notice, by what a terminal understands. Pure.
//!
//! Sources, read 2026-11: iTerm2 "Proprietary Escape Codes" (OSC 9); rxvt-unicode and foot-ctlseqs(7) (OSC 777);
//! kitty "Desktop notifications" (OSC 99); tmux(1) `allow-passthrough`; screen(1) "Control Sequences" (DCS is passed on).

use roster_protocol::Alert;
use roster_protocol::notice::{BODY_CHARACTERS, TITLE_CHARACTERS, notice_text};
use roster_protocol::text::clean;

/// How a notice is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The bell, which every terminal has.
    Bell,
    /// One text.
    Osc9,
    /// A title and a text.
    Osc777,
    /// A title and a text; one with the same id replaces it.
    Osc99,
}

/// What is between the program and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Nothing.
    Terminal,
    /// tmux that passes on what is wrapped; unless `hidden`, only of windows that are seen.
    Tmux { hidden: bool },
    /// GNU screen.
    Screen,
}

/// How notices are written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub form: Form,
    pub through: Through,
}

impl Target {
    pub const BELL: Target = Target { form: Form::Bell, through: Through::Terminal };
}

/// One notice, of one alert or of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    id: String,
    title: String,
    body: String,
    /// As the Desktop Notifications Specification 1.2 numbers it: 0 low, 1 normal, 2 critical.
    urgency: u8,
}

impl Notice {
    /// One notice for all of these.
    pub fn of(alerts: &[Alert]) -> Self {
        let (title, body) = notice_text(alerts);
        let id = if let [alert] = alerts { format!("roster-{}", alert.id) } else { "roster".to_owned() };
        let urgency = alerts.iter().map(|alert| alert.severity as u8).max().unwrap_or(0);
        Self {
            id,
            title: plain(&format!("Roster: {title}"), TITLE_CHARACTERS),
            body: plain(&body, BODY_CHARACTERS),
            urgency,
        }
    }

    /// What is written to show it.
    pub fn bytes(&self, target: Target) -> Vec<u8> {
        let Self { id, title, body, urgency } = self;
        let sequence = match target.form {
            Form::Bell => return BELL.to_vec(),
            Form::Osc9 => format!("\x1b]9;{title}: {body}\x07"),
            Form::Osc777 => format!("\x1b]777;notify;{title};{body}\x07"),
            Form::Osc99 => {
                format!("\x1b]99;i={id}:d=0:u={urgency};{title}\x07\x1b]99;i={id}:d=1:u={urgency}:p=body;{body}\x07")
            }
        };
        through(target.through, &sequence)
    }
}

const BELL: &[u8] = b"\x07";
/// What GNU screen passes on at once; its buffer has 256 bytes in older versions.
const SCREEN_PIECE: usize = 200;

fn through(through: Through, sequence: &str) -> Vec<u8> {
    match through {
        Through::Terminal => sequence.as_bytes().to_vec(),
        Through::Tmux { hidden } => {
            let mut bytes = format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes();
            // What is not passed on from a hidden window marks the window at least.
            bytes.extend_from_slice(if hidden { b"" } else { BELL });
            bytes
        }
        Through::Screen => {
            let pieces = sequence.as_bytes().chunks(SCREEN_PIECE);
            pieces.flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat()).collect()
        }
    }
}

/// Text that ends no sequence and separates nothing in it.
fn plain(text: &str, most: usize) -> String {
    clean(text, most).replace(';', ",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn written(alerts: &[Alert], form: Form, through: Through) -> String {
        String::from_utf8(Notice::of(alerts).bytes(Target { form, through })).expect("text")
    }

    #[test]
    fn each_form_is_what_terminals_read() {
        let alert = samples::alert();
        let check = |form, expected: &str| {
            assert_eq!(written(std::slice::from_ref(&alert), form, Through::Terminal), expected);
        };
        check(Form::Bell, "\x07");
        let body = "followers −15.8 % (12,345 → 10,400)";
        check(Form::Osc9, &format!("\x1b]9;Roster: Mara Lindqvist · youtube: {body}\x07"));
        check(Form::Osc777, &format!("\x1b]777;notify;Roster: Mara Lindqvist · youtube;{body}\x07"));
        let title = "\x1b]99;i=roster-aeaqcaib:d=0:u=1;Roster: Mara Lindqvist · youtube\x07";
        check(Form::Osc99, &format!("{title}\x1b]99;i=roster-aeaqcaib:d=1:u=1:p=body;{body}\x07"));
    }

    #[test]
    fn many_are_one_notice() {
        let many = vec![samples::alert(); 7];
        let text = written(&many, Form::Osc99, Through::Terminal);
        assert!(text.starts_with("\x1b]99;i=roster:d=0:u=1;Roster: 7 alerts: Mara Lindqvist\x07"), "{text}");
        assert_eq!(text.matches("\x1b]99;").count(), 2);
        assert_eq!(text.matches(';').count(), 4, "{text}");
    }

    #[test]
    fn what_is_wrapped_arrives_whole() {
        let alert = [samples::alert()];
        let plain = written(&alert, Form::Osc777, Through::Terminal);
        let doubled = plain.replace('\x1b', "\x1b\x1b");
        let check = |hidden, after: &str| {
            let wrapped = written(&alert, Form::Osc777, Through::Tmux { hidden });
            assert_eq!(wrapped, format!("\x1bPtmux;{doubled}\x1b\\{after}"));
        };
        check(true, "");
        check(false, "\x07");
        assert_eq!(written(&alert, Form::Bell, Through::Tmux { hidden: false }), "\x07");
        let long = Alert { metric: None, why: "x".repeat(900), ..samples::alert() };
        let bytes = Notice::of(&[long]).bytes(Target { form: Form::Osc9, through: Through::Screen });
        let wrapped = String::from_utf8_lossy(&bytes);
        let pieces: Vec<&str> = wrapped.split("\x1b\\").collect();
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() <= SCREEN_PIECE + 2), "{wrapped}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_ends_a_sequence_or_begins_one(name in "(\\PC|\\pC|[;\u{1b}\u{7}\u{9b}\u{9c}]){0,60}") {
            let alert = Alert { influencer_name: Some(name.clone()), metric: None, why: name, ..samples::alert() };
            for (form, separators) in [(Form::Osc9, 1), (Form::Osc777, 3), (Form::Osc99, 4)] {
                let text = written(std::slice::from_ref(&alert), form, Through::Terminal);
                let sequences = if form == Form::Osc99 { 2 } else { 1 };
                proptest::prop_assert_eq!(text.matches(';').count(), separators, "{:?}", &text);
                proptest::prop_assert_eq!(text.chars().filter(|c| c.is_control()).count(), 2 * sequences, "{:?}", &text);
            }
        }
    }
}
