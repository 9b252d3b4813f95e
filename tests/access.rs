//! Who may do what: real processes of different users at one daemon, which reads users and groups as the host has them.

pub mod methods;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::access::Role;
use roster_protocol::transport::{self, ConnectError};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::programs::{Home, Rosterd, until};
use crate::support::raw::{self, Raw};
use crate::support::{LIMIT, figure, idle, limit, times};

/// The users of these stories, and the groups that they are in.
const ANA: u32 = 54_001;
const BO: u32 = 54_002;
const VI: u32 = 54_003;
const NO: u32 = 54_004;
const USERS: [(&str, u32); 4] = [("ana", ANA), ("bo", BO), ("vi", VI), ("no", NO)];

const ROLES: &str = "[access]\nviewer = [\"group:t-view\"]\nanalyst = [\"group:t-work\"]\nadmin = [\"user:ana\"]\n";

/// A home that other users can look into, with users and groups of its own.
fn home(config: &str) -> Home {
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
fn set_groups(home: &Home, groups: &[(&str, &str)]) {
    let text = std::fs::read_to_string(home.path("group")).expect("a file");
    let others = text.lines().filter(|line| !line.starts_with("t-")).map(|line| format!("{line}\n"));
    let own = (54_100..).zip(groups).map(|(gid, (name, members))| format!("{name}:x:{gid}:{members}\n"));
    let text: String = others.chain(own).collect();
    let mut file = std::fs::File::options().write(true).truncate(true).open(home.path("group")).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

async fn start(home: &Home) -> Rosterd {
    let (passwd, group) = (home.path("passwd"), home.path("group"));
    home.start_as(home.rosterd_with(&[(&passwd, "/etc/passwd"), (&group, "/etc/group")])).await
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("only root can be other users");
    }
    is_root
}

/// This program once more as another user: the test of this name, which prints lines.
struct Other {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Other {
    fn run(test: &str, uid: u32, socket: &Path) -> Self {
        // Through the kernel's own link: no other user needs to reach the directory of the build.
        let mut command = Command::new("/proc/self/exe");
        command.args(["--exact", &format!("access::{test}"), "--nocapture", "--ignored"]).env("ROSTER_AT", socket);
        command.uid(uid).gid(uid).current_dir("/").kill_on_drop(true).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("this program runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { lines, _child: child }
    }

    /// The next line of the story's own; `None` when it has ended.
    async fn said(&mut self) -> Option<String> {
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

fn socket_of_another() -> std::path::PathBuf {
    std::env::var_os("ROSTER_AT").expect("another story runs this one").into()
}

/// How long a call may take that waits for something: it is permitted all the same.
const LONGEST_CALL: Duration = Duration::from_secs(3);

/// Calls every method, and says of each what became of it.
#[tokio::test]
#[ignore = "another story runs it as another user"]
async fn calls_every_method() {
    let socket = socket_of_another();
    let (_, _, verdict) = Raw::knock(&socket, raw::VERSION).await.expect("a reply");
    if verdict != raw::WELCOME {
        return println!("\nsaid: not let in: {verdict}");
    }
    for (_, request) in methods::all() {
        let name = methods::name(&request);
        // Each on a connection of its own, because what waits holds others up.
        let mut raw = Raw::connected(&socket).await;
        raw.send(&raw::call(1, LONGEST_CALL.as_millis() as u64, request)).await.expect("sent");
        // What has no response in time waits for something, and so was permitted.
        let response = tokio::time::timeout(LONGEST_CALL, raw.response()).await.ok().flatten();
        let is_refused = response.and_then(|response| response.message.ok()).is_some_and(methods::is_refused);
        let result = if is_refused { "refused" } else { "permitted" };
        println!("\nsaid: {name} {result}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_may_call_what_its_role_permits_and_nothing_else() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let _daemon = start(&home).await;
    let roles = [(VI, Some(Role::Viewer)), (BO, Some(Role::Analyst)), (ANA, Some(Role::Admin)), (NO, None)];
    for (uid, role) in roles {
        let mut other = Other::run("calls_every_method", uid, &home.socket());
        let Some(role) = role else {
            assert_eq!(other.said().await.as_deref(), Some("not let in: 3"));
            assert_eq!(other.said().await, None);
            continue;
        };
        for (needed, request) in methods::all() {
            let result = if role >= needed { "permitted" } else { "refused" };
            let expected = format!("{} {result}", methods::name(&request));
            assert_eq!(other.said().await, Some(expected), "{role}");
        }
    }
    // What was refused is counted, and some of it is in the audit log.
    let audit = home.json(&["audit"]).await;
    let refused = |it: &serde_json::Value| it["action"] == "access.refuse";
    let lines = audit["entries"].as_array().expect("entries").iter().filter(|it| refused(it)).count();
    assert!((3..=12).contains(&lines), "{lines} lines: {audit}");
}

/// Connects, works, and says when it is let out and what it gets when it connects again.
#[tokio::test]
#[ignore = "another story runs it as another user"]
async fn stays_until_it_is_let_out() {
    let socket = socket_of_another();
    let client = transport::connect(&socket).await.expect("it is let in");
    let role = async || client.status(transport::within(LIMIT)).await.expect("a response").expect("a status").role;
    let first = role().await;
    println!("\nsaid: in as {}", first.expect("it has one"));
    // Status is what the terminal UI requests, too.
    let ended =
        until("it is let out, or has another role", async || match client.status(transport::within(LIMIT)).await {
            Ok(Ok(status)) if status.role == first => None,
            Ok(status) => Some(format!("now {}", status.expect("a status").role.expect("a role"))),
            Err(_) => Some("out".to_owned()),
        });
    println!("\nsaid: {}", ended.await);
    match transport::connect(&socket).await {
        Ok(_) => println!("\nsaid: in again"),
        Err(ConnectError::NotPermitted { turn_to, .. }) => println!("\nsaid: {}", turn_to.expect("whom to turn to")),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_group_is_let_out_and_who_changes_it_has_another_role() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let daemon = start(&home).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&home.socket()), mode(&home.path("run"))), (0o666, 0o755));
    let mut bo = Other::run("stays_until_it_is_let_out", BO, &home.socket());
    let mut vi = Other::run("stays_until_it_is_let_out", VI, &home.socket());
    assert_eq!(bo.said().await.as_deref(), Some("in as analyst"));
    assert_eq!(vi.said().await.as_deref(), Some("in as viewer"));
    set_groups(&home, &[("t-work", "vi"), ("t-view", "")]);
    // Without a reload it takes up to a minute, which the long form waits for.
    let begun = Instant::now();
    if times(0, 1) == 0 {
        daemon.signal(Signal::SIGHUP);
    }
    assert_eq!(bo.said().await.as_deref(), Some("out"));
    assert_eq!(vi.said().await.as_deref(), Some("now analyst"));
    assert!(begun.elapsed() < limit(Duration::from_secs(60)), "{:?}", begun.elapsed());
    let whom =
        "ask to be added to the group `t-view` (viewer) or the group `t-work` (analyst); that counts within a minute";
    assert_eq!(bo.said().await.as_deref(), Some(whom));
    assert_eq!(vi.said().await.as_deref(), Some("in again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_gives_and_takes_roles_and_the_modes_follow() {
    if !is_root() {
        return;
    }
    let home = home("");
    let daemon = start(&home).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let modes = || (mode(&home.socket()), mode(&home.path("run")));
    assert_eq!(modes(), (0o600, 0o700), "as it always was");
    let access = home.json(&["access"]).await;
    assert_eq!((&access["you"]["role"], &access["configured"]), (&"admin".into(), &false.into()));
    home.configure(ROLES);
    daemon.signal(Signal::SIGHUP);
    until("the socket is open to all", async || (modes() == (0o666, 0o755)).then_some(())).await;
    let mut vi = Other::run("stays_until_it_is_let_out", VI, &home.socket());
    assert_eq!(vi.said().await.as_deref(), Some("in as viewer"));
    let access = home.json(&["access"]).await;
    let given = access["roles"].as_array().expect("a list").iter().find(|it| it["to"] == "group:t-view");
    let given = given.expect("it is listed");
    assert_eq!((&given["role"], &given["members"]), (&"viewer".into(), &serde_json::json!(["vi"])));
    assert!(given["from"].as_str().is_some_and(|from| from.ends_with("rosterd.toml:4")), "{given}");
    home.configure("");
    daemon.signal(Signal::SIGHUP);
    assert_eq!(vi.said().await.as_deref(), Some("out"));
    until("the socket is closed again", async || (modes() == (0o600, 0o700)).then_some(())).await;
}

/// Sends requests as fast as they are returned, on all the connections that it gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another story runs it as another user"]
async fn sends_at_full_speed() {
    let socket = socket_of_another();
    let mut clients = Vec::new();
    while let Ok(client) = transport::connect(&socket).await {
        clients.push(client);
    }
    println!("\nsaid: {} connections", clients.len());
    let sending = clients.iter().flat_map(|client| (0..4).map(move |_| client)).map(async |client| {
        loop {
            let query = Default::default();
            if client.influencers(transport::within(LIMIT), query).await.is_err() {
                return;
            }
        }
    });
    futures::future::join_all(sending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_at_full_speed_does_not_hold_up_another() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let daemon = start(&home).await;
    for number in 0..times(100, 1000) {
        let new = roster_protocol::NewInfluencer {
            name: format!("Mara {number}"),
            accounts: Vec::new(),
            tags: Vec::new(),
            note: None,
        };
        daemon.client.add(transport::within(LIMIT), new).await.expect("a response").expect("added");
    }
    let mut bo = Other::run("sends_at_full_speed", BO, &home.socket());
    assert_eq!(bo.said().await.as_deref(), Some("24 connections"));
    let mut took = Vec::new();
    for _ in 0..times(200, 3000) {
        let begun = Instant::now();
        daemon.client.status(transport::within(LIMIT)).await.expect("a response").expect("a status");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    figure(format!("beside 24 clients of another user at full speed a request is returned within {p99:?} (p99)"));
    assert!(p99 < limit(idle(Duration::from_millis(40))), "{p99:?}");
}
