//! Follows the syncs that were requested here, until they are done.

use roster_protocol::{ErrorKind, Outcome, RosterError, Run, SyncProgress, SyncTicket};

use crate::message::{Effect, Request};
use crate::shared::{Shared, ToastLevel, Watched};

/// Follows a ticket from its first run on.
pub(super) fn begin(shared: &mut Shared, ticket: SyncTicket, label: String) -> Vec<Effect> {
    shared.watched.push(Watched { ticket, label, ended: 0, not_ok: 0, why_skipped: None });
    vec![Effect::Request(Request::Progress { ticket, seen: 0 })]
}

/// Takes a ticket's progress.
pub(super) fn progress(
    shared: &mut Shared,
    ticket: SyncTicket,
    result: Result<SyncProgress, RosterError>,
) -> Vec<Effect> {
    let Some(at) = shared.watched.iter().position(|watched| watched.ticket == ticket) else { return Vec::new() };
    let progress = match result {
        Ok(progress) => progress,
        Err(error) => {
            shared.watched.remove(at);
            // A daemon that was started anew knows nothing of the ticket; it syncs all the same.
            if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unreachable) {
                shared.complain(error);
            }
            return Vec::new();
        }
    };
    let watched = &mut shared.watched[at];
    watched.ended += progress.runs.len() as u64;
    watched.not_ok += progress.runs.iter().filter(|run| run.outcome != Outcome::Ok).count() as u64;
    let skipped = progress.runs.iter().find(|run| run.outcome == Outcome::Skipped);
    let why = skipped.and_then(|run| run.error.clone());
    watched.why_skipped = watched.why_skipped.take().or(why);
    if !progress.done {
        return vec![Effect::Request(Request::Progress { ticket, seen: watched.ended })];
    }
    let watched = shared.watched.remove(at);
    report_synced(shared, &watched, progress.runs.last());
    Vec::new()
}

fn report_synced(shared: &mut Shared, watched: &Watched, last: Option<&Run>) {
    let label = &watched.label;
    let (level, text, hint) = match (watched.not_ok, last) {
        (0, Some(run)) if watched.ended == 1 && run.followers.is_some() => {
            (ToastLevel::Done, format!("synced {label}: {} followers", shared.count(run.followers)), None)
        }
        (0, _) => (ToastLevel::Done, format!("synced {label}"), None),
        (_, Some(Run { error: Some(error), .. })) if watched.ended == 1 => {
            (ToastLevel::Failed, format!("{label}: {error}"), None)
        }
        // What is paused or held is not requested: no run of it is kept anywhere.
        (not_ok, _) if not_ok == watched.ticket.skipped => {
            let why = watched.why_skipped.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let text = format!("{label}: {not_ok} of {} not synced{why}", watched.ended);
            (ToastLevel::Failed, text, None)
        }
        (not_ok, _) => {
            let text = format!("synced {label}: {not_ok} of {} did not go well", watched.ended);
            (ToastLevel::Failed, text, Some("2 shows the runs".to_owned()))
        }
    };
    let begun = format!("syncing {label}");
    shared.toasts.retain(|toast| toast.text != begun);
    shared.say(level, text, hint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Daemon, online, runs};

    #[test]
    fn what_is_paused_is_said_to_be_and_points_at_no_run() {
        let check = |outcomes: &[Outcome], skipped: u64, text: &str, hint: Option<&str>| {
            let mut shared = online(&mut Daemon::new(), 80, 24).shared;
            let ticket = SyncTicket { id: 9, expected: outcomes.len() as u64, skipped, earlier: 0 };
            begin(&mut shared, ticket, "Mara".to_owned());
            let run = |outcome: &Outcome| Run {
                outcome: *outcome,
                error: (*outcome == Outcome::Skipped).then(|| "Mara is paused".to_owned()),
                ..runs().remove(0)
            };
            let runs = outcomes.iter().map(run).collect();
            progress(&mut shared, ticket, Ok(SyncProgress { expected: ticket.expected, runs, done: true }));
            let toast = shared.toasts.last().expect("how it ended");
            assert_eq!((toast.text.as_str(), toast.hint.as_deref()), (text, hint), "{outcomes:?}");
        };
        use Outcome::{Failed, Ok as Fine, Skipped};
        check(&[Fine, Fine], 0, "synced Mara", None);
        check(&[Skipped], 1, "Mara: Mara is paused", None);
        check(&[Skipped, Skipped], 2, "Mara: 2 of 2 not synced: Mara is paused", None);
        check(&[Skipped, Fine], 1, "Mara: 1 of 2 not synced: Mara is paused", None);
        check(&[Skipped, Failed], 1, "synced Mara: 2 of 2 did not go well", Some("2 shows the runs"));
    }
}
