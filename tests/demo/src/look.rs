//! What the platforms report of the invented accounts before any owner consents, requested as the daemon does.

use std::collections::HashMap;

use futures::StreamExt;
use roster_protocol::ids::ConnectionId;
use roster_protocol::status::ApiAccess;
use roster_protocol::time::Timestamp;
use roster_sandbox::AccountKey;
use rosterd::app::setup::Setup;
use rosterd::http_client::Api;
use rosterd::platforms::{Account, Observation, PlatformError, Platforms, Registered};

/// How many batches are requested at once.
const AT_ONCE: usize = 8;

/// What was reported of each public account.
pub type Looks = HashMap<(String, String), Result<Observation, PlatformError>>;

/// Requests every account of a platform that reports without consent.
pub async fn look(setup: &Setup, platforms: &Platforms, keys: &[AccountKey], now: Timestamp) -> Looks {
    let batches = platforms.values().filter(|known| known.platform.info().access != ApiAccess::Consent);
    let batches = batches.flat_map(|known| groups(known, keys).into_iter().map(move |handles| (known, handles)));
    let requested = batches.map(|(known, handles)| async move {
        let api = Api::new(setup.http.clone(), known.route.clone(), now);
        let accounts: Vec<Account> = (0..).zip(&handles).map(|(number, handle)| account(number, handle)).collect();
        let observed = known.platform.observe(&api, &accounts).await;
        let slug = known.platform.info().slug;
        let named = |id: ConnectionId| accounts.iter().find(|account| account.connection == id);
        let named = observed.into_iter().filter_map(|(id, result)| Some((named(id)?.handle.clone(), result)));
        named.map(|(handle, result)| ((slug.to_owned(), handle), result)).collect::<Vec<_>>()
    });
    futures::stream::iter(requested).buffer_unordered(AT_ONCE).concat().await.into_iter().collect()
}

/// The handles that one batch takes, group by group.
fn groups(known: &Registered, keys: &[AccountKey]) -> Vec<Vec<String>> {
    let info = known.platform.info();
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for key in keys.iter().filter(|key| key.platform.slug() == info.slug) {
        groups.entry(known.platform.group(&key.handle)).or_default().push(key.handle.clone());
    }
    groups.values().flat_map(|handles| handles.chunks(info.batch_limit)).map(<[String]>::to_vec).collect()
}

fn account(number: u32, handle: &str) -> Account {
    let [a, b, c, d] = number.to_be_bytes();
    let connection = ConnectionId::from_bytes([0, a, b, c, d]);
    Account { connection, handle: handle.to_owned(), platform_user_id: None, access: None, days_from: None }
}
