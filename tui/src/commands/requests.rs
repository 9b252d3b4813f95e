//! `roster requests`: what was requested of platforms.

use roster_protocol::notice::grouped;
use roster_protocol::service::{PAGE_ROWS, RequestsQuery};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::{ProviderRequest, RequestOutcome, RosterClient, RosterError, Since, Timestamp};

use super::follow::Feed;
use super::pages;
use super::when::When;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look, while_read};
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
    /// Keeps running and prints each new request, oldest first: those of a sync when it ends, others within half a minute
    #[arg(long)]
    follow: bool,
    /// At most so many [default: all with --since, else the newest 1,000, or 10 with --follow]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

impl Requests {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, self.follow)?;
        let since = self.since.map(|since| since.since(&session.output.look.now)).transpose()?;
        if self.follow {
            return while_read(self.follow(since, session)).await;
        }
        let client = session.connect().await?;
        let found = self.read(&client, since, pages::wanted(self.limit, since.is_some())).await?;
        session.output.print(|| json::events::RequestList::new(&found.rows), |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        Ok(Ending::Done)
    }

    async fn read(
        &self,
        client: &RosterClient,
        since: Option<Since>,
        wanted: u64,
    ) -> Result<pages::Rows<ProviderRequest>, RosterError> {
        let request = async |mark, limit| {
            let (platform, connection) = (self.platform.clone(), self.connection.clone());
            let query = RequestsQuery { since, platform, connection, outcome: self.outcome, mark, limit };
            response(client.requests(short_call(), query).await)
        };
        pages::read(wanted, request).await
    }

    /// Requests have no events of their own: each batch of events, empty ones included, triggers a new look.
    async fn follow(&self, since: Option<Since>, session: &mut Session) -> Result<Ending, Failure> {
        let mut feed = Feed::start(session).await?;
        let first = self.limit.or_else(|| since.is_none().then_some(10));
        let mut requests = self.read(&feed.client, since, pages::wanted(first, since.is_some())).await?.rows;
        let mut last = match requests.first() {
            Some(_) => Newest::default(),
            // None is listed first: only requests after the newest one are printed.
            None => Newest::of(self.read(&feed.client, None, PAGE_ROWS).await?.rows),
        };
        loop {
            for request in requests.iter().rev() {
                session.output.print(|| json::events::ProviderRequest::from(request), |look| line(request, look))?;
            }
            last.add(requests);
            feed.next(session).await?;
            let from = last.at.map(Since::At).or(since);
            requests = last.only_newer(self.read(&feed.client, from, u64::MAX).await?.rows);
        }
    }
}

/// What ended last of what was printed.
#[derive(Default)]
struct Newest {
    at: Option<Timestamp>,
    /// Those that ended at that millisecond.
    then: Vec<ProviderRequest>,
}

impl Newest {
    fn of(requests: Vec<ProviderRequest>) -> Self {
        let mut newest = Self::default();
        newest.add(requests);
        newest
    }

    fn add(&mut self, requests: Vec<ProviderRequest>) {
        let at = requests.iter().map(|request| request.at).max();
        if at > self.at {
            (self.at, self.then) = (at, Vec::new());
        }
        self.then.extend(requests.into_iter().filter(|request| Some(request.at) == self.at));
    }

    /// Those that were not printed yet.
    fn only_newer(&self, mut requests: Vec<ProviderRequest>) -> Vec<ProviderRequest> {
        let mut printed = self.then.clone();
        requests.retain(|request| {
            let before = printed.iter().position(|known| known == request);
            let is_newer = Some(request.at) > self.at || (Some(request.at) == self.at && before.is_none());
            before.map(|at| printed.swap_remove(at));
            is_newer
        });
        requests
    }
}

fn line(request: &ProviderRequest, look: &Look) -> String {
    let parts = [
        request.platform.clone(),
        about(request),
        request.endpoint.clone(),
        status_words(request),
        took(request),
        format!("{} bytes", grouped(request.bytes)),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}  {}\n", time(request.at, &look.now), clean(&parts.join("  "), 2 * SENTENCE_CHARACTERS))
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
            took(request).into(),
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

fn took(request: &ProviderRequest) -> String {
    format!("{:.2}s", f64::from(request.duration_ms) / 1000.0)
}

fn status_words(request: &ProviderRequest) -> String {
    let words = match (request.status, request.error) {
        (Some(status), None) => status.to_string(),
        (Some(status), Some(error)) => format!("{status} {error}"),
        (None, error) => error.map_or("none", |error| error.as_str()).to_owned(),
    };
    words.replace('_', " ")
}

fn status(request: &ProviderRequest) -> Cell {
    let tone = match request.outcome() {
        RequestOutcome::Ok => Tone::Good,
        RequestOutcome::Refused => Tone::Warn,
        RequestOutcome::Failed | RequestOutcome::Unanswered => Tone::Bad,
    };
    Cell::new(status_words(request), tone)
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
    fn each_request_is_followed_once_however_many_end_at_a_moment() {
        let one = requests().remove(0);
        let later = ProviderRequest { at: one.at.plus_seconds(1), ..one.clone() };
        let mut newest = Newest::of(vec![one.clone()]);
        // The newest first; a twin that ended in the same millisecond is another one.
        let found = vec![later.clone(), one.clone(), one.clone()];
        assert_eq!(newest.only_newer(found.clone()), [later.clone(), one]);
        newest.add(found);
        assert!(newest.only_newer(vec![later]).is_empty());
        let hostile = ProviderRequest { endpoint: "GET /x\u{1b}[1m\n".to_owned(), ..requests().remove(1) };
        insta::assert_snapshot!(line(&hostile, &samples::look()), @"2026-11-21 14:18  youtube ambqgayd GET /x[1m timeout 20.00s 0 bytes");
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
