//! How many colours a terminal has, and the nearest one that it has. Pure.

use ratatui::style::Color;

/// How many colours there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Those of the terminal's own scheme.
    #[default]
    Sixteen,
    /// The fixed 240 above them, too.
    Indexed,
    /// All.
    True,
}

impl Depth {
    /// As `TERM` and `COLORTERM` say. screen passes its terminal's `COLORTERM` on, and no colours of 24 bits.
    pub fn of(term: &str, colorterm: &str, in_screen: bool) -> Self {
        match colorterm {
            "truecolor" | "24bit" if !in_screen => Depth::True,
            _ if term.ends_with("-direct") => Depth::True,
            _ if term.contains("256color") || !colorterm.is_empty() && term != "linux" => Depth::Indexed,
            _ if ["xterm-kitty", "foot", "alacritty", "xterm-ghostty", "wezterm"].contains(&term) => Depth::Indexed,
            _ => Depth::Sixteen,
        }
    }

    /// An exact colour as far as there is one; `None` where there are only the scheme's.
    pub fn exact(self, color: u32) -> Option<Color> {
        let [_, red, green, blue] = color.to_be_bytes();
        match self {
            Depth::Sixteen => None,
            Depth::Indexed => Some(Color::Indexed(nearest([red, green, blue]))),
            Depth::True => Some(Color::Rgb(red, green, blue)),
        }
    }
}

/// The steps of the cube of 6 × 6 × 6 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the fixed 240: of the cube, or of the 24 greys.
fn nearest(color: [u8; 3]) -> u8 {
    let step = |part: u8| (0..6_u8).min_by_key(|step| STEPS[usize::from(*step)].abs_diff(part)).unwrap_or_default();
    let [red, green, blue] = color.map(step);
    let mean = (color.iter().map(|part| u16::from(*part)).sum::<u16>() / 3).min(238);
    let grey = ((mean.saturating_sub(3)) / 10).min(23) as u8;
    let of_cube = ([red, green, blue].map(|step| STEPS[usize::from(step)]), 16 + 36 * red + 6 * green + blue);
    let of_greys = ([8 + 10 * grey; 3], 232 + grey);
    let distance = |other: [u8; 3]| -> u32 {
        color.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    if distance(of_greys.0) < distance(of_cube.0) { of_greys.1 } else { of_cube.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        let check = |term: &str, colorterm: &str, in_screen: bool, expected: Depth| {
            assert_eq!(Depth::of(term, colorterm, in_screen), expected, "{term} {colorterm}");
        };
        check("xterm-256color", "truecolor", false, Depth::True);
        check("xterm-256color", "24bit", false, Depth::True);
        check("xterm-256color", "", false, Depth::Indexed);
        check("screen-256color", "truecolor", true, Depth::Indexed);
        check("xterm-direct", "", false, Depth::True);
        check("xterm-kitty", "", false, Depth::Indexed);
        check("xterm", "", false, Depth::Sixteen);
        check("linux", "yes", false, Depth::Sixteen);
        check("", "", false, Depth::Sixteen);
    }

    #[test]
    fn a_colour_becomes_the_nearest_that_there_is() {
        // By hand, after the table of 256 colours.
        let check = |color: u32, expected: u8| {
            assert_eq!(Depth::Indexed.exact(color), Some(Color::Indexed(expected)), "{color:06x}");
        };
        check(0x000000, 16);
        check(0xffffff, 231);
        check(0xff0000, 196);
        check(0x5fafff, 75);
        check(0x808080, 244);
        check(0x8b929c, 246);
        check(0xeeeeee, 255);
        assert_eq!(Depth::True.exact(0x0102ff), Some(Color::Rgb(1, 2, 255)));
        assert_eq!(Depth::Sixteen.exact(0), None);
    }
}
