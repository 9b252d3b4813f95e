//! The client's own file, `$XDG_CONFIG_HOME/roster/roster.toml`: colours, keys, and how the terminal notifies.
//!
//! ```toml
//! notify = "auto"             # of alerts; also 9, 777, 99 (OSC), bell, off; without it: auto over SSH, else off
//! start = "roster"            # or "overview"
//! [theme]
//! name = "auto"               # also dark, light, high-contrast, color-blind, 16, mono
//! accent = "light-blue"       # also good, warn, bad, rise, fall, faint: a name or #rrggbb
//! [keys]
//! sync = ["f5"]               # its keys from now on, in place of the built-in ones; [] frees them
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;
use roster_protocol::RosterError;
use serde::Deserialize;
use toml::Spanned;

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// How the terminal is notified of alerts that open; `None`: as is usual.
    pub notify: Option<NoticeChoice>,
    /// What is shown first.
    pub start: Start,
    pub theme: ThemeConfig,
    /// Keys by the name of what they do, as they are in the file.
    #[serde(rename = "keys")]
    spanned_keys: BTreeMap<String, Spanned<Vec<String>>>,
    /// The same with their lines.
    #[serde(skip)]
    pub keys: Vec<MovedKeys>,
}

/// The theme, and colours by what they mean; what is `None` is as in the theme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThemeConfig {
    pub name: ThemeChoice,
    pub accent: Option<String>,
    pub good: Option<String>,
    pub warn: Option<String>,
    pub bad: Option<String>,
    pub rise: Option<String>,
    pub fall: Option<String>,
    pub faint: Option<String>,
}

/// The keys that a user gave an action, in place of the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedKeys {
    /// What they do.
    pub name: String,
    pub keys: Vec<String>,
    /// Where the file says so, from 1.
    pub line: usize,
}

/// What the terminal UI shows first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Start {
    #[default]
    #[serde(rename = "roster")]
    Roster,
    #[serde(rename = "overview")]
    Overview,
}

/// A theme by its name in the client's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ThemeChoice {
    /// Dark or light, as the terminal's background is.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "dark")]
    Dark,
    #[serde(rename = "light")]
    Light,
    /// Nothing is faint, and every colour has a contrast of at least 7 to 1.
    #[serde(rename = "high-contrast")]
    HighContrast,
    /// Blue and orange in place of green and red.
    #[serde(rename = "color-blind")]
    ColorBlind,
    /// The terminal's sixteen colours, as its own scheme has them.
    #[serde(rename = "16")]
    Sixteen,
    /// No colours.
    #[serde(rename = "mono")]
    Mono,
}

/// How a user wants to be notified by the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
pub enum NoticeChoice {
    /// What the terminal understands, or else the bell
    #[serde(rename = "auto")]
    Auto,
    /// OSC 9: iTerm2, WezTerm
    #[value(name = "9")]
    #[serde(rename = "9")]
    Osc9,
    /// OSC 777: foot, Ghostty, WezTerm, Konsole
    #[value(name = "777")]
    #[serde(rename = "777")]
    Osc777,
    /// OSC 99: kitty, newer foot
    #[value(name = "99")]
    #[serde(rename = "99")]
    Osc99,
    /// The bell only
    #[serde(rename = "bell")]
    Bell,
    /// Not at all
    #[serde(rename = "off")]
    Off,
}

impl ClientConfig {
    /// Reads the file; one that is not there is an empty one.
    ///
    /// # Errors
    /// When it cannot be read or says something unknown; the message has the line.
    pub fn read(path: &Path) -> Result<Self, RosterError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|mut error| {
                error.message = format!("{}: {}", path.display(), error.message);
                error
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(RosterError::failed(format!("{} cannot be read: {error}", path.display()))),
        }
    }

    fn parse(text: &str) -> Result<Self, RosterError> {
        let line = |start: usize| 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line(span.start));
            RosterError::usage(format!("line {line}: {}", error.message())).hint("the built-in look is used meanwhile")
        })?;
        let moved = std::mem::take(&mut config.spanned_keys).into_iter();
        config.keys = moved
            .map(|(name, keys)| MovedKeys { name, line: line(keys.span().start), keys: keys.into_inner() })
            .collect();
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_understood_and_a_wrong_one_refused() {
        let config = ClientConfig::parse("[theme]\naccent = \"blue\"\n[keys]\nsync = [\"f5\"]\n").expect("valid");
        assert_eq!(config.theme.accent.as_deref(), Some("blue"));
        assert_eq!(config.keys, [MovedKeys { name: "sync".to_owned(), keys: vec!["f5".to_owned()], line: 4 }]);
        let error = ClientConfig::parse("[theme]\naccent = \"blue\"\nacent = \"red\"\n").expect_err("unknown key");
        assert!(error.message.starts_with("line 3: unknown field"), "{}", error.message);
    }

    #[test]
    fn a_theme_is_one_of_those_that_there_are() {
        let name = |value: &str| ClientConfig::parse(&format!("[theme]\nname = {value}\n")).map(|all| all.theme.name);
        assert_eq!(name("\"color-blind\""), Ok(ThemeChoice::ColorBlind));
        let error = name("\"solarized\"").expect_err("there is none");
        assert!(error.message.starts_with("line 2: unknown variant"), "{}", error.message);
        assert!(error.message.contains("`high-contrast`"), "{}", error.message);
    }

    #[test]
    fn a_choice_of_notices_is_one_of_those_that_there_are() {
        let notify = |value: &str| ClientConfig::parse(&format!("notify = {value}\n")).map(|config| config.notify);
        assert_eq!(notify("\"777\""), Ok(Some(NoticeChoice::Osc777)));
        assert_eq!(notify("\"off\""), Ok(Some(NoticeChoice::Off)));
        let error = notify("\"loud\"").expect_err("there is none");
        assert!(error.message.contains("`auto`, `9`, `777`, `99`, `bell`, `off`"), "{}", error.message);
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        assert_eq!(ClientConfig::read(Path::new("/nonexistent/roster.toml")), Ok(ClientConfig::default()));
    }
}
