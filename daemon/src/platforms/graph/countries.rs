//! Who follows an account or a Page: counts of people as shares of their sum. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use roster_protocol::metric::Ratio;
use roster_protocol::reported::Country;

/// What each of these is of `all`, without those of 0.
pub(in crate::platforms) fn shares<K: Copy>(counts: &BTreeMap<K, u64>, all: u128) -> Vec<(K, Ratio)> {
    let share = |count: u64| Ratio::from_f64(count as f64 / all as f64).filter(|_| count > 0);
    counts.iter().filter_map(|(of, count)| Some((*of, share(*count)?))).collect()
}

/// Followers by country.
#[derive(Debug, Default)]
pub(in crate::platforms) struct Countries {
    known: BTreeMap<Country, u64>,
    /// Of all countries, those of an unknown name included.
    all: u128,
}

impl Countries {
    pub(in crate::platforms) fn add(&mut self, code: &str, followers: u64) {
        self.all += u128::from(followers);
        if let Ok(country) = code.parse() {
            let sum = self.known.entry(country).or_default();
            *sum = sum.saturating_add(followers);
        }
    }

    /// The most frequent first.
    pub(in crate::platforms) fn shares(&self) -> Vec<(Country, Ratio)> {
        let mut shares = shares(&self.known, self.all);
        shares.sort_by_key(|(country, share)| (Reverse(share.0), *country));
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_shares_of_all_that_were_reported() {
        let check = |counts: &[(&str, u64)], expected: &[(&str, i64)]| {
            let mut countries = Countries::default();
            counts.iter().for_each(|(code, followers)| countries.add(code, *followers));
            let shares = countries.shares();
            let shares: Vec<_> = shares.iter().map(|(country, share)| (country.as_str(), share.0)).collect();
            assert_eq!(shares, expected, "{counts:?}");
        };
        check(&[], &[]);
        check(&[("DE", 0)], &[]);
        check(&[("FR", 1), ("DE", 2), ("AT", 1)], &[("DE", 500_000), ("AT", 250_000), ("FR", 250_000)]);
        check(&[("DE", 3), ("canary", 1)], &[("DE", 750_000)]);
        check(&[("DE", u64::MAX), ("FR", u64::MAX), ("DE", 1)], &[("DE", 500_000), ("FR", 500_000)]);
    }
}
