//! JSON of consent: `connect`, `tokens`, `platforms test`.

use roster_protocol as protocol;
use serde::Serialize;

use super::time;

/// What `connect --no-wait` gives for a consent.
#[derive(Debug, Serialize)]
pub struct Begun {
    authorize_url: String,
    redirect_uri: Option<String>,
    expires_at: String,
    /// Leads to `authorize_url` once; with a public URL only.
    #[serde(skip_serializing_if = "Option::is_none")]
    short_url: Option<String>,
    /// What to type there; with `--device` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_code: Option<String>,
}

impl From<&protocol::ConsentBegun> for Begun {
    fn from(begun: &protocol::ConsentBegun) -> Self {
        Self {
            authorize_url: begun.url.clone(),
            redirect_uri: begun.redirect_uri.clone(),
            expires_at: begun.expires_at.to_string(),
            short_url: begun.short_url.clone(),
            user_code: begun.user_code.clone(),
        }
    }
}

/// What `connect` prints when a user must choose among several accounts.
#[derive(Debug, Serialize)]
pub struct Choices {
    choices: Vec<Choice>,
}

#[derive(Debug, Serialize)]
struct Choice {
    handle: String,
    name: Option<String>,
    followers: Option<u64>,
}

impl From<&[protocol::ConsentChoice]> for Choices {
    fn from(choices: &[protocol::ConsentChoice]) -> Self {
        let choice = |choice: &protocol::ConsentChoice| Choice {
            handle: choice.handle.clone(),
            name: choice.name.clone(),
            followers: choice.followers,
        };
        Self { choices: choices.iter().map(choice).collect() }
    }
}

/// What `tokens` gives.
#[derive(Debug, Serialize)]
pub struct GrantList {
    pub grants: Vec<Grant>,
}

/// One consent that was given.
#[derive(Debug, Serialize)]
pub struct Grant {
    id: String,
    platform: String,
    account: String,
    model: &'static str,
    expires_at: Option<String>,
    renews: &'static str,
    act_before: Option<String>,
    connections: Vec<String>,
    granted_at: String,
    renews_at: Option<String>,
    scopes: Vec<String>,
    reads: Vec<String>,
    missing: Vec<Missing>,
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct Missing {
    scope: String,
    costs: String,
}

impl From<&protocol::Grant> for Grant {
    fn from(grant: &protocol::Grant) -> Self {
        let missing =
            |missing: &protocol::MissingScope| Missing { scope: missing.scope.clone(), costs: missing.costs.clone() };
        Self {
            id: grant.id.to_string(),
            platform: grant.platform.clone(),
            account: grant.account.clone(),
            model: grant.model.as_str(),
            expires_at: time(grant.expires_at),
            renews: grant.renews.as_str(),
            act_before: time(grant.act_before),
            connections: grant.connections.iter().map(ToString::to_string).collect(),
            granted_at: grant.granted_at.to_string(),
            renews_at: time(grant.renews_at),
            scopes: grant.scopes.clone(),
            reads: grant.reads.clone(),
            missing: grant.missing.iter().map(missing).collect(),
            note: grant.note.clone(),
        }
    }
}

/// What `platforms test` without a platform gives.
#[derive(Debug, Serialize)]
pub struct TestedPlatforms {
    platforms: Vec<TestedPlatform>,
}

#[derive(Debug, Serialize)]
struct TestedPlatform {
    platform: String,
    #[serde(flatten)]
    checks: CheckList,
}

impl TestedPlatforms {
    pub fn of(tested: &[(String, Vec<protocol::PlatformCheck>)]) -> Self {
        let one = |(platform, checks): &(String, Vec<protocol::PlatformCheck>)| TestedPlatform {
            platform: platform.clone(),
            checks: CheckList::from(checks.as_slice()),
        };
        Self { platforms: tested.iter().map(one).collect() }
    }
}

/// What `platforms test` of one platform gives.
#[derive(Debug, Serialize)]
pub struct CheckList {
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    what: String,
    /// `null`: it cannot be found out from here.
    ok: Option<bool>,
    message: String,
}

impl From<&[protocol::PlatformCheck]> for CheckList {
    fn from(checks: &[protocol::PlatformCheck]) -> Self {
        let check = |check: &protocol::PlatformCheck| Check {
            what: check.what.clone(),
            ok: check.ok,
            message: check.message.clone(),
        };
        Self { checks: checks.iter().map(check).collect() }
    }
}
