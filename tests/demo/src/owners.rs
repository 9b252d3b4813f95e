//! The owners of the invented accounts give their consent, through the same pages as real ones.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use reqwest::header::LOCATION;
use roster_protocol::audit::Who;
use roster_protocol::consent::{ConsentMethod, ConsentState};
use roster_protocol::status::ApiAccess;
use rosterd::app::App;
use rosterd::consent::{begin, finish, view};
use rosterd::model::TroubleKind;

/// How many owners decide at once.
const AT_ONCE: usize = 4;
/// The longest that one consent may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Asks every owner whose consent is needed and was not taken back; returns how many gave it.
pub async fn ask(app: Arc<App>) -> usize {
    let wanted: Vec<(String, String, String)> = app.look(|roster| {
        let needs = |platform: &str| {
            roster.platforms.get(platform).is_some_and(|known| known.platform.info().access == ApiAccess::Consent)
        };
        let connections = roster.connections.values().filter(|connection| needs(&connection.platform));
        let waits = connections.filter(|it| it.trouble.as_ref().is_none_or(|t| t.kind != TroubleKind::Unauthorized));
        waits.map(|it| (it.influencer.to_string(), it.platform.clone(), it.handle.clone())).collect()
    });
    let owners = wanted.into_iter().map(|(influencer, platform, handle)| {
        let app = app.clone();
        async move {
            let given = tokio::time::timeout(TIMEOUT, consent(&app, influencer, platform, handle)).await;
            usize::from(matches!(given, Ok(Ok(()))))
        }
    });
    futures::stream::iter(owners).buffer_unordered(AT_ONCE).fold(0, async |sum, given| sum + given).await
}

async fn consent(app: &Arc<App>, influencer: String, platform: String, handle: String) -> anyhow::Result<()> {
    let who = Who { uid: rustix::process::getuid().as_raw(), name: "demo".to_owned() };
    let wanted = Some(handle.clone());
    let begun = begin::begin(app, who.clone(), influencer, platform, ConsentMethod::Redirect, wanted).await?;
    let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut page = reqwest::Url::parse(&begun.url)?;
    page.query_pairs_mut().append_pair("sandbox_account", &handle);
    let response = browser.get(page).send().await?;
    let landed = response.headers().get(LOCATION).and_then(|at| at.to_str().ok()).context("no way back")?;
    let id = finish::pasted(app, &who, landed).await?;
    match view::state(app, &who, id, TIMEOUT).await? {
        ConsentState::Done(_) => Ok(()),
        other => anyhow::bail!("{other:?}"),
    }
}
