//! A small chart of the followers up to now.
//!
//! In HTML it is a table of coloured cells, not an image: Gmail and Outlook drop inline SVG, Outlook shows no CSS heights
//! outside of tables, and an attached image marks each letter as one with an attachment, which some clients then do
//! not show in its place. Cells are shown by all of them, and load nothing.

use jiff::tz::TimeZone;
use maud::{Markup, html};
use roster_protocol::notice::grouped;
use roster_protocol::time::Timestamp;

use super::facts::local;

const MOST_BARS: usize = 30;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LOWEST_PX: f64 = 4.0;
const HIGHEST_PX: f64 = 48.0;

/// The heights of the bars, oldest first, and what they are of.
pub(super) struct Chart {
    /// From 0, the lowest number, to 1, the highest.
    heights: Vec<f64>,
    pub caption: String,
}

impl Chart {
    /// A chart of numbers, oldest first; `None` of fewer than two.
    pub fn of(points: &[(Timestamp, u64)], zone: &TimeZone) -> Option<Self> {
        let [(first, _), .., (last, _)] = points else { return None };
        let values = points.iter().map(|(_, value)| *value);
        let (lowest, highest) = (values.clone().min()?, values.max()?);
        let bars = points.chunks(points.len().div_ceil(MOST_BARS)).map(|part| representative(part, lowest, highest));
        let height = |value: u64| match highest - lowest {
            0 => 0.5,
            range => (value - lowest) as f64 / range as f64,
        };
        let range = match lowest == highest {
            true => grouped(lowest),
            false => format!("{} to {}", grouped(lowest), grouped(highest)),
        };
        let caption = format!("{range} followers, {} to {}", local(*first, zone), local(*last, zone));
        Some(Self { heights: bars.map(height).collect(), caption })
    }

    /// A line of block characters.
    pub fn line(&self) -> String {
        self.heights.iter().map(|height| LEVELS[(height * (LEVELS.len() - 1) as f64).round() as usize]).collect()
    }

    /// The bars, in HTML; the last one stands out.
    pub fn bars(&self) -> Markup {
        let last = self.heights.len() - 1;
        html! {
            table role="img" aria-label=(self.caption) cellpadding="0" cellspacing="0" border="0" style="margin:16px 0 4px" {
                tr {
                    @for (number, height) in self.heights.iter().enumerate() {
                        td valign="bottom" height=(HIGHEST_PX) style="padding:0 2px 0 0;vertical-align:bottom" {
                            (bar(*height, if number == last { "#c2410c" } else { "#94a3b8" }))
                        }
                    }
                }
            }
        }
    }
}

/// A table of one cell, because that is what has a height everywhere.
fn bar(height: f64, colour: &str) -> Markup {
    let px = (LOWEST_PX + height * (HIGHEST_PX - LOWEST_PX)).round();
    let style = format!("background:{colour};font-size:0;line-height:0");
    html! {
        table cellpadding="0" cellspacing="0" border="0" {
            tr { td width="6" height=(px) bgcolor=(colour) style=(style) { " " } }
        }
    }
}

/// The number of a part that is drawn: its newest, unless the highest or lowest of all is in it, which none may miss.
fn representative(part: &[(Timestamp, u64)], lowest: u64, highest: u64) -> u64 {
    let extreme = part.iter().rev().find(|(_, value)| *value == lowest || *value == highest);
    extreme.or(part.last()).map_or(lowest, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[u64]) -> Option<String> {
        let points: Vec<_> = (0..).map(|hour| Timestamp(hour * 3_600_000)).zip(values.iter().copied()).collect();
        Chart::of(&points, &TimeZone::UTC).map(|chart| chart.line())
    }

    #[test]
    fn the_lowest_is_low_and_the_highest_high() {
        let check =
            |values: &[u64], expected: Option<&str>| assert_eq!(line(values).as_deref(), expected, "{values:?}");
        check(&[], None);
        check(&[5], None);
        check(&[0, 7], Some("▁█"));
        check(&[100, 200, 150], Some("▁█▅"));
        check(&[5, 5, 5], Some("▅▅▅"));
        check(&[0, u64::MAX], Some("▁█"));
    }

    #[test]
    fn no_extreme_is_left_out_where_numbers_are_many() {
        let mut values = vec![500; 1000];
        values[123] = 900;
        values[777] = 100;
        let line = line(&values).expect("a chart");
        assert!(line.chars().count() <= MOST_BARS && line.contains('█') && line.contains('▁'), "{line}");
    }
}
