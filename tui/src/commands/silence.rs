//! `roster silence`: keeps alerts from being delivered for some time.

use roster_protocol::silence::{ListedSilence, NewSilence, SilenceEnd};
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::{RosterError, Timestamp};

use super::values::Length;
use crate::client::{long_call, response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster silence`
#[derive(Debug, clap::Args)]
pub struct Silence {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Keeps alerts that match all that is named from being delivered; they open as usual
    Add(Box<Add>),
    /// Lists silences, the first to end first
    List,
    /// Ends a silence before its time
    End {
        /// Id, or the beginning of one
        #[arg(value_name = "ID")]
        silence: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("end").required(true).args(["length", "until"])))]
#[command(group(clap::ArgGroup::new("about").required(true).multiple(true).args(["rule", "platform", "influencer", "tag", "all"])))]
struct Add {
    /// Only alerts of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only alerts about this platform and accounts on it
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Only alerts about this influencer
    #[arg(long, value_name = "INFLUENCER")]
    influencer: Option<String>,
    /// Only alerts about influencers with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Every alert
    #[arg(long, conflicts_with_all = ["rule", "platform", "influencer", "tag"])]
    all: bool,
    /// For how long, such as 2h
    #[arg(long = "for", value_name = "TIME", allow_hyphen_values = true)]
    length: Option<Length>,
    /// Until when, such as 2026-12-01T18:00Z; without a zone in yours
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = super::values::note)]
    reason: String,
}

impl Silence {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let silences = match self.verb.unwrap_or(Verb::List) {
            Verb::List => response(client.silences(long_call()).await)?,
            Verb::End { silence } => vec![response(client.end_silence(short_call(), silence).await)?],
            Verb::Add(add) => {
                let ends = add.ends(&session.output.look)?;
                let Add { rule, platform, influencer, tag, reason, .. } = *add;
                let new = NewSilence { rule, platform, influencer, tag, ends, reason };
                vec![response(client.add_silence(short_call(), new).await)?]
            }
        };
        let json =
            || json::silences::SilenceList { silences: silences.iter().map(json::silences::Silence::from).collect() };
        session.output.print(json, |look| table(&silences, look))?;
        if silences.is_empty() {
            session.output.remark("no silences");
        }
        Ok(Ending::Done)
    }
}

impl Add {
    fn ends(&self, look: &Look) -> Result<SilenceEnd, RosterError> {
        let wrong = || {
            RosterError::usage("--for or --until says when a silence ends")
                .hint("write --for 2h, or --until 2026-12-01T18:00Z")
        };
        if let Some(Length(length)) = self.length {
            return Ok(SilenceEnd::After(length));
        }
        let text = self.until.as_deref().ok_or_else(wrong)?;
        let no_time = || {
            RosterError::usage(format!("{:?} is no time", clean(text, NAME_CHARACTERS)))
                .hint("write --until 2026-12-01T18:00Z, without the Z for your own zone, or --for 2h")
        };
        let at: Option<jiff::Timestamp> = text.parse().ok();
        let local = || {
            let time: jiff::civil::DateTime = text.parse().ok()?;
            Some(time.to_zoned(look.now.time_zone().clone()).ok()?.timestamp())
        };
        at.or_else(local).map(|at| SilenceEnd::At(Timestamp::from(at))).ok_or_else(no_time)
    }
}

fn table(silences: &[ListedSilence], look: &Look) -> String {
    let mut table = Table::new(&["ID", "UNTIL", "WHAT", "BY", "REASON"]);
    for listed in silences {
        table.row([
            Cell::new(listed.silence.id.to_string(), Tone::Quiet),
            time(listed.silence.until, &look.now).into(),
            listed.to_string().into(),
            listed.silence.by.as_str().into(),
            listed.silence.reason.as_str().into(),
        ]);
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use roster_protocol::Seconds;
    use roster_protocol::ids::{InfluencerId, SilenceId};
    use roster_protocol::silence;

    use super::*;
    use crate::samples;

    #[test]
    fn an_end_is_a_length_or_a_time_in_some_zone() {
        let look = samples::look();
        let ends = |length: Option<u64>, until: Option<&str>| {
            let add = Add {
                rule: None,
                platform: None,
                influencer: None,
                tag: None,
                all: true,
                length: length.map(|length| Length(Seconds(length))),
                until: until.map(str::to_owned),
                reason: "why".into(),
            };
            add.ends(&look).ok()
        };
        assert_eq!(ends(Some(7200), None), Some(SilenceEnd::After(Seconds(7200))));
        let at = |text: &str| Some(SilenceEnd::At(text.parse().expect("a time")));
        assert_eq!(ends(None, Some("2026-12-01T18:00+01:00")), at("2026-12-01T17:00:00Z"));
        let local = look.now.time_zone().to_timestamp("2026-12-01T18:00".parse().expect("a time")).expect("a moment");
        assert_eq!(ends(None, Some("2026-12-01 18:00")), Some(SilenceEnd::At(local.into())));
        assert_eq!([ends(None, Some("later")), ends(None, None)], [None, None]);
    }

    #[test]
    fn text_and_json_say_what_is_silent_until_when_and_why() {
        let silence = silence::Silence {
            id: SilenceId::from_bytes([1; 5]),
            rule: Some("big-drop".into()),
            platform: None,
            influencer: Some(InfluencerId::from_bytes([2; 5])),
            tag: Some("beauty".into()),
            begun_at: "2026-11-21T12:00:00Z".parse().expect("a time"),
            until: "2026-11-21T14:00:00Z".parse().expect("a time"),
            reason: "a purge\u{1b}[2J is known".into(),
            by: "ines".into(),
        };
        let all = silence::Silence { rule: None, influencer: None, tag: None, ..silence.clone() };
        let listed = [
            ListedSilence { silence, influencer_name: Some("Mara".into()) },
            ListedSilence { silence: all, influencer_name: None },
        ];
        insta::assert_snapshot!(table(&listed, &samples::look()), @r"
        ID        UNTIL             WHAT                     BY    REASON
        aeaqcaib  2026-11-21 14:00  big-drop, Mara, #beauty  ines  a purge[2J is known
        aeaqcaib  2026-11-21 14:00  everything               ines  a purge[2J is known
        ");
        let json = serde_json::to_value(json::silences::Silence::from(&listed[0])).expect("JSON");
        let expected = serde_json::json!({"id": "aeaqcaib", "rule": "big-drop", "platform": null, "influencer": "aibaeaqc",
            "influencer_name": "Mara", "tag": "beauty", "begun_at": "2026-11-21T12:00:00Z",
            "until": "2026-11-21T14:00:00Z", "reason": "a purge\u{1b}[2J is known", "by": "ines"});
        assert_eq!(json, expected);
    }
}
