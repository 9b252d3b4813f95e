//! What a command prints: one JSON document or text on stdout, remarks on stderr.
//!
//! A reader who leaves early (`roster list | head`) ends a command quietly; see [`Failure::Output`].

pub mod json;
pub mod rows;
pub mod table;
pub mod text;

use std::fmt::Write as _;
use std::future::pending;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::thread;

use clap::ValueEnum;
use jiff::Zoned;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::{ErrorKind, RosterError};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Serialize;
use tokio::sync::oneshot;

use rows::{Form, Format};
use table::{Paint, Tone};

/// How a command ended when it did not fail as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Each of many failed.
    NoneDone,
    /// Some of many failed.
    InPart,
    /// What was looked at is not well.
    NotWell,
    /// No daemon was reached, and what could be looked at without one was.
    NoDaemon,
    /// A person must choose, and none was there.
    Undecided,
    /// For monitoring: an operator should look at it.
    Warning,
    /// For monitoring: it does not do its work.
    Critical,
    /// For monitoring: the state is unknown.
    Unknown,
}

impl Ending {
    /// What `done` of `of` makes; nothing to do is done.
    pub fn of(done: u64, of: u64) -> Self {
        match done {
            done if done >= of => Ending::Done,
            0 => Ending::NoneDone,
            _ => Ending::InPart,
        }
    }

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Ending::Done => 0,
            Ending::NoneDone | Ending::NotWell | Ending::Warning => 1,
            Ending::Undecided | Ending::Critical => 2,
            Ending::NoDaemon | Ending::Unknown => 3,
            Ending::InPart => 6,
        }
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// To be reported to the person or script.
    Reported(RosterError),
    /// The reader of stdout has left, or it cannot be written.
    Output(io::Error),
}

impl From<RosterError> for Failure {
    fn from(error: RosterError) -> Self {
        Failure::Reported(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// When to colour; `Auto` means on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// What text output depends on besides the values.
#[derive(Clone, Debug)]
pub struct Look {
    pub paint: Paint,
    /// Times are printed relative to this, in its zone.
    pub now: Zoned,
}

/// Where a command's output is printed.
pub struct Output {
    json: bool,
    form: Form,
    pub look: Look,
    /// How stderr is coloured.
    pub errors: Paint,
    stdout: Box<dyn Write>,
}

impl Output {
    /// Over this process's stdout.
    pub fn new(json: bool, color: Color, now: Zoned) -> Self {
        let paint = Paint { colored: is_colored(color, &io::stdout()), width: columns() };
        let errors = Paint { colored: is_colored(color, &io::stderr()), ..Paint::default() };
        Self {
            json,
            form: Form::default(),
            look: Look { paint, now },
            errors,
            stdout: Box::new(BufWriter::new(io::stdout())),
        }
    }

    /// Whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints lists in this form from now on.
    ///
    /// # Errors
    /// A list that is followed has one form only.
    pub fn shape(&mut self, form: &Form, follows: bool) -> Result<(), RosterError> {
        if follows && !form.is_usual() {
            let error = RosterError::usage("--follow prints a line for each, or with --json an object");
            return Err(error.hint("leave --format and --columns out"));
        }
        self.json |= form.format == Some(Format::Json);
        self.form = form.clone();
        Ok(())
    }

    /// Prints the whole output as JSON, as text, or in the form of lists that was chosen, and flushes it.
    ///
    /// # Errors
    /// When stdout cannot be written, or what is printed has no such form.
    pub fn print<T: Serialize>(
        &mut self,
        json: impl FnOnce() -> T,
        text: impl FnOnce(&Look) -> String,
    ) -> Result<(), Failure> {
        let text = match self.form.is_usual() {
            false => {
                rows::text_of(&self.form, serde_json::to_value(json()).map_err(io::Error::from)?, self.look.paint)?
            }
            true if self.json => document(&json())?,
            true => text(&self.look),
        };
        self.stdout.write_all(text.as_bytes())?;
        self.stdout.flush()?;
        Ok(())
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes)?;
        self.stdout.flush()
    }

    /// Prints a remark on stderr, unless the output is JSON.
    pub fn remark(&self, sentence: &str) {
        if !self.json {
            // A remark that cannot be printed is no failure.
            let _ = writeln!(io::stderr(), "{}", clean(sentence, SENTENCE_CHARACTERS));
        }
    }

    /// Prints a warning on stderr, also beside JSON.
    pub fn warn(&self, sentence: &str) {
        let warning = self.errors.tone("warning:", Tone::Strong);
        self.aside(&format!("{warning} {}\n", clean(sentence, 2 * SENTENCE_CHARACTERS)));
    }

    /// Prints text of several lines, clean already, on stderr; also beside JSON.
    pub fn aside(&self, text: &str) {
        // As with a remark.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Like [`Output::aside`], unless the output is JSON.
    pub fn aside_without_json(&self, text: &str) {
        if !self.json {
            self.aside(text);
        }
    }

    /// Reports a failure: as JSON on stdout, or as text on stderr.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn failure(&mut self, error: &RosterError, color: Color) -> io::Result<()> {
        if self.json {
            let text = document(&json::Failed::from(error))?;
            return self.raw(text.as_bytes());
        }
        let paint = Paint { colored: is_colored(color, &io::stderr()), ..Paint::default() };
        let _ = io::stderr().write_all(failure_text(error, paint).as_bytes());
        Ok(())
    }
}

/// `error: …` and `hint: …`, clean.
pub fn failure_text(error: &RosterError, paint: Paint) -> String {
    // A message that lists what fits several things may be long.
    let line = |text: &str| clean(text, 20 * SENTENCE_CHARACTERS);
    let mut text = format!("{} {}\n", paint.tone("error:", Tone::Bad), line(&error.message));
    if let Some(hint) = &error.hint {
        let _ = writeln!(text, "{} {}", paint.tone("hint:", Tone::Strong), line(hint));
    }
    text
}

/// The exit code of a command that could not write its output: a reader that left has all it wanted.
pub fn output_failure(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return 0;
    }
    let _ = writeln!(io::stderr(), "error: the output cannot be written: {error}");
    ErrorKind::Failed.exit_code()
}

/// Runs what prints only now and then, until the reader of stdout has left: a closed pipe, a terminal that is gone.
///
/// # Errors
/// Those of the future, and [`Failure::Output`] when the reader has left.
pub async fn while_read<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    while_read_from(io::stdout(), work).await
}

