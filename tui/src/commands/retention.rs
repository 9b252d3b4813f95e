//! `roster retention`: how long what was measured is kept, and choosing what is deleted.

use std::fmt::Write;

use roster_protocol::RosterError;
use roster_protocol::notice::grouped;
use roster_protocol::retention::{Counted, Retention as Shown};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::asking;
use crate::client::{long_call, response};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{ahead, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster retention`
#[derive(Debug, clap::Args)]
pub struct Retention {
    /// Count what would be deleted now
    #[arg(long)]
    dry_run: bool,
    /// Choose that it is deleted, now and from now on; needs --yes where no terminal can ask
    #[arg(long, conflicts_with = "dry_run")]
    apply: bool,
    /// Says that it shall be deleted
    #[arg(long, requires = "apply")]
    yes: bool,
}

impl Retention {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let asks = self.apply && !self.yes;
        if asks && !asking::is_attended() {
            return Err(RosterError::usage("this deletes what `roster retention --dry-run` counts")
                .hint("add --yes if that is meant")
                .into());
        }
        let client = session.connect().await?;
        let shown = response(client.retention(long_call(), self.dry_run || asks).await)?;
        if !self.apply {
            let json = || json::retention::Retention::from(&shown);
            session.output.print(json, |look| text(&shown, look))?;
            return Ok(Ending::Done);
        }
        if asks {
            asking::ask(&question(&shown), &session.output).await?;
        }
        let shown = response(client.choose_retention(long_call()).await)?;
        session.output.remark("chosen: it is deleted from now on, and `roster audit` says what was");
        session.output.print(|| json::retention::Retention::from(&shown), |look| text(&shown, look))?;
        Ok(Ending::Done)
    }
}

/// What is asked before it is chosen, with what it does now.
fn question(shown: &Shown) -> String {
    let mut sum = Counted::default();
    for counted in shown.platforms.iter().filter_map(|platform| platform.counted) {
        sum.days_to_weeks += counted.days_to_weeks;
        sum.days_deleted += counted.days_deleted;
        sum.weeks_deleted += counted.weeks_deleted;
        sum.reported_days_deleted += counted.reported_days_deleted;
    }
    let Counted { days_to_weeks, days_deleted, weeks_deleted, reported_days_deleted, .. } = sum;
    let reported = match reported_days_deleted {
        0 => String::new(),
        days => format!(" and what was reported of {} days", grouped(days)),
    };
    format!(
        "Make weeks of {} days and delete {} days and {} weeks{reported} now, and so on each night? This cannot be \
         taken back.",
        grouped(days_to_weeks),
        grouped(days_deleted),
        grouped(weeks_deleted)
    )
}

fn text(shown: &Shown, look: &Look) -> String {
    let choice = match shown.chosen_at {
        Some(at) => format!(
            "chosen {}; carried out each night, next {}",
            time(at, &look.now),
            ahead(Some(shown.next_at), &look.now)
        ),
        None => "waits: nothing is deleted from this store before `roster retention --apply`".to_owned(),
    };
    let lines = [
        ("snapshots", format!("{} as days, then weeks for ever", length(shown.snapshots_days))),
        ("runs", format!("{}, then sums of each day for ever", length(shown.runs_days))),
        ("audit log", length(shown.audit_days)),
        ("choice", choice),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}{value}", look.paint.tone(&format!("{name:<13}"), Tone::Quiet));
    }
    text.push('\n');
    text.push_str(&platforms(shown, look));
    text
}

fn platforms(shown: &Shown, look: &Look) -> String {
    let counts = shown.platforms.iter().any(|platform| platform.counted.is_some());
    let mut headings = vec!["PLATFORM", ">PUBLIC", ">CONSENT", ">AFTER CONSENT"];
    if counts {
        headings.extend([">ACCOUNTS", ">TO WEEKS", ">DAYS DELETED", ">WEEKS DELETED", "TO"]);
    }
    headings.push("=WHY");
    let mut table = Table::new(&headings);
    for platform in &shown.platforms {
        let kept = |days: Option<u32>| Cell::from(days.map_or_else(|| "for ever".to_owned(), length));
        let mut row = vec![
            Cell::from(platform.platform.as_str()),
            kept(platform.public_days),
            kept(platform.consent_days),
            kept(platform.after_consent_days),
        ];
        if let Some(counted) = platform.counted {
            let counts = [counted.accounts, counted.days_to_weeks, counted.days_deleted, counted.weeks_deleted];
            row.extend(counts.map(|count| Cell::from(grouped(count))));
            row.push(Cell::from(counted.until.map(|day| day.to_string()).unwrap_or_default()));
        }
        let why = match (&platform.reason, &platform.terms) {
            (Some(reason), _) => format!("config: {}", clean(reason, SENTENCE_CHARACTERS)),
            (None, Some(terms)) => clean(terms, SENTENCE_CHARACTERS),
            (None, None) => "its terms give no number of days".to_owned(),
        };
        row.push(Cell::new(why, Tone::Quiet));
        table.row(row);
    }
    table.render(look.paint)
}

/// `2 years`, `90 days`
fn length(days: u32) -> String {
    match days {
        1 => "1 day".to_owned(),
        365 => "1 year".to_owned(),
        days if days > 0 && days % 365 == 0 => format!("{} years", days / 365),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn text_says_what_is_kept_and_that_a_choice_waits() {
        let shown = samples::retention();
        insta::assert_snapshot!(text(&shown, &samples::look()), @r"
        snapshots    2 years as days, then weeks for ever
        runs         90 days, then sums of each day for ever
        audit log    2 years
        choice       waits: nothing is deleted from this store before `roster retention --apply`

        PLATFORM    PUBLIC   CONSENT  AFTER CONSENT  ACCOUNTS  TO WEEKS  DAYS DELETED  WEEKS DELETED  TO          WHY
        bluesky   for ever  for ever       for ever         9    12,000             0              0              its terms give no number of days
        youtube    30 days  for ever         7 days         2         0           300              4  2026-10-22  developers.example/terms, III.E.4
        ");
        let chosen = Shown { chosen_at: Some(samples::at("10:00:00")), ..shown.clone() };
        assert!(
            text(&chosen, &samples::look()).contains("chosen 2026-11-21 10:00; carried out each night, next in 9h"),
            "{}",
            text(&chosen, &samples::look())
        );
        assert_eq!(
            question(&shown),
            "Make weeks of 12,000 days and delete 300 days and 4 weeks and what was reported of 9 days now, and so on each night? This cannot be taken back."
        );
        assert_eq!([1, 90, 365, 730].map(length), ["1 day", "90 days", "1 year", "2 years"]);
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        insta::assert_snapshot!(samples::lines(json::retention::Retention::from(&samples::retention())), @r#"
        {"chosen_at":null,"snapshots_days":730,"runs_days":90,"audit_days":730,
        "next_at":"2026-11-21T23:30:00Z","platforms":[{"platform":"bluesky","public_days":null,
        "consent_days":null,"after_consent_days":null,"terms":null,"reason":null,"counted":{"accounts":9,
        "days_to_weeks":12000,"days_deleted":0,"weeks_deleted":0,"reported_days_deleted":0,"until":null}},
        {"platform":"youtube","public_days":30,"consent_days":null,"after_consent_days":7,
        "terms":"developers.example/terms, III.E.4","reason":null,"counted":{"accounts":2,"days_to_weeks":0,
        "days_deleted":300,"weeks_deleted":4,"reported_days_deleted":9,"until":"2026-10-22"}}]}
        "#);
    }
}
