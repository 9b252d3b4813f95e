//! What things look like: one accent for the cursor, three colours for state, and shades of the terminal's own.
//!
//! No information is in colour alone; without colours bold and faint remain.

pub mod depth;
pub mod look;
pub mod palette;

use ratatui::style::{Color, Modifier, Style};
use roster_protocol::{Badge, PlatformState, RosterError};

use crate::client_config::{ThemeChoice, ThemeConfig};
use crate::format::{Size, Trend};
use depth::Depth;
use palette::{Ground, Ink, Palette};

/// The styles of the screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// The cursor, and nothing else.
    pub accent: Style,
    pub good: Style,
    pub warn: Style,
    pub bad: Style,
    /// What grew and what shrank.
    pub rise: Style,
    pub fall: Style,
    /// The same for lines, which step back behind words.
    pub rise_dim: Style,
    pub fall_dim: Style,
    /// What is old or secondary.
    pub faint: Style,
    /// Titles, and the row under the cursor.
    pub strong: Style,
    pub plain: Style,
    /// Ink and ground of a QR code, whatever the terminal's own are; `None` without colours, where a dark ground is
    /// taken for granted.
    pub code: Option<Style>,
}

impl Theme {
    /// The sixteen colours of the terminal on a dark ground, so that its own scheme decides.
    pub fn new() -> Self {
        Self::of(ThemeChoice::Sixteen, Ground::Dark, Depth::Sixteen)
    }

    /// A theme on a ground, with as many colours as there are.
    pub fn of(choice: ThemeChoice, ground: Ground, depth: Depth) -> Self {
        let Some(palette) = Palette::of(choice, ground) else { return Self::colorless() };
        let style = |ink: Ink| ink.style(depth);
        let dim = |ink: Ink| match palette.faint {
            Some(_) => style(ink).add_modifier(Modifier::DIM),
            None => style(ink),
        };
        Self {
            accent: style(palette.accent),
            good: style(palette.good),
            warn: style(palette.warn),
            bad: style(palette.bad),
            rise: style(palette.rise),
            fall: style(palette.fall),
            rise_dim: dim(palette.rise),
            fall_dim: dim(palette.fall),
            faint: palette::faint(palette.faint, depth),
            strong: Style::new().add_modifier(Modifier::BOLD),
            plain: Style::new(),
            // Black and white of the fixed 240: a scheme may make anything of the first 16.
            code: Some(Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(231))),
        }
    }

    /// No colours at all, for `NO_COLOR`.
    pub fn colorless() -> Self {
        let plain = Style::new();
        let dim = plain.add_modifier(Modifier::DIM);
        Self {
            accent: plain,
            good: plain,
            warn: plain,
            bad: plain,
            rise: plain,
            fall: plain,
            rise_dim: dim,
            fall_dim: dim,
            code: None,
            ..Self::new()
        }
    }

    /// This theme with the colours a user chose.
    ///
    /// # Errors
    /// A word that names no colour.
    pub fn with(mut self, config: &ThemeConfig) -> Result<Self, RosterError> {
        let chosen = [
            ("accent", &config.accent, &mut self.accent),
            ("good", &config.good, &mut self.good),
            ("warn", &config.warn, &mut self.warn),
            ("bad", &config.bad, &mut self.bad),
            ("rise", &config.rise, &mut self.rise),
            ("fall", &config.fall, &mut self.fall),
            ("faint", &config.faint, &mut self.faint),
        ];
        for (name, color, style) in chosen {
            let Some(color) = color else { continue };
            let color: Color = color.parse().map_err(|_| {
                RosterError::usage(format!("theme.{name}: {color:?} is no colour"))
                    .hint("write a name such as cyan or light-blue, or #33aaff")
            })?;
            *style = Style::new().fg(color);
        }
        if config.rise.is_some() {
            self.rise_dim = self.rise.add_modifier(Modifier::DIM);
        }
        if config.fall.is_some() {
            self.fall_dim = self.fall.add_modifier(Modifier::DIM);
        }
        Ok(self)
    }

    /// How a change is written: the larger, the louder.
    pub fn trend(&self, trend: Trend) -> Style {
        match trend {
            Trend::Even => self.faint,
            Trend::Rise(Size::Large) => self.rise.add_modifier(Modifier::BOLD),
            Trend::Fall(Size::Large) => self.fall.add_modifier(Modifier::BOLD),
            Trend::Rise(_) => self.rise,
            Trend::Fall(_) => self.fall,
        }
    }

    /// A line that shows a change, which never outshouts the words beside it.
    pub fn line(&self, trend: Trend) -> Style {
        match trend {
            Trend::Even => self.faint,
            Trend::Rise(_) => self.rise_dim,
            Trend::Fall(_) => self.fall_dim,
        }
    }

    /// The shape and colour of a badge.
    pub fn badge(&self, badge: Badge, paused: bool) -> (char, Style) {
        match badge {
            Badge::Green => (if paused { '‖' } else { '●' }, self.good),
            Badge::Yellow => (if paused { '‖' } else { '◐' }, self.warn),
            Badge::Red => (if paused { '‖' } else { '✗' }, self.bad),
        }
    }

    /// The shape and colour of a platform's state.
    pub fn platform(&self, state: PlatformState) -> (char, Style) {
        match state {
            PlatformState::Ok => ('●', self.good),
            PlatformState::Limited => ('◐', self.warn),
            PlatformState::Down => ('✗', self.bad),
            PlatformState::Unconfigured => ('○', self.faint),
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::new()
    }
}