async fn while_read_from<T>(
    output: impl AsFd + Send + 'static,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (sender, left) = oneshot::channel();
    // Nothing else reports it before the next write. A file is never left, and the thread ends with the program.
    let watch = thread::Builder::new().name("reader".to_owned()).spawn(move || {
        if until_left(&output) {
            let _ = sender.send(());
        }
    });
    watch?;
    let left = async {
        match left.await {
            Ok(()) => Failure::Output(io::ErrorKind::BrokenPipe.into()),
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        ended = work => ended,
        failure = left => Err(failure),
    }
}

/// Waits until the other end has no reader any more; false when that cannot be known.
fn until_left(output: impl AsFd) -> bool {
    loop {
        let mut watched = [PollFd::new(&output, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) => return watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// How many columns stdout has, where it is a terminal.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

fn is_colored(color: Color, stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            stream.is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// One line of JSON. What a terminal could obey or hide is escaped, so that the text stays whole and harmless.
pub fn document(value: &impl Serialize) -> io::Result<String> {
    let plain = serde_json::to_string(value)?;
    let mut line = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        if is_invisible(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    Ok(line)
}

/// Controls, bidi marks and code points without width; JSON has them inside strings only.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_with_its_reader_and_only_then() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let work = while_read_from(writer, pending::<Result<(), Failure>>());
        let leave = thread::spawn(move || drop(reader));
        let left = tokio::time::timeout(std::time::Duration::from_secs(20), work).await.expect("it ends");
        assert!(matches!(left, Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe));
        leave.join().expect("it has left");

        let (_reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let mut work = Box::pin(while_read_from(writer, pending::<Result<(), Failure>>()));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), &mut work).await;
        assert!(waited.is_err(), "a reader that is there may be silent for as long as it likes");
        let done = while_read_from(io::stdout(), async { Ok::<_, Failure>(7) }).await;
        assert!(matches!(done, Ok(7)));
    }

    #[test]
    fn endings_decide_the_exit_code() {
        let check = |done, of, code| assert_eq!(Ending::of(done, of).code(), code, "{done} of {of}");
        check(0, 0, 0);
        check(4, 4, 0);
        check(3, 4, 6);
        check(0, 4, 1);
        assert_eq!((Ending::NotWell.code(), Ending::Undecided.code()), (1, 2));
        assert_eq!(output_failure(&io::ErrorKind::BrokenPipe.into()), 0);
    }

    #[test]
    fn json_keeps_hostile_text_whole_and_harmless() {
        let hostile = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}fed\u{e0041}\u{200b}ü";
        let line = document(&hostile).expect("a string");
        assert_eq!(line, "\"\\u001b]0;x\\u0007\\u009b31m\\u202efed\\udb40\\udc41\\u200bü\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).expect("valid"), hostile);
    }

    #[test]
    fn errors_in_text_are_clean_lines() {
        let error = RosterError::not_found("no \u{1b}[31m\"x\ny\"").hint("try\u{7} another");
        assert_eq!(failure_text(&error, Paint::default()), "error: no [31m\"x y\"\nhint: try another\n");
    }

    #[test]
    fn errors_for_scripts_are_one_object() {
        let check = |error: &RosterError, expected: &str| {
            assert_eq!(document(&json::Failed::from(error)).expect("an error"), expected);
        };
        check(
            &RosterError::not_found("nobody").hint("add them"),
            "{\"error\":{\"kind\":\"not_found\",\"message\":\"nobody\",\"hint\":\"add them\"}}\n",
        );
        check(&RosterError::usage("x"), "{\"error\":{\"kind\":\"usage\",\"message\":\"x\",\"hint\":null}}\n");
    }

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        let check = |kind: ErrorKind, code| assert_eq!(kind.exit_code(), code, "{kind:?}");
        check(ErrorKind::Usage, 2);
        check(ErrorKind::Ambiguous, 2);
        check(ErrorKind::Unreachable, 3);
        check(ErrorKind::NotFound, 4);
        check(ErrorKind::NotPermitted, 5);
        for kind in [ErrorKind::Conflict, ErrorKind::Unavailable, ErrorKind::Unconfigured, ErrorKind::Failed] {
            check(kind, 1);
        }
    }
}
