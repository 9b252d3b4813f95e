//! The terminal is given back as it was, whatever ends the program: a key, a signal, a panic.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use data_encoding::BASE64;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use crate::consent::PlainUrl;
use crate::model::Model;
use crate::view;

/// What a frame is written through: one write a frame, not one a line.
type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// Holds the terminal; dropping it gives the terminal back.
pub struct Guard {
    /// A panic gave it back already.
    given_back: Arc<AtomicBool>,
}

impl Guard {
    /// Takes the terminal: raw keys, the alternate screen, pasted text in one piece.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn take() -> io::Result<Self> {
        let given_back = Arc::new(AtomicBool::new(false));
        restore_before_panicking(given_back.clone());
        enable_raw_mode()?;
        let guard = Self { given_back };
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(guard)
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
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // The terminal may be gone; there is nothing left to do about that.
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}

/// Gives the terminal back before a panic's message is printed, which would be lost with the screen.
///
/// Other threads' panics are caught where their tasks are awaited; their messages would only tear the picture.
fn restore_before_panicking(given_back: Arc<AtomicBool>) {
    let ours = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == ours {
            given_back.store(true, Ordering::Relaxed);
            restore();
            before(info);
        }
    }));
}

/// Hands a URL to the clipboard, by the terminal's own means (OSC 52): it works over SSH too, where it is allowed.
///
/// # Errors
/// When the terminal is gone.
pub fn copy(url: &PlainUrl) -> io::Result<()> {
    let in_tmux = std::env::var_os("TMUX").is_some_and(|value| !value.is_empty());
    let mut stdout = io::stdout();
    stdout.write_all(clipboard(url, in_tmux).as_bytes())?;
    stdout.flush()
}

/// The sequence for it. tmux takes it itself (`set-clipboard on`), or passes it on (`allow-passthrough on`).
fn clipboard(url: &PlainUrl, in_tmux: bool) -> String {
    let sequence = format!("\u{1b}]52;c;{}\u{7}", BASE64.encode(url.as_str().as_bytes()));
    if in_tmux { format!("{sequence}\u{1b}Ptmux;\u{1b}{sequence}\u{1b}\\") } else { sequence }
}

/// The screen, and what was drawn on it last.
pub struct Canvas {
    /// Never dropped: ratatui would complain on stderr when the terminal is gone, and that is gone then too.
    /// The [`Guard`] gives back what it took.
    terminal: ManuallyDrop<Terminal<Backend>>,
    drawn: Option<(Buffer, Option<Position>)>,
}

impl Canvas {
    /// A canvas over the whole terminal.
    ///
    /// # Errors
    /// When the terminal does not report its size.
    pub fn new() -> io::Result<Self> {
        let writer = BufWriter::with_capacity(64 * 1024, io::stdout());
        let terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(writer))?);
        Ok(Self { terminal, drawn: None })
    }

    /// The terminal's size.
    ///
    /// # Errors
    /// When the terminal does not report it.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Draws the model. When the picture is the same as before, not a byte is written.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, model: &Model) -> io::Result<()> {
        let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, model.shared.size)));
        let cursor = view::draw(model, &mut buffer);
        if self.drawn.as_ref().is_some_and(|(drawn, at)| *drawn == buffer && *at == cursor) {
            return Ok(());
        }
        let mut fits = false;
        self.terminal.draw(|frame| {
            // Right after a resize its message may not have arrived yet.
            fits = frame.area() == buffer.area;
            if fits {
                frame.buffer_mut().content.clone_from(&buffer.content);
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            }
        })?;
        self.drawn = fits.then_some((buffer, cursor));
        Ok(())
    }

    /// Has the next picture drawn from scratch.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.drawn = None;
        self.terminal.clear()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_gets_the_url_and_nothing_else() {
        let url = PlainUrl::checked("https://x.example/?a=b&c=%20").expect("plain");
        let sequence = "\u{1b}]52;c;aHR0cHM6Ly94LmV4YW1wbGUvP2E9YiZjPSUyMA==\u{7}";
        assert_eq!(clipboard(&url, false), sequence);
        // What is passed on has its escapes doubled.
        let passed_on = format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"));
        assert_eq!(clipboard(&url, true), format!("{sequence}{passed_on}"));
    }
}
