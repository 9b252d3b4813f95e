//! Bytes of a terminal become keys and pasted text, in whatever pieces they arrive.
//!
//! crossterm's parser takes a piece's end for a sequence's end and knows no replies, and it cannot be given bytes; this
//! one waits for the rest, and keeps apart or drops what is no key: replies, mouse, focus.
//! Pure: how long to wait is [`Decoder::wait`], and the caller calls [`Decoder::waited`] when that is over.

mod keys;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// How long the next byte after ESC may take to make one key of both, as Alt does.
const ALT: Duration = Duration::from_millis(25);
/// How much longer the rest of a sequence may take; after it an ESC alone is the key Esc. Both together are more than
/// the 50 ms by which slow lines tear sequences, and less than anyone notices.
const REST: Duration = Duration::from_millis(55);
/// How long a sequence that has begun plainly may be silent: then its rest is lost.
const BEGUN: Duration = Duration::from_secs(1);

/// The most bytes of pasted text; what is beyond them is dropped.
const MOST_PASTED: usize = 1 << 20;
/// The most parameter bytes of a sequence. Longer ones are no keys.
const MOST_PARAMETERS: usize = 64;
/// The most bytes of a reply; a longer one is none that is read here.
const MOST_REPLIED: usize = 512;

const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What a terminal reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Key(KeyEvent),
    Paste(String),
    Reply(Reply),
}

/// What a terminal says of itself, unchecked: it may reply to nothing, or to another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A device control string (DCS), such as the terminal's name.
    Control(String),
    /// An operating system command (OSC).
    Command(String),
    /// Its primary device attributes, which every terminal has.
    Attributes,
}

/// What has begun and is not over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// A character of several bytes.
    Character {
        bytes: Vec<u8>,
        modifiers: KeyModifiers,
    },
    /// ESC; once it `is_alone`, only a sequence's next byte belongs to it.
    Escape {
        is_alone: bool,
    },
    /// ESC O and digits.
    SingleShift,
    /// ESC [ and parameters.
    Control(Vec<u8>),
    /// ESC [ [, of the Linux console.
    Console,
    /// The rest of an old mouse report.
    Mouse {
        left: u8,
    },
    /// A string for programs, such as a late reply: ESC and one of `]`, `P`, `_`, `^`, `X`, until BEL or ESC \.
    Reply {
        introducer: u8,
        bytes: Vec<u8>,
        may_end: bool,
    },
    Paste(Vec<u8>),
}

/// Puts bytes together.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
}

impl Decoder {
    /// Takes what has arrived; gives what it completes.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        bytes.iter().flat_map(|byte| self.step(*byte)).flatten().collect()
    }

    /// How long the next byte may take before [`Decoder::waited`]; `None` when nothing hangs on it.
    pub fn wait(&self) -> Option<Duration> {
        match self.state {
            State::Ground | State::Paste(_) => None,
            State::Escape { is_alone: false } => Some(ALT),
            State::Escape { is_alone: true } => Some(REST),
            _ => Some(BEGUN),
        }
    }

    /// The wait was in vain.
    pub fn waited(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.state) {
            State::Escape { is_alone: false } => {
                self.state = State::Escape { is_alone: true };
                None
            }
            State::Escape { is_alone: true } => Some(key(KeyCode::Esc)),
            State::Paste(bytes) => {
                self.state = State::Paste(bytes);
                None
            }
            _ => None,
        }
    }

    /// One byte completes two events at most: Esc, and the key after it.
    fn step(&mut self, byte: u8) -> [Option<Event>; 2] {
        let (state, event) = match std::mem::take(&mut self.state) {
            State::Paste(bytes) => pasted(bytes, byte),
            State::Mouse { left } => (if left > 1 { State::Mouse { left: left - 1 } } else { State::Ground }, None),
            State::Reply { introducer, bytes, may_end } => match (byte, may_end) {
                (0x07, _) | (b'\\', true) => (State::Ground, replied(introducer, bytes)),
                // It was cancelled.
                (0x18 | 0x1a, _) => (State::Ground, None),
                (0x1b, _) => (State::Reply { introducer, bytes, may_end: true }, None),
                (_, false) => (continued(introducer, bytes, byte), None),
                // The ESC began something else.
                (_, true) => after_escape(byte),
            },
            State::Escape { is_alone: true } if !begins_sequence(byte) => {
                self.state = State::Ground;
                let [first, _] = self.step(byte);
                return [Some(key(KeyCode::Esc)), first];
            }
            State::Escape { .. } => after_escape(byte),
            // Whatever a sequence began as, ESC begins another.
            State::SingleShift | State::Control(_) | State::Console if byte == 0x1b => (ESCAPE, None),
            State::SingleShift if byte.is_ascii_digit() => (State::SingleShift, None),
            State::SingleShift => (State::Ground, keys::single_shift(byte).map(key)),
            State::Console => (State::Ground, keys::console(byte).map(key)),
            State::Control(parameters) => control(parameters, byte),
            State::Character { bytes, modifiers } => match byte {
                0x80..=0xbf => character(bytes, byte, modifiers),
                byte => ground(byte, KeyModifiers::NONE),
            },
            State::Ground => ground(byte, KeyModifiers::NONE),
        };
        self.state = state;
        [event, None]
    }
}

