//! The caller: its token, whether the token is still valid, and the app secret's proof.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::errors::error;
use super::fields::{self, Field};
use super::nodes::Node;
use crate::Platform;
use crate::grants::{Door, Held, SecretKind, SecretProblem};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};

/// How long a proof with a time in it is valid, before and after that time.
const PROOF_SECONDS: i64 = 300;

/// A request with a good token.
pub struct Call<'a> {
    pub world: &'a World,
    pub request: &'a ApiRequest,
    pub held: Held,
    /// The time by which numbers are reported.
    pub now: Timestamp,
}

impl<'a> Call<'a> {
    pub fn open(world: &'a World, request: &'a ApiRequest) -> Result<Call<'a>, ApiResponse> {
        let token = token_of(request).ok_or_else(no_token)?;
        if is_app_token(token) {
            return Err(error(
                2500,
                None,
                "An active access token must be used to query information about the current user.",
            ));
        }
        let door = if request.host == "graph.instagram.com" { Door::Instagram } else { Door::Facebook };
        let held = world.grants.held(token).filter(|held| held.grant.door == door).ok_or_else(unreadable)?;
        if !matches!(held.secret.kind, SecretKind::Access { .. } | SecretKind::Page { .. }) {
            return Err(unreadable());
        }
        let now = world.clock.shown();
        held.check(now).map_err(|problem| refused(&held, problem, now))?;
        let is_persons = matches!(held.secret.kind, SecretKind::Access { .. });
        if is_persons && data_access_ends(world, &held).is_some_and(|ends| ends <= now) {
            return Err(error(190, Some(493), "Error validating access token: The user's data access has expired."));
        }
        check_proof(request, &held, now)?;
        Ok(Call { world, request, held, now: world.now() })
    }

    /// The fields to read; empty = the default ones.
    pub fn fields(&self) -> Result<Vec<Field>, ApiResponse> {
        match self.request.param("fields") {
            None | Some("") => Ok(Vec::new()),
            Some(text) => fields::read(text).ok_or_else(|| {
                error(
                    2500,
                    None,
                    &format!("Syntax error \"Expected end of string instead of \"{{\".\" at character 0: {text}"),
                )
            }),
        }
    }

    pub fn has(&self, scope: &str) -> bool {
        self.held.grant.has(scope)
    }

    /// The Page whose token it is.
    pub fn page_id(&self) -> Option<&str> {
        match &self.held.secret.kind {
            SecretKind::Page { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether the token opens an account: a Page's its own and what is linked to it.
    pub fn opens(&self, account: &Account) -> bool {
        let is_of_page =
            self.page_id().is_none_or(|page| account.id == page || account.linked.as_deref() == Some(page));
        is_of_page && self.held.grant.opens(account.platform, &account.id)
    }

    /// The accounts on a platform that the person opened and that are there.
    pub fn opened(&self, platform: Platform) -> Vec<Arc<Account>> {
        let all = self.world.opened(&self.held.grant);
        let is_seen = |account: &Arc<Account>| account.platform == platform && self.opens(account) && is_there(account);
        all.into_iter().filter(is_seen).collect()
    }

    pub fn about(&self, response: ApiResponse, node: &Node) -> ApiResponse {
        match node.account() {
            Some(account) => response.about(account),
            None => response,
        }
    }
}

/// When a person's tokens open nothing more, whatever their own ends. Whether Pages' own tokens end, too, is not known:
/// they do not here.
pub fn data_access_ends(world: &World, held: &Held) -> Option<Timestamp> {
    let lives = world.lifetimes(held.grant.platform).data_access.filter(|_| held.grant.door == Door::Facebook)?;
    Some(held.grant.given_at + lives)
}

/// Whether the account is visible to any client.
pub fn is_there(account: &Account) -> bool {
    matches!(account.state, State::Active | State::Failing)
}

/// The token, wherever the request carries it.
pub fn token_of(request: &ApiRequest) -> Option<&str> {
    request.param("access_token").or_else(|| request.bearer()).filter(|token| !token.is_empty())
}

/// `id|secret` of one of both apps.
pub fn is_app_token(token: &str) -> bool {
    let apps = [Platform::Facebook, Platform::Instagram];
    apps.iter().any(|app| token.split_once('|') == Some((&app.client_id(), &app.client_secret())))
}

/// Whether id and secret belong together; returns the platform they belong to.
pub fn check_secret(request: &ApiRequest) -> Result<Platform, ApiResponse> {
    let id = request.client_id().ok_or_else(|| error(101, None, "Missing client_id parameter."))?;
    let apps = [Platform::Facebook, Platform::Instagram];
    let app = apps.into_iter().find(|app| app.client_id() == id).ok_or_else(|| {
        error(101, None, "Error validating application. Cannot get application info due to a system error.")
    })?;
    match request.client_secret() {
        Some(secret) if secret == app.client_secret() => Ok(app),
        Some(_) => Err(error(1, None, "Error validating client secret.").with_status(400)),
        None => Err(error(1, None, "Missing client_secret parameter.").with_status(400)),
    }
}

pub fn no_token() -> ApiResponse {
    error(104, None, "An access token is required to request this resource.")
}

fn unreadable() -> ApiResponse {
    error(190, None, "Invalid OAuth access token - Cannot parse access token")
}

/// Why a token that was good once is not any more.
pub fn refused(held: &Held, problem: SecretProblem, now: Timestamp) -> ApiResponse {
    match problem {
        SecretProblem::Expired => {
            let end = held.secret.expires_at.unwrap_or(now);
            let message = format!(
                "Error validating access token: Session has expired on {}. The current time is {}.",
                written(end),
                written(now)
            );
            error(190, Some(463), &message)
        }
        SecretProblem::Revoked => {
            let message = format!(
                "Error validating access token: The user has not authorized application {}.",
                held.grant.platform.client_id()
            );
            error(190, Some(458), &message)
        }
        SecretProblem::Spent | SecretProblem::Unknown => unreadable(),
    }
}

fn written(when: Timestamp) -> String {
    when.strftime("%A, %d-%b-%y %H:%M:%S UTC").to_string()
}

/// Wanted at graph.facebook.com; checked wherever it is sent.
fn check_proof(request: &ApiRequest, held: &Held, now: Timestamp) -> Result<(), ApiResponse> {
    let Some(proof) = request.param("appsecret_proof") else {
        return match held.grant.door {
            Door::Facebook => Err(error(100, None, "API calls from the server require an appsecret_proof argument")),
            _ => Ok(()),
        };
    };
    let time = request.param("appsecret_time");
    let is_fresh =
        time.is_none_or(|time| time.parse::<i64>().is_ok_and(|time| (now.as_second() - time).abs() <= PROOF_SECONDS));
    if is_fresh && proof == expected_proof(&held.grant.platform.client_secret(), &held.text, time) {
        return Ok(());
    }
    Err(error(100, None, "Invalid appsecret_proof provided in the API argument"))
}

/// Hex of HMAC-SHA256 over the token, or over `token|time`.
fn expected_proof(secret: &str, token: &str, time: Option<&str>) -> String {
    let message = time.map_or(token.to_owned(), |time| format!("{token}|{time}"));
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(message.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_as_computed_elsewhere() {
        let check = |time, expected: &str| assert_eq!(expected_proof("app-secret", "user-token", time), expected);
        check(None, "b5a94d985eb7b68467d28ca5375162d12b9ca8fe238615acc927c8a9c08d2e95");
        check(Some("1700000000"), "ab6e4f6b9e5200790fa5e4341ddc9884c455f77926e0d332e51044cf65d02fe1");
    }

    #[test]
    fn an_apps_own_token_is_id_and_secret() {
        let check = |token, expected| assert_eq!(is_app_token(token), expected, "{token}");
        check("facebook-client-id|facebook-client-secret", true);
        check("instagram-client-id|instagram-client-secret", true);
        check("facebook-client-id|instagram-client-secret", false);
        check("EAAx", false);
    }
}
