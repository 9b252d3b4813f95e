//! The signals that the terminal UI listens to.

use std::io;

use futures::future::select_all;
use nix::libc;
use tokio::signal::unix::{self, SignalKind};

/// What a signal requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// To end.
    End,
    /// To give the terminal back, and stop.
    Stop,
    /// To go on after a stop, also after one that could not be foreseen.
    Continue,
    /// To look at the terminal's size.
    Resize,
}

/// All of them, from now on.
pub(super) struct Signals {
    all: Vec<(unix::Signal, Signal)>,
}

impl Signals {
    /// # Errors
    /// When the system does not permit it.
    pub fn new() -> io::Result<Self> {
        let all = [
            (SignalKind::terminate(), Signal::End),
            (SignalKind::hangup(), Signal::End),
            (SignalKind::interrupt(), Signal::End),
            (SignalKind::from_raw(libc::SIGTSTP), Signal::Stop),
            (SignalKind::from_raw(libc::SIGCONT), Signal::Continue),
            (SignalKind::window_change(), Signal::Resize),
        ];
        let listen = |(kind, meaning)| Ok((unix::signal(kind)?, meaning));
        Ok(Self { all: all.into_iter().map(listen).collect::<io::Result<_>>()? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        let waits = self.all.iter_mut().map(|(signal, meaning)| {
            Box::pin(async {
                signal.recv().await;
                *meaning
            })
        });
        select_all(waits).await.0
    }
}