type Step = (State, Option<Event>);

const ESCAPE: State = State::Escape { is_alone: false };

fn key(code: KeyCode) -> Event {
    Event::Key(code.into())
}

/// Whether ESC and this byte begin a sequence.
fn begins_sequence(byte: u8) -> bool {
    matches!(byte, b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X')
}

fn after_escape(byte: u8) -> Step {
    match byte {
        b'[' => (State::Control(Vec::new()), None),
        b'O' => (State::SingleShift, None),
        b']' | b'P' | b'_' | b'^' | b'X' => {
            (State::Reply { introducer: byte, bytes: Vec::new(), may_end: false }, None)
        }
        0x1b => (ESCAPE, Some(key(KeyCode::Esc))),
        byte => ground(byte, KeyModifiers::ALT),
    }
}

fn ground(byte: u8, modifiers: KeyModifiers) -> Step {
    match byte {
        0x1b => (ESCAPE, None),
        0xc2..=0xf4 => (State::Character { bytes: vec![byte], modifiers }, None),
        byte => (State::Ground, keys::ascii(byte).map(|key| with(key, modifiers))),
    }
}

fn with(mut key: KeyEvent, modifiers: KeyModifiers) -> Event {
    key.modifiers |= modifiers;
    Event::Key(key)
}

/// One more byte of a reply; of one that is too long, the first is kept that shows it.
fn continued(introducer: u8, mut bytes: Vec<u8>, byte: u8) -> State {
    if bytes.len() <= MOST_REPLIED {
        bytes.push(byte);
    }
    State::Reply { introducer, bytes, may_end: false }
}

/// What a whole reply is; nothing when it is of no kind that is read here.
fn replied(introducer: u8, bytes: Vec<u8>) -> Option<Event> {
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MOST_REPLIED)?;
    match introducer {
        b'P' => Some(Event::Reply(Reply::Control(text))),
        b']' => Some(Event::Reply(Reply::Command(text))),
        _ => None,
    }
}

/// One more byte of a character. What is no character is dropped.
fn character(mut bytes: Vec<u8>, byte: u8, modifiers: KeyModifiers) -> Step {
    bytes.push(byte);
    match std::str::from_utf8(&bytes) {
        Ok(text) => (State::Ground, text.chars().next().map(|letter| with(keys::letter(letter), modifiers))),
        Err(error) if error.error_len().is_none() => (State::Character { bytes, modifiers }, None),
        Err(_) => (State::Ground, None),
    }
}

/// One more byte of ESC [: a parameter, or the end. What can be neither ends it as nothing.
fn control(mut parameters: Vec<u8>, byte: u8) -> Step {
    match byte {
        0x20..=0x3f => {
            if parameters.len() <= MOST_PARAMETERS {
                parameters.push(byte);
            }
            (State::Control(parameters), None)
        }
        b'[' if parameters.is_empty() => (State::Console, None),
        b'M' if parameters.is_empty() => (State::Mouse { left: 3 }, None),
        b'~' if parameters == b"200" => (State::Paste(Vec::new()), None),
        b'c' if parameters.starts_with(b"?") => (State::Ground, Some(Event::Reply(Reply::Attributes))),
        0x40..=0x7e if parameters.len() <= MOST_PARAMETERS => {
            (State::Ground, keys::control(&parameters, byte).map(Event::Key))
        }
        _ => (State::Ground, None),
    }
}

fn pasted(mut bytes: Vec<u8>, byte: u8) -> Step {
    bytes.push(byte);
    if let Some(text) = bytes.strip_suffix(PASTE_ENDS) {
        return (State::Ground, Some(Event::Paste(String::from_utf8_lossy(text).into_owned())));
    }
    if bytes.len() >= MOST_PASTED + PASTE_ENDS.len() {
        // The newest ones stay: they may be the beginning of the end.
        bytes.remove(MOST_PASTED);
    }
    (State::Paste(bytes), None)
}

#[cfg(test)]
mod tests;
