//! Values by day as a line of braille dots.
//!
//! ```text
//!   460K ⠤⠤⠤⠤⠤⠤⠤⠤⠤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠉│
//!                                ⢣
//!   400K                          ⠣⠤⠤
//!        Aug 24      Sep 23      Oct 23
//! ```
//! Days that were not measured stay empty: only neighbouring days are joined. A week is a line from its first to its last
//! number, with an upright one from the least to the most; a dotted line is where weeks end and days begin, and where a platform counts something else from then on.

use ratatui::layout::Rect;
use roster_protocol::{Date, Metric, Week};

use super::pen::{Pen, columns};
use crate::format;

/// What to draw.
pub struct Chart<'a> {
    /// Measured days, oldest first.
    pub points: &'a [(Date, f64)],
    /// Weeks of days that are long past, oldest first.
    pub weeks: &'a [WeekPoint],
    /// Days with a dotted line before them, which the line of values does not cross: weeks end, or something else is
    /// counted.
    pub borders: &'a [Date],
    /// The first and last day of the picture.
    pub from: Date,
    pub to: Date,
    /// How a value is written beside the line.
    pub label: &'a dyn Fn(f64) -> String,
    /// The day under the cursor.
    pub cursor: Option<Date>,
    /// Days to point at.
    pub marks: &'a [Date],
}

/// A week as a chart draws it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeekPoint {
    pub monday: Date,
    pub first: f64,
    pub last: f64,
    pub least: f64,
    pub most: f64,
}

/// The weeks in which a metric was known, oldest first.
pub fn week_points(weeks: &[Week], metric: Metric) -> Vec<WeekPoint> {
    let point = |week: &Week| {
        let [first, last] = [metric.of(&week.first)?, metric.of(&week.last)?];
        let [least, most] = [metric.of(&week.least)?, metric.of(&week.most)?];
        Some(WeekPoint { monday: week.date, first, last, least, most })
    };
    weeks.iter().filter_map(point).collect()
}

/// A grid of braille cells, two by four dots each.
struct Dots {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

impl Dots {
    fn new(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self { width, height, cells: vec![0; width * height] }
    }

    fn set(&mut self, x: usize, y: usize) {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        if x < self.width * 2 && y < self.height * 4 {
            self.cells[y / 4 * self.width + x / 2] |= BITS[y % 4][x % 2];
        }
    }

    /// A straight line, both ends included.
    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, step: usize| (a * (steps - step) + b * step + steps / 2) / steps;
        for step in 0..=steps {
            self.set(between(from.0, to.0, step), between(from.1, to.1, step));
        }
    }

    fn cell(&self, x: u16, y: u16) -> u8 {
        self.cells[usize::from(y) * self.width + usize::from(x)]
    }
}

/// Where days and values are in the picture.
struct Scale {
    from: i32,
    days: i64,
    low: f64,
    range: f64,
    width: usize,
    height: usize,
}

impl Scale {
    fn x(&self, day: Date) -> usize {
        let passed = i64::from(day.0.saturating_sub(self.from)).clamp(0, self.days);
        (passed * (self.width as i64 * 2 - 1) / self.days) as usize
    }

    fn y(&self, value: f64) -> usize {
        let most = self.height * 4 - 1;
        if self.range <= 0.0 {
            return most / 2;
        }
        let share = ((value - self.low) / self.range).clamp(0.0, 1.0);
        most - (share * most as f64).round() as usize
    }
}

