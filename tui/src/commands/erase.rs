//! `roster erase`: deletes every trace of an influencer, and says what that does not reach.

use std::fmt::Write;

use roster_protocol::erasure::Erasure;
use roster_protocol::notice::grouped;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::transport::{MAX_DEADLINE, within};
use serde::Serialize;

use super::asking;
use crate::client::response;
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster erase`
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// Erases; without it, what would be deleted is listed, and a terminal is asked
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Report {
    influencer: String,
    /// `null`: nothing was erased, this is what would be.
    erased_at: Option<String>,
    /// Whether no deleted byte is left in the store's file.
    complete: bool,
    pending: Option<String>,
    consents: u64,
    deleted: Deleted,
    unreached: Vec<Unreached>,
}

#[derive(Serialize)]
struct Deleted {
    connections: u64,
    snapshots: u64,
    reported_days: u64,
    runs: u64,
    changes: u64,
    alerts: u64,
    deliveries: u64,
    requests: u64,
    audit_entries: u64,
}

#[derive(Serialize)]
struct Unreached {
    what: String,
    why: String,
}

impl Erase {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let mut influencer = self.influencer;
        if !self.yes {
            let found = response(client.erase_preview(within(MAX_DEADLINE), influencer).await)?;
            session.output.print(|| report(&found), |_| text(&found))?;
            if !asking::is_attended() {
                session.output.remark("nothing was erased: add --yes if that is meant");
                return Ok(Ending::Done);
            }
            asking::ask("Erase all of it? This cannot be taken back.", &session.output).await?;
            influencer = found.influencer.to_string();
        }
        let erased = response(client.erase(within(MAX_DEADLINE), influencer).await)?;
        session.output.print(|| report(&erased), |_| text(&erased))?;
        Ok(if erased.is_complete && erased.pending.is_none() { Ending::Done } else { Ending::InPart })
    }
}

fn report(erasure: &Erasure) -> Report {
    let counts = &erasure.deleted;
    Report {
        influencer: erasure.influencer.to_string(),
        erased_at: erasure.erased_at.map(|at| at.to_string()),
        complete: erasure.is_complete,
        pending: erasure.pending.clone(),
        consents: erasure.consents,
        deleted: Deleted {
            connections: counts.connections,
            snapshots: counts.snapshots,
            reported_days: counts.reported_days,
            runs: counts.runs,
            changes: counts.changes,
            alerts: counts.alerts,
            deliveries: counts.deliveries,
            requests: counts.requests,
            audit_entries: counts.audit_entries,
        },
        unreached: erasure
            .unreached
            .iter()
            .map(|it| Unreached { what: it.what.clone(), why: clean(&it.why, 4 * SENTENCE_CHARACTERS) })
            .collect(),
    }
}

fn text(erasure: &Erasure) -> String {
    let mut text = match erasure.erased_at {
        Some(at) => format!("{}: erased at {at}\n", erasure.influencer),
        None => format!("{}: this would be erased\n", erasure.influencer),
    };
    // Writing to a string does not fail.
    for (what, count) in erasure.deleted.words().into_iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "  {:>9}  {what}", grouped(count));
    }
    if erasure.consents > 0 {
        let _ = writeln!(
            text,
            "  {:>9}  consents, revoked at their platforms until that is done",
            grouped(erasure.consents)
        );
    }
    if erasure.is_complete {
        text.push_str("the store's file was written anew, without what was deleted\n");
    }
    if let Some(why) = &erasure.pending {
        let why = clean(why, 2 * SENTENCE_CHARACTERS);
        let _ = writeln!(text, "not complete yet: {why}; rosterd goes on with it by itself");
    }
    text.push_str("not reached:\n");
    for it in &erasure.unreached {
        let (what, why) = (clean(&it.what, SENTENCE_CHARACTERS), clean(&it.why, 4 * SENTENCE_CHARACTERS));
        let _ = writeln!(text, "  {what}: {why}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use roster_protocol::erasure::{self, ErasureCounts};
    use roster_protocol::{InfluencerId, Timestamp};

    #[test]
    fn what_was_deleted_and_what_is_not_reached_is_said() {
        let erasure = Erasure {
            influencer: InfluencerId::from_bytes([1; 5]),
            erased_at: Some(Timestamp(1_790_000_000_000)),
            deleted: ErasureCounts { connections: 2, snapshots: 1_500, audit_entries: 3, ..ErasureCounts::default() },
            consents: 1,
            is_complete: true,
            pending: None,
            unreached: vec![erasure::Unreached { what: "exports".into(), why: "files\u{1b} elsewhere".into() }],
        };
        insta::assert_snapshot!(text(&erasure), @"
        aeaqcaib: erased at 2026-09-21T14:13:20Z
                  2  connections
              1,500  days of numbers
                  3  audit entries, which stay and become unreadable
                  1  consents, revoked at their platforms until that is done
        the store's file was written anew, without what was deleted
        not reached:
          exports: files elsewhere
        ");
        let pending = Erasure { is_complete: false, pending: Some("no room".into()), ..erasure };
        assert!(text(&pending).contains("not complete yet: no room; rosterd goes on with it by itself\n"));
        assert_eq!(serde_json::to_value(report(&pending)).expect("JSON")["deleted"]["snapshots"], 1500);
    }
}
