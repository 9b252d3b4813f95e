//! `roster movers`: the accounts whose followers moved most.

use roster_protocol::rule::{Direction, Window};
use roster_protocol::service::PAGE_ROWS;
use roster_protocol::{MovedBy, Mover, MoversQuery};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{count, growth, signed};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster movers`
#[derive(Debug, clap::Args)]
pub struct Movers {
    /// From so long ago to now: 1d, 7d or 30d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    over: Window,
    /// Those that rose only
    #[arg(long, conflicts_with = "down")]
    up: bool,
    /// Those that fell only
    #[arg(long)]
    down: bool,
    /// The largest in followers first, not in percent
    #[arg(long)]
    absolute: bool,
    /// Only influencers that fit the filter, such as 'followers:>10k -tag:old'
    #[arg(long = "where", value_name = "QUERY")]
    filter: Option<String>,
    /// At most so many, and never more than 256
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=PAGE_ROWS))]
    limit: u64,
    #[command(flatten)]
    form: Form,
}

impl Movers {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        let over = self.over;
        let movers = response(client.movers(short_call(), self.query()).await)?;
        let json = || json::movers::MoverList::new(&movers, over);
        session.output.print(json, |look| text(&movers, look))?;
        if movers.is_empty() {
            session.output.remark(&format!("no account that matches moved within {over}"));
        }
        Ok(Ending::Done)
    }

    fn query(self) -> MoversQuery {
        let direction = match (self.up, self.down) {
            (true, _) => Direction::Up,
            (_, true) => Direction::Down,
            _ => Direction::Both,
        };
        let by = if self.absolute { MovedBy::Absolute } else { MovedBy::Percent };
        MoversQuery { over: self.over, direction, by, filter: self.filter.unwrap_or_default(), limit: self.limit }
    }
}

fn text(movers: &[Mover], look: &Look) -> String {
    let mut table = Table::new(&["INFLUENCER", "PLATFORM", "HANDLE", ">FROM", ">TO", ">CHANGE", ">PERCENT"]);
    for mover in movers {
        table.row([
            mover.influencer_name.as_str().into(),
            mover.platform.as_str().into(),
            Cell::new(&mover.handle, Tone::Quiet),
            count(Some(mover.from)).into(),
            count(Some(mover.to)).into(),
            signed(mover.from, mover.to).into(),
            growth(mover.change),
        ]);
    }
    table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::samples;

    #[test]
    fn text_has_both_ends_and_the_change_in_number_and_percent() {
        insta::assert_snapshot!(text(&samples::movers(), &samples::look()), @r"
        INFLUENCER      PLATFORM  HANDLE          FROM      TO  CHANGE  PERCENT
        Mara Lindqvist  youtube   @mara         12,345  10,400  -1,945   -15.8%
        Mara Lindqvist  bluesky   mara.example       0       8      +8        –
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let list = serde_json::to_value(json::movers::MoverList::new(&samples::movers(), Window::Week)).expect("JSON");
        let fell = serde_json::json!({
            "id": "aibaeaqc", "name": "Mara Lindqvist", "connection": "ambqgayd", "platform": "youtube", "handle": "@mara",
            "from": 12_345, "to": 10_400, "change": -0.157553, "over": "7d",
        });
        assert_eq!(list["movers"][0], fell);
        assert_eq!((&list["movers"][1]["from"], &list["movers"][1]["change"]), (&serde_json::json!(0), &Value::Null));
    }
}
