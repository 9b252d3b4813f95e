//! Google's OAuth: a consent by redirect or by a code for a device.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};
use url::Url;

use super::scopes::SCOPES;
use super::{NO_APP, SLUG, YouTube, checks, own, tokens};
use crate::http_client::Api;
use crate::oauth::{
    self, Device, DeviceCode, Endpoint, Held, OAuthApp, Provider, Refusal, Reply, Terms, TokenError, TokenRequest, read,
};
use crate::platforms::PlatformError;
use crate::platforms::consenting::{Access, Consenting, Opened};

const TOKENS: &str = "oauth2.googleapis.com";

const DEVICE: Device = Device {
    endpoint: Endpoint { host: TOKENS, path: "/device/code" },
    // Google allows no others to devices.
    scopes: SCOPES.split_at(1).0,
};

const TERMS: Terms = Terms {
    slug: SLUG,
    name: "YouTube",
    grantor: "Google",
    realm: "google",
    section: "platforms.youtube",
    no_app: NO_APP,
    page: Endpoint { host: "accounts.google.com", path: "/o/oauth2/v2/auth" },
    token: Endpoint { host: TOKENS, path: "/token" },
    device: Some(DEVICE),
    scopes: SCOPES,
    // Without the first two Google sends no refresh token, or only at the very first consent.
    parameters: &[("access_type", "offline"), ("prompt", "consent"), ("include_granted_scopes", "true")],
    login_hint: true,
    model: TokenModel::Fixed,
    ..Terms::STANDARD
};

impl Provider for YouTube {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        checks::redirect_problem(redirect_uri)
    }

    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        tokens::refusal(&TERMS, reply, request)
    }

    /// Without the app: the token says whose it is.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let token = held.refresh.as_ref().unwrap_or(&held.access);
            let response = api.post(TOKENS, "/revoke").form(&[("token", token.expose())]).send().await?;
            read::revoked(self, &Reply::of(&response))
        }
        .boxed()
    }

    fn device_code<'a>(&'a self, api: &'a Api) -> Option<BoxFuture<'a, Result<DeviceCode, TokenError>>> {
        let code = async move {
            let code = oauth::device_code(self, api, DEVICE).await?;
            Ok(DeviceCode { url: page_to_type_at(api, &code.url), ..code })
        };
        Some(code.boxed())
    }
}

impl Consenting for YouTube {
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        own::opened(api, access).boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        checks::checks(self, api, redirect_uri).boxed()
    }
}

/// Google's own page leads through the gateway, as its consent page does.
fn page_to_type_at(api: &Api, reported: &str) -> String {
    let page = Url::parse(reported).ok().and_then(|url| {
        let google = url.host_str().filter(|host| *host == "google.com" || host.ends_with(".google.com"))?;
        let mut page = api.address(google, url.path())?;
        page.set_query(url.query());
        Some(String::from(page))
    });
    page.unwrap_or_else(|| reported.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::tests::world::{api, through};

    #[test]
    fn the_page_for_devices_leads_through_the_gateway() {
        let check = |gateway: &str, reported: &str, expected: &str| {
            assert_eq!(page_to_type_at(&api(through(gateway)), reported), expected, "{reported}");
        };
        let gateway = "http://127.0.0.1:9900";
        check(gateway, "https://www.google.com/device?x=1", "http://127.0.0.1:9900/www.google.com/device?x=1");
        check(gateway, "http://127.0.0.1:9900/www.google.com/device", "http://127.0.0.1:9900/www.google.com/device");
        let direct = page_to_type_at(&api(Default::default()), "https://www.google.com/device");
        assert_eq!(direct, "https://www.google.com/device");
    }
}
