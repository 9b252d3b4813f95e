//! What things look like: one accent for the cursor, three colours for state, and shades of the terminal's own.
//!
//! No information is in colour alone; without colours bold and faint remain.

use ratatui::style::{Color, Modifier, Style};
use roster_protocol::{Badge, PlatformState, RosterError};

use crate::client_config::ThemeConfig;
use crate::format::{Size, Trend};

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
    /// The sixteen colours of the terminal, so that its own scheme decides.
    pub fn new() -> Self {
        let of = |color| Style::new().fg(color);
        Self {
            accent: of(Color::Cyan),
            good: of(Color::Green),
            warn: of(Color::Yellow),
            // The light one: on a dark ground the dark one is hardly read.
            bad: of(Color::LightRed),
            rise: of(Color::Green),
            fall: of(Color::LightRed),
            // Faint rather than dark grey, which some schemes make the background's colour.
            faint: Style::new().add_modifier(Modifier::DIM),
            strong: Style::new().add_modifier(Modifier::BOLD),
            plain: Style::new(),
            // Black and white of the fixed 240: a scheme may make anything of the first 16.
            code: Some(Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(231))),
        }
    }

    /// No colours at all, for `NO_COLOR`.
    pub fn colorless() -> Self {
        let plain = Style::new();
        Self {
            accent: plain,
            good: plain,
            warn: plain,
            bad: plain,
            rise: plain,
            fall: plain,
            code: None,
            ..Self::new()
        }
    }

    /// The default with the colours a person chose.
    ///
    /// # Errors
    /// A word that names no colour.
    pub fn configured(config: &ThemeConfig) -> Result<Self, RosterError> {
        let mut theme = Self::new();
        let chosen = [
            ("accent", &config.accent, &mut theme.accent),
            ("good", &config.good, &mut theme.good),
            ("warn", &config.warn, &mut theme.warn),
            ("bad", &config.bad, &mut theme.bad),
            ("faint", &config.faint, &mut theme.faint),
        ];
        for (name, color, style) in chosen {
            let Some(color) = color else { continue };
            let color: Color = color.parse().map_err(|_| {
                RosterError::usage(format!("theme.{name}: {color:?} is no colour"))
                    .hint("write a name such as cyan or light-blue, or #33aaff")
            })?;
            *style = Style::new().fg(color);
        }
        Ok(theme)
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
            Trend::Rise(_) => self.rise.add_modifier(Modifier::DIM),
            Trend::Fall(_) => self.fall.add_modifier(Modifier::DIM),
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
