//! A program under measurement: started, watched through `/proc`, ended with its owner.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use roster_protocol::RosterClient;
use roster_protocol::transport;

/// A child that is killed when its measurement ends.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The files of a daemon under measurement.
pub struct Paths {
    pub state: PathBuf,
    pub socket: PathBuf,
    pub config: PathBuf,
}

impl Paths {
    /// Paths in a directory, with this config.
    ///
    /// # Errors
    /// When the config cannot be written.
    pub fn in_dir(dir: &Path, config: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let paths =
            Self { state: dir.join("state"), socket: dir.join("rosterd.sock"), config: dir.join("rosterd.toml") };
        std::fs::write(&paths.config, config)?;
        Ok(paths)
    }

    /// The command that runs the program `rosterd` there; its log is written, to `/dev/null`.
    pub fn command(&self, rosterd: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(rosterd);
        command.args(["run", "--config"]).arg(&self.config).arg("--state-dir").arg(&self.state);
        command.arg("--socket").arg(&self.socket).stderr(Stdio::null());
        command
    }

    /// Waits until the daemon there responds.
    ///
    /// # Errors
    /// After 20 s.
    pub async fn wait_until_ready(&self) -> anyhow::Result<RosterClient> {
        let begun = Instant::now();
        loop {
            match transport::connect(&self.socket).await {
                Ok(client) => return Ok(client),
                Err(error) => {
                    anyhow::ensure!(begun.elapsed() < Duration::from_secs(20), "rosterd does not respond: {error}");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }
}

/// User and system time that a process has used, its ended threads included; the kernel counts hundredths of a second.
///
/// # Errors
/// When there is no such process.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the program's name, which may hold anything: state, 10 fields, then the two.
    let fields = text.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// What a process holds in memory, in MiB.
///
/// # Errors
/// When there is no such process.
pub fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    Ok(field(&status(pid), "VmRSS:")? as f64 / 1024.0)
}

/// The most a process has held in memory, in MiB.
///
/// # Errors
/// When there is no such process.
pub fn most_resident_mib(pid: u32) -> anyhow::Result<f64> {
    Ok(field(&status(pid), "VmHWM:")? as f64 / 1024.0)
}

/// How many threads a process has.
///
/// # Errors
/// When there is no such process.
pub fn threads(pid: u32) -> anyhow::Result<u64> {
    field(&status(pid), "Threads:")
}

/// How many descriptors a process has open.
///
/// # Errors
/// When there is no such process.
pub fn descriptors(pid: u32) -> anyhow::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

fn status(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/status"))
}

/// The number behind a name in a file of `/proc`.
///
/// # Errors
/// When there is none.
pub fn field(file: &Path, name: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}
