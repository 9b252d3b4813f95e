//! A channel's section of the config, and what every channel reads from it.

use std::path::Path;

use jiff::tz::TimeZone;
use url::Url;

use crate::http_client::HttpClient;
use crate::process::environment::Environment;
use crate::secret::Secret;

/// A channel's section, and what else it is made of.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub name: &'a str,
    /// Its keys are known ones of its kind.
    pub table: &'a toml::Table,
    pub environment: &'a Environment,
    pub http: &'a HttpClient,
    /// The daemon's.
    pub zone: &'a TimeZone,
    /// Certificate authorities that are trusted besides the system's.
    pub ca_file: Option<&'a Path>,
}

/// What is wrong with a channel. The message quotes no value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Problem {
    /// Dotted, from the file's root: `channels.team.url_file`.
    pub key: String,
    pub message: String,
}

impl Section<'_> {
    /// A problem with one of its keys.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem { key: format!("channels.{}.{key}", self.name), message: message.into() }
    }

    /// The secret of `key`: a credential `roster-channel-{name}-{key}`, else the value in the config file or, as
    /// `{key}_file`, in a file of its own.
    ///
    /// # Errors
    /// When it cannot be read, is set twice, or is empty.
    pub fn secret(&self, key: &str) -> Result<Option<Secret>, Problem> {
        let file_key = format!("{key}_file");
        let credential =
            self.environment.credential(&format!("roster-channel-{}-{}", self.name, key.replace('_', "-")));
        if let Some(secret) = credential.map_err(|error| self.problem(key, error.to_string()))? {
            return Ok(Some(secret));
        }
        match (self.text(key)?, self.text(&file_key)?) {
            (Some(_), Some(_)) => Err(self.problem(&file_key, format!("set either this or {key}"))),
            (Some(secret), None) if secret.trim().is_empty() => Err(self.problem(key, "is empty")),
            (Some(secret), None) => Ok(Some(Secret::new(secret.trim()))),
            (None, Some(path)) => {
                Secret::read(Path::new(path)).map(Some).map_err(|error| self.problem(&file_key, error.to_string()))
            }
            (None, None) => Ok(None),
        }
    }

    /// The text of a key; `None` without it.
    ///
    /// # Errors
    /// When it is no text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, Problem> {
        let value = self.table.get(key);
        value.map(|value| value.as_str().ok_or_else(|| self.problem(key, "is no text"))).transpose()
    }

    /// Whether `allow_private` permits plain http and private addresses.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn allows_private(&self) -> Result<bool, Problem> {
        let value = self.table.get("allow_private");
        let value = value.map(|value| value.as_bool().ok_or_else(|| self.problem("allow_private", "is true or false")));
        Ok(value.transpose()?.unwrap_or(false))
    }

    /// The address that messages are sent to. It may hold a token, and is printed nowhere.
    ///
    /// # Errors
    /// When there is none, or it is none that requests may be sent to.
    pub fn url(&self) -> Result<Url, Problem> {
        let Some(text) = self.secret("url")? else {
            return Err(self.problem("url_file", "is missing: a file with the address, or url with the address itself"));
        };
        let wrong = |message: &str| self.problem("url", message);
        let url = Url::parse(text.expose()).map_err(|_| wrong("is no URL"))?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        match url.scheme() {
            _ if url.host().is_none() => Err(wrong("names no host")),
            _ if has_user => Err(wrong("has a user or password, which are not sent")),
            "https" => Ok(url),
            "http" if self.allows_private()? => Ok(url),
            "http" => Err(wrong("is not https: within your own network add allow_private = true")),
            _ => Err(wrong("is no https URL")),
        }
    }
}
