#![no_main]
//! A config file: understood, or refused in one line that names file and line.

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use rosterd::config::Config;

fuzz_target!(|text: &str| {
    match Config::parse(text, "rosterd.toml") {
        Ok(config) => drop(rosterd::daemon::check(&config, Path::new("/nowhere/rosterd.toml"), Default::default())),
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("rosterd.toml") && error.lines().count() == 1, "{error:?}");
        }
    }
});
