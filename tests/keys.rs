//! The master key: made once, required ever after, and never guessed.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::limit;
use crate::support::programs::{CommandOutput, Home, ROSTERD, alone};

/// Every file of the state directory with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file"))).collect();
    files.sort();
    files
}

/// A home in which a daemon has run once; returns the key's id as it was logged.
async fn lived() -> (Home, String) {
    let home = Home::new("");
    home.start().await.end(Signal::SIGTERM).await;
    let log = home.log();
    let id = log.split("key=").nth(1).expect("the log names the key").chars().take(16).collect();
    (home, id)
}

async fn refused(home: &Home, words: &[&str]) {
    let before = files(&home.state());
    let begun = Instant::now();
    let output = CommandOutput::of(home.rosterd(&[])).await;
    assert!(begun.elapsed() < limit(Duration::from_secs(1)), "{:?}", begun.elapsed());
    assert_eq!(output.code, Some(78), "{output:?}");
    for word in words {
        assert!(output.err.contains(word), "{word:?} in {output:?}");
    }
    assert_eq!(files(&home.state()), before, "nothing was touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_with_the_store_and_required_ever_after() {
    let (home, id) = lived().await;
    let file = home.state().join("master.key");
    let meta = std::fs::metadata(&file).expect("a key");
    assert_eq!((meta.mode() & 0o777, meta.nlink(), meta.len()), (0o600, 1, 65));
    assert!(home.log().contains("back it up"), "{}", home.log());
    home.start().await.end(Signal::SIGTERM).await;
    assert_eq!(home.log().matches("a master key was made").count(), 1);

    let kept = home.path("kept.key");
    std::fs::rename(&file, &kept).expect("moved");
    refused(&home, &[&id, "roster-master-key", "ENCRYPTION_KEY"]).await;

    let printed = CommandOutput::of({
        let mut command = alone(ROSTERD, &home.path(""));
        command.arg("keygen");
        command
    });
    let other = printed.await.out;
    assert!(other.trim().len() == 64 && other.trim().bytes().all(|byte| byte.is_ascii_hexdigit()), "{other:?}");
    std::fs::write(&file, &other).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("mode");
    refused(&home, &[&id, "master.key"]).await;
    std::fs::write(&file, "short").expect("written");
    refused(&home, &["64 hexadecimal digits"]).await;
    std::fs::remove_file(&file).expect("gone");
    std::os::unix::fs::symlink(&kept, &file).expect("a link");
    let output = CommandOutput::of(home.rosterd(&[])).await;
    assert_eq!(output.code, Some(78), "{}", home.log());
    std::fs::remove_file(&file).expect("gone");

    // The right key from anywhere is good.
    let text = std::fs::read_to_string(&kept).expect("the key");
    let mut command = home.rosterd(&[]);
    command.env("ENCRYPTION_KEY", text.trim());
    home.start_as(command).await.end(Signal::SIGTERM).await;
    home.configure(&format!("[store]\nmaster_key_file = \"{}\"\n", kept.display()));
    home.start().await.end(Signal::SIGTERM).await;
    let credentials = home.path("credentials");
    std::fs::create_dir(&credentials).expect("made");
    std::fs::copy(&kept, credentials.join("roster-master-key")).expect("copied");
    home.configure("");
    let mut command = home.rosterd(&[]);
    command.env("CREDENTIALS_DIRECTORY", &credentials);
    home.start_as(command).await.end(Signal::SIGTERM).await;
    assert!(!file.exists(), "none was made again");
}
