//! Which theme is used here: as the user chose, as far as the terminal can, on the background that it reports.

use roster_protocol::RosterError;

use super::Theme;
use super::depth::Depth;
use super::palette::Ground;
use crate::client_config::{ThemeChoice, ThemeConfig};

/// What decides the theme.
#[derive(Clone, Debug, Default)]
pub struct Look {
    config: ThemeConfig,
    depth: Depth,
    /// `NO_COLOR` is set.
    colorless: bool,
}

/// What is sent to know the background: the query of xterm (OSC 11), and the terminal's attributes (DA1), which every
/// terminal reports: once they are there, nothing else follows.
pub const QUERY: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

impl Look {
    /// As the environment says: `TERM`, `COLORTERM`, whether it is screen's, and `NO_COLOR`.
    pub fn new(config: ThemeConfig, depth: Depth, colorless: bool) -> Self {
        Self { config, depth, colorless }
    }

    /// Whether the terminal's background makes a difference.
    pub fn follows_ground(&self) -> bool {
        let fixed = matches!(self.config.name, ThemeChoice::Dark | ThemeChoice::Light | ThemeChoice::Mono);
        !self.colorless && !fixed
    }

    /// The theme on this background.
    ///
    /// # Errors
    /// A word of the config that names no colour.
    pub fn on(&self, ground: Ground) -> Result<Theme, RosterError> {
        if self.colorless {
            return Ok(Theme::colorless());
        }
        let depth = if self.config.name == ThemeChoice::Sixteen { Depth::Sixteen } else { self.depth };
        Theme::of(self.config.name, ground, depth).with(&self.config)
    }
}

/// The background in the text of a reply to [`QUERY`]; `None` in any other.
pub fn ground(text: &str) -> Option<Ground> {
    let color = text.strip_prefix("11;")?;
    // `rgb:ffff/ffff/ffff`, `rgba:` with a fourth part, or `#ffffff`.
    let parts: Vec<f64> = match color.strip_prefix('#') {
        Some(digits) if digits.is_ascii() && digits.len() == 6 => {
            [0, 2, 4].into_iter().map(|at| part(&digits[at..at + 2])).collect::<Option<_>>()?
        }
        Some(_) => return None,
        None => color.split_once(':')?.1.split('/').take(3).map(part).collect::<Option<_>>()?,
    };
    let [red, green, blue] = parts[..] else { return None };
    let light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(if light > 0.5 { Ground::Light } else { Ground::Dark })
}

/// A part of a colour in one to four hexadecimal digits, from 0 to 1.
fn part(digits: &str) -> Option<f64> {
    let all = 16_u32.checked_pow(digits.len() as u32)?.checked_sub(1).filter(|all| (1..=0xffff).contains(all))?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(|value| f64::from(value) / f64::from(all))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn a_background_is_light_or_dark() {
        let check = |text: &str, expected: Option<Ground>| {
            assert_eq!(ground(text), expected, "{text}");
        };
        check("11;rgb:ffff/ffff/ffff", Some(Ground::Light));
        check("11;rgb:1e1e/1e1e/2e2e", Some(Ground::Dark));
        check("11;rgb:fa/f4/ed", Some(Ground::Light));
        check("11;rgb:0/0/f", Some(Ground::Dark));
        check("11;rgba:ffff/ffff/ffff/8000", Some(Ground::Light));
        check("11;#fdf6e3", Some(Ground::Light));
        for other in
            ["10;rgb:ffff/ffff/ffff", "11;", "11;rgb:", "11;rgb:ffff/ffff", "11;rgb:fffff/0/0", "11;#fffff", "11;#ééé"]
        {
            check(other, None);
        }
        check("11;rgb:g/0/0", None);
        check("11;rgb:+f/0/0", None);
    }

    #[test]
    fn a_theme_is_as_chosen_and_as_the_terminal_can() {
        let look =
            |name: ThemeChoice, depth: Depth| Look::new(ThemeConfig { name, ..ThemeConfig::default() }, depth, false);
        let bad = |look: &Look, ground: Ground| look.on(ground).expect("no colours of its own").bad.fg;
        let auto = look(ThemeChoice::Auto, Depth::True);
        assert_eq!(bad(&auto, Ground::Dark), Some(Color::Rgb(0xff, 0x7b, 0x72)));
        assert_eq!(bad(&auto, Ground::Light), Some(Color::Rgb(0xb3, 0x26, 0x1e)));
        assert_eq!(bad(&look(ThemeChoice::Dark, Depth::Sixteen), Ground::Light), Some(Color::LightRed));
        assert_eq!(bad(&look(ThemeChoice::Sixteen, Depth::True), Ground::Dark), Some(Color::LightRed));
        assert_eq!(bad(&look(ThemeChoice::Mono, Depth::True), Ground::Dark), None);
        let colorless = Look::new(ThemeConfig::default(), Depth::True, true);
        assert_eq!(colorless.on(Ground::Light), Ok(Theme::colorless()));
        assert!(auto.follows_ground() && !colorless.follows_ground());
        assert!(!look(ThemeChoice::Dark, Depth::True).follows_ground());
    }

    #[test]
    fn a_colour_of_the_users_own_stays() {
        let config = ThemeConfig { bad: Some("#010203".to_owned()), ..ThemeConfig::default() };
        let look = Look::new(config, Depth::Sixteen, false);
        assert_eq!(look.on(Ground::Light).expect("a colour").bad.fg, Some(Color::Rgb(1, 2, 3)));
        let config = ThemeConfig { faint: Some("reddish".to_owned()), ..ThemeConfig::default() };
        let error = Look::new(config, Depth::Sixteen, false).on(Ground::Dark).expect_err("no colour");
        assert_eq!(error.message, "theme.faint: \"reddish\" is no colour");
    }
}
