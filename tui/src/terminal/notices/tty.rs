//! A command's way to the terminal that is not its output: notices must not end up in a pipe or a file.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::detect::{Detection, QUERY};
use crate::terminal::decoder::{Decoder, Event};
use crate::terminal::writer::Writer;

/// How long a terminal may take to reply; over a slow connection it is hundreds of milliseconds.
const REPLY: Duration = Duration::from_secs(1);

/// The terminal of a command.
pub(super) struct Tty {
    writer: Writer,
    /// What the terminal has not taken yet.
    writing: Option<oneshot::Receiver<io::Result<()>>>,
}

/// Opens the terminal: that of stderr, or the controlling one.
///
/// # Errors
/// When there is none.
pub(super) fn open() -> io::Result<File> {
    let stderr = io::stderr();
    if stderr.is_terminal() {
        return Ok(stderr.as_fd().try_clone_to_owned()?.into());
    }
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

impl Tty {
    /// # Errors
    /// When the system has no thread left.
    pub fn over(terminal: File) -> io::Result<Self> {
        Ok(Self { writer: Writer::over(terminal)?, writing: None })
    }

    /// Writes; what a terminal has no room for, because it is stopped, is dropped.
    pub fn write(&mut self, bytes: Vec<u8>) {
        let is_taken =
            self.writing.as_mut().is_none_or(|writing| !matches!(writing.try_recv(), Err(TryRecvError::Empty)));
        if is_taken {
            self.writing = Some(self.writer.write(bytes));
        }
    }
}

/// Queries the terminal, for a second at most. Without an echo, and with signals held back, so that whatever ends the
/// program leaves the terminal as it was. Only a program in the foreground may do that.
pub(super) fn query(terminal: &File, detection: &mut Detection) {
    if tcgetpgrp(terminal).is_ok_and(|foreground| foreground != getpgrp()) {
        return;
    }
    // No other thread runs yet that would take them.
    let Ok(before) = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK) else { return };
    if let Ok(modes) = tcgetattr(terminal) {
        // A terminal that is gone meanwhile: then there is nothing to put back either.
        let _ = replies(terminal, modes.clone(), detection);
        // Drops what arrived too late, too.
        let _ = tcsetattr(terminal, OptionalActions::Flush, &modes);
    }
    // What arrived meanwhile takes effect here. Setting a mask that was in use cannot fail.
    let _ = before.thread_set_mask();
}

fn replies(terminal: &File, mut modes: Termios, detection: &mut Detection) -> io::Result<()> {
    modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    tcsetattr(terminal, OptionalActions::Drain, &modes)?;
    let last = Instant::now() + REPLY;
    rustix::io::write(terminal, QUERY)?;
    let mut decoder = Decoder::default();
    let mut bytes = [0; 1_024];
    while !detection.is_over() {
        let left = last.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(REPLY / 2).subsec_nanos()) };
        let ready = poll(&mut [PollFd::new(terminal, PollFlags::IN)], Some(&left))?;
        if Instant::now() >= last {
            return Ok(());
        }
        if ready == 0 {
            continue;
        }
        let length = rustix::io::read(terminal, &mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        for event in decoder.take(&bytes[..length]) {
            if let Event::Reply(reply) = event {
                detection.take(&reply);
            }
        }
    }
    Ok(())
}
