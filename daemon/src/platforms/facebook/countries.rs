//! Where those who follow a Page live, from its insights. Pure.

use std::collections::BTreeMap;

use roster_protocol::metric::Ratio;
use roster_protocol::reported::Country;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::NAME;
use crate::platforms::PlatformError;
use crate::platforms::graph::{Countries, List};
use crate::platforms::reading::{Items, count, item};

pub(super) const METRIC: &str = "page_follows_country";

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    values: Items,
}

#[derive(Deserialize)]
struct Value {
    value: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Followers(#[serde(deserialize_with = "count")] Option<u64>);

/// The newest value, as shares; none where the Page is too small. What is no map has no countries.
pub(super) fn countries(list: &List) -> Result<Vec<(Country, Ratio)>, PlatformError> {
    let mut countries = Countries::default();
    for text in &list.data {
        let metric: Metric = item(NAME, text)?;
        let Some(newest) = metric.values.last().filter(|_| metric.name == METRIC) else { continue };
        let value = item::<Value>(NAME, newest)?.value;
        let by_code: BTreeMap<String, Followers> =
            value.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or_default();
        by_code.iter().for_each(|(code, followers)| countries.add(code, followers.0.unwrap_or(0)));
    }
    Ok(countries.shares())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_map_is_read() {
        let check = |text: &str, expected: Result<&[(&str, i64)], ()>| {
            let read = countries(&serde_json::from_str(text).expect(text)).map_err(drop);
            let read =
                read.map(|read| read.iter().map(|(code, share)| (code.to_string(), share.0)).collect::<Vec<_>>());
            let expected = expected.map(|rows| rows.iter().map(|(code, share)| ((*code).to_owned(), *share)).collect());
            assert_eq!(read, expected, "{text}");
        };
        check(include_str!("fixtures/countries.json"), Ok(&[("DE", 600_000), ("GR", 300_000), ("XK", 50_000)]));
        let of = |values: &str| format!(r#"{{"data":[{{"name":"page_follows_country","values":{values}}}]}}"#);
        for nothing in ["[]", r#"[{}]"#, r#"[{"value":{}}]"#, r#"[{"value":[]}]"#, r#"[{"value":7}]"#] {
            check(&of(nothing), Ok(&[]));
        }
        check(r#"{"data":[]}"#, Ok(&[]));
        check(r#"{"data":[{"name":"page_follows_city","values":[{"value":{"DE":1}}]}]}"#, Ok(&[]));
        check(&of(r#"[{"value":{"DE":-1,"GR":"x","FR":4}}]"#), Ok(&[("FR", 1_000_000)]));
        check(&of("[7]"), Err(()));
        check(r#"{"data":[7]}"#, Err(()));
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            let metric = format!(r#"{{"name":"page_follows_country","values":[{{"value":{text}}}]}}"#);
            for text in [text, metric] {
                if let Ok(list) = serde_json::from_str::<List>(&format!(r#"{{"data":[{text}]}}"#)) {
                    let _ = countries(&list);
                }
            }
        }
    }
}
