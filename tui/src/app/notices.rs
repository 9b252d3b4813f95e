//! What the terminal is given beside the picture: a notice of the alerts that open.

use std::time::Instant;

use roster_protocol::{Event, EventBatch};
use tokio::sync::mpsc::Sender;

use super::Incoming;
use crate::client_config::NoticeChoice;
use crate::terminal::notices::{Detection, Gathered, Notice, Plan, QUERY, Target, environment, is_set, query_tmux};
use crate::terminal::{Guard, Reply};

/// The alerts to notify of, and how.
pub(super) struct Notices {
    /// `None`: not at all. While the terminal's reply is on its way, the bell.
    target: Option<Target>,
    /// What the terminal has replied so far.
    detection: Option<Detection>,
    gathered: Gathered,
}

impl Notices {
    /// Begins to find out how this terminal is notified. Nothing waits for that: a reply may be late or never arrive.
    pub fn start(choice: Option<NoticeChoice>, guard: &Guard, sender: &Sender<Incoming>) -> Self {
        let mut notices = Self { target: None, detection: None, gathered: Gathered::default() };
        let Some(plan) = Plan::new(choice.unwrap_or_else(usual), &environment()) else { return notices };
        notices.target = Some(Target::BELL);
        match plan {
            Plan::Known(target) => notices.target = Some(target),
            Plan::QueryTmux(choice) => {
                let sender = sender.clone();
                tokio::spawn(async move {
                    // The UI may have ended meanwhile.
                    let _ = sender.send(Incoming::NoticeTarget(query_tmux(choice).await)).await;
                });
            }
            Plan::QueryTerminal(detection) => {
                notices.target = Some(detection.target());
                notices.detection = Some(detection);
                guard.write(QUERY.to_vec());
            }
        }
        notices
    }

    /// Takes what the terminal says of itself, however late.
    pub fn replied(&mut self, reply: &Reply) {
        if let Some(detection) = &mut self.detection {
            detection.take(reply);
            self.target = Some(detection.target());
        }
    }

    /// Whether replies are still on their way.
    pub fn waits(&self) -> bool {
        self.detection.as_ref().is_some_and(|detection| !detection.is_over())
    }

    pub fn found(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// Takes the alerts that changed.
    pub fn happened(&mut self, batch: &EventBatch, now: Instant) {
        for event in &batch.events {
            if let Event::AlertChanged(alert) = event
                && self.target.is_some()
            {
                self.gathered.changed(alert, now);
            }
        }
    }

    /// When the next one is due.
    pub fn due(&self) -> Option<Instant> {
        self.gathered.due()
    }

    /// The bytes of the notice that is due.
    pub fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        let alerts = self.gathered.take(now)?;
        self.target.map(|target| Notice::of(&alerts).bytes(target))
    }
}

/// Without a choice: over SSH no desktop of the user's is at hand; elsewhere `roster notify` shows alerts.
fn usual() -> NoticeChoice {
    if ["SSH_TTY", "SSH_CONNECTION"].into_iter().any(is_set) { NoticeChoice::Auto } else { NoticeChoice::Off }
}
