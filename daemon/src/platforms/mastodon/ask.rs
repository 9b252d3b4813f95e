//! The requests: each account at its home, then its newest posts.

use super::SLUG;
use super::read::{
    Finger, Home, Profile, Refusal, add_posts, home_of, host_of, known_home, observation, parts, posts, profile_of,
};
use crate::http_client::{Api, HttpError, HttpErrorKind, Request, Response, read_json};
use crate::platforms::batch::{RequestsEach, Stop, WindowHeaders, each, sentence};
use crate::platforms::reading::{Object, Posts, items, unreadable};
use crate::platforms::{Account, Observation, Observed, PlatformError};

/// The most a page may hold; twelve own posts are among them without turning pages, which has a stricter limit.
const STATUSES: &str = "40";

const RATE_HEADERS: WindowHeaders =
    WindowHeaders { limit: "x-ratelimit-limit", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset" };

pub(super) async fn observe(api: &Api, accounts: &[Account]) -> Observed {
    let batch = Batch { api, stop: Stop::new(api) };
    each(&batch, accounts).await
}

/// One batch: all accounts of one instance.
struct Batch<'a> {
    api: &'a Api,
    stop: Stop<'a>,
}

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        let (profile, host) = self.find(account).await?;
        let id = profile.id.clone();
        let mut observation = observation(account, &host, profile)?;
        add_posts(&mut observation, self.posts(&host, &id).await);
        Ok(observation)
    }
}

impl Batch<'_> {
    /// The account by id where it is known, else by name at the handle's host, else where WebFinger says.
    async fn find(&self, account: &Account) -> Result<(Profile, String), PlatformError> {
        let (name, host) = parts(&account.handle);
        if let Some(home) = known_home(account) {
            match self.by_id(account, &home).await {
                Ok(Ok(profile)) => return Ok((profile, home.host)),
                Ok(Err(_)) => {}
                // The server may have another address by now, which the handle's own host knows.
                Err(PlatformError::Unavailable { .. }) if home.host != host => {}
                Err(error) => return Err(error),
            }
        }
        let absent = match self.by_name(account, host).await? {
            Ok(profile) => return Ok((profile, host.to_owned())),
            Err(absent) => absent,
        };
        match self.webfinger(name, host).await? {
            Some(home) => match self.by_name(account, &home).await? {
                Ok(profile) => Ok((profile, home)),
                Err(absent) => Err(self.absent(absent, &home, name)),
            },
            None => Err(self.absent(absent, host, name)),
        }
    }

    /// A server that is closed is closed for all its accounts.
    fn absent(&self, absent: Absent, host: &str, name: &str) -> PlatformError {
        let error = absent.error(host, name);
        if matches!(absent, Absent::Closed) {
            self.stop.end(&error);
        }
        error
    }

    async fn by_id(&self, account: &Account, home: &Home) -> Result<Result<Profile, Absent>, PlatformError> {
        let request = self.api.get(&home.host, "/api/v1/accounts/{id}").part("id", &home.id);
        self.account(account, self.request(&home.host, request).await?)
    }

    async fn by_name(&self, account: &Account, host: &str) -> Result<Result<Profile, Absent>, PlatformError> {
        let (name, _) = parts(&account.handle);
        let request = self.api.get(host, "/api/v1/accounts/lookup").query(&[("acct", name)]);
        self.account(account, self.request(host, request).await?)
    }

    fn account(&self, account: &Account, response: Response) -> Result<Result<Profile, Absent>, PlatformError> {
        if matches!(response.status, 404 | 410) {
            return Ok(Err(Absent::Account));
        }
        if response.status == 401 || leads_to_login(&response) {
            return Ok(Err(Absent::Closed));
        }
        if !response.is_success() {
            return Ok(Err(Absent::Api));
        }
        match read_json(response.body()) {
            Ok(Object(profile)) => Ok(profile_of(account, profile)?.ok_or(Absent::Account)),
            Err(HttpErrorKind::Html) => Ok(Err(Absent::Api)),
            Err(kind @ HttpErrorKind::Shape { .. }) => Err(unreadable(SLUG, kind)),
            Err(kind) => Err(response.error(kind).into()),
        }
    }

    /// The other host that serves the handle's domain, if there is one.
    async fn webfinger(&self, name: &str, host: &str) -> Result<Option<String>, PlatformError> {
        let Some(reported) = self.finger(name, host, host).await? else { return Ok(None) };
        let home = match reported {
            Reported::Home(home) => Some(home),
            // Domains that only hold the handles usually redirect WebFinger requests to the instance.
            Reported::SentTo(other) if self.may_hop(host, &other) => match self.finger(name, host, &other).await? {
                Some(Reported::Home(home)) => Some(home),
                _ => Some(other),
            },
            Reported::SentTo(_) => None,
        };
        Ok(home.filter(|home| self.may_hop(host, home)))
    }

    async fn finger(&self, name: &str, host: &str, at: &str) -> Result<Option<Reported>, PlatformError> {
        let resource = format!("acct:{name}@{host}");
        let request = self.api.get(at, "/.well-known/webfinger").query(&[("resource", &resource)]);
        let response = self.request(at, request).await?;
        if (300..400).contains(&response.status) {
            return Ok(response.header("location").and_then(host_of).map(Reported::SentTo));
        }
        let finger = response.is_success().then(|| response.json::<Finger>().ok()).flatten();
        Ok(finger.and_then(|finger| home_of(&finger)).map(Reported::Home))
    }

    /// A foreign response may lead to another host, but never to one that only the operator may choose.
    fn may_hop(&self, from: &str, to: &str) -> bool {
        from != to && !self.api.is_private_host(to)
    }

    async fn posts(&self, host: &str, id: &str) -> Result<Posts, PlatformError> {
        let request = self.api.get(host, "/api/v1/accounts/{id}/statuses").part("id", id).query(&[
            ("limit", STATUSES),
            ("exclude_replies", "true"),
            ("exclude_reblogs", "true"),
        ]);
        let response = self.request(host, request).await?;
        if response.status == 401 || leads_to_login(&response) {
            return Err(PlatformError::Closed { what: format!("{host} shows them to signed-in people only") });
        }
        if !response.is_success() {
            return Err(PlatformError::Unexpected { what: format!("{SLUG} responded with {}", response.status) });
        }
        Ok(posts(items(SLUG, response.body()).map_err(|kind| response.error(kind))?))
    }

    /// Sends the request once. Of the refusals it returns only those that say "not here" or "not for strangers": 3xx,
    /// 401, 404, 410.
    async fn request(&self, host: &str, request: Request<'_>) -> Result<Response, PlatformError> {
        self.stop
            .unless_stopped(async {
                let response = request.send().await.map_err(|error| unreachable(host, error))?;
                self.stop.heed_limit(&response, RATE_HEADERS);
                if response.is_success() || matches!(response.status, 300..=399 | 401 | 404 | 410) {
                    return Ok(response);
                }
                Err(self.refusal(host, &response))
            })
            .await
    }

    fn refusal(&self, host: &str, response: &Response) -> PlatformError {
        let said = response.json::<Refusal>().unwrap_or_default().error;
        match (self.stop.refusal(host, response), response.status) {
            (Some(PlatformError::RateLimited { retry_after, of }), _) => {
                let reset = || response.reset_after(RATE_HEADERS.reset, self.api.now());
                PlatformError::RateLimited { retry_after: retry_after.or_else(reset), of }
            }
            (Some(error), _) => error,
            (None, 403) => {
                PlatformError::Unavailable { what: sentence(&format!("{host} refuses to answer (403): {said}")) }
            }
            (None, status) => {
                PlatformError::Unexpected { what: sentence(&format!("{host} refused ({status}): {said}")) }
            }
        }
    }
}

