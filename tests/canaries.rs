//! No secret is anywhere but encrypted in the store and at the platform: searched for as it is, and in usual encodings.

use std::path::Path;

use nix::sys::signal::Signal;
use roster_protocol::consent::{ConsentMethod, ConsentState};
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::sync::SyncTarget;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, HookKind, HookOrder, Platform, Sandbox, Stage};

use crate::support::consent::{APPS, approve, open};
use crate::support::programs::{CommandOutput, Home, ROSTERD, Rosterd, alone, until};
use crate::support::{LIMIT, synced_at_will};

const PLATFORMS: [(Platform, &str); 4] = [
    (Platform::Youtube, "@mara"),
    (Platform::Tiktok, "mara"),
    (Platform::Instagram, "mara.gram"),
    (Platform::Facebook, "mara.page"),
];

/// Every encoding in which a secret may occur.
fn shapes(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut shapes = vec![secret.to_owned()];
    shapes.push(data_encoding::HEXLOWER.encode(bytes));
    shapes.push(data_encoding::HEXUPPER.encode(bytes));
    // In base64 a text looks different at each of three offsets; its inner part is the same with any neighbours.
    for skip in 0..3usize {
        let padded = [vec![b'x'; skip], bytes.to_vec()].concat();
        for text in [data_encoding::BASE64_NOPAD.encode(&padded), data_encoding::BASE64URL_NOPAD.encode(&padded)] {
            shapes.push(text[4..text.len() - 4].to_owned());
        }
    }
    shapes.push(percent(secret));
    shapes.sort();
    shapes.dedup();
    shapes
}

fn percent(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if safe(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What was looked through: a name, and bytes.
struct Pile(Vec<(String, Vec<u8>)>);

impl Pile {
    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.push((name.to_owned(), bytes));
    }

    fn put_dir(&mut self, dir: &Path, but: &[&str]) {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_file() && !but.iter().any(|name| path.ends_with(name)) {
                self.put(&path.display().to_string(), std::fs::read(&path).expect("a file"));
            }
        }
    }

    fn holds(&self, needle: &str) -> Vec<&str> {
        let needle = needle.as_bytes();
        let found = |(_, hay): &&(String, Vec<u8>)| hay.windows(needle.len()).any(|part| part == needle);
        self.0.iter().filter(found).map(|(name, _)| name.as_str()).collect()
    }
}

async fn connect(home: &Home, rosterd: &Rosterd, platform: Platform, handle: &str, pile: &mut Pile) {
    let (name, slug) = ("Mara".to_owned(), platform.slug().to_owned());
    let begun = rosterd.client.consent_begin(within(LIMIT), name, slug, ConsentMethod::Redirect, None).await;
    let begun = begun.expect("a response").expect("begun");
    let address = approve(&begun, handle, &[]).await;
    let (_, page) = open(&address).await;
    pile.put("the callback page", page.into_bytes());
    let state = loop {
        let state = rosterd.client.consent_state(within(LIMIT), begun.id).await.expect("a response").expect("ours");
        if state.is_settled() {
            break state;
        }
    };
    if let ConsentState::Choose(_) = state {
        let chosen = rosterd.client.consent_choose(within(LIMIT), begun.id, vec![handle.to_owned()]).await;
        chosen.expect("a response").expect("chosen");
    }
    pile.put("the consent's state", format!("{state:?}").into_bytes());
    let _ = home;
}

