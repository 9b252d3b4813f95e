//! `roster audience`: who an account's audience is, as its platform reports it to the owner.

use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Audience as Reported, AudienceOf};
use roster_protocol::{Date, Day};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::Table;
use crate::output::text::percent;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster audience`
#[derive(Debug, clap::Args)]
pub struct Audience {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
}

impl Audience {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        // The newest one comes with any part of the history.
        let history = response(client.history(short_call(), self.connection, Some(Day::TODAY), None).await)?;
        let newest = history.reported.audience;
        let connection = history.connection.to_string();
        let json = || json::reported::AudienceOf { connection, audience: newest.as_ref().map(Into::into) };
        session.output.print(json, |look| newest.as_ref().map(|newest| text(newest, look)).unwrap_or_default())?;
        if newest.is_none() {
            session.output.remark(
                "no audience was reported: platforms report it with the owner's consent, and of few accounts only \
                 when they are large enough",
            );
        }
        Ok(Ending::Done)
    }
}

fn text((date, audience): &(Date, Reported), look: &Look) -> String {
    let of = match audience.of {
        AudienceOf::Followers => "FOLLOWERS",
        AudienceOf::Viewers => "VIEWERS",
    };
    let mut table = Table::new(&[of, ">SHARE"]);
    let mut row = |name: &str, share: Ratio| table.row([name.into(), percent(Some(share)).into()]);
    audience.genders.iter().for_each(|(gender, share)| row(gender.as_str(), *share));
    audience.ages.iter().for_each(|(range, share)| row(range.as_str(), *share));
    audience.countries.iter().for_each(|(country, share)| row(country.as_str(), *share));
    format!("{}as of {date}\n", table.render(look.paint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn text_has_a_line_for_each_share() {
        insta::assert_snapshot!(text(&samples::audience(), &samples::look()), @r"
        VIEWERS  SHARE
        female   57.0%
        male     41.0%
        18-24    31.3%
        25-34    44.0%
        DE       31.0%
        AT        9.2%
        as of 2026-11-21
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let audience = Some((&samples::audience()).into());
        insta::assert_snapshot!(samples::lines(json::reported::AudienceOf { connection: "amb".into(), audience }), @r#"
        {"connection":"amb","audience":{"date":"2026-11-21","of":"viewers","genders":{"female":0.57,
        "male":0.41},"ages":{"18-24":0.3125,"25-34":0.44},"countries":[{"country":"DE","share":0.31},
        {"country":"AT","share":0.092}]}}
        "#);
    }
}
