//! `roster budgets`: what is left to spend of platforms' limits.

use roster_protocol::notice::grouped;
use roster_protocol::{Budget, RosterError};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{UNKNOWN, ahead, count, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster budgets`
#[derive(Debug, clap::Args)]
pub struct Budgets {
    /// Of this platform only
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    #[command(flatten)]
    form: Form,
}

impl Budgets {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        let mut rows = response(client.budgets(short_call()).await)?;
        if let Some(platform) = self.platform.as_ref().map(|platform| platform.to_lowercase()) {
            let known = response(client.platforms(short_call()).await)?;
            if known.iter().all(|known| known.platform != platform) {
                let known: Vec<&str> = known.iter().map(|known| known.platform.as_str()).collect();
                let error = RosterError::not_found(format!("there is no platform {platform}"));
                return Err(error.hint(format!("there are {}", known.join(", "))).into());
            }
            rows.retain(|budget| budget.platform == platform);
        }
        let json = || json::events::BudgetList { budgets: rows.iter().map(json::events::Budget::from).collect() };
        session.output.print(json, |look| text(&rows, look))?;
        if rows.is_empty() {
            session.output.remark("no platform has reported a limit yet");
        }
        Ok(Ending::Done)
    }
}

fn text(rows: &[Budget], look: &Look) -> String {
    let mut table = Table::new(&["LIMIT OF", "ACCOUNT", ">USED", ">OF", "UNIT", ">SHARE", "FREE AGAIN", ">IN"]);
    for row in rows {
        table.row([
            row.lane.as_str().into(),
            row.account.as_deref().unwrap_or_default().into(),
            grouped(row.used).into(),
            count(row.limit).into(),
            row.unit.as_str().into(),
            share(row),
            row.window_ends_at.map(|at| time(at, &look.now)).unwrap_or_default().into(),
            ahead(row.window_ends_at, &look.now).into(),
        ]);
    }
    let stretched = rows.iter().filter_map(|row| Some(format!("{} is synced {}\n", row.platform, row.stretched?)));
    table.render(look.paint) + &stretched.collect::<String>()
}

/// The share that is used, in colour once only the reserve is left.
fn share(budget: &Budget) -> Cell {
    let words = budget.share().map_or_else(|| UNKNOWN.to_owned(), |share| format!("{:.0}%", share * 100.0));
    let only_reserve = budget.limit.is_some_and(|limit| budget.used >= limit.saturating_sub(budget.reserve));
    Cell::new(words, if only_reserve { Tone::Warn } else { Tone::Plain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn text_says_what_is_used_of_what_until_when() {
        insta::assert_snapshot!(text(&samples::budgets(), &samples::look()), @r"
        LIMIT OF                   ACCOUNT   USED      OF  UNIT      SHARE  FREE AGAIN           IN
        instagram                  178414      92     100  percent     92%  2026-11-21 20:00  in 5h
        youtube                             6,240  10,000  units       62%  2026-11-21 20:00  in 5h
        mastodon/mastodon.example               0       –  requests      –                        –
        youtube is synced every 7h 30m instead of 6h, so that its limit lasts
        ");
        assert_eq!(text(&[], &samples::look()), "");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let budgets = samples::budgets().iter().map(json::events::Budget::from).collect();
        insta::assert_snapshot!(samples::lines(json::events::BudgetList { budgets }), @r#"
        {"budgets":[{"platform":"instagram","lane":"instagram","unit":"percent","account":"178414",
        "used":92,"limit":100,"window_ends_at":"2026-11-21T20:00:00Z","reserve":20,"interval_s":null,
        "stretched_interval_s":null},{"platform":"youtube","lane":"youtube","unit":"units","account":null,
        "used":6240,"limit":10000,"window_ends_at":"2026-11-21T20:00:00Z","reserve":1000,"interval_s":21600,
        "stretched_interval_s":27000},{"platform":"mastodon","lane":"mastodon/mastodon.example",
        "unit":"requests","account":null,"used":0,"limit":null,"window_ends_at":null,"reserve":0,
        "interval_s":null,"stretched_interval_s":null}]}
        "#);
    }
}
