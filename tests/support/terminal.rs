//! A program in a terminal that a story sees, types on, resizes and takes away.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::programs::until;

/// A program, and its terminal. The terminal is not the program's controlling one: no signal says that it is gone.
pub struct Terminal {
    child: Child,
    /// Both ends; `None` once it is gone.
    ends: Option<(File, OwnedFd)>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that was printed.
    printed: Arc<Mutex<Vec<u8>>>,
    /// Whether anyone reads what is printed.
    reads: Arc<AtomicBool>,
}

/// Both ends of a terminal; no program that another story starts inherits one.
fn open() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((master, slave))
}

fn winsize((columns, rows): (u16, u16)) -> Winsize {
    Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }
}

fn size((columns, rows): (u16, u16)) -> (NonZero<u16>, NonZero<u16>) {
    (NonZero::new(rows).expect("rows"), NonZero::new(columns).expect("columns"))
}

impl Terminal {
    /// Starts a command in a terminal of this many columns and rows, in a job of its own.
    pub fn start(mut command: std::process::Command, columns_rows: (u16, u16)) -> Self {
        use std::os::unix::process::CommandExt;
        let (master, slave) = open().expect("a terminal");
        tcsetwinsize(&master, winsize(columns_rows)).expect("a size");
        let end = || slave.try_clone().expect("a descriptor");
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color").process_group(0);
        let child = command.spawn().expect("it starts");
        // The command keeps its copies otherwise.
        drop(command);
        let (rows, columns) = size(columns_rows);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let reads = Arc::new(AtomicBool::new(true));
        let master = File::from(master);
        let reader = master.try_clone().expect("a descriptor");
        let printed = Arc::new(Mutex::new(Vec::new()));
        read(reader, screen.clone(), printed.clone(), reads.clone());
        Self { child, ends: Some((master, slave)), screen, printed, reads }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub fn signal(&self, signal: Signal) {
        signal::kill(self.pid(), signal).expect("it was there");
    }

    /// Types bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        let (master, _) = self.ends.as_mut().expect("a terminal");
        master.write_all(bytes).expect("typed");
    }

    pub fn resize(&self, columns_rows: (u16, u16)) {
        let (master, _) = self.ends.as_ref().expect("a terminal");
        tcsetwinsize(master, winsize(columns_rows)).expect("resized");
        let (rows, columns) = size(columns_rows);
        self.screen.lock().expect("whole").screen_mut().set_size(rows, columns);
        self.signal(Signal::SIGWINCH);
    }

    /// No one reads what is printed any more.
    pub fn stop_reading(&self) {
        self.reads.store(false, Ordering::SeqCst);
    }

    /// Takes the terminal away.
    pub fn vanish(&mut self) {
        self.stop_reading();
        self.ends = None;
    }

    /// The lines on the screen.
    pub fn contents(&self) -> String {
        let contents = self.screen.lock().expect("whole").screen().contents();
        contents.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// Whether these bytes were printed, such as those that a screen does not show.
    pub fn has_printed(&self, bytes: &[u8]) -> bool {
        self.printed.lock().expect("whole").windows(bytes.len()).any(|window| window == bytes)
    }

    /// Waits until the screen is so.
    pub async fn see(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let seen = until(what, async || is_so(&self.contents()).then_some(()));
        if tokio::time::timeout(super::limit(super::LIMIT), seen).await.is_err() {
            panic!("{what}:\n{}", self.contents());
        }
    }

    /// Whether the program has taken the terminal: its alternate screen, and keys as they are typed.
    pub fn is_taken(&self) -> bool {
        let (_, slave) = self.ends.as_ref().expect("a terminal");
        let modes = tcgetattr(slave).expect("modes").local_modes;
        let is_raw = !modes.intersects(LocalModes::ICANON | LocalModes::ECHO);
        let screen = self.screen.lock().expect("whole");
        is_raw && screen.screen().alternate_screen()
    }

    /// Whether it is as a shell wants it.
    pub fn is_given_back(&self) -> bool {
        let (_, slave) = self.ends.as_ref().expect("a terminal");
        let modes = tcgetattr(slave).expect("modes").local_modes;
        let is_cooked = modes.contains(LocalModes::ICANON | LocalModes::ECHO);
        let screen = self.screen.lock().expect("whole");
        let screen = screen.screen();
        is_cooked && !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
    }

    /// Whether the program is stopped.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it lives");
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// Waits for the program's end.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let child = &mut self.child;
        let ended = until("it ends", async || child.try_wait().expect("it is ours"));
        tokio::time::timeout(super::limit(within), ended).await.expect("it ends in time")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop_reading();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what is printed, in a thread that ends with the terminal or when it is no longer wanted.
fn read(mut master: File, screen: Arc<Mutex<vt100::Parser>>, printed: Arc<Mutex<Vec<u8>>>, reads: Arc<AtomicBool>) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    std::thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while reads.load(Ordering::SeqCst) {
            if poll(&mut [PollFd::new(&master, PollFlags::IN)], Some(&moment)) == Ok(0) {
                continue;
            }
            let Ok(length @ 1..) = master.read(&mut bytes) else { return };
            printed.lock().expect("whole").extend_from_slice(&bytes[..length]);
            screen.lock().expect("whole").process(&bytes[..length]);
        }
    });
}
