//! `roster channels`: where alerts are delivered, and whether that works.

use roster_protocol::delivery::Channel;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use crate::client::{long_call, response, short_call};
use crate::output::json::deliveries as json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster channels`
#[derive(Debug, clap::Args)]
pub struct Channels {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Lists channels and how each fares
    List,
    /// Sends a real test message on a channel, and shows the receiver's response
    Test {
        #[arg(value_name = "CHANNEL")]
        channel: String,
    },
}

impl Channels {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        match self.verb {
            None | Some(Verb::List) => list(session).await,
            Some(Verb::Test { channel }) => test(channel, session).await,
        }
    }
}

async fn list(session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let channels = response(client.channels(short_call()).await)?;
    let list = || json::ChannelList { channels: channels.iter().map(json::Channel::from).collect() };
    session.output.print(list, |look| text(&channels, look))?;
    Ok(Ending::Done)
}

async fn test(channel: String, session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let test = response(client.test_channel(long_call(), channel).await)?;
    let said = clean(&test.said, SENTENCE_CHARACTERS);
    let line = match test.delivered {
        true => format!("{}: delivered ({said})\n", test.channel),
        false => format!("{}: not delivered: {said}\n", test.channel),
    };
    session.output.print(|| json::ChannelTest::from(&test), |_| line.clone())?;
    Ok(Ending::of(u64::from(test.delivered), 1))
}

fn text(channels: &[Channel], look: &Look) -> String {
    let mut table = Table::new(&["CHANNEL", "KIND", ">PENDING", "NEXT", "DELIVERED", "STATE"]);
    for channel in channels {
        let at = |at: Option<_>| at.map(|at| time(at, &look.now)).unwrap_or_default();
        table.row([
            channel.name.as_str().into(),
            channel.kind.as_str().into(),
            channel.pending.to_string().into(),
            at(channel.next_at).into(),
            at(channel.delivered_at).into(),
            state(channel),
        ]);
    }
    table.render(look.paint)
}

fn state(channel: &Channel) -> Cell {
    match (&channel.disabled, &channel.last_error) {
        (Some(why), _) => Cell::new(format!("off: {}", clean(why, SENTENCE_CHARACTERS)), Tone::Bad),
        (None, Some(why)) => Cell::new(clean(why, SENTENCE_CHARACTERS), Tone::Warn),
        (None, None) => "ok".into(),
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::Timestamp;
    use roster_protocol::delivery::ChannelKind;

    use super::*;
    use crate::samples;

    fn channel(name: &str, kind: ChannelKind) -> Channel {
        let (pending, next_at, delivered_at, last_error, disabled) = (0, None, None, None, None);
        Channel { name: name.into(), kind, pending, next_at, delivered_at, last_error, disabled }
    }

    #[test]
    fn text_says_how_each_channel_fares() {
        let waiting = Channel {
            pending: 3,
            next_at: Some(Timestamp(1_795_270_800_000)),
            last_error: Some("no connection\u{1b}[1m".into()),
            ..channel("team", ChannelKind::Slack)
        };
        let off = Channel { disabled: Some("status 410".into()), ..channel("ops", ChannelKind::Webhook) };
        let channels = [channel("desktop", ChannelKind::Desktop), off, waiting];
        insta::assert_snapshot!(text(&channels, &samples::look()), @r"
        CHANNEL  KIND     PENDING  NEXT              STATE
        desktop  desktop        0                    ok
        ops      webhook        0                    off: status 410
        team     slack          3  2026-11-21 14:20  no connection[1m
        ");
    }
}