impl Chart<'_> {
    /// The measured days within the picture.
    fn inside(&self) -> impl Iterator<Item = (Date, f64)> + '_ {
        let finite = |point: &&(Date, f64)| point.1.is_finite() && (self.from..=self.to).contains(&point.0);
        self.points.iter().filter(finite).copied()
    }

    /// The weeks that begin within the picture.
    fn weeks_inside(&self) -> impl Iterator<Item = &WeekPoint> {
        let finite = |week: &&WeekPoint| [week.first, week.last, week.least, week.most].into_iter().all(f64::is_finite);
        self.weeks.iter().filter(finite).filter(|week| (self.from..=self.to).contains(&week.monday))
    }

    /// Draws line, values and dates; the last line of the area is for the dates.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let bounds = self.weeks_inside().flat_map(|week| [week.least, week.most]);
        let values = self.inside().map(|(_, value)| value).chain(bounds);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if area.height < 2 || low > high {
            return;
        }
        let labels = [(self.label)(high), (self.label)(low)];
        let gutter = labels.iter().map(|label| columns(label) as u16).max().unwrap_or(0).max(5) + 1;
        if area.width < gutter + 10 {
            return;
        }
        let plot = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height - 1, ..area };
        self.draw_labels(pen, area, gutter, &labels);
        self.draw_dates(pen, plot);
        let scale = Scale {
            from: self.from.0,
            days: i64::from(self.to.0.saturating_sub(self.from.0)).max(1),
            low,
            range: high - low,
            width: plot.width.into(),
            height: plot.height.into(),
        };
        self.draw_line(pen, plot, &scale);
    }

    fn draw_labels(&self, pen: &mut Pen<'_>, area: Rect, gutter: u16, labels: &[String; 2]) {
        let (top, bottom) = (area.y, area.y + area.height - 2);
        let style = pen.theme.faint;
        if labels[0] == labels[1] || top == bottom {
            pen.put_right(area.x, top + (bottom - top) / 2, gutter - 1, &labels[0], style);
        } else {
            pen.put_right(area.x, top, gutter - 1, &labels[0], style);
            pen.put_right(area.x, bottom, gutter - 1, &labels[1], style);
        }
    }

    fn draw_dates(&self, pen: &mut Pen<'_>, plot: Rect) {
        let count = (plot.width / 20).clamp(1, 6);
        let y = plot.y + plot.height;
        for step in 0..=count {
            let days = i64::from(self.to.0.saturating_sub(self.from.0)) * i64::from(step) / i64::from(count);
            let text = format::day(self.from.plus_days(days as i32));
            let width = columns(&text) as u16;
            let centre = plot.x + (u32::from(plot.width - 1) * u32::from(step) / u32::from(count)) as u16;
            let x = centre.saturating_sub(width / 2).clamp(plot.x, (plot.x + plot.width).saturating_sub(width));
            pen.put(x, y, width, &text, pen.theme.faint);
        }
    }

    fn draw_line(&self, pen: &mut Pen<'_>, plot: Rect, scale: &Scale) {
        let mut dots = Dots::new(plot.width, plot.height);
        self.draw_weeks(&mut dots, scale);
        let mut before: Option<(Date, (usize, usize))> = None;
        for (day, value) in self.inside() {
            let dot = (scale.x(day), scale.y(value));
            match before {
                Some((yesterday, from)) if yesterday.plus_days(1) == day && !self.borders.contains(&day) => {
                    dots.line(from, dot)
                }
                _ => dots.set(dot.0, dot.1),
            }
            before = Some((day, dot));
        }
        let cursor = self.cursor.map(|day| (scale.x(day) / 2) as u16);
        let borders = self.borders.iter().filter(|day| (self.from..=self.to).contains(day));
        let borders: Vec<u16> = borders.map(|day| (scale.x(*day) / 2) as u16).collect();
        for y in 0..plot.height {
            for x in 0..plot.width {
                let under_cursor = cursor == Some(x);
                let style = if under_cursor { pen.theme.accent } else { pen.theme.plain };
                match dots.cell(x, y) {
                    0 if under_cursor => pen.sign(plot.x + x, plot.y + y, '│', style),
                    0 if borders.contains(&x) => pen.sign(plot.x + x, plot.y + y, '┊', pen.theme.faint),
                    0 => {}
                    bits => pen.sign(plot.x + x, plot.y + y, braille(bits), style),
                }
            }
        }
        self.draw_marks(pen, plot, scale, &dots);
    }

    fn draw_weeks(&self, dots: &mut Dots, scale: &Scale) {
        let mut before: Option<(Date, (usize, usize))> = None;
        for week in self.weeks_inside() {
            let (first, last) = (scale.x(week.monday), scale.x(week.monday.plus_days(6)));
            let ends = ((first, scale.y(week.first)), (last, scale.y(week.last)));
            dots.line(ends.0, ends.1);
            let middle = (first + last) / 2;
            dots.line((middle, scale.y(week.most)), (middle, scale.y(week.least)));
            if let Some((_, from)) = before.filter(|(monday, _)| monday.plus_days(7) == week.monday) {
                dots.line(from, ends.0);
            }
            before = Some((week.monday, ends.1));
        }
    }

    /// Puts a sign under the days to point at, or above them where the line is at the bottom.
    fn draw_marks(&self, pen: &mut Pen<'_>, plot: Rect, scale: &Scale, dots: &Dots) {
        for day in self.marks.iter().filter(|day| (self.from..=self.to).contains(day)) {
            let x = (scale.x(*day) / 2) as u16;
            let lowest = (0..plot.height).rev().find(|y| dots.cell(x, *y) != 0);
            let (y, sign) = match lowest {
                Some(y) if y + 1 < plot.height => (y + 1, '▲'),
                Some(y) => (y.saturating_sub(1), '▼'),
                None => (plot.height - 1, '▲'),
            };
            pen.sign(plot.x + x, plot.y + y, sign, pen.theme.warn);
        }
    }
}

