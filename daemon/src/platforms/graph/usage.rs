//! How much of the limits is used, by two headers. Pure.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::http_client::{Response, read_json};

/// From this percentage on the daemon requests less; at a hundred Meta refuses everything.
const MUCH: u64 = 80;
const ALL: u64 = 100;

/// The app's window is a sliding hour: a quarter of it frees a quarter.
const PAUSE: Duration = Duration::from_secs(15 * 60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The longest wait that a header can impose.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the headers of a response report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// How long the whole app should request nothing.
    pub(super) pause: Option<Duration>,
    /// Whether this account's own allowance is nearly used up.
    pub(super) is_tight: bool,
    /// How long until this account may be requested again.
    pub(super) regain: Option<Duration>,
}

/// Percents; a header is absent when there is nothing to report.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Percents {
    call_count: u64,
    total_time: u64,
    total_cputime: u64,
    call_volume: u64,
    cpu_time: u64,
    /// Minutes.
    estimated_time_to_regain_access: u64,
}

impl Percents {
    fn most(&self) -> u64 {
        [self.call_count, self.total_time, self.total_cputime, self.call_volume, self.cpu_time]
            .into_iter()
            .fold(0, u64::max)
    }
}

/// Each business's own percents. Keys occur twice even in Meta's own example, so that no map holds them all.
struct Businesses(Vec<Percents>);

impl<'de> Deserialize<'de> for Businesses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Businesses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("usage by business")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Businesses, A::Error> {
                let mut all = Vec::new();
                while let Some((_, reported)) = map.next_entry::<IgnoredAny, Vec<Percents>>()? {
                    all.extend(reported);
                }
                Ok(Businesses(all))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// The usage that the response's headers report. A header that cannot be read reports nothing.
pub(super) fn usage(response: &Response) -> Usage {
    of(response.header("x-app-usage"), response.header("x-business-use-case-usage"))
}

fn of(app: Option<&str>, businesses: Option<&str>) -> Usage {
    let app: Percents = app.and_then(|text| read_json(text.as_bytes()).ok()).unwrap_or_default();
    let businesses = businesses.and_then(|text| read_json::<Businesses>(text.as_bytes()).ok());
    let businesses = businesses.map(|businesses| businesses.0).unwrap_or_default();
    let minutes = businesses.iter().map(|reported| reported.estimated_time_to_regain_access).max().unwrap_or(0);
    let pause = match app.most() {
        ALL.. => Some(HOUR),
        MUCH.. => Some(PAUSE),
        _ => None,
    };
    Usage {
        pause,
        is_tight: businesses.iter().any(|reported| reported.most() >= MUCH),
        regain: (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)).min(DAY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_how_much_is_used_and_for_how_long_to_wait() {
        let check = |app: &str, businesses: &str, expected: Usage| {
            let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let (app, businesses) = (app.to_owned().leak(), businesses.to_owned().leak());
            assert_eq!(of(some(app), some(businesses)), expected, "{app} {businesses}");
        };
        let quiet = Usage::default();
        check("", "", quiet);
        check(r#"{"call_count":28,"total_time":25,"total_cputime":25}"#, "", quiet);
        check(r#"{"call_count":28,"total_time":80,"total_cputime":25}"#, "", Usage { pause: Some(PAUSE), ..quiet });
        check(r#"{"call_volume":100,"cpu_time":1}"#, "", Usage { pause: Some(HOUR), ..quiet });
        let twice = r#"{"17":[{"type":"instagram","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":0}],
                        "17":[{"type":"instagram","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":19}]}"#;
        check("", twice, Usage { is_tight: true, regain: Some(Duration::from_secs(19 * 60)), pause: None });
        check(
            "",
            r#"{"1":[{"call_count":5,"estimated_time_to_regain_access":99999999}]}"#,
            Usage { regain: Some(DAY), ..quiet },
        );
        for nonsense in ["{", "7", "[]", r#"{"call_count":-1}"#, r#"{"call_count":"much"}"#, r#"{"1":{}}"#] {
            check(nonsense, nonsense, quiet);
        }
    }
}
