//! `roster set`: settings of one connection.

use clap::ValueEnum;
use roster_protocol::{RosterError, Seconds};

use super::values::Interval;
use super::{asking, show};
use crate::client::{long_call, response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster set`
#[derive(Debug, clap::Args)]
pub struct Set {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
    /// What to set
    #[arg(value_enum)]
    setting: Setting,
    /// A length such as 30m, 1h or 2d, or default for the configured one; a handle or a profile's URL
    value: String,
    /// Says that the handle may be another account's, whose numbers go on in the same history
    #[arg(long)]
    yes: bool,
    /// The interval as it was; when it is another one by now, nothing is overwritten
    #[arg(long, value_name = "BEFORE")]
    if_unchanged: Option<Interval>,
}

/// What can be set.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Setting {
    /// How long after one sync the next is due
    Interval,
    /// The account's handle; its history stays
    Handle,
}

impl Set {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let (connection, remark) = match self.setting {
            Setting::Interval => {
                let interval = self.value.parse::<Interval>().map_err(RosterError::usage)?.length();
                let based_on = self.if_unchanged.map(Interval::length);
                let client = session.connect().await?;
                let connection =
                    response(client.set_interval(short_call(), self.connection, interval, based_on).await)?;
                let remark = match connection.interval {
                    Some(length) => format!("synced every {} from now on", text(length)),
                    None => "synced as often as rosterd.toml says from now on".to_owned(),
                };
                (connection, remark)
            }
            Setting::Handle if self.if_unchanged.is_some() => {
                return Err(RosterError::usage("--if-unchanged is for intervals").into());
            }
            Setting::Handle => {
                let client = session.connect().await?;
                let set = async |another: bool| {
                    let (connection, handle) = (self.connection.clone(), self.value.clone());
                    response(client.set_handle(long_call(), connection, handle, another).await)
                };
                let connection = match set(self.yes).await {
                    Err(error) if is_another(&error) && asking::is_attended() => {
                        asking::ask(&format!("{}. Go on with it?", error.message), &session.output).await?;
                        set(true).await?
                    }
                    set => set?,
                };
                (connection, "its history stays; it is synced now".to_owned())
            }
        };
        show::print_connection(&connection, &mut session.output)?;
        session.output.remark(&remark);
        Ok(Ending::Done)
    }
}

/// Whether another account was found, which the daemon takes only when that is meant.
fn is_another(error: &RosterError) -> bool {
    error.hint.as_deref().is_some_and(|hint| hint.contains("--yes"))
}

/// `1h 30m`
fn text(length: Seconds) -> String {
    let length = jiff::SignedDuration::from_secs(i64::try_from(length.0).unwrap_or(i64::MAX));
    format!("{length:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_read_as_they_are_typed() {
        assert_eq!(text(Seconds(5400)), "1h 30m");
        assert_eq!(text(Seconds(172_800)), "48h");
    }
}
