//! Who reaches the daemon, and whom it reaches: the listener, the redirect URIs, the proxy, names.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, Method};
use roster_protocol::doctor::Finding;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use crate::app::{App, Listener};
use crate::browse::overview::lost_in_words;
use crate::consent::{listener_address, redirect_uri};
use crate::http_client::{HttpError, HttpErrorKind, Outgoing, Reach};

/// As many addresses as an operator can have registered at platforms.
const MOST_ADDRESSES: usize = 16;
/// How long a name or a proxy may take.
const LONGEST: Duration = Duration::from_secs(8);

/// The listener, and the addresses to which owners return.
pub async fn look(app: &Arc<App>) -> Vec<Finding> {
    let listener = app.consents.listener();
    let mut found = vec![of_listener(&listener)];
    if let Listener::At(_) = listener {
        let addresses = redirect_uris(app);
        found.extend(join_all(addresses.into_iter().map(|address| of_redirect(app, address))).await);
    }
    found
}

fn of_listener(listener: &Listener) -> Finding {
    match (listener, lost_in_words(listener)) {
        (_, Some(lost)) => Finding::fault(
            "listener",
            lost,
            "end that program, or set [http] listen to a free address and reload rosterd; `roster alerts` names it",
        ),
        (Listener::At(address), None) => Finding::well("listener", format!("it listens on {address}")),
        (_, None) => Finding::note(
            "listener",
            "it is off: consents are finished by pasting the address, and no platform notifies",
        ),
    }
}

/// Where owners return after a consent at any of the platforms that are set up, or would.
fn redirect_uris(app: &App) -> BTreeSet<String> {
    let providers = app.look(|roster| {
        let all = roster.providers.slugs().filter_map(|slug| roster.providers.get(slug));
        all.filter(|it| it.enabled && it.provider.app().is_some()).map(|it| it.provider.clone()).collect::<Vec<_>>()
    });
    let mut addresses: BTreeSet<String> =
        providers.iter().take(MOST_ADDRESSES).map(|provider| redirect_uri(app, &**provider)).collect();
    if addresses.is_empty() {
        addresses.insert(listener_address(app, "/oauth/doctor/callback"));
    }
    addresses
}

/// Requests an address as a browser would, and looks whether it is this daemon that responds.
async fn of_redirect(app: &App, address: String) -> Finding {
    let Ok(mut url) = Url::parse(&address) else {
        return Finding::fault(
            "redirect URI",
            format!("{address} is no address"),
            "correct it in the config, and at the platform",
        );
    };
    let Some(probe) = app.probes.begin() else {
        return Finding::warning("redirect URI", "the system has no randomness to give", "try again");
    };
    url.query_pairs_mut().append_pair("state", &probe.sent);
    let is_local = is_loopback(&url);
    let outgoing = Outgoing {
        method: Method::GET,
        host: url.host_str().unwrap_or_default().to_owned(),
        url,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        reach: Reach::Chosen,
        template: "/oauth/{platform}/callback",
    };
    let response = app.setup().http.send(outgoing).await;
    match response {
        Ok(response) if response.body() == probe.expected.as_bytes() => reached(&address, is_local),
        Ok(response) => Finding::fault(
            "redirect URI",
            format!("{address} does not lead here: it responds with status {}", response.status),
            format!("pass it on to {}, with its Host; nginx.conf.example has how", listens_at(app)),
        ),
        Err(error) => unreached(&address, &error, &listens_at(app)),
    }
}

fn reached(address: &str, is_local: bool) -> Finding {
    match is_local {
        false => Finding::well("redirect URI", format!("{address} leads here")),
        true => Finding {
            fix: Some(
                "set [http] public_url to an https address that leads here, where owners are elsewhere".to_owned(),
            ),
            ..Finding::note(
                "redirect URI",
                format!(
                    "{address} leads here from this machine alone: owners elsewhere finish a consent by pasting the \
                         address they end at"
                ),
            )
        },
    }
}

fn unreached(address: &str, error: &HttpError, listens_at: &str) -> Finding {
    let lead = format!("let its name lead to this machine, and pass it on to {listens_at}");
    match &error.kind {
        HttpErrorKind::Dns => Finding::fault("redirect URI", format!("{address}: its name cannot be resolved"), lead),
        HttpErrorKind::Tls => Finding::fault(
            "redirect URI",
            format!("{address}: its certificate is not trusted here, or is not for this name"),
            "renew it where TLS ends, with the whole chain; or name its authority in [network] ca_file",
        ),
        HttpErrorKind::Insecure | HttpErrorKind::BadHost => {
            Finding::fault("redirect URI", format!("{address}: {}", error.kind), "platforms take https addresses")
        }
        // A router may not lead back inside what it leads there from outside.
        _ => Finding::warning(
            "redirect URI",
            format!("{address} cannot be reached from this machine"),
            format!("open it elsewhere: where this page responds all is well; if not, {lead}"),
        ),
    }
}

