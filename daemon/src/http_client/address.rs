//! Where a request may lead: which addresses are public, and which client takes which URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use super::{HttpErrorKind, Reach};

/// The client that takes a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientKind {
    /// https to public addresses, through the proxy if there is one.
    Guarded,
    /// https to any address, through the proxy if there is one.
    Trusted,
    /// https to any address, never through the proxy.
    Inside,
    /// https or http to any address, never through the proxy.
    Anywhere,
    /// http to loopback.
    Plain,
}

impl ClientKind {
    pub(super) fn of(url: &Url, reach: Reach) -> Result<Self, HttpErrorKind> {
        let host = url.host().ok_or(HttpErrorKind::BadHost)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpErrorKind::BadHost);
        }
        match (url.scheme(), reach) {
            ("https", Reach::Public) => may_be_public(&host).then_some(Self::Guarded).ok_or(HttpErrorKind::Private),
            ("https", Reach::Chosen) if may_be_public(&host) => Ok(Self::Trusted),
            ("https", Reach::Anywhere) => Ok(Self::Anywhere),
            ("https", _) => Ok(Self::Inside),
            ("http", reach) if reach != Reach::Public && is_loopback(&host) => Ok(Self::Plain),
            ("http", Reach::Anywhere) => Ok(Self::Anywhere),
            _ => Err(HttpErrorKind::Insecure),
        }
    }

    pub(super) fn is_proxied(self) -> bool {
        matches!(self, Self::Guarded | Self::Trusted)
    }
}

/// Whether the host is this machine by its very name.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => is_localhost(name),
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether the host can be a public one, as far as its text shows. What a name resolves to is checked when dialled;
/// behind a proxy, which resolves itself, this is all we can check.
fn may_be_public(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_public((*address).into()),
        Host::Ipv6(address) => is_public((*address).into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let private = [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet"];
            name.contains('.') && !private.iter().any(|suffix| name.ends_with(suffix))
        }
    }
}

/// Whether an address belongs to the public Internet, after IANA's special-purpose registries.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // IPv4 in other clothes: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            v4(high, low)
        }
        // IETF protocol assignments, Teredo among them; documentation.
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        // Global unicast; all else is loopback, local, multicast or unassigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// A name that leads to no public address.
#[derive(Debug, thiserror::Error)]
#[error("no public address")]
pub(super) struct NotPublic;

/// Resolves a name to its public addresses. What was checked is what is dialled, so that a second, different
/// response of the name server cannot lead inside.
pub(super) struct PublicOnly {
    /// The proxy's own host may be inside.
    pub(super) proxy_host: Option<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let free = self.proxy_host.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let found = look_up(&name).await?;
            if free { Ok(boxed(found)) } else { Ok(boxed(only(found, is_public)?)) }
        })
    }
}

/// Resolves a name to its loopback addresses.
pub(super) struct LoopbackOnly;

impl Resolve for LoopbackOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(boxed(only(look_up(&name).await?, |address| address.is_loopback())?)) })
    }
}

async fn look_up(name: &Name) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
}

fn only(found: Vec<SocketAddr>, allowed: impl Fn(IpAddr) -> bool) -> Result<Vec<SocketAddr>, NotPublic> {
    let some = !found.is_empty();
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| allowed(address.ip())).collect();
    if some && allowed.is_empty() { Err(NotPublic) } else { Ok(allowed) }
}

