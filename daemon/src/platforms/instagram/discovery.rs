//! Looking another account up through one whose owner consented: any professional account, by its name.

use std::collections::BTreeMap;

use futures::lock::Mutex;

use super::NAME;
use super::read::{Discovered, DiscoveredMedia, Profile, WITHOUT_INSIGHTS, media};
use super::scopes::INSIGHTS;
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Requests, SignIn};
use crate::platforms::reading::{Posts, add_engagement, item};
use crate::platforms::{Account, Observation, PlatformError};
use crate::secret::vault::fingerprint;

pub(super) async fn look_up(
    sign_in: SignIn<'_>,
    requests: Requests<'_>,
    own: &OwnAccounts,
    account: &Account,
    access: &Access,
) -> Result<Observation, PlatformError> {
    let graph = requests.with(&access.token);
    let own = match &access.through {
        Some(own) => own.clone(),
        None => own.of(sign_in, requests, access).await?,
    };
    // Canonical, so that nothing in it ends the expression.
    let name = super::canonical(&account.handle).map_err(|error| PlatformError::AccountGone { what: error.0 })?;
    let fields = format!(
        "business_discovery.username({name}){{id,username,name,followers_count,media_count,\
         media.limit(25){{id,timestamp,media_type,media_product_type,like_count,comments_count,view_count}}}}"
    );
    let request = graph.get("/{version}/{id}").part("id", &own).query(&[("fields", &fields)]);
    // Documented for this besides the account's own scopes, and what Meta misses most often.
    let reported: Discovered = graph.request(request, INSIGHTS).await?;
    let profile: Profile = item(NAME, &reported.business_discovery)?;
    let mut observation = profile.observation(account, profile.account_id()?);
    // How many others they follow is not ours to record.
    observation.numbers.following = None;
    let reported: DiscoveredMedia = item(NAME, &reported.business_discovery)?;
    let mut posts = Posts::default();
    for text in reported.media.iter().flat_map(|list| &list.data) {
        match media(text) {
            Ok(post) => posts.posts.extend(post.map(|(_, post)| post)),
            Err(_) => posts.unread += 1,
        }
    }
    observation.definition = WITHOUT_INSIGHTS;
    add_engagement(&mut observation, Ok(posts));
    Ok(observation)
}

/// The accounts of one batch through which others are looked up, by the tokens' fingerprints: the owner's Pages and their
/// tokens are requested once, and not for each account that is looked up.
#[derive(Default)]
pub(super) struct OwnAccounts(Mutex<BTreeMap<[u8; 32], String>>);

impl OwnAccounts {
    /// Other look-ups wait for the first one's.
    async fn of(&self, sign_in: SignIn<'_>, requests: Requests<'_>, access: &Access) -> Result<String, PlatformError> {
        let (mut known, token) = (self.0.lock().await, fingerprint(&access.token));
        if let Some(own) = known.get(&token) {
            return Ok(own.clone());
        }
        let own = own_account(sign_in, requests, access).await?;
        known.insert(token, own.clone());
        Ok(own)
    }
}

/// Any account whose owner consented.
async fn own_account(sign_in: SignIn<'_>, requests: Requests<'_>, access: &Access) -> Result<String, PlatformError> {
    let pages = sign_in.signed_in(requests.api, &access.token, &[]).await?.pages;
    let own = pages.into_iter().find_map(|page| page.instagram);
    own.map(|(id, _)| id).ok_or_else(|| PlatformError::Unauthorized {
        what: format!("{NAME} shows others only through an account whose owner consented: there is none yet"),
    })
}
