//! The colours of each theme: what each one is for, on a dark and on a light ground.
//!
//! Each colour is given twice: exact, for terminals with many colours, and as one of the sixteen that the terminal's own
//! scheme defines.

use ratatui::style::{Color, Modifier, Style};

use super::depth::Depth;
use crate::client_config::ThemeChoice;

/// What the terminal draws on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    #[default]
    Dark,
    Light,
}

/// One colour, exact and among the sixteen.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    pub exact: u32,
    pub sixteen: Color,
}

/// The colours of a theme on one ground.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    pub accent: Ink,
    pub good: Ink,
    pub warn: Ink,
    pub bad: Ink,
    pub rise: Ink,
    pub fall: Ink,
    /// `None`: nothing is faint.
    pub faint: Option<u32>,
}

const fn ink(exact: u32, sixteen: Color) -> Ink {
    Ink { exact, sixteen }
}

const DARK: Palette = Palette {
    accent: ink(0x56b6f7, Color::Cyan),
    good: ink(0x6cc070, Color::Green),
    warn: ink(0xd7a840, Color::Yellow),
    // The light one of the sixteen: on a dark ground the dark one is hardly read.
    bad: ink(0xff7b72, Color::LightRed),
    rise: ink(0x6cc070, Color::Green),
    fall: ink(0xff7b72, Color::LightRed),
    faint: Some(0x8b929c),
};

const LIGHT: Palette = Palette {
    accent: ink(0x0060c0, Color::Blue),
    good: ink(0x1a7f37, Color::Green),
    // Yellow on white is hardly read.
    warn: ink(0x8a5a00, Color::Magenta),
    bad: ink(0xb3261e, Color::Red),
    rise: ink(0x1a7f37, Color::Green),
    fall: ink(0xb3261e, Color::Red),
    faint: Some(0x5f6873),
};

const HIGH_DARK: Palette = Palette {
    accent: ink(0x7fdbff, Color::LightCyan),
    good: ink(0x7cff7c, Color::LightGreen),
    warn: ink(0xffe14d, Color::LightYellow),
    bad: ink(0xffa39e, Color::LightRed),
    rise: ink(0x7cff7c, Color::LightGreen),
    fall: ink(0xffa39e, Color::LightRed),
    faint: None,
};

const HIGH_LIGHT: Palette = Palette {
    accent: ink(0x00339a, Color::Blue),
    good: ink(0x00521b, Color::Green),
    warn: ink(0x6b3f00, Color::Magenta),
    bad: ink(0x8e0b0b, Color::Red),
    rise: ink(0x00521b, Color::Green),
    fall: ink(0x8e0b0b, Color::Red),
    faint: None,
};

// After Okabe and Ito's palette (jfly.uni-koeln.de/color, read 2026-11): blue and orange differ for all.
const COLOR_BLIND_DARK: Palette = Palette {
    accent: ink(0xdf9bc0, Color::LightMagenta),
    good: ink(0x56b4e9, Color::LightBlue),
    warn: ink(0xf0e442, Color::LightYellow),
    bad: ink(0xe69f00, Color::LightRed),
    rise: ink(0x56b4e9, Color::LightBlue),
    fall: ink(0xe69f00, Color::LightRed),
    faint: Some(0x8b929c),
};

const COLOR_BLIND_LIGHT: Palette = Palette {
    accent: ink(0x8a3a6b, Color::Magenta),
    good: ink(0x00619a, Color::Blue),
    warn: ink(0x6f6000, Color::Black),
    bad: ink(0xa34a00, Color::Red),
    rise: ink(0x00619a, Color::Blue),
    fall: ink(0xa34a00, Color::Red),
    faint: Some(0x5f6873),
};

impl Palette {
    /// The colours of a theme; `None` for the one without.
    pub fn of(choice: ThemeChoice, ground: Ground) -> Option<&'static Self> {
        Some(match (choice, ground) {
            (ThemeChoice::Mono, _) => return None,
            (ThemeChoice::Dark | ThemeChoice::Sixteen | ThemeChoice::Auto, Ground::Dark)
            | (ThemeChoice::Dark, Ground::Light) => &DARK,
            (ThemeChoice::Light | ThemeChoice::Sixteen | ThemeChoice::Auto, Ground::Light)
            | (ThemeChoice::Light, Ground::Dark) => &LIGHT,
            (ThemeChoice::HighContrast, Ground::Dark) => &HIGH_DARK,
            (ThemeChoice::HighContrast, Ground::Light) => &HIGH_LIGHT,
            (ThemeChoice::ColorBlind, Ground::Dark) => &COLOR_BLIND_DARK,
            (ThemeChoice::ColorBlind, Ground::Light) => &COLOR_BLIND_LIGHT,
        })
    }
}

impl Ink {
    /// The style on a terminal with so many colours.
    pub fn style(self, depth: Depth) -> Style {
        Style::new().fg(depth.exact(self.exact).unwrap_or(self.sixteen))
    }
}

/// What is old or secondary. With sixteen colours it is dim rather than dark grey, which some schemes make the
/// background's colour.
pub fn faint(exact: Option<u32>, depth: Depth) -> Style {
    match exact.map(|exact| depth.exact(exact)) {
        None => Style::new(),
        Some(Some(color)) => Style::new().fg(color),
        Some(None) => Style::new().add_modifier(Modifier::DIM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.1.
    fn luminance(color: u32) -> f64 {
        let part = |shift: u32| {
            let part = f64::from(color >> shift & 0xff) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_colour_is_read_on_its_ground() {
        assert!((contrast(0, 0xffffff) - 21.0).abs() < 0.01);
        let grounds = [(Ground::Dark, [0x000000, 0x1e1e2e]), (Ground::Light, [0xffffff, 0xfaf4ed])];
        for choice in [ThemeChoice::Auto, ThemeChoice::HighContrast, ThemeChoice::ColorBlind] {
            for (ground, backgrounds) in grounds {
                let least = if choice == ThemeChoice::HighContrast { 7.0 } else { 4.5 };
                let palette = Palette::of(choice, ground).expect("it has colours");
                let Palette { accent, good, warn, bad, rise, fall, faint } = *palette;
                let inks = [accent, good, warn, bad, rise, fall].map(|ink| ink.exact);
                for color in inks.into_iter().chain(faint) {
                    for background in backgrounds {
                        let contrast = contrast(color, background);
                        assert!(contrast >= least, "{choice:?} {ground:?} {color:06x} on {background:06x}: {contrast}");
                    }
                }
            }
        }
    }

    /// What is left of a colour without the red-green difference: its yellow-blue one, as deuteranopes see it.
    fn yellow_blue(color: u32) -> f64 {
        let part = |shift: u32| f64::from(color >> shift & 0xff);
        (part(16) + part(8)) / 2.0 - part(0)
    }

    #[test]
    fn without_red_and_green_rises_and_falls_differ() {
        for ground in [Ground::Dark, Ground::Light] {
            let palette = Palette::of(ThemeChoice::ColorBlind, ground).expect("it has colours");
            let difference = yellow_blue(palette.fall.exact) - yellow_blue(palette.rise.exact);
            assert!(difference > 150.0, "{ground:?}: {difference}");
        }
    }
}
