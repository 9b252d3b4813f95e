//! A request as the platforms see it, and which of them it is for.

use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;

use super::Platform;

/// One request, with the gateway's prefix taken off.
pub struct Ask {
    /// Whom the asker meant: `youtube.googleapis.com`.
    pub host: String,
    /// What absolute URLs in the answer begin with.
    pub origin: String,
    pub method: Method,
    /// The path's parts, decoded.
    pub segments: Vec<String>,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
}

impl Ask {
    /// Reads `/{host}{path}`. Paths that can only be one platform's own are also served without the host, for clients
    /// that take a base URL and no prefix.
    pub fn read(method: Method, uri: &Uri, headers: HeaderMap) -> (Platform, Ask) {
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
        let ask = Ask { host, origin, method, segments, query, headers };
        (ask.platform(), ask)
    }

    pub fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A parameter's value; the last where it stands repeatedly.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).pop()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn platform(&self) -> Platform {
        match self.host.as_str() {
            "public.api.bsky.app" | "api.bsky.app" | "plc.directory" => Platform::Bluesky,
            "youtube.googleapis.com" | "www.googleapis.com" => Platform::Youtube,
            // A Bluesky handle is a host that tells its DID.
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
        let check = |uri: &str, platform, host: &str, path: &str| {
            let (found, ask) = Ask::read(Method::GET, &uri.parse().unwrap(), HeaderMap::new());
            assert_eq!((found, ask.host.as_str(), ask.segments.join("/").as_str()), (platform, host, path), "{uri}");
        };
        check("/api.bsky.app/xrpc/a.b.c", Platform::Bluesky, "api.bsky.app", "xrpc/a.b.c");
        check("/xrpc/a.b.c", Platform::Bluesky, "api.bsky.app", "xrpc/a.b.c");
        check("/plc.directory/did%3Aplc%3Aa", Platform::Bluesky, "plc.directory", "did:plc:a");
        check("/a.test/.well-known/atproto-did", Platform::Bluesky, "a.test", ".well-known/atproto-did");
        check("/www.googleapis.com/youtube/v3/videos", Platform::Youtube, "www.googleapis.com", "youtube/v3/videos");
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
