//! The log: where it is written, in which format and at which level. The level can be changed while the daemon runs.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use parking_lot::Mutex;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use crate::process::environment::Environment;

/// The variables that override the config.
pub const LEVEL: &str = "LOG_LEVEL";
pub const FORMAT: &str = "LOG_FORMAT";

/// `[log]`: at which level and in which format the daemon logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or a filter in the syntax of tracing.
    pub level: String,
    /// `None`: the journal's format when stderr is connected to the journal, else lines of text.
    pub format: Option<Format>,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: None }
    }
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line of text for each event, on stderr.
    Standard,
    /// A JSON object for each event, one per line, on stderr.
    Json,
    /// Like `Standard`, for systemd's journal: each line begins with its priority and omits the time, which the journal adds.
    Journal,
}

impl Format {
    /// The word in the config and in `LOG_FORMAT`.
    pub fn as_str(self) -> &'static str {
        ["standard", "json", "journal"][self as usize]
    }

    fn of(word: &str) -> Option<Self> {
        let all = [Self::Standard, Self::Json, Self::Journal];
        all.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(word))
    }
}

/// The log of this process.
pub struct Logs {
    filter: reload::Handle<Targets, Registry>,
    /// The level that the environment sets, which overrides the config.
    overriding: Option<String>,
    level: Mutex<String>,
}

impl Logs {
    /// Begins to log. A process has one log: while the first exists, a second one has no influence.
    pub fn start(log: &Log, environment: &Environment) -> Self {
        let overriding = environment.variable(LEVEL).map(str::to_owned);
        let level = overriding.clone().unwrap_or_else(|| log.level.clone());
        let parsed = filter(&level);
        let (filter, handle) =
            reload::Layer::new(parsed.unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO)));
        let _ = tracing_subscriber::registry().with(filter).with(layer(format(log, environment))).try_init();
        log_panics();
        let level = Mutex::new(level);
        Self { filter: handle, overriding, level }
    }

    /// The level or filter in use.
    pub fn level(&self) -> String {
        self.level.lock().clone()
    }

    /// Sets the level or filter from now on.
    ///
    /// # Errors
    /// When `level` is neither; nothing has changed then.
    pub fn set(&self, level: &str) -> Result<(), String> {
        self.filter.reload(filter(level)?).map_err(|error| error.to_string())?;
        level.clone_into(&mut self.level.lock());
        Ok(())
    }

    /// Takes the level of a config that was loaded again, unless the environment overrides it.
    ///
    /// # Errors
    /// As [`Logs::set`].
    pub fn follow(&self, log: &Log) -> Result<(), String> {
        self.set(self.overriding.as_deref().unwrap_or(&log.level))
    }
}

/// Logs panics as events in the log's format: the location, but not the message, which may contain secrets. A panic that
/// repeats, as over a damaged page, is logged at its 1st, 2nd, 4th, 8th occurrence and so on.
fn log_panics() {
    let counts = Mutex::new(BTreeMap::<String, u64>::new());
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let times = {
            let mut counts = counts.lock();
            let times = counts.entry(location.clone()).or_default();
            *times += 1;
            *times
        };
        if times.is_power_of_two() {
            tracing::error!(location, times, "panicked: what was being done is given up");
        }
    }));
}

/// Checks what the environment says about the log, which overrides the config.
///
/// # Errors
/// The variable whose value is none, and a sentence.
pub fn check(environment: &Environment) -> Result<(), (&'static str, String)> {
    if let Some(level) = environment.variable(LEVEL) {
        filter(level).map_err(|problem| (LEVEL, problem))?;
    }
    match environment.variable(FORMAT) {
        Some(word) if Format::of(word).is_none() => {
            Err((FORMAT, format!("{word:?} is no format: write standard, json or journal")))
        }
        _ => Ok(()),
    }
}

