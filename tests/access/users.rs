//! The users of these stories, the groups they are in, and this program as one of them.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::programs::{Home, Rosterd};
use crate::support::{LIMIT, limit};

pub const ANA: u32 = 54_001;
pub const BO: u32 = 54_002;
pub const VI: u32 = 54_003;
pub const NO: u32 = 54_004;
const USERS: [(&str, u32); 4] = [("ana", ANA), ("bo", BO), ("vi", VI), ("no", NO)];

pub const ROLES: &str = "[access]\nviewer = [\"group:t-view\"]\nanalyst = [\"group:t-work\"]\nadmin = [\"user:ana\"]\n";

/// A home that other users can look into, with users and groups of its own.
pub fn home(config: &str) -> Home {
    let home = Home::new(config);
    std::fs::set_permissions(home.path(""), std::fs::Permissions::from_mode(0o711)).expect("a mode");
    let own = |name: &str, (user, uid): (&str, u32)| match name {
        "passwd" => format!("{user}:x:{uid}:{uid}::/nowhere:/bin/false\n"),
        _ => format!("{user}:x:{uid}:\n"),
    };
    for name in ["passwd", "group"] {
        let hosts = std::fs::read_to_string(format!("/etc/{name}")).expect("a host has it");
        let more: String = USERS.map(|user| own(name, user)).concat();
        std::fs::write(home.path(name), format!("{hosts}{more}")).expect("a file");
    }
    set_groups(&home, &[("t-work", "bo"), ("t-view", "vi")]);
    home
}

/// Gives the groups these members. The file stays the same one, which is mounted.
pub fn set_groups(home: &Home, groups: &[(&str, &str)]) {
    let text = std::fs::read_to_string(home.path("group")).expect("a file");
    let others = text.lines().filter(|line| !line.starts_with("t-")).map(|line| format!("{line}\n"));
    let own = (54_100..).zip(groups).map(|(gid, (name, members))| format!("{name}:x:{gid}:{members}\n"));
    let text: String = others.chain(own).collect();
    let mut file = std::fs::File::options().write(true).truncate(true).open(home.path("group")).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

pub async fn start(home: &Home) -> Rosterd {
    let (passwd, group) = (home.path("passwd"), home.path("group"));
    home.start_as(home.rosterd_with(&[(&passwd, "/etc/passwd"), (&group, "/etc/group")])).await
}

pub fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("only root can be other users");
    }
    is_root
}

/// This program once more as another user: the test of this name, which prints lines.
pub struct Other {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Other {
    pub fn run(test: &str, uid: u32, socket: &Path) -> Self {
        // Through the kernel's own link: no other user needs to reach the directory of the build.
        let mut command = Command::new("/proc/self/exe");
        command.args(["--exact", &format!("access::{test}"), "--nocapture", "--ignored"]).env("ROSTER_AT", socket);
        command.uid(uid).gid(uid).current_dir("/").kill_on_drop(true).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { lines, _child: child }
    }

    /// The next line of the story's own; `None` when it has ended.
    pub async fn said(&mut self) -> Option<String> {
        let said = async {
            while let Some(line) = self.lines.next_line().await.expect("text") {
                if let Some(said) = line.split_once("said: ").map(|(_, said)| said.to_owned()) {
                    return Some(said);
                }
            }
            None
        };
        tokio::time::timeout(limit(3 * LIMIT), said).await.expect("it says something in time")
    }
}

pub fn socket_of_another() -> PathBuf {
    std::env::var_os("ROSTER_AT").expect("another story runs this one").into()
}
