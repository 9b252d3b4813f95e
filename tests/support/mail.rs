//! A mail server in the test's own process: plain SMTP over TCP, and each response can be another one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::LIMIT;

/// A message that was taken, or whose confirmation was kept back.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub content: String,
}

impl Mail {
    /// A header's value as it was sent, on one line.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    }
}

/// What the server does with a recipient's next messages, one after the other; then it takes them again.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// Refuses the recipient with this response.
    Refused(&'static str),
    /// Takes the content, and ends the connection without a response.
    Unconfirmed,
}

/// The server, until it is dropped.
pub struct MailServer {
    pub port: u16,
    treatments: Treatments,
    mails: watch::Receiver<Vec<Mail>>,
    accepting: tokio::task::JoinHandle<()>,
}

type Treatments = Arc<Mutex<BTreeMap<String, Vec<Treatment>>>>;

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let treatments = Treatments::default();
        let (sender, mails) = watch::channel(Vec::new());
        let (sender, known) = (Arc::new(sender), treatments.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, known) = (sender.clone(), known.clone());
                tokio::spawn(async move { serve(stream, &known, &sender).await });
            }
        });
        Self { port, treatments, mails, accepting }
    }

    /// `[channels.mail]` that sends to these, with more keys.
    pub fn channel(&self, to: &[&str], more: &str) -> String {
        format!(
            "\n[channels.mail]\nkind = \"email\"\nsmtp = \"smtp://127.0.0.1:{}?tls=none\"\n\
             from = \"Roster <roster@example.com>\"\nto = {to:?}\nwait = \"0s\"\n{more}\n",
            self.port
        )
    }

    /// What is done with a recipient's next messages.
    pub fn treat(&self, recipient: &str, treatments: &[Treatment]) {
        self.treatments.lock().expect("no test panicked").insert(recipient.to_owned(), treatments.to_vec());
    }

    /// Everything that arrived until now, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.borrow().clone()
    }

    /// The same as soon as there are so many.
    pub async fn wait_for(&mut self, count: usize) -> Vec<Mail> {
        let arrived = self.mails.wait_for(|mails| mails.len() >= count);
        tokio::time::timeout(LIMIT, arrived).await.expect("messages arrive in time").expect("the server runs").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, known: &Treatments, mails: &watch::Sender<Vec<Mail>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut to, mut is_confirmed) = (String::new(), true);
    respond(&mut stream, "220 mail.test").await?;
    loop {
        let line = read_line(&mut stream).await?;
        let command = line.get(..4).unwrap_or_default();
        match command {
            "RCPT" => {
                to = line.trim_start_matches("RCPT TO:<").trim_end_matches(['>', ' ']).to_owned();
                let next = known
                    .lock()
                    .expect("no test panicked")
                    .get_mut(&to)
                    .filter(|left| !left.is_empty())
                    .map(|left| left.remove(0));
                is_confirmed = !matches!(next, Some(Treatment::Unconfirmed));
                respond(&mut stream, if let Some(Treatment::Refused(with)) = next { with } else { "250 OK" }).await?;
            }
            "DATA" => {
                respond(&mut stream, "354 go on").await?;
                let mut content = String::new();
                loop {
                    let line = read_line(&mut stream).await?;
                    if line == "." {
                        break;
                    }
                    content.push_str(line.strip_prefix('.').unwrap_or(&line));
                    content.push_str("\r\n");
                }
                mails.send_modify(|mails| mails.push(Mail { to: to.clone(), content }));
                if !is_confirmed {
                    return None;
                }
                respond(&mut stream, "250 2.0.0 queued as Q1").await?;
            }
            "EHLO" => respond(&mut stream, "250-mail.test\r\n250 8BITMIME").await?,
            "QUIT" => return respond(&mut stream, "221 bye").await,
            _ => respond(&mut stream, "250 OK").await?,
        }
    }
}

async fn respond(stream: &mut BufReader<TcpStream>, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
