//! `roster requests`: what was requested of platforms.

use roster_protocol::notice::grouped;
use roster_protocol::service::RequestsQuery;
use roster_protocol::{ProviderRequest, RequestOutcome};

use super::pages;
use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster requests`
#[derive(Debug, clap::Args)]
pub struct Requests {
    /// Ended then or later: 2026-11-21, 12h, 7d
    #[arg(long, value_name = "DATE")]
    since: Option<When>,
    /// To this platform only
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// About this connection alone only; requests about several accounts at once are left out
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// That ended so only: ok, refused (status 4xx), failed (another status, or unreadable), unanswered
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<RequestOutcome>,
    /// At most so many [default: all with --since, else the newest 1,000]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Requests {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        let client = session.connect().await?;
        let found = pages::read(pages::wanted(self.limit, since.is_some()), async |mark, limit| {
            let (platform, connection) = (self.platform.clone(), self.connection.clone());
            let query = RequestsQuery { since, platform, connection, outcome: self.outcome, mark, limit };
            response(client.requests(short_call(), query).await)
        });
        let found = found.await?;
        session.output.print(|| json::events::RequestList::new(&found.rows), |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }
}

fn text(requests: &[ProviderRequest], look: &Look) -> String {
    let mut table = Table::new(&["ENDED", "PLATFORM", "ABOUT", "ENDPOINT", "STATUS", ">TOOK", ">BYTES"]);
    for request in requests {
        table.row([
            time(request.at, &look.now).into(),
            request.platform.as_str().into(),
            about(request).into(),
            request.endpoint.as_str().into(),
            status(request),
            format!("{:.2}s", f64::from(request.duration_ms) / 1000.0).into(),
            grouped(request.bytes).into(),
        ]);
    }
    table.render(look.paint)
}

fn about(request: &ProviderRequest) -> String {
    match (request.connection, request.accounts) {
        (Some(connection), _) => connection.to_string(),
        (None, 0) => String::new(),
        (None, accounts) => format!("{} accounts", grouped(u64::from(accounts))),
    }
}

fn status(request: &ProviderRequest) -> Cell {
    let words = match (request.status, request.error) {
        (Some(status), None) => status.to_string(),
        (Some(status), Some(error)) => format!("{status} {error}"),
        (None, error) => error.map_or("none", |error| error.as_str()).to_owned(),
    };
    let tone = match request.outcome() {
        RequestOutcome::Ok => Tone::Good,
        RequestOutcome::Refused => Tone::Warn,
        RequestOutcome::Failed | RequestOutcome::Unanswered => Tone::Bad,
    };
    Cell::new(words.replace('_', " "), tone)
}

#[cfg(test)]
mod tests {
    use roster_protocol::RequestError;

    use super::*;
    use crate::samples;

    fn requests() -> Vec<ProviderRequest> {
        let ok = ProviderRequest {
            at: samples::at("14:18:00"),
            platform: "youtube".to_owned(),
            endpoint: "GET /youtube/v3/channels".to_owned(),
            connection: None,
            accounts: 50,
            status: Some(200),
            error: None,
            duration_ms: 121,
            bytes: 43_210,
        };
        let one = ProviderRequest {
            connection: Some(samples::run().connection),
            accounts: 1,
            status: None,
            error: Some(RequestError::Timeout),
            duration_ms: 20_004,
            bytes: 0,
            ..ok.clone()
        };
        let consent =
            ProviderRequest { accounts: 0, endpoint: "POST /token".to_owned(), status: Some(400), ..ok.clone() };
        vec![ok, one, consent]
    }

    #[test]
    fn text_says_what_was_requested_and_how_it_ended() {
        insta::assert_snapshot!(text(&requests(), &samples::look()), @r"
        ENDED             PLATFORM  ABOUT        ENDPOINT                  STATUS     TOOK   BYTES
        2026-11-21 14:18  youtube   50 accounts  GET /youtube/v3/channels  200       0.12s  43,210
        2026-11-21 14:18  youtube   ambqgayd     GET /youtube/v3/channels  timeout  20.00s       0
        2026-11-21 14:18  youtube                POST /token               400       0.12s  43,210
        ");
        assert_eq!(text(&[], &samples::look()), "");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        insta::assert_snapshot!(samples::lines(json::events::RequestList::new(&requests()[1..])), @r#"
        {"requests":[{"at":"2026-11-21T14:18:00Z","platform":"youtube","connection":"ambqgayd","accounts":1,
        "endpoint":"GET /youtube/v3/channels","outcome":"unanswered","status":null,"error":"timeout",
        "duration_ms":20004,"bytes":0},{"at":"2026-11-21T14:18:00Z","platform":"youtube","connection":null,
        "accounts":0,"endpoint":"POST /token","outcome":"refused","status":400,"error":null,
        "duration_ms":121,"bytes":43210}]}
        "#);
    }
}