/// Parses a level or filter.
///
/// # Errors
/// A sentence, when it is neither.
pub fn filter(level: &str) -> Result<Targets, String> {
    // A single word that is no level would be taken for a module's name, and silence everything else.
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = levels.iter().any(|known| known.eq_ignore_ascii_case(level.trim()));
    // What is shown to one user may have been set by another: nothing in it may reach a terminal as a command.
    if !level.chars().all(|c| c.is_ascii_alphanumeric() || ":_=,-. ".contains(c)) {
        return Err(format!("{level:?} is no log level: a filter has letters, digits and _ : = , - . only"));
    }
    if !is_level && !level.contains('=') {
        return Err(format!("{level:?} is no log level: write error, warn, info, debug or trace"));
    }
    // An empty word would pass for a module or a level.
    if level.split([',', '=']).any(|word| word.trim().is_empty()) {
        return Err(format!("{level:?} is no log level: a part of it is empty"));
    }
    let targets: Targets = level.parse().map_err(|error| format!("{level:?} is no log level: {error}"))?;
    // tarpc warns of every client that disconnects during a call; we count and log those ourselves.
    Ok(targets.with_target("tarpc", LevelFilter::OFF))
}

/// The format that the environment or else the config sets; without one, the format that suits stderr.
pub fn format(log: &Log, environment: &Environment) -> Format {
    let configured = environment.variable(FORMAT).and_then(Format::of).or(log.format);
    configured.unwrap_or_else(|| match environment.variable("JOURNAL_STREAM") {
        Some(stream) if is_journal(stream) => Format::Journal,
        _ => Format::Standard,
    })
}

/// Whether stderr is the stream that systemd connected to the journal: a child may have another stderr.
fn is_journal(stream: &str) -> bool {
    let stderr = std::fs::metadata("/proc/self/fd/2");
    stderr.is_ok_and(|meta| stream == format!("{}:{}", meta.dev(), meta.ino()))
}

type AnyLayer<S> = Box<dyn Layer<S> + Send + Sync>;

fn layer<S>(format: Format) -> AnyLayer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    // When stderr refuses a line because its disk is full, reporting that on stderr would panic, in the store's writer, too.
    let lines = || fmt::layer().with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    match format {
        Format::Json => lines().json().flatten_event(true).boxed(),
        Format::Standard => lines().with_ansi(false).boxed(),
        Format::Journal => {
            let line = fmt::format().with_target(false).with_level(false).with_ansi(false).without_time();
            lines().with_ansi(false).event_format(Prioritized(line)).boxed()
        }
    }
}

/// Writes the priority before a line, as sd-daemon(3) specifies. The native protocol would keep the fields apart, where
/// readers of the journal do not see them.
struct Prioritized<Line>(Line);

impl<S, Fields, Line> FormatEvent<S, Fields> for Prioritized<Line>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    Fields: for<'a> FormatFields<'a> + 'static,
    Line: FormatEvent<S, Fields>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        let priority = match *event.metadata().level() {
            tracing::Level::ERROR => 3,
            tracing::Level::WARN => 4,
            tracing::Level::INFO => 6,
            _ => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_filter() {
        for good in ["info", "INFO", "trace", "off", "warn,rosterd=debug", "rosterd::sync=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in [
            "loud",
            "",
            "rosterd=loud",
            "info,=,",
            "info,\u{1b}]52;c;cm0=\u{7}\u{1b}[2J=debug",
            "info,x\n=debug",
            "ä=info",
        ] {
            let problem = filter(bad).expect_err(bad);
            assert!(!problem.contains(char::is_control), "{problem:?}");
        }
    }

    #[test]
    fn the_environment_is_checked_as_the_config_is() {
        let check = |name, value| check(&Environment::new(&[(name, value)], None)).map_err(|(name, _)| name);
        assert_eq!(check(LEVEL, "debug"), Ok(()));
        assert_eq!(check(LEVEL, "loud"), Err(LEVEL));
        assert_eq!(check(FORMAT, "JSON"), Ok(()));
        assert_eq!(check(FORMAT, "xml"), Err(FORMAT));
    }

    #[test]
    fn the_environment_overrides_the_config() {
        let log = Log { format: Some(Format::Json), ..Log::default() };
        assert_eq!(format(&log, &Environment::default()), Format::Json);
        assert_eq!(format(&log, &Environment::new(&[(FORMAT, "standard")], None)), Format::Standard);
        // Not our stream.
        let elsewhere = Environment::new(&[("JOURNAL_STREAM", "1:1")], None);
        assert_eq!(format(&Log::default(), &elsewhere), Format::Standard);
    }
}
