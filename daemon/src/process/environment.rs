//! The process's environment: its variables and credentials, as values.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::config;
use crate::secret::master_key::{self, KeySources};
use crate::secret::{Secret, SecretError};

/// Environment variables and systemd's credentials. The default has none, as tests need.
#[derive(Default)]
pub struct Environment {
    variables: HashMap<String, Secret>,
    credentials: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, Secret::new(value.into_string().ok()?)))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }

    /// An environment with these variables and credentials instead of the process's.
    pub fn new(variables: &[(&str, &str)], credentials: Option<PathBuf>) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        Self { variables, credentials }
    }

    /// The value of a variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.expose().trim()).filter(|value| !value.is_empty())
    }

    /// A credential of the service, `None` when it was not given.
    ///
    /// # Errors
    /// When it was given and cannot be read, or is not one line.
    pub fn credential(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        let Some(path) = self.credentials.as_ref().map(|dir| dir.join(name)) else { return Ok(None) };
        if path.try_exists().unwrap_or(true) { Secret::read(&path).map(Some) } else { Ok(None) }
    }

    /// The same of several lines.
    ///
    /// # Errors
    /// When it was given and cannot be read, or is no text.
    pub fn credential_lines(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        let Some(path) = self.credentials.as_ref().map(|dir| dir.join(name)) else { return Ok(None) };
        if path.try_exists().unwrap_or(true) { Secret::read_lines(&path).map(Some) } else { Ok(None) }
    }

    /// Whether a service manager gave this process credentials.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Where master keys may come from, of a store that is not there yet.
    pub fn key_sources<'a>(&'a self, config: &'a config::Store, state_dir: &'a Path) -> KeySources<'a> {
        KeySources {
            credential: self.credential_lines(master_key::CREDENTIAL),
            file: config.master_key_file.as_deref(),
            variable: self.variable(master_key::VARIABLE),
            passphrase: self.credential_lines(master_key::PASSPHRASE_CREDENTIAL),
            passphrase_file: config.master_key_passphrase_file.as_deref(),
            store: [0; 16],
            state_dir,
        }
    }
}
