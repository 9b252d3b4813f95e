//! A bare reqwest program, the yardstick of `benches/sync.rs`: it fetches the URLs it is given, reads no word of them,
//! and stores nothing. It links nothing of ours: what we chose for us, such as an allocator, is not for the yardstick.
//!
//! Its first argument says how many syncs it makes at once. Its standard input holds the accounts' URLs, a line each,
//! then an empty line; from then on each line makes it fetch every account once, and print a line when done.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};

/// Requests of one sync: after the account's URL, the profile and the posts.
const REQUESTS: [&str; 2] = ["", "/statuses?limit=40&exclude_replies=true&exclude_reblogs=true"];

fn main() -> Result<()> {
    let at_once = std::env::args().nth(1).context("how many at once")?.parse()?;
    let mut lines = std::io::stdin().lock().lines();
    let mut accounts = Vec::new();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        accounts.push(line);
    }
    let accounts: Arc<[String]> = accounts.into();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let client = client()?;
    for line in lines {
        line?;
        runtime.block_on(fetch(&client, &accounts, at_once))?;
        println!("done");
    }
    Ok(())
}

fn client() -> Result<reqwest::Client> {
    // Only the first one of a process is installed, and there is no other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?)
}

async fn fetch(client: &reqwest::Client, accounts: &Arc<[String]>, at_once: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (client, next, accounts) = (client.clone(), Arc::clone(&next), Arc::clone(accounts));
            tokio::spawn(async move {
                while let Some(account) = accounts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for request in REQUESTS {
                        let body = client.get(format!("{account}{request}")).send().await?.bytes().await?;
                        ensure!(body.len() > 1000, "a body of {} bytes", body.len());
                    }
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
