//! How much of the limits is used, by two headers. Pure.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::http_client::{Api, Response, read_json};
use crate::platforms::reading::plain_id;
use crate::schedule::budget::{Budget, Window};

/// From this percentage on the daemon requests less; at a hundred Meta refuses everything.
const MUCH: u64 = 80;
const ALL: u64 = 100;

/// The app's window is a sliding hour: a quarter of it frees a quarter.
const PAUSE: Duration = Duration::from_secs(15 * 60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The longest wait that a header can impose.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Meta's limits: of the app, and of each Page and account, in percent of what they allow in an hour.
pub(in crate::platforms) const BUDGETS: &[Budget] = &[Budget {
    unit: PERCENT,
    path: "/",
    cost: 0,
    per_batch: 0,
    limit: Some(ALL),
    window: Window::Reported,
    reserve: ALL - MUCH,
    is_optional: false,
}];

const PERCENT: &str = "percent";

/// What the headers of a response report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// How much of the app's own limit is used, in percent; `None` when that is not reported.
    app: Option<u64>,
    /// The same for each business: its id, the percent, and how long until it may be requested again.
    businesses: Vec<(String, u64, Option<Duration>)>,
}

impl Usage {
    /// Passes everything on to the gate.
    pub(super) fn report(&self, api: &Api) {
        if let Some(used) = self.app {
            api.report(PERCENT, None, used, ALL, if used >= ALL { HOUR } else { PAUSE });
        }
        for (business, used, regain) in self.businesses.iter().filter(|(id, ..)| !id.is_empty()) {
            // One that must wait has nothing left, whatever its percents are.
            let used = if regain.is_some() { ALL.max(*used) } else { *used };
            api.report(PERCENT, Some(business), used, ALL, regain.unwrap_or(PAUSE));
        }
    }

    /// Whether an account's own allowance is nearly used up.
    pub(super) fn is_tight(&self) -> bool {
        self.businesses.iter().any(|(_, used, _)| *used >= MUCH)
    }

    /// How long until the account may be requested again.
    pub(super) fn regain(&self) -> Option<Duration> {
        self.businesses.iter().filter_map(|(.., regain)| *regain).max()
    }
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
struct Businesses(Vec<(String, Percents)>);

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
                while let Some((id, reported)) = map.next_entry::<String, Vec<Percents>>()? {
                    let id = plain_id(&id).unwrap_or_default().to_owned();
                    all.extend(reported.into_iter().map(|percents| (id.clone(), percents)));
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
    let app = app.and_then(|text| read_json::<Percents>(text.as_bytes()).ok()).map(|percents| percents.most());
    let businesses = businesses.and_then(|text| read_json::<Businesses>(text.as_bytes()).ok());
    let business = |(id, percents): (String, Percents)| {
        let minutes = percents.estimated_time_to_regain_access;
        let regain = (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)).min(DAY));
        (id, percents.most(), regain)
    };
    Usage { app, businesses: businesses.into_iter().flat_map(|it| it.0).map(business).collect() }
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
        let of_app = |used| Usage { app: Some(used), ..Usage::default() };
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        check("", "", Usage::default());
        check(r#"{"call_count":28,"total_time":25,"total_cputime":25}"#, "", of_app(28));
        check(r#"{"call_count":28,"total_time":80,"total_cputime":25}"#, "", of_app(80));
        check(r#"{"call_volume":100,"cpu_time":1}"#, "", of_app(100));
        let twice = r#"{"17":[{"type":"instagram","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":0}],
                        "17":[{"type":"instagram","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":19}]}"#;
        let businesses = vec![("17".to_owned(), 95, None), ("17".to_owned(), 1, minutes(19))];
        let usage = Usage { app: None, businesses };
        assert!(usage.is_tight() && usage.regain() == minutes(19));
        check("", twice, usage);
        let endless = r#"{"1":[{"call_count":5,"estimated_time_to_regain_access":99999999}]}"#;
        let usage = Usage { app: None, businesses: vec![("1".to_owned(), 5, Some(DAY))] };
        assert!(!usage.is_tight());
        check("", endless, usage);
        for nonsense in ["{", "7", "[]", r#"{"call_count":-1}"#, r#"{"call_count":"much"}"#, r#"{"1":{}}"#] {
            let usage = of(Some(nonsense), Some(nonsense));
            assert!(usage.app.unwrap_or_default() == 0 && usage.businesses.is_empty(), "{nonsense}: {usage:?}");
        }
    }
}
