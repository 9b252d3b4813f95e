#![no_main]
//! A config file: understood, set up and printed, or refused in one line that names file and line.

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use rosterd::app::setup::Source;
use rosterd::daemon::config_report;
use rosterd::http_client::HttpLimits;
use rosterd::process::config::Config;
use rosterd::process::environment::Environment;

const FILE: &str = "/nowhere/rosterd.toml";

fuzz_target!(|text: &str| {
    let source = Source { file: FILE.into(), environment: Environment::default(), limits: HttpLimits::default() };
    let config = match Config::parse(text, FILE) {
        Ok(config) => config,
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with(FILE) && error.lines().count() == 1, "{error:?}");
            return;
        }
    };
    let file = config.store.clone();
    if source.set_up(config).is_ok() {
        let key = source.environment.key_sources(&file, Path::new("/nowhere"));
        assert!(config_report::report(&source, text, &[], &key).ends_with('\n'));
    }
});
