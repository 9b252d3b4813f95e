//! What is measured of an account, each with its unit. Unknown is `None`, never 0.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share or rate in millionths: 52 500 is 0.0525 or 5.25 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ratio(pub i64);

/// An average in hundredths: 61 040 is 610.40.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mean(pub u64);

impl Ratio {
    /// The ratio as a number: 0.0525 for 5.25 %.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The nearest ratio to `value`; `None` when it is no finite number within ±9·10⁹.
    pub fn from_f64(value: f64) -> Option<Self> {
        (value.is_finite() && value.abs() < 9e9).then(|| Self((value * 1e6).round() as i64))
    }
}

impl Mean {
    /// The average as a number, two decimals.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// The nearest average to `value`; `None` when it is negative, not finite, or over 9·10¹⁵.
    pub fn from_f64(value: f64) -> Option<Self> {
        (value.is_finite() && (0.0..9e15).contains(&value)).then(|| Self((value * 100.0).round() as u64))
    }
}

/// The age range that most of an audience falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgeRange {
    From13To17,
    From18To24,
    From25To34,
    From35To44,
    From45To54,
    From55To64,
    From65,
}

impl AgeRange {
    /// Every range, youngest first.
    pub const ALL: [AgeRange; 7] = [
        AgeRange::From13To17,
        AgeRange::From18To24,
        AgeRange::From25To34,
        AgeRange::From35To44,
        AgeRange::From45To54,
        AgeRange::From55To64,
        AgeRange::From65,
    ];

    /// `25-34`, and `65+` for the last.
    pub fn as_str(self) -> &'static str {
        ["13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"][self as usize]
    }
}

impl fmt::Display for AgeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AgeRange {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|range| range.as_str() == text)
            .ok_or_else(|| UnknownName::new("age range", text, "13-17, 18-24, …, 65+"))
    }
}

/// A text that names none of the things it could.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {text:?}: {known}")]
pub struct UnknownName {
    what: &'static str,
    text: String,
    known: Cow<'static, str>,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, text: &str, known: impl Into<Cow<'static, str>>) -> Self {
        Self { what, text: text.chars().take(60).collect(), known: known.into() }
    }
}

/// What a metric's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number.
    Count,
    /// A [`Mean`], in hundredths.
    Mean,
    /// A [`Ratio`], in millionths, displayed as percent.
    Ratio,
}

impl Unit {
    /// A raw number of this unit as its value: 61 040 is 610.4 as a mean. Ratios have a sign, in two's complement.
    pub fn value(self, raw: u64) -> f64 {
        match self {
            Unit::Count => raw as f64,
            Unit::Mean => Mean(raw).as_f64(),
            Unit::Ratio => Ratio(raw as i64).as_f64(),
        }
    }
}

impl From<Metric> for Unit {
    fn from(metric: Metric) -> Self {
        metric.unit()
    }
}

/// Some of the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSet(u32);

const _: () = assert!(Metric::ALL.len() <= 32, "a set has a bit for each metric");

impl MetricSet {
    /// Whether there is none in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a metric is in it.
    pub fn contains(self, metric: Metric) -> bool {
        self.0 >> metric as u32 & 1 == 1
    }

