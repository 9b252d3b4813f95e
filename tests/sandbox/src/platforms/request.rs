//! A request as the platforms see it, and which of them it is for.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;

use super::{Platform, meta};
use crate::world::World;

/// One request, with the gateway's prefix taken off.
#[derive(Clone)]
pub struct ApiRequest {
    /// The host that the client addressed: `youtube.googleapis.com`.
    pub host: String,
    /// What absolute URLs in the response begin with.
    pub origin: String,
    pub method: Method,
    /// The path's parts, decoded.
    pub segments: Vec<String>,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// The body's fields where it is a form: decoded, in the order sent. At TikTok's API for Business, which takes no
    /// forms, the texts of the JSON in the body.
    pub form: Vec<(String, String)>,
    pub body: Bytes,
}

impl ApiRequest {
    /// Reads `/{host}{path}`. Paths that can only be one platform's own are also served without the host, for clients
    /// that take a base URL and no prefix.
    pub fn read(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> ApiRequest {
        let mut segments: Vec<String> = uri.path().split('/').skip(1).map(decode).collect();
        let query = uri.query().map(read_query).unwrap_or_default();
        let first = segments.first().map_or("", String::as_str);
        let own = matches!(first, "xrpc" | "youtube" | "api" | ".well-known");
        let (host, origin) = match first {
            "xrpc" => ("api.bsky.app".to_owned(), "https://api.bsky.app".to_owned()),
            "youtube" => ("youtube.googleapis.com".to_owned(), "https://youtube.googleapis.com".to_owned()),
            "api" | ".well-known" => own_host(uri, &headers),
            _ => (first.to_lowercase(), format!("https://{}", first.to_lowercase())),
        };
        if !own {
            segments.drain(..1.min(segments.len()));
        }
        let mut request = ApiRequest { host, origin, method, segments, query, headers, form: Vec::new(), body };
        if request.is_form() {
            request.form = read_query(&String::from_utf8_lossy(&request.body));
        } else if request.host == "business-api.tiktok.com" {
            request.form = json_texts(&request.body);
        }
        request
    }

    /// Whether the body says that it is a form.
    pub fn is_form(&self) -> bool {
        let media = self.header("content-type").unwrap_or_default();
        media.split(';').next().is_some_and(|media| media.trim() == "application/x-www-form-urlencoded")
    }

    pub fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A parameter's value; the last where it is repeated.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).pop()
    }

    /// A form field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter's value, from the query or the form.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.one(name).or_else(|| self.field(name))
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The token of a header of its own, as TikTok's API for Business takes it.
    pub fn access_token(&self) -> Option<&str> {
        self.header("access-token")
    }

    /// The app's id, as a parameter or in `Authorization: Basic`, where some libraries put it.
    pub fn client_id(&self) -> Option<String> {
        self.param("client_id").map(str::to_owned).or_else(|| Some(self.basic()?.0))
    }

    /// The app's secret, from the same fields.
    pub fn client_secret(&self) -> Option<String> {
        self.param("client_secret").map(str::to_owned).or_else(|| Some(self.basic()?.1))
    }

    fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((decode(id), decode(secret)))
    }

    /// Everything that may be a secret: what proves the caller's identity first, then what the request is about.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let values = self.form.iter().chain(&self.query).map(|(_, value)| value.as_str());
        self.bearer().or(self.access_token()).into_iter().chain(values)
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Which platform it is for.
    pub fn platform(&self, world: &World) -> Platform {
        match self.host.as_str() {
            "public.api.bsky.app" | "api.bsky.app" | "plc.directory" => Platform::Bluesky,
            "youtube.googleapis.com" | "www.googleapis.com" | "youtubeanalytics.googleapis.com" => Platform::Youtube,
            "accounts.google.com" | "oauth2.googleapis.com" | "www.google.com" | "pubsubhubbub.appspot.com" => {
                Platform::Youtube
            }
            "www.tiktok.com" | "open.tiktokapis.com" | "business-api.tiktok.com" => Platform::Tiktok,
            "www.instagram.com" | "api.instagram.com" | "graph.instagram.com" => Platform::Instagram,
            // Two apps share it, and the app determines the platform.
            "www.facebook.com" | "graph.facebook.com" => meta::app_of(world, self),
            // A Bluesky handle is a host that serves its DID.
            _ if self.path() == [".well-known", "atproto-did"] => Platform::Bluesky,
            _ => Platform::Mastodon,
        }
    }
}

fn own_host(uri: &Uri, headers: &HeaderMap) -> (String, String) {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = named.or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
    (host.to_lowercase(), format!("http://{host}"))
}

/// The texts of an object in JSON; none where it is another thing.
fn json_texts(body: &[u8]) -> Vec<(String, String)> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).unwrap_or_default();
    fields.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// Form encoding: `a=1&a=2&b=x+y`.
pub fn read_query(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_find_their_platform() {
        let world = World::new(&crate::Options { accounts: 0, ..Default::default() });
        let check = |uri: &str, platform, host: &str, path: &str| {
            let request = ApiRequest::read(Method::GET, &uri.parse().unwrap(), HeaderMap::new(), Bytes::new());
            assert_eq!(
                (request.platform(&world), request.host.as_str(), request.segments.join("/").as_str()),
                (platform, host, path),
                "{uri}"
            );
        };
        check("/api.bsky.app/xrpc/a.b.c", Platform::Bluesky, "api.bsky.app", "xrpc/a.b.c");
        check("/xrpc/a.b.c", Platform::Bluesky, "api.bsky.app", "xrpc/a.b.c");
        check("/plc.directory/did%3Aplc%3Aa", Platform::Bluesky, "plc.directory", "did:plc:a");
        check("/a.test/.well-known/atproto-did", Platform::Bluesky, "a.test", ".well-known/atproto-did");
        check("/www.googleapis.com/youtube/v3/videos", Platform::Youtube, "www.googleapis.com", "youtube/v3/videos");
        check("/oauth2.googleapis.com/token", Platform::Youtube, "oauth2.googleapis.com", "token");
        check("/www.tiktok.com/v2/auth/authorize/", Platform::Tiktok, "www.tiktok.com", "v2/auth/authorize/");
        check("/graph.instagram.com/me", Platform::Instagram, "graph.instagram.com", "me");
        check("/graph.facebook.com/me", Platform::Facebook, "graph.facebook.com", "me");
        let dialog = "/www.facebook.com/v26.0/dialog/oauth?client_id=instagram-client-id";
        check(dialog, Platform::Instagram, "www.facebook.com", "v26.0/dialog/oauth");
        check("/Art.example:81/api/v1/x", Platform::Mastodon, "art.example:81", "api/v1/x");
        check("/api/v1/x", Platform::Mastodon, "localhost", "api/v1/x");
        check("/", Platform::Mastodon, "", "");
    }

    #[test]
    fn queries_are_decoded() {
        let pairs = read_query("a=1&a=%402&id[]=x+y&flag");
        let expected = [("a", "1"), ("a", "@2"), ("id[]", "x y"), ("flag", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
