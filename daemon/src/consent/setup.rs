//! Whether a platform is set up right, found out by real calls where possible.

use roster_protocol::consent::PlatformCheck;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;

use super::{PURPOSE, ProviderContext, listener_address};
use crate::app::App;
use crate::oauth::{Provider, scopes};
use crate::platforms::webhook::Hook;
use crate::platforms::{Account, PlatformError, Registered};
use crate::roster::resolve;
use crate::schedule::gate::Priority;
use crate::schedule::lane;

/// Looks at one platform's set-up.
///
/// # Errors
/// No such platform.
pub async fn test(app: &App, slug: &str) -> Result<Vec<PlatformCheck>, RosterError> {
    let known =
        app.look(|roster| roster.platforms.get(slug).cloned().ok_or_else(|| resolve::unknown_platform(roster, slug)))?;
    let mut checks = vec![switched_on(slug, known.enabled)];
    let context = ProviderContext::of(app, slug);
    let consenting = context.as_ref().and_then(|context| Some((context, context.consenting()?)));
    match (known.platform.lacks(), consenting) {
        (Some(lacks), _) => checks.push(check("app", Some(false), lacks)),
        (None, Some((context, consenting))) => {
            let redirect_uri = context.redirect_uri(app);
            checks.extend(consenting.test(&context.api(app), &redirect_uri).await);
            // Public numbers can be read without an app.
            if context.provider().app().is_some() {
                checks.extend(scopes_found(context.provider()));
            }
        }
        (None, None) => checks.push(response(app, slug).await),
    }
    checks.extend(webhooks_found(app, &known));
    checks.extend(subscriptions_found(app, &known));
    Ok(checks)
}

/// Of how many accounts a hub notifies us, where the platform has one.
fn subscriptions_found(app: &App, known: &Registered) -> Option<PlatformCheck> {
    known.platform.webhooks()?.hub()?;
    let slug = known.platform.info().slug;
    let (lasting, wanted) = app.look(|roster| roster.hub_tally(slug, app.clock.now()));
    Some(match app.setup().config.http.public_url.is_some() {
        false => {
            check("hub", None, "without [http] public_url no hub can notify rosterd; accounts are synced on schedule")
        }
        true if lasting == wanted => {
            check("hub", Some(true), format!("it notifies rosterd about all accounts: {wanted}"))
        }
        true => {
            let unconfirmed = wanted - lasting;
            let why = format!(
                "it has confirmed {lasting} of {wanted} accounts; {unconfirmed} are asked for again: does {} lead to rosterd?",
                listener_address(app, &format!("/webhooks/{slug}/"))
            );
            check("hub", None, why)
        }
    })
}

/// The addresses that the operator enters at the platform, which sends something there.
fn webhooks_found(app: &App, known: &Registered) -> Vec<PlatformCheck> {
    let hooks = known.platform.webhooks().map(|webhooks| webhooks.hooks()).unwrap_or_default();
    if !hooks.is_empty() && app.setup().config.http.public_url.is_none() {
        let why = "without [http] public_url it cannot notify rosterd: set it to an https address that leads here, and \
                   this test shows the addresses to enter at the app";
        return vec![check("webhook", None, why)];
    }
    let slug = known.platform.info().slug;
    let address = |hook: &Hook| {
        let what = match hook {
            Hook::Events => "notifications",
            Hook::Deauthorize => "owners who remove the app",
            Hook::Deletion => "owners who want their data deleted",
        };
        let address = listener_address(app, &format!("/webhooks/{slug}{}", hook.path()));
        check("webhook", None, format!("enter at the app for {what}: {address}"))
    };
    hooks.iter().map(address).collect()
}

fn check(what: &str, ok: Option<bool>, message: impl Into<String>) -> PlatformCheck {
    PlatformCheck { what: what.to_owned(), ok, message: message.into() }
}

/// What an app requests of owners where its operator chose it.
pub fn chosen_scopes(provider: &dyn Provider) -> Option<String> {
    provider.app().filter(|app| app.scopes.is_some() || app.config_id.is_some())?;
    Some(format!("[{}]: {}", provider.terms().section, scopes::requested(provider, PURPOSE)))
}

/// What is requested, and what to do where the app lacks it: that cannot be seen before a consent.
fn scopes_found(provider: &dyn Provider) -> [PlatformCheck; 2] {
    [
        check("scopes", None, scopes::requested(provider, PURPOSE)),
        check("scopes refused", None, scopes::advice(provider, PURPOSE)),
    ]
}

fn switched_on(slug: &str, enabled: bool) -> PlatformCheck {
    match enabled {
        true => check("enabled", Some(true), "it is switched on"),
        false => check("enabled", Some(false), format!("set enabled = true under [platforms.{slug}]")),
    }
}

/// Requests an account that is connected, or else one that need not exist: any valid response is enough.
async fn response(app: &App, slug: &str) -> PlatformCheck {
    let found = app.look(|roster| {
        let known = roster.platforms.get(slug)?.clone();
        let mut connected = roster.connections.values().filter(|it| it.platform == slug);
        let handle = connected.find(|it| it.disconnected_at.is_none()).map(|it| it.handle.clone());
        Some((known, handle))
    });
    let Some((known, handle)) = found else { return check("answer", None, "the platform is not there") };
    let example = known.platform.info().handle_example;
    let Ok(handle) = handle.map_or_else(|| known.platform.canonical(example), Ok) else {
        return check("answer", None, "connect an account first: there is none to ask about");
    };
    let lane = lane::name(slug, &known.platform.group(&handle));
    let api = app.api(&known.route, &lane, Priority::Person);
    let place = ConnectionId::from_bytes([0; 5]);
    let account =
        Account { connection: place, handle: handle.clone(), platform_user_id: None, access: None, days_from: None };
    let reported = known.platform.observe(&api, &[account]).await.into_iter().next();
    match reported {
        Some((_, Ok(_))) => check("answer", Some(true), format!("it reported {handle}")),
        Some((_, Err(PlatformError::AccountGone { .. }))) => {
            check("answer", Some(true), format!("it reports that there is no {handle}"))
        }
        Some((_, Err(error))) => check("answer", Some(false), error.to_string()),
        None => check("answer", Some(false), "it reported nothing"),
    }
}
