//! Counts as platforms report them: unknown in every spelling, and never the end of what surrounds them. Pure.

use roster_protocol::metric::Metric;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::Observation;
use crate::http_client::LARGEST_COUNT;

/// What is in the place of a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Count {
    Known(u64),
    /// Absent, null, "", or below 0: some servers report a hidden count as -1.
    #[default]
    Unknown,
    /// Something that can be no count: a fraction, more than there can be, another type.
    Impossible,
}

/// A count, or `None` where there is none, whatever is in its place. A post is read so: one field of one post is no news.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Count::deserialize(deserializer).map(Count::known)
}

impl Count {
    pub(super) fn known(self) -> Option<u64> {
        match self {
            Self::Known(count) => Some(count),
            Self::Unknown | Self::Impossible => None,
        }
    }

    fn of(json: &str) -> Self {
        let text = json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(json);
        if matches!(json, "null" | "\"\"") {
            return Self::Unknown;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let count = text.parse().ok().filter(|count| *count <= LARGEST_COUNT);
            return count.map_or(Self::Impossible, Self::Known);
        }
        match text.strip_prefix('-').map(|size| size.as_bytes().first().is_some_and(u8::is_ascii_digit)) {
            Some(true) => Self::Unknown,
            _ => Self::Impossible,
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    /// From the raw text: a number that no type can hold would otherwise spoil all that surrounds it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self::of(raw.get()))
    }
}

impl Observation {
    /// Takes the counts of a profile. One that can be no count is unknown, and missing.
    pub(super) fn take_counts<const N: usize>(&mut self, counts: [(Metric, Count); N]) {
        for (metric, count) in counts {
            self.numbers.set(metric, count.known());
            if count == Count::Impossible {
                self.missing.push(format!("{metric}: what is reported is no count"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::read_json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Profile {
        #[serde(default)]
        fans: Count,
        #[serde(default, deserialize_with = "count")]
        likes: Option<u64>,
    }

    #[test]
    fn a_count_is_known_or_not_and_never_an_error() {
        let check = |json: &str, expected: Count| {
            let text = format!(r#"{{"fans":{json},"likes":{json}}}"#);
            let profile: Profile = read_json(text.as_bytes()).expect(json);
            assert_eq!(profile, Profile { fans: expected, likes: expected.known() }, "{json}");
        };
        for (json, count) in [("0", 0), ("12345", 12345), ("\"12345\"", 12345), ("1000000000000000", LARGEST_COUNT)] {
            check(json, Count::Known(count));
        }
        for json in ["null", "\"\"", "-1", "-2", "\"-1\"", "-0.5", "-1e999", "-9223372036854775809"] {
            check(json, Count::Unknown);
        }
        for json in [
            "1.5",
            "12.0",
            "1e3",
            "1e999",
            "true",
            "[]",
            "[-1]",
            "{}",
            r#"{"a":1}"#,
            r#""x""#,
            r#""-""#,
            r#""-x""#,
            r#""+1""#,
            r#"" 1""#,
            r#""1.0""#,
            r#""1.23M""#,
            r#""NaN""#,
            r#""1e3""#,
            r#""٣""#,
            "9223372036854775808",
            "18446744073709551616",
            r#""18446744073709551616""#,
            "1000000000000001",
        ] {
            check(json, Count::Impossible);
        }
        let absent: Profile = read_json(b"{}").expect("nothing");
        assert_eq!(absent, Profile { fans: Count::Unknown, likes: None });
    }

    #[test]
    fn an_impossible_count_is_missing_and_a_hidden_one_is_not() {
        let mut observation = Observation::default();
        observation.take_counts([
            (Metric::Followers, Count::Impossible),
            (Metric::Following, Count::Unknown),
            (Metric::Posts, Count::Known(5)),
        ]);
        let numbers = &observation.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (None, None, Some(5)));
        assert_eq!(observation.missing, ["followers: what is reported is no count"]);
    }
}