async fn sync_all(rosterd: &Rosterd) {
    let ticket = rosterd.client.sync(within(LIMIT), SyncTarget::All).await.expect("a response").expect("a ticket");
    until("all are synced", async || {
        let progress = rosterd.client.sync_progress(within(LIMIT), ticket, ticket.expected).await;
        progress.expect("a response").ok().filter(|progress| progress.done).map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_anywhere_but_sealed() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let public = format!("http://127.0.0.1:{port}");
    let http = format!("[http]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{public}\"\n");
    let home = Home::new(&format!("{http}{}{APPS}", synced_at_will(&sandbox)));
    let mut command = home.rosterd(&[]);
    command.env("LOG_LEVEL", "trace");
    let mut rosterd = home.start_as(command).await;
    let new = NewInfluencer { name: "Mara".to_owned(), ..NewInfluencer::default() };
    rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    let mut pile = Pile(Vec::new());
    for (platform, handle) in PLATFORMS {
        let edit = AccountEdit { followers: Some(5000), ..AccountEdit::default() };
        sandbox.world().put(platform, handle, &edit).expect("a possible account");
        connect(&home, &rosterd, platform, handle, &mut pile).await;
    }
    sync_all(&rosterd).await;
    // Failures print the most: every kind, at the token endpoints and at the numbers.
    for (platform, _) in PLATFORMS {
        for kind in
            [FaultKind::Garbage, FaultKind::Html, FaultKind::Truncated, FaultKind::ServerError, FaultKind::WrongTypes]
        {
            for at in [Stage::Token, Stage::Api] {
                sandbox.world().fault(Fault::new(platform, FaultKind::Expired));
                sandbox.world().fault(Fault { at: Some(at), ..Fault::new(platform, kind) });
            }
            sync_all(&rosterd).await;
            sandbox.world().clear_faults();
        }
    }
    // What platforms send, and what only looks so.
    until("the hub is asked", async || {
        sandbox.world().requests().iter().any(|request| request.path.contains("/subscribe")).then_some(())
    })
    .await;
    assert_eq!(sandbox.world().verify_subscriptions(&public).await.expect("sent")[0], 200);
    for (platform, handle) in PLATFORMS {
        for is_forged in [false, true] {
            let order = HookOrder { is_forged, ..HookOrder::new(platform, handle, HookKind::Changed, &public) };
            let responses = sandbox.world().send_hooks(&order).await.expect("sent");
            pile.put("a response to a platform", format!("{responses:?}").into_bytes());
        }
    }
    for arguments in [
        &["status"][..],
        &["list"],
        &["show", "Mara"],
        &["tokens"],
        &["platforms"],
        &["runs"],
        &["audit"],
        &["alerts"],
        &["changes"],
        &["doctor"],
        &["requests"],
        &["keys", "list"],
        &["access"],
        &["budgets"],
        &["export", "--influencer", "Mara"],
    ] {
        for json in [&[][..], &["--json"][..]] {
            let output = home.roster(&[arguments, json].concat()).await;
            pile.put(&format!("roster {arguments:?}"), [output.out, output.err].concat().into_bytes());
        }
    }
    let page = home.roster(&["export", "--influencer", "Mara", "--format", "html"]).await;
    assert_eq!(page.code, Some(0), "{page:?}");
    pile.put("the page for the person", page.out.into_bytes());
    for (platform, _) in PLATFORMS {
        let output = home.roster(&["platforms", "test", platform.slug(), "--json"]).await;
        pile.put("roster platforms test", [output.out, output.err].concat().into_bytes());
    }
    let (_, metrics) = open(&format!("http://127.0.0.1:{port}/metrics")).await;
    pile.put("/metrics", metrics.into_bytes());
    for name in ["environ", "cmdline"] {
        let bytes = std::fs::read(format!("/proc/{}/{name}", rosterd.pid())).expect("ours");
        pile.put(name, bytes);
    }
    // A backup that is encrypted to nobody, as its reader has it.
    let backup = home.path("a.backup");
    let file = backup.to_str().expect("a path in letters");
    let made = home.roster(&["backup", file]).await;
    let frames = zstd::decode_all(std::fs::File::open(&backup).expect("the backup")).expect("frames");
    pile.put("a backup", frames);
    pile.put("roster backup", [made.out, made.err].concat().into_bytes());
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success(), "{status}");
    let repaired = home.path("repaired");
    let state = home.state();
    let [state, new] = [&state, &repaired].map(|path| path.to_str().expect("a path in letters"));
    for arguments in [
        &["check", "--state-dir", state][..],
        &["check", "--json", "--state-dir", state],
        &["repair", "--json", "--state-dir", state, new],
    ] {
        let mut command = alone(ROSTERD, &home.path(""));
        command.args(arguments);
        let output = CommandOutput::of(command).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        pile.put(&format!("rosterd {arguments:?}"), [output.out, output.err].concat().into_bytes());
    }
    let effective = CommandOutput::of(home.rosterd(&["check-config", "--effective"])).await;
    assert_eq!(effective.code, Some(0), "{effective:?}");
    pile.put("rosterd check-config", [effective.out, effective.err].concat().into_bytes());
    pile.put_dir(&repaired, &[]);
    pile.put("the log", home.log().into_bytes());
    let key = std::fs::read_to_string(home.state().join("master.key")).expect("a key").trim().to_owned();
    pile.put_dir(&home.state(), &["master.key"]);

    let secrets = sandbox.world().secrets();
    let given = secrets.iter().filter(|secret| !secret.ends_with("-client-secret") && !secret.ends_with("-api-key"));
    let given: Vec<&String> = given.collect();
    assert!(given.len() >= 20, "{} codes and tokens are too few to prove anything", given.len());
    assert!(!pile.holds("mara.gram").is_empty(), "what is not secret is found: the search works");
    for secret in secrets.iter().chain([&key]) {
        for shape in shapes(secret) {
            let found = pile.holds(&shape);
            assert!(found.is_empty(), "a secret, as {shape:?}, is in {found:?}");
        }
    }
    for secret in given {
        // Not even the beginning of one; what all of a kind begin with says nothing.
        let random = secret.rsplit(['.', '|', '/']).next().unwrap_or(secret);
        let beginning: String = random.chars().take(8).collect();
        if beginning.len() == 8 && random.len() > 16 {
            let found = pile.holds(&beginning);
            assert!(found.is_empty(), "the beginning of a secret, {beginning:?}, is in {found:?}");
        }
    }
}
