//! A QR code in half blocks: two modules a character, upper and lower, as high as they are wide on most screens.

use qrcode::{Color, EcLevel, QrCode};

/// Modules that stay light around a code, so that scanners find it.
const QUIET: usize = 4;

/// A code with its quiet zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Modules on a side, quiet zone included.
    side: usize,
    /// Row after row; true is dark.
    dark: Vec<bool>,
}

impl Qr {
    /// The code of a text; `None` when it is too long for any.
    pub fn new(text: &str) -> Option<Self> {
        // On a screen nothing is smudged: the least correction gives the smallest code.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let inner = code.width();
        let side = inner + 2 * QUIET;
        let mut dark = vec![false; side * side];
        for (index, color) in code.to_colors().into_iter().enumerate() {
            dark[(index / inner + QUIET) * side + index % inner + QUIET] = color == Color::Dark;
        }
        Some(Self { side, dark })
    }

    /// Columns and lines it takes.
    pub fn size(&self) -> (usize, usize) {
        (self.side, self.side.div_ceil(2))
    }

    /// Whether it fits into so many columns and lines.
    pub fn fits(&self, columns: usize, lines: usize) -> bool {
        self.size().0 <= columns && self.size().1 <= lines
    }

    /// Its lines, for dark ink on a light ground; `inverted`: light ink on a dark ground.
    pub fn lines(&self, inverted: bool) -> impl Iterator<Item = String> {
        let inked = move |x: usize, y: usize| {
            // Below an odd last row there is nothing to scan.
            y < self.side && self.dark[y * self.side + x] != inverted
        };
        let sign = move |x: usize, y: usize| match (inked(x, y), inked(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        (0..self.side).step_by(2).map(move |y| (0..self.side).map(|x| sign(x, y)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_as_large_as_its_text_needs() {
        let check = |length: usize, expected: Option<(usize, usize)>| {
            let text = format!("https://x.example/{}", "y".repeat(length.saturating_sub(18)));
            assert_eq!(Qr::new(&text).map(|qr| qr.size()), expected, "{length}");
        };
        check(29, Some((33, 17)));
        check(106, Some((45, 23)));
        check(107, Some((49, 25)));
        check(425, Some((77, 39)));
        check(650, Some((97, 49)));
        check(2_953, Some((185, 93)));
        check(2_954, None);
    }

    #[test]
    fn both_inks_draw_the_same_code_with_its_quiet_zone() {
        let qr = Qr::new("https://x.example/device").expect("short enough");
        let dark: Vec<String> = qr.lines(false).collect();
        let light: Vec<String> = qr.lines(true).collect();
        let (columns, lines) = qr.size();
        assert_eq!((dark.len(), light.len()), (lines, lines));
        assert!(dark.iter().chain(&light).all(|line| line.chars().count() == columns));
        for (dark, light) in dark.iter().zip(&light).take(lines - 1) {
            for (a, b) in dark.chars().zip(light.chars()) {
                assert!(matches!((a, b), ('█', ' ') | (' ', '█') | ('▀', '▄') | ('▄', '▀')), "{a} {b}");
            }
        }
        assert!(dark[..2].iter().all(|line| line.trim().is_empty()), "four quiet rows above");
        assert!(dark.iter().all(|line| line.starts_with("    ") && line.ends_with("    ")));
        assert!(qr.fits(columns, lines) && !qr.fits(columns - 1, lines) && !qr.fits(columns, lines - 1));
    }

    #[test]
    fn what_is_drawn_can_be_scanned() {
        // The three finders, as every scanner looks for them.
        let qr = Qr::new("https://x.example/device").expect("short enough");
        let inner = qr.side - 2 * QUIET;
        let finder = |left: usize, top: usize| {
            let row = |y: usize| (0..7).map(|x| qr.dark[(top + y) * qr.side + left + x]).collect::<Vec<_>>();
            row(0).iter().all(|dark| *dark) && row(1) == [true, false, false, false, false, false, true]
        };
        assert!(finder(QUIET, QUIET) && finder(QUIET + inner - 7, QUIET) && finder(QUIET, QUIET + inner - 7));
    }
}
