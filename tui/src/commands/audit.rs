//! `roster audit`: who did what, when; and whether the log is still what was written.

use roster_protocol::service::{AuditQuery, PAGE_ROWS};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::{AuditCheck, AuditEntry, RosterClient, RosterError, Since};

use super::follow::Feed;
use super::pages;
use super::when::When;
use crate::client::{long_call, response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look, Output, while_read};
use crate::session::Session;

/// `roster audit`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Then or later: 2026-11-21, 12h, 7d, 1y
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// Keeps running and prints each new entry, oldest first
    #[arg(long)]
    follow: bool,
    /// At most so many [default: all with --since, else the newest 1,000, or 10 with --follow]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Follows the chain of the whole log, and names every entry that was removed, changed or added; exits 1 when there is one
    Verify,
}

impl Audit {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, self.follow)?;
        if let Some(Verb::Verify) = self.verb {
            return verify(session).await;
        }
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        if self.follow {
            return while_read(self.follow(since, session)).await;
        }
        let client = session.connect().await?;
        let found = read(&client, since, pages::wanted(self.limit, since.is_some())).await?;
        let entries = || found.rows.iter().map(json::events::AuditEntry::from).collect();
        session.output.print(|| json::events::AuditList { entries: entries() }, |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }

    /// Entries have no events of their own: each batch of events, empty ones included, triggers a new look.
    async fn follow(&self, since: Option<Since>, session: &mut Session) -> Result<Ending, Failure> {
        let mut feed = Feed::start(session).await?;
        let first = self.limit.or_else(|| since.is_none().then_some(10));
        let mut entries = read(&feed.client, since, pages::wanted(first, since.is_some())).await?.rows;
        let mut last = 0;
        if entries.is_empty() {
            // No entry is listed first: only entries after the newest one are printed.
            last = read(&feed.client, None, 1).await?.rows.first().map_or(0, |entry| entry.number);
        }
        loop {
            for entry in entries.iter().rev() {
                print(entry, &mut session.output)?;
                last = last.max(entry.number);
            }
            feed.next(session).await?;
            entries = newer(&feed.client, last).await?;
        }
    }
}

async fn verify(session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let check = response(client.verify_audit(long_call()).await)?;
    session.output.print(|| json::events::AuditCheck::from(&check), |_| verified(&check))?;
    Ok(if check.faults.is_empty() { Ending::Done } else { Ending::NotWell })
}

fn verified(check: &AuditCheck) -> String {
    let mut text: String =
        check.faults.iter().map(|fault| format!("{}\n", clean(fault, SENTENCE_CHARACTERS))).collect();
    let entries = if check.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", check.entries) };
    text += &match check.faults.is_empty() {
        true => format!("{entries}: each follows from the one before it\n"),
        false => format!("{entries}: the log is not what was written\n"),
    };
    if check.last > 0 {
        text += &format!("the last is {}, {}; the journal of rosterd has the same\n", check.last, check.hash);
    }
    text
}

async fn read(
    client: &RosterClient,
    since: Option<Since>,
    wanted: u64,
) -> Result<pages::Rows<AuditEntry>, RosterError> {
    let request = async |mark, limit| response(client.audit(short_call(), AuditQuery { since, mark, limit }).await);
    pages::read(wanted, request).await
}

/// Entries after number `last`, newest first.
async fn newer(client: &RosterClient, last: u64) -> Result<Vec<AuditEntry>, RosterError> {
    let (mut entries, mut mark) = (Vec::<AuditEntry>::new(), None);
    loop {
        let query = AuditQuery { since: None, mark, limit: PAGE_ROWS };
        let page = response(client.audit(short_call(), query).await)?;
        entries.extend(page.rows);
        mark = page.next;
        let reached = entries.last().is_none_or(|entry| entry.number <= last + 1);
        if reached || mark.is_none() {
            entries.retain(|entry| entry.number > last);
            return Ok(entries);
        }
    }
}

fn print(entry: &AuditEntry, output: &mut Output) -> Result<(), Failure> {
    output.print(|| json::events::AuditEntry::from(entry), |look| line(entry, look))?;
    Ok(())
}

fn text(entries: &[AuditEntry], look: &Look) -> String {
    let mut table = Table::new(&["WHEN", "WHO", "ACTION", "ON", "CHANGE"]);
    for entry in entries {
        table.row([
            Cell::new(time(entry.at, &look.now), Tone::Quiet),
            who(entry).into(),
            entry.action.as_str().into(),
            entry.on.as_str().into(),
            change(entry).into(),
        ]);
    }
    table.render(look.paint)
}

fn line(entry: &AuditEntry, look: &Look) -> String {
    let rest = format!("{}  {}  {}  {}", who(entry), entry.action, entry.on, change(entry));
    format!("{}  {}\n", time(entry.at, &look.now), clean(rest.trim_end(), 2 * SENTENCE_CHARACTERS))
}

fn who(entry: &AuditEntry) -> String {
    match &entry.who {
        None => format!("rosterd ({})", entry.cause),
        Some(who) if who.name.is_empty() => format!("uid {}", who.uid),
        Some(who) => who.name.clone(),
    }
}

fn change(entry: &AuditEntry) -> String {
    match (&entry.old, &entry.new) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (None, Some(new)) => new.clone(),
        (Some(old), None) => format!("{old} → nothing"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let own = AuditEntry { who: None, old: Some("1".into()), cause: "sync".into(), ..samples::audit_entry() };
        let entries = [samples::audit_entry(), own].iter().map(json::events::AuditEntry::from).collect();
        insta::assert_snapshot!(samples::lines(json::events::AuditList { entries }), @r##"
        {"entries":[{"number":7,"at":"2026-11-21T14:18:00Z","who":{"uid":1001,"name":"ines"},
        "action":"influencer.edit","on":"aibaeaqc Mara Lindqvist","old":null,"new":"#beauty",
        "cause":"person"},{"number":7,"at":"2026-11-21T14:18:00Z","who":null,"action":"influencer.edit",
        "on":"aibaeaqc Mara Lindqvist","old":"1","new":"#beauty","cause":"sync"}]}
        "##);
    }

    #[test]
    fn a_check_names_what_is_wrong_and_the_end_to_compare() {
        let whole = AuditCheck { entries: 3, last: 3, hash: "ab12".into(), faults: Vec::new() };
        insta::assert_snapshot!(verified(&whole), @r"
        3 entries: each follows from the one before it
        the last is 3, ab12; the journal of rosterd has the same
        ");
        let faults = vec!["entry 2 is missing".to_owned()];
        insta::assert_snapshot!(verified(&AuditCheck { entries: 2, faults, ..whole.clone() }), @r"
        entry 2 is missing
        2 entries: the log is not what was written
        the last is 3, ab12; the journal of rosterd has the same
        ");
        insta::assert_snapshot!(samples::lines(json::events::AuditCheck::from(&whole)), @r##"{"whole":true,"entries":3,"last":3,"hash":"ab12","faults":[]}"##);
    }

    #[test]
    fn text_says_who_did_what() {
        insta::assert_snapshot!(text(&[samples::audit_entry()], &samples::look()), @r"
        WHEN              WHO   ACTION           ON                       CHANGE
        2026-11-21 14:18  ines  influencer.edit  aibaeaqc Mara Lindqvist  #beauty
        ");
        let hostile = AuditEntry { on: "x\u{1b}[1m\ny".into(), who: None, ..samples::audit_entry() };
        assert_eq!(
            line(&hostile, &samples::look()),
            "2026-11-21 14:18  rosterd (person) influencer.edit x[1m y #beauty\n"
        );
    }
}