fn braille(bits: u8) -> char {
    char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;
    use ratatui::buffer::Buffer;

    fn picture(points: &[(i32, f64)], cursor: Option<i32>, marks: &[i32], width: u16, height: u16) -> String {
        picture_with(&[], points, cursor, marks, width, height)
    }

    fn picture_with(
        weeks: &[WeekPoint],
        points: &[(i32, f64)],
        cursor: Option<i32>,
        marks: &[i32],
        width: u16,
        height: u16,
    ) -> String {
        let theme = Theme::new();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let points: Vec<(Date, f64)> = points.iter().map(|(day, value)| (Date(20_000 + day), *value)).collect();
        let marks: Vec<Date> = marks.iter().map(|day| Date(20_000 + day)).collect();
        let borders: Vec<Date> = weeks.last().map(|week| week.monday.plus_days(7)).into_iter().collect();
        let chart = Chart {
            points: &points,
            weeks,
            borders: &borders,
            from: Date(20_000),
            to: Date(if weeks.is_empty() { 20_010 } else { 20_030 }),
            label: &|value| format::count(value as u64),
            cursor: cursor.map(|day| Date(20_000 + day)),
            marks: &marks,
        };
        chart.draw(&mut Pen::new(&mut buffer, &theme), area);
        let line = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
        let lines: Vec<String> =
            buffer.content.chunks(usize::from(width.max(1))).map(|row| line(row).trim_end().to_owned()).collect();
        lines.join("\n")
    }

    #[test]
    fn a_line_rises_and_gaps_stay_empty() {
        let rising: Vec<(i32, f64)> = (0..=10).map(|day| (day, 1000.0 + f64::from(day) * 100.0)).collect();
        insta::assert_snapshot!(picture(&rising, None, &[], 40, 5));
        let gap: Vec<(i32, f64)> = rising.iter().filter(|(day, _)| !(4..7).contains(day)).copied().collect();
        insta::assert_snapshot!(picture(&gap, Some(2), &[9], 40, 5));
    }

    #[test]
    fn weeks_are_before_a_dotted_line_and_days_behind_it() {
        let week = |week: i32, first: f64, last: f64| {
            let monday = Date(20_000 + 7 * week);
            WeekPoint { monday, first, last, least: first - 100.0, most: last + 100.0 }
        };
        let weeks = [week(0, 1000.0, 1100.0), week(1, 1100.0, 1200.0), week(2, 1200.0, 1300.0)];
        let days: Vec<(i32, f64)> = (21..=30).map(|day| (day, 1300.0 + f64::from(day - 21) * 20.0)).collect();
        insta::assert_snapshot!(picture_with(&weeks, &days, None, &[], 50, 7));
        let odd = WeekPoint { most: f64::NAN, ..weeks[0] };
        assert_eq!(picture_with(&[odd], &[], None, &[], 50, 7).trim(), "");
    }

    #[test]
    fn odd_values_and_sizes_do_no_harm() {
        for points in
            [&[][..], &[(0, f64::NAN)], &[(5, 7.0)], &[(0, f64::MAX), (1, f64::MIN)], &[(-99, 1.0), (99, 2.0)]]
        {
            for (width, height) in [(0, 0), (1, 1), (16, 2), (17, 2), (40, 3), (300, 70)] {
                picture(points, Some(3), &[0, 5, 99], width, height);
            }
        }
    }
}