/// What a host that responds does not have.
#[derive(Clone, Copy)]
enum Absent {
    Account,
    /// It shows accounts to those who sign in.
    Closed,
    /// It shows a web page, or sends us elsewhere.
    Api,
}

impl Absent {
    fn error(self, host: &str, name: &str) -> PlatformError {
        match self {
            Self::Account => PlatformError::AccountGone {
                what: sentence(&format!("{host} knows no {name}: misspelt, deleted, or moved without a trace")),
            },
            Self::Closed => {
                PlatformError::Closed { what: sentence(&format!("{host} shows accounts to signed-in people only")) }
            }
            Self::Api => PlatformError::Unexpected {
                what: sentence(&format!("{host} answers with a web page: it is no Mastodon server, or out of order")),
            },
        }
    }
}

/// Whether a response sends a stranger to a page to sign in at.
fn leads_to_login(response: &Response) -> bool {
    let location = response.header("location").filter(|_| (300..400).contains(&response.status));
    let path =
        location.map(|to| to.split_once("://").map_or(to, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..])));
    let path = path.and_then(|path| path.split(['?', '#']).next()).map(|path| path.trim_end_matches('/'));
    path.is_some_and(|path| matches!(path, "/login" | "/auth/sign_in" | "/sign_in" | "/signin" | "/users/sign_in"))
}

/// What WebFinger returned.
enum Reported {
    /// The host of the account's own link.
    Home(String),
    /// The host that the request was redirected to.
    SentTo(String),
}

/// One instance that cannot be reached is its own trouble, not our network's.
fn unreachable(host: &str, error: HttpError) -> PlatformError {
    match error.kind {
        HttpErrorKind::Private => PlatformError::AccountGone {
            what: sentence(&format!("{host} is at a private address: an operator can allow it in private_hosts")),
        },
        HttpErrorKind::Dns | HttpErrorKind::Connect => {
            PlatformError::Unavailable { what: sentence(&format!("{host} cannot be reached: {}", error.kind)) }
        }
        _ => error.into(),
    }
}
