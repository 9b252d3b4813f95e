//! Numbers in a sentence. Pure.

use crate::metric::{Metric, Unit};

/// A metric's value for display: `459,000`, `610.4`, `5.25 %`.
pub fn value(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Ratio => format!("{} %", decimals(value * 100.0, 2)),
        Unit::Count => grouped(value.max(0.0).round() as u64),
        Unit::Mean => decimals(value, 2),
    }
}

/// A change for display: `−12.4 %`, `+0.8 %`, `0.0 %`.
pub fn signed_percent(ratio: f64) -> String {
    let tenths = (ratio * 1000.0).round();
    let sign = match tenths {
        tenths if tenths > 0.0 => "+",
        tenths if tenths < 0.0 => "−",
        _ => "",
    };
    format!("{sign}{:.1} %", tenths.abs() / 10.0)
}

/// A count with its thousands apart: `1,240,000`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for group in digits.as_bytes()[first..].chunks(3) {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}

/// At most `most` decimals, without zeros that say nothing.
fn decimals(value: f64, most: usize) -> String {
    let text = format!("{value:.most$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", whole.parse().map_or_else(|_| whole.to_owned(), grouped)),
        None => text.parse().map_or_else(|_| text.to_owned(), grouped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_users_write_them() {
        let check = |metric, number, expected: &str| assert_eq!(value(metric, number), expected);
        check(Metric::Followers, 1_240_000.0, "1,240,000");
        check(Metric::Followers, 999.0, "999");
        check(Metric::Followers, -1.0, "0");
        check(Metric::AvgLikes, 610.4, "610.4");
        check(Metric::AvgViews, 8_100.0, "8,100");
        check(Metric::AvgViews, 18_100.25, "18,100.25");
        check(Metric::EngagementRate, 0.0525, "5.25 %");
        check(Metric::AudienceMale, 0.4, "40 %");
        assert_eq!(signed_percent(-0.1242), "−12.4 %");
        assert_eq!(signed_percent(0.00001), "0.0 %");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }
}
