//! Reads files within a time limit: a disk or a mount that hangs stalls neither start nor reload nor end.

use std::path::Path;
use std::time::Duration;

use crate::process::config::ConfigError;

/// How long reading the config and the files that it names may take.
const LONGEST_READ: Duration = Duration::from_secs(10);

/// Does work that reads the config or files that it names, on a thread of its own: one that a disk keeps waiting takes none
/// from the runtime.
///
/// # Errors
/// The config's, when it takes too long or panics.
pub async fn in_time<T: Send + 'static>(
    config: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ConfigError> {
    let failed = |message: String| ConfigError { file: config.display().to_string(), line: None, message };
    let (done, result) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("config".to_owned());
    // The caller may have stopped waiting.
    let spawned = thread.spawn(move || drop(done.send(work())));
    spawned.map_err(|error| failed(format!("there is no thread to read it: {error}")))?;
    match tokio::time::timeout(LONGEST_READ, result).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(failed("reading it failed badly; the log has more".to_owned())),
        Err(_) => {
            let seconds = LONGEST_READ.as_secs();
            Err(failed(format!(
                "reading it and the files that it names took over {seconds} s: is a mount not responding?"
            )))
        }
    }
}

/// The same, blocking this thread; for a program that has no runtime yet.
///
/// # Errors
/// As [`in_time`].
pub fn in_time_now<T: Send + 'static>(
    config: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ConfigError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(in_time(config, work)),
        Err(error) => Err(ConfigError {
            file: config.display().to_string(),
            line: None,
            message: format!("there is nothing to read it with: {error}"),
        }),
    }
}
