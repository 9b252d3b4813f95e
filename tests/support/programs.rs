//! The real programs as processes: started, waited for until they respond, called, ended, killed.
//!
//! Nothing here guesses how long something takes: it is checked again and again until it is so, with a limit.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use roster_protocol::RosterClient;
use roster_protocol::transport;
use roster_sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{LIMIT, limit};

pub const ROSTERD: &str = env!("CARGO_BIN_EXE_rosterd-under-test");
pub const ROSTER: &str = env!("CARGO_BIN_EXE_roster-under-test");
pub const SANDBOX: &str = env!("CARGO_BIN_EXE_roster-sandbox-under-test");
pub const DEMO: &str = env!("CARGO_BIN_EXE_roster-demo-under-test");

/// Looks until there is something to return; panics with `what` when that takes too long.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_or(what, look, String::new).await
}

/// The same; the panic says also what there is instead.
pub async fn until_or<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>, instead: impl FnOnce() -> String) -> T {
    // What hangs fails here; on a busy machine what is merely slow may take this long.
    let longest = limit(3 * LIMIT);
    let last = Instant::now() + longest;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if Instant::now() >= last {
            panic!("{what}: not within {longest:?}{}", instead());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A command that sees nothing of this machine but the directory it is given as its home.
pub fn alone(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).env("TMPDIR", home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A throw-away directory with a config, in which one daemon after another can run.
pub struct Home {
    dir: TempDir,
}

impl Home {
    /// A home with this config, and without HTTP unless the config has a section for it.
    pub fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a throw-away directory");
        let home = Self { dir };
        home.configure(config);
        home
    }

    /// A home whose daemon reads the sandbox.
    pub fn before(sandbox: &Sandbox) -> Self {
        let key = "[platforms.youtube]\napi_key = \"youtube-api-key\"\n";
        Self::new(&format!("{}{key}", super::synced_at_will(sandbox)))
    }

    /// Gives it another config.
    pub fn configure(&self, config: &str) {
        let http = if config.contains("[http]") { "" } else { "[http]\nlisten = \"off\"\n" };
        std::fs::write(self.config(), format!("{http}{config}")).expect("a config");
        // It may hold secrets.
        std::fs::set_permissions(self.config(), std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("rosterd.toml")
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn socket(&self) -> PathBuf {
        self.path("run").join("rosterd.sock")
    }

    /// What daemons have logged here so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("rosterd.log")).unwrap_or_default()
    }

    /// `rosterd` over this home, with more arguments; it logs to a file here.
    pub fn rosterd(&self, arguments: &[&str]) -> Command {
        let mut command = alone(ROSTERD, self.dir.path());
        self.fill(&mut command, arguments);
        command
    }

    /// The same after a line of shell, such as `umask 000`.
    pub fn rosterd_after(&self, shell: &str) -> Command {
        let mut command = alone("/bin/sh", self.dir.path());
        command.arg("-c").arg(format!("{shell}; exec \"$0\" \"$@\"")).arg(ROSTERD);
        self.fill(&mut command, &[]);
        command
    }

    /// `rosterd` in a mount namespace of its own, with these files in place of the host's; only root can.
    pub fn rosterd_with(&self, files: &[(&Path, &str)]) -> Command {
        let mounts: Vec<String> =
            files.iter().map(|(own, hosts)| format!("mount --bind {} {hosts}", own.display())).collect();
        let mut command = alone("unshare", self.dir.path());
        command.args(["--mount", "/bin/sh", "-c"]);
        command.arg(format!("{} && exec \"$0\" \"$@\"", mounts.join(" && "))).arg(ROSTERD);
        self.fill(&mut command, &[]);
        command
    }

    fn fill(&self, command: &mut Command, arguments: &[&str]) {
        let log = File::options().create(true).append(true).open(self.path("rosterd.log")).expect("a log");
        command.stderr(log).args(arguments);
        let paths = [("--config", self.config()), ("--state-dir", self.state()), ("--socket", self.socket())];
        for (flag, home) in paths.into_iter().filter(|(flag, _)| !arguments.contains(flag)) {
            command.arg(flag).arg(home);
        }
    }

    /// Starts `rosterd` and waits until it responds.
    pub async fn start(&self) -> Rosterd {
        self.start_as(self.rosterd(&[])).await
    }

    /// The same with the caller's own command.
    pub async fn start_as(&self, mut command: Command) -> Rosterd {
        let begun = Instant::now();
        let mut child = command.spawn().expect("rosterd starts");
        let client = until("rosterd responds", async || {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("rosterd ended with {status}:\n{}", self.log());
            }
            transport::connect(&self.socket()).await.ok()
        });
        Rosterd { client: client.await, ready_after: begun.elapsed(), child }
    }

    /// `roster` with these arguments.
    pub async fn roster(&self, arguments: &[&str]) -> CommandOutput {
        let mut command = alone(ROSTER, self.dir.path());
        command.args(arguments).arg("--socket").arg(self.socket());
        CommandOutput::of(command).await
    }

    /// `roster … --json`, understood; the command must end well.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.roster(&[arguments, &["--json"]].concat()).await;
        assert_eq!(output.code, Some(0), "roster {arguments:?}: {output:?}");
        output.json()
    }
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct CommandOutput {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl CommandOutput {
    /// Runs a command to its end.
    pub async fn of(mut command: Command) -> Self {
        let ended = tokio::time::timeout(LIMIT, command.output()).await.expect("it ends in time").expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running `rosterd`; killed when dropped.
pub struct Rosterd {
    pub client: RosterClient,
    /// From being started to letting the first client in.
    pub ready_after: Duration,
    child: Child,
}

impl Rosterd {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().expect("it has not been waited for") as i32)
    }

    pub fn signal(&self, signal: Signal) {
        signal::kill(self.pid(), signal).expect("it was there");
    }

    /// Sends a signal after a while, without blocking.
    pub fn signal_after(&self, delay: Duration, with: Signal) {
        let pid = self.pid();
        if delay.is_zero() {
            return self.signal(with);
        }
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            signal::kill(pid, with).expect("it has not been waited for yet");
        });
    }

    /// Waits for its end.
    pub async fn gone(&mut self) -> ExitStatus {
        tokio::time::timeout(LIMIT, self.child.wait()).await.expect("it ends in time").expect("it was ours")
    }

    /// Ends it with a signal and waits; returns how it ended and how long that took.
    pub async fn end(&mut self, with: Signal) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal(with);
        (self.gone().await, begun.elapsed())
    }

    /// A line of its memory in KiB: `VmRSS` is now, `VmHWM` the most so far.
    pub fn memory_kib(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it lives");
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')).expect("a value");
        value.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Lets the most memory so far begin anew from what is in use now.
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("it lives, and is ours");
    }

    /// How long it has kept processors busy.
    pub fn busy(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it lives");
        // The name in parentheses may hold anything; behind it, user and system time are the 12th and 13th field.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks");
        // A hundredth of a second each, on every Linux.
        Duration::from_millis(ticks * 10)
    }
}

/// Something mounted for as long as this lives; only root can, so only the long forms do.
pub struct Mount(pub PathBuf);

impl Mount {
    /// A directory under another name.
    pub fn bind(of: &Path, at: &Path) -> Self {
        Self::new(&["--bind".as_ref(), of.as_os_str()], at)
    }

    /// A disk of its own, in memory, that holds this much.
    pub fn small_disk(at: &Path, size: &str) -> Self {
        let options = format!("size={size},mode=700");
        Self::new(&["-t", "tmpfs", "-o", &options, "small"].map(OsStr::new), at)
    }

    fn new(arguments: &[&OsStr], at: &Path) -> Self {
        std::fs::create_dir_all(at).expect("a directory");
        let mounted = std::process::Command::new("mount").args(arguments).arg(at).status().expect("mount runs");
        assert!(mounted.success(), "only root can mount: run the long forms as root");
        Self(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that still has a file open there keeps it.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
