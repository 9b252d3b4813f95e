//! Alerts as notices of the terminal: where a user has no desktop, over SSH, the terminal shows them.
//!
//! `roster alerts --follow --osc` uses [`ForCommand`]. The terminal UI, which holds the terminal, uses the parts.

mod detect;
mod form;
mod gather;
mod tty;

pub use detect::{Detection, Plan, QUERY};
pub use form::{Notice, Target};
pub use gather::Gathered;

use std::future::pending;
use std::process::Stdio;
use std::time::{Duration, Instant};

use roster_protocol::{Alert, RosterError};
use tokio::process::Command;
use tokio::time::{sleep_until, timeout};

use crate::client_config::NoticeChoice;
use detect::Environment;
use tty::Tty;

/// How long tmux may take to say what it does.
const TMUX: Duration = Duration::from_secs(1);

/// The environment of this process.
pub fn environment() -> Environment {
    let term = std::env::var("TERM").unwrap_or_default();
    Environment { term, in_tmux: is_set("TMUX"), in_screen: is_set("STY") }
}

/// Whether the environment has such a variable, and not an empty one.
pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Requests of tmux how notices are written in it.
pub async fn query_tmux(choice: NoticeChoice) -> Target {
    let mut tmux = Command::new("tmux");
    tmux.args(["display-message", "-p"]);
    if let Some(pane) = std::env::var_os("TMUX_PANE").filter(|pane| !pane.is_empty()) {
        tmux.arg("-t").arg(pane);
    }
    tmux.arg(detect::TMUX_FORMAT).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // One that is not there or says nothing leaves the bell.
    let said = match timeout(TMUX, tmux.output()).await {
        Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => String::new(),
    };
    detect::in_tmux(choice, &said)
}

/// Notices beside a command's output.
pub struct ForCommand {
    tty: Tty,
    target: Target,
    gathered: Gathered,
}

impl ForCommand {
    /// Finds the terminal, and out how it is notified; `None` when nothing is to be.
    ///
    /// # Errors
    /// When there is no terminal.
    pub async fn start(choice: NoticeChoice) -> Result<Option<Self>, RosterError> {
        let Some(plan) = Plan::new(choice, &environment()) else { return Ok(None) };
        let terminal = tty::open().map_err(|error| {
            RosterError::usage(format!("there is no terminal for --osc: {error}"))
                .hint("leave --osc out, or give the command a terminal, as `ssh -t` does")
        })?;
        let target = match plan {
            Plan::Known(target) => target,
            Plan::QueryTmux(choice) => query_tmux(choice).await,
            Plan::QueryTerminal(mut detection) => {
                tty::query(&terminal, &mut detection);
                detection.target()
            }
        };
        let unwritable = |error| RosterError::failed(format!("the terminal cannot be written: {error}"));
        let tty = Tty::over(terminal).map_err(unwritable)?;
        Ok(Some(Self { tty, target, gathered: Gathered::default() }))
    }

    /// Takes an alert that changed.
    pub fn changed(&mut self, alert: &Alert) {
        self.gathered.changed(alert, Instant::now());
    }

    /// Writes each notice when it is due. A call that is given up loses nothing.
    pub async fn run(&mut self) -> std::convert::Infallible {
        loop {
            match self.gathered.due() {
                Some(due) => sleep_until(due.into()).await,
                None => return pending().await,
            }
            if let Some(alerts) = self.gathered.take(Instant::now()) {
                self.tty.write(Notice::of(&alerts).bytes(self.target));
            }
        }
    }
}