    /// Those in it, in the order of the metrics.
    pub fn iter(self) -> impl Iterator<Item = Metric> {
        Metric::ALL.into_iter().filter(move |metric| self.contains(*metric))
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<I: IntoIterator<Item = Metric>>(metrics: I) -> Self {
        Self(metrics.into_iter().fold(0, |set, metric| set | 1 << metric as u32))
    }
}

/// A type of value a metric can have.
trait Measure {
    const UNIT: Unit;
    fn raw(self) -> u64;
    fn from_raw(raw: u64) -> Self;
}

impl Measure for u64 {
    const UNIT: Unit = Unit::Count;
    fn raw(self) -> u64 {
        self
    }
    fn from_raw(raw: u64) -> Self {
        raw
    }
}

impl Measure for Mean {
    const UNIT: Unit = Unit::Mean;
    fn raw(self) -> u64 {
        self.0
    }
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl Measure for Ratio {
    const UNIT: Unit = Unit::Ratio;
    fn raw(self) -> u64 {
        self.0 as u64
    }
    fn from_raw(raw: u64) -> Self {
        Self(raw as i64)
    }
}

/// Makes [`Numbers`] and [`Metric`] of the table below: a field and a variant for each line.
macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $metric:ident = $name:ident: $value:ty, $label:literal, $help:literal;)+) => {
        /// The numbers one observation can report. `None`: the platform does not report it, or hides it.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Numbers {
            $($(#[doc = $doc])+ pub $name: Option<$value>,)+
            /// The age range most of the audience falls into: the one thing reported that is no number.
            pub top_age_range: Option<AgeRange>,
        }

        /// A measured quantity that can be charted and followed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric {
            $($(#[doc = $doc])+ $metric,)+
        }

        impl Metric {
            /// Every metric, in the order of the columns everywhere.
            pub const ALL: [Metric; [$(Metric::$metric),+].len()] = [$(Metric::$metric),+];

            /// The name in JSON, config and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Metric::$metric => stringify!($name),)+ }
            }

            /// What its values are.
            pub fn unit(self) -> Unit {
                match self { $(Metric::$metric => <$value as Measure>::UNIT,)+ }
            }

            /// The name on the screen.
            pub fn label(self) -> &'static str {
                match self { $(Metric::$metric => $label,)+ }
            }

            /// What a person reads who is to type it.
            pub fn help(self) -> &'static str {
                match self { $(Metric::$metric => $help,)+ }
            }
        }

        impl Numbers {
            /// A metric's raw number, in the form that [`Unit::value`] reads.
            pub fn get(&self, metric: Metric) -> Option<u64> {
                match metric { $(Metric::$metric => self.$name.map(Measure::raw),)+ }
            }

            /// Sets a metric to the raw number that [`Numbers::get`] returns.
            pub fn set(&mut self, metric: Metric, raw: Option<u64>) {
                match metric { $(Metric::$metric => self.$name = raw.map(Measure::from_raw),)+ }
            }
        }
    };
}

// The table of metrics: variant, name, type, label, help. Scripts rely on the names. A line's position is its position in
// lists, in JSON and on the wire; the order on the disk is `rosterd`'s own.
metrics! {
    /// Those subscribed to the account, whatever the platform calls them.
    Followers = followers: u64, "followers", "Those subscribed to the account, such as 12345 or 12.3k";
    /// Those the account is subscribed to.
    Following = following: u64, "following", "Those the account is subscribed to";
    /// Posts of the account, as the platform counts them.
    Posts = posts: u64, "posts", "Posts of the account";
    /// Mean engagements per post over the newest posts ÷ followers.
    EngagementRate = engagement_rate: Ratio, "engagement rate", "Engagements per post by followers: 5% or 0.05";
    /// Mean likes per post over the newest posts.
    AvgLikes = avg_likes: Mean, "likes a post", "Likes per post";
    /// Mean comments (replies) per post over the newest posts.
    AvgComments = avg_comments: Mean, "comments a post", "Comments per post";
    /// Mean views per post over the newest posts.
    AvgViews = avg_views: Mean, "views a post", "Views per post";
    /// Share of men in the audience.
    AudienceMale = audience_male: Ratio, "men in audience", "Share of men in the audience: 41% or 0.41";
    /// Share of women in the audience.
    AudienceFemale = audience_female: Ratio, "women in audience", "Share of women in the audience";
    /// Mean distinct accounts reached per post over the newest posts.
    AvgReach = avg_reach: Mean, "reach a post", "Distinct accounts reached per post";
    /// Mean reposts per post over the newest posts.
    AvgReposts = avg_reposts: Mean, "reposts a post", "Reposts per post";
}

impl Numbers {
    /// Takes from `earlier` what is unknown here.
    pub fn fill(&mut self, earlier: &Numbers) {
        for metric in Metric::ALL {
            if self.get(metric).is_none() {
                self.set(metric, earlier.get(metric));
            }
        }
        self.top_age_range = self.top_age_range.or(earlier.top_age_range);
    }
}

impl Metric {
    /// This metric's value in its own unit: a count, an average, or a ratio (0.05 for 5 %).
    pub fn of(self, numbers: &Numbers) -> Option<f64> {
        numbers.get(self).map(|raw| self.unit().value(raw))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Metric {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|metric| metric.as_str() == text);
        named.ok_or_else(|| UnknownName::new("metric", text, Self::ALL.map(Metric::as_str).join(", ")))
    }
}
