//! Other programs that know something: each has a short time, and one that is not there knows nothing.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What a program printed, and whether it ended well.
pub struct Printed {
    pub well: bool,
    pub out: String,
    pub err: String,
}

/// Runs a program; `None` when it is not there or does not end in time.
pub async fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], longest: Duration) -> Option<Printed> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(longest, command.output()).await.ok()?.ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Printed { well: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_hangs_or_is_not_there_knows_nothing() {
        assert!(run("sleep", &["20"], Duration::from_millis(20)).await.is_none());
        assert!(run("no-such-program-of-roster", &[], Duration::from_secs(5)).await.is_none());
        let printed =
            run("sh", &["-c", "echo out; echo err >&2; exit 3"], Duration::from_secs(5)).await.expect("a shell");
        assert_eq!((printed.well, printed.out.as_str(), printed.err.as_str()), (false, "out\n", "err\n"));
    }
}
