//! Whether a request is meant for this listener, by its `Host`.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use url::{Host, Url};

use crate::app::App;

/// Whether the request is meant for this listener: for its configured name, its address or loopback. A foreign page whose
/// own host name resolves to this listener is refused.
pub fn is_for_us(app: &App, requested: &Host) -> bool {
    let listener = app.consents.listens_at().map(|address| address.ip());
    let setup = app.setup();
    let public = setup.config.http.public_url.as_ref().and_then(Url::host);
    match requested {
        Host::Ipv4(address) if address.is_loopback() || listener == Some((*address).into()) => true,
        Host::Ipv6(address) if address.is_loopback() || listener == Some((*address).into()) => true,
        Host::Domain(name) if name == "localhost" => true,
        host => public.is_some_and(|public| public.to_owned() == *host),
    }
}

/// The host of a request's only `Host`, which has a host and perhaps a port, and nothing else: RFC 9112 section 3.2.
pub fn requested_host(headers: &HeaderMap) -> Option<Host> {
    let mut all = headers.get_all(HOST).iter();
    let text = all.next().filter(|_| all.next().is_none())?.to_str().ok()?;
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => text,
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.bytes().all(is_host).then(|| Host::parse(host).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_host_is_read_strictly() {
        let check = |hosts: &[&str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_str(host).expect("a value"));
            }
            let host = requested_host(&headers).map(|host| host.to_string());
            assert_eq!(host.as_deref(), expected, "{hosts:?}");
        };
        check(&["127.0.0.1:8787"], Some("127.0.0.1"));
        check(&["[::1]:8787"], Some("[::1]"));
        check(&["Roster.example"], Some("roster.example"));
        for bad in [
            "evil.example@127.0.0.1",
            "127.0.0.1/x",
            "127.0.0.1?x",
            "127.0.0.1#x",
            "a b",
            "localhost:x",
            "",
            "127.0.0.1:8787:1",
        ] {
            check(&[bad], None);
        }
        check(&[], None);
        check(&["127.0.0.1", "127.0.0.1"], None);
    }
}
