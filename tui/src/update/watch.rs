//! Follows the syncs that were requested here, until they are done.

use roster_protocol::{ErrorKind, Outcome, RosterError, Run, SyncProgress, SyncTicket};

use crate::message::{Effect, Request};
use crate::shared::{Shared, ToastLevel, Watched};

/// Follows a ticket from its first run on.
pub(super) fn begin(shared: &mut Shared, ticket: SyncTicket, label: String) -> Vec<Effect> {
    shared.watched.push(Watched { ticket, label, ended: 0, not_ok: 0 });
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
        (not_ok, _) => {
            let text = format!("synced {label}: {not_ok} of {} did not go well", watched.ended);
            (ToastLevel::Failed, text, Some("2 shows the runs".to_owned()))
        }
    };
    let begun = format!("syncing {label}");
    shared.toasts.retain(|toast| toast.text != begun);
    shared.say(level, text, hint);
}