fn listens_at(app: &App) -> String {
    app.consents.listens_at().map(|address| format!("http://{address}")).unwrap_or_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The proxy, and the names that must be resolved here.
pub async fn network(app: &App) -> Vec<Finding> {
    let setup = app.setup();
    let network = &setup.config.network;
    let proxy = network.proxy.as_deref().and_then(|proxy| Url::parse(proxy).ok());
    let mut found = Vec::new();
    match &proxy {
        Some(proxy) => found.push(of_proxy(proxy).await),
        None => found.extend(unread_proxy(app)),
    }
    found.extend(names(app, proxy.is_some()).await);
    found
}

/// A proxy as its host and port: the URL may hold a password.
async fn of_proxy(proxy: &Url) -> Finding {
    let (host, port) = (proxy.host_str().unwrap_or_default(), proxy.port_or_known_default().unwrap_or_default());
    let at = format!("{host}:{port}");
    match timeout(LONGEST, TcpStream::connect(&at)).await {
        Ok(Ok(_)) => Finding::well("proxy", format!("{at} accepts connections")),
        Ok(Err(error)) => Finding::fault("proxy", format!("{at}: {error}"), "correct [network] proxy, or start it"),
        Err(_) => Finding::fault("proxy", format!("{at} does not respond"), "correct [network] proxy, or start it"),
    }
}

/// A proxy of the environment, which is not read: the service's is another than the shell's.
fn unread_proxy(app: &App) -> Option<Finding> {
    let environment = &app.started_with.source.environment;
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let name = names.into_iter().find(|name| environment.variable(name).is_some())?;
    let found = format!("{name} is set, and rosterd sends its requests without a proxy");
    Some(Finding::warning("proxy", found, "set [network] proxy, or take the variable away"))
}

/// Whether names are resolved: those of the config, and where no proxy does it those of providers.
async fn names(app: &App, is_proxied: bool) -> Vec<Finding> {
    let setup = app.setup();
    let gateway = setup.config.sync.gateway.as_deref().and_then(|gateway| Url::parse(gateway).ok());
    let own = setup.config.http.public_url.iter().chain(&gateway);
    let mut hosts: BTreeSet<String> = own.filter_map(|url| url.domain().map(str::to_owned)).collect();
    if !is_proxied && gateway.is_none() {
        hosts.extend(app.look(|roster| {
            let set_up = roster.providers.slugs().filter_map(|slug| roster.providers.get(slug));
            let set_up = set_up.filter(|it| it.enabled && it.provider.app().is_some());
            set_up.map(|it| it.provider.terms().token.host.to_owned()).collect::<Vec<_>>()
        }));
    }
    hosts.retain(|host| !host.is_empty());
    let looked = join_all(hosts.iter().take(MOST_ADDRESSES).map(|host| of_name(host))).await;
    let failed: Vec<Finding> = looked.into_iter().flatten().collect();
    match (failed.is_empty(), hosts.len()) {
        (true, 0) => Vec::new(),
        (true, count) => vec![Finding::well("names", format!("all {count} that were looked up are resolved"))],
        (false, _) => failed,
    }
}

async fn of_name(host: &str) -> Option<Finding> {
    let found = match timeout(LONGEST, lookup_host((host, 443))).await {
        Ok(Ok(mut addresses)) => addresses.next().is_none().then(|| format!("{host} has no address"))?,
        Ok(Err(_)) => format!("{host} cannot be resolved"),
        Err(_) => format!("the resolver did not respond about {host}"),
    };
    Some(Finding::fault("names", found, "look at /etc/resolv.conf, and whether this machine reaches its name servers"))
}

#[cfg(test)]
mod tests {
    use roster_protocol::Verdict;

    use super::*;

    #[tokio::test]
    async fn a_proxy_is_named_without_its_password() {
        let listens = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listens.local_addr().expect("an address").port();
        let proxy = Url::parse(&format!("http://mara:hunter2@127.0.0.1:{port}")).expect("a URL");
        assert_eq!(of_proxy(&proxy).await.verdict, Verdict::Well);
        drop(listens);
        let found = of_proxy(&proxy).await;
        assert_eq!(found.verdict, Verdict::Fault);
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }

    #[test]
    fn what_is_wrong_with_an_address_has_its_own_way_out() {
        let check = |kind: HttpErrorKind, verdict: Verdict, fix: &str| {
            let error = HttpError { host: "a.example".to_owned(), template: String::new(), status: None, kind };
            let found = unreached("https://a.example/oauth/x/callback", &error, "http://127.0.0.1:8787");
            assert_eq!(found.verdict, verdict, "{found:?}");
            assert!(found.fix.as_deref().is_some_and(|it| it.contains(fix)), "{found:?}");
        };
        check(HttpErrorKind::Dns, Verdict::Fault, "let its name lead to this machine");
        check(HttpErrorKind::Tls, Verdict::Fault, "whole chain");
        check(HttpErrorKind::Timeout, Verdict::Warning, "open it elsewhere");
        check(HttpErrorKind::Insecure, Verdict::Fault, "https");
    }
}