fn boxed(addresses: Vec<SocketAddr>) -> Addrs {
    Box::new(addresses.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let check = |text: &str, expected: bool| assert_eq!(is_public(text.parse().expect(text)), expected, "{text}");
        for public in ["1.1.1.1", "9.9.9.9", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::5"] {
            check(public, true);
        }
        let private = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 \
            172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 \
            203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 \
            ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 \
            2002:7f00:1:: 2002:a00:1::1 3fff::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 5f00::1";
        for private in private.split(' ') {
            check(private, false);
        }
        check("::ffff:1.1.1.1", true);
    }

    #[test]
    fn a_url_takes_the_way_its_host_and_chooser_allow() {
        let check = |url: &str, reach: Reach, expected: Result<ClientKind, HttpErrorKind>| {
            assert_eq!(ClientKind::of(&Url::parse(url).expect(url), reach), expected, "{url}");
        };
        check("https://api.example.com/x", Reach::Public, Ok(ClientKind::Guarded));
        check("https://api.example.com/x", Reach::Chosen, Ok(ClientKind::Trusted));
        check("https://api.example.com/x", Reach::Inside, Ok(ClientKind::Inside));
        check("https://10.1.2.3/x", Reach::Chosen, Ok(ClientKind::Inside));
        check("https://localhost:9/x", Reach::Chosen, Ok(ClientKind::Inside));
        check("http://127.0.0.1:9900/x", Reach::Chosen, Ok(ClientKind::Plain));
        check("http://[::1]:9900/x", Reach::Inside, Ok(ClientKind::Plain));
        check("http://localhost:9900/x", Reach::Inside, Ok(ClientKind::Plain));
        check("http://127.0.0.1:9900/x", Reach::Public, Err(HttpErrorKind::Insecure));
        check("http://api.example.com/x", Reach::Chosen, Err(HttpErrorKind::Insecure));
        check("http://10.0.0.1/x", Reach::Inside, Err(HttpErrorKind::Insecure));
        check("http://10.0.0.1/x", Reach::Anywhere, Ok(ClientKind::Anywhere));
        check("https://10.0.0.1/x", Reach::Anywhere, Ok(ClientKind::Anywhere));
        check("http://127.0.0.1:9/x", Reach::Anywhere, Ok(ClientKind::Plain));
        check("ftp://api.example.com/x", Reach::Public, Err(HttpErrorKind::Insecure));
        check("https://name:word@api.example.com/x", Reach::Public, Err(HttpErrorKind::BadHost));
    }

    #[test]
    fn no_spelling_of_a_private_host_gets_through() {
        let hosts = "127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.0.0.1. \
            ①②⑦.⓪.⓪.① 10.0.0.1 167772161 0xa000001 012.0.0.1 172.16.5.4 192.168.0.1 3232235521 0300.0250.0.1 \
            169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 100.64.1.1 100.100.100.200 \
            0.0.0.0 0 0x0 192.0.0.192 198.18.0.1 224.0.0.251 239.1.1.1 240.0.0.1 255.255.255.255 [::] [::1] \
            [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [::ffff:10.0.0.1] \
            [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::169.254.169.254] [64:ff9b:1::a00:1] [2002:7f00:1::] \
            [2002:a9fe:a9fe::1] [2001:0:7f00:1::] [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1] [ff02::1] \
            [100::1] [2001:db8::1] localhost LOCALHOST localhost. a.localhost router.local nas.lan \
            metadata.google.internal instance-data intranet db gw.home.arpa";
        let hosts: Vec<&str> = hosts.split(' ').collect();
        assert!(hosts.len() >= 60, "{}", hosts.len());
        for host in hosts {
            if let Ok(url) = Url::parse(&format!("https://{host}/")) {
                assert_eq!(ClientKind::of(&url, Reach::Public), Err(HttpErrorKind::Private), "{host}");
            }
        }
    }

    #[test]
    fn a_name_with_both_kinds_of_addresses_is_dialled_at_the_public_ones() {
        let at = |text: &str| SocketAddr::new(text.parse().expect(text), 0);
        let mixed = only(vec![at("10.0.0.1"), at("1.1.1.1"), at("::1")], is_public).expect("one is public");
        assert_eq!(mixed, [at("1.1.1.1")]);
        assert!(only(vec![at("10.0.0.1"), at("fd00::1")], is_public).is_err());
        assert!(only(vec![], is_public).expect("nothing found is another failure").is_empty());
    }
}
