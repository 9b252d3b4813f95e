//! The terminal is given back as it was, whatever ends the program: a key, a signal, a panic.
//!
//! Nothing here waits for a terminal for long: it may be slow, hold its output back, or be gone.

mod canvas;
mod decoder;
mod input;
pub mod notices;
mod writer;

pub use canvas::Canvas;
pub use decoder::{Event, Reply};
pub use input::Input;

use std::io;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use data_encoding::BASE64;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use ratatui::layout::Size;
use tokio::sync::oneshot;

use writer::Writer;

/// How long a terminal that takes no output may delay the end.
const GIVE_BACK: Duration = Duration::from_millis(500);

/// A terminal that does not know its size, such as a serial line, is taken for one of these.
const USUAL: Size = Size { width: 80, height: 24 };

/// Holds the terminal; dropping it gives the terminal back.
pub struct Guard {
    writer: Writer,
    /// A panic gave it back already.
    given_back: Arc<AtomicBool>,
}

impl Guard {
    /// Takes the terminal: raw keys, the alternate screen, pasted text in one piece.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn take() -> io::Result<Self> {
        let guard = Self { writer: Writer::start()?, given_back: Arc::new(AtomicBool::new(false)) };
        restore_before_panicking(guard.writer.clone(), guard.given_back.clone());
        guard.enter()?;
        Ok(guard)
    }

    fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste)?;
        self.write(bytes);
        Ok(())
    }

    /// Writes; the result arrives when the terminal has taken everything.
    pub fn write(&self, bytes: Vec<u8>) -> oneshot::Receiver<io::Result<()>> {
        self.writer.write(bytes)
    }

    /// Whether the terminal is still ours.
    ///
    /// # Errors
    /// When a task panicked: its message is on the screen, and nothing may be drawn over it.
    pub fn check(&self) -> io::Result<()> {
        match self.given_back.load(Ordering::Relaxed) {
            true => Err(io::Error::other("a task of the terminal UI panicked")),
            false => Ok(()),
        }
    }

    /// Gives the terminal back, stops this process until it is continued, and takes the terminal again.
    ///
    /// The signal that stops it is one that we never handle: the kernel ignores it where no shell could continue us.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn stop(&self) -> io::Result<()> {
        restore(&self.writer);
        signal::raise(Signal::SIGTTOU)?;
        self.take_again()
    }

    /// Takes the terminal again after the process was continued: the shell has had it meanwhile.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn take_again(&self) -> io::Result<()> {
        // What was raw may be so no more; crossterm would not look.
        disable_raw_mode()?;
        self.enter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore(&self.writer);
    }
}

fn restore(writer: &Writer) {
    let mut bytes = Vec::new();
    if queue!(bytes, DisableBracketedPaste, LeaveAlternateScreen, Show).is_ok() {
        writer.write_within(GIVE_BACK, bytes);
    }
    // The terminal may be gone; there is nothing left to do about that.
    let _ = disable_raw_mode();
}

/// Gives the terminal back before a panic's message is printed, which would be lost with the screen.
///
/// Other threads' panics are caught where their tasks are awaited; their messages would only tear the picture.
fn restore_before_panicking(writer: Writer, given_back: Arc<AtomicBool>) {
    let ours = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == ours {
            given_back.store(true, Ordering::Relaxed);
            restore(&writer);
            before(info);
        }
    }));
}

/// Stops the whole job, as Ctrl-Z does where the terminal itself sees to keys: a script that started us stops too.
///
/// # Errors
/// When the system does not permit it.
pub fn stop_job() -> io::Result<()> {
    Ok(signal::kill(Pid::from_raw(0), Signal::SIGTSTP)?)
}

/// The terminal's size.
///
/// # Errors
/// When the terminal is gone.
pub fn size() -> io::Result<Size> {
    let size = rustix::termios::tcgetwinsize(io::stdout())?;
    let known = size.ws_col > 0 && size.ws_row > 0;
    Ok(if known { Size { width: size.ws_col, height: size.ws_row } } else { USUAL })
}

/// What hands a text to the clipboard, by the terminal's own means (OSC 52): it works over SSH too, where it is allowed.
pub fn copy(text: &str) -> Vec<u8> {
    let in_tmux = std::env::var_os("TMUX").is_some_and(|value| !value.is_empty());
    clipboard(text, in_tmux).into_bytes()
}

/// The sequence for it. tmux takes it itself (`set-clipboard on`), or passes it on (`allow-passthrough on`).
fn clipboard(text: &str, in_tmux: bool) -> String {
    let sequence = format!("\u{1b}]52;c;{}\u{7}", BASE64.encode(text.as_bytes()));
    if in_tmux { format!("{sequence}\u{1b}Ptmux;\u{1b}{sequence}\u{1b}\\") } else { sequence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_gets_the_text_and_nothing_else() {
        let url = "https://x.example/?a=b&c=%20";
        let sequence = "\u{1b}]52;c;aHR0cHM6Ly94LmV4YW1wbGUvP2E9YiZjPSUyMA==\u{7}";
        assert_eq!(clipboard(url, false), sequence);
        // What is passed on has its escapes doubled.
        let passed_on = format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"));
        assert_eq!(clipboard(url, true), format!("{sequence}{passed_on}"));
    }
}
