//! Exchanges with a mail server that follows a script.

use std::sync::Arc;
use std::time::Duration;

use roster_protocol::time::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::config::{Login, MailServer, MailTls};
use super::connection::Timeouts;
use super::*;
use crate::delivery::channels::MessageKind;
use crate::secret::Secret;

/// What a server says instead of what it usually does, by the beginning of a line; `close` ends the connection, `silence`
/// says nothing.
type Script = &'static [(&'static str, &'static str)];

const HELLO: &str = "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN";

/// A server, and what it was sent.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn following(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let lines = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = serve(stream, script, &lines).await;
            }
        });
        Self { port, heard }
    }

    fn channel(&self, tls: MailTls, login: Option<&str>) -> EmailChannel {
        let server = MailServer { host: "127.0.0.1".to_owned(), port: self.port, tls };
        let login = login.map(|password| Login { username: "ana".to_owned(), password: Secret::new(password) });
        let short = Duration::from_millis(200);
        let timeouts = Timeouts { connect: short, command: short, content: short };
        EmailChannel {
            connector: Connector::new(server, login, None).with_timeouts(timeouts),
            from: "Roster <roster@example.com>".parse().expect("an address"),
            to: vec!["ana@example.com".parse().expect("an address")],
            zone: TimeZone::UTC,
        }
    }

    /// The lines that clients sent, in one text.
    async fn heard(&self) -> String {
        self.heard.lock().await.join("\n")
    }
}

async fn serve(stream: TcpStream, script: Script, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let scripted = |line: &str| script.iter().find(|(begins, _)| line.starts_with(begins)).map(|(_, says)| *says);
    let mut is_content = false;
    let mut line = "GREETING".to_owned();
    loop {
        let usual = match line.get(..4).unwrap_or_default() {
            _ if is_content && line != "." => "silence",
            _ if is_content => "250 2.0.0 queued as Q1",
            "GREE" => "220 mail.test",
            "EHLO" => HELLO,
            "AUTH" => "235 2.7.0 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 OK",
        };
        is_content = (is_content && line != ".") || line == "DATA";
        match scripted(&line).unwrap_or(usual) {
            "close" => return Ok(()),
            "silence" => {}
            says => stream.write_all(format!("{says}\r\n").as_bytes()).await?,
        }
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        line.truncate(line.trim_end().len());
        heard.lock().await.push(line.clone());
    }
}

fn message() -> Message {
    let at = Timestamp(1_795_262_400_000);
    Message { id: "a1b2".to_owned(), kind: MessageKind::Test, at, alerts: Vec::new(), points: Vec::new() }
}

async fn sent(channel: &EmailChannel) -> Result<String, SendError> {
    channel.send_to(&message(), &channel.to[0]).await
}

#[tokio::test]
async fn a_message_has_the_headers_that_it_needs() {
    let server = Server::following(&[]).await;
    let channel = server.channel(MailTls::None, Some("hunter2"));
    assert_eq!(sent(&channel).await, Ok("2.0.0 queued as Q1".to_owned()));
    let heard = server.heard().await;
    for line in [
        "MAIL FROM:<roster@example.com>",
        "RCPT TO:<ana@example.com>",
        "From: Roster <roster@example.com>",
        "To: ana@example.com",
        "Date: Sat, 21 Nov 2026 12:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "Subject: Roster: a test message",
    ] {
        assert!(heard.lines().any(|heard| heard == line), "{line} is not in\n{heard}");
    }
    let id = |heard: &str| heard.lines().find(|line| line.starts_with("Message-ID: <a1b2.")).map(str::to_owned);
    let first = id(&heard).expect("an id");
    assert!(first.ends_with("@example.com>"), "{first}");
    server.heard.lock().await.clear();
    sent(&channel).await.expect("taken");
    assert_eq!(id(&server.heard().await), Some(first), "the same on every attempt");
}

#[tokio::test]
async fn each_step_that_fails_means_something_else() {
    let check = async |script: Script, kind: &str, part: &str| {
        let server = Server::following(script).await;
        let error = sent(&server.channel(MailTls::None, Some("hunter2"))).await.expect_err(part);
        let found = match error {
            SendError::Later { .. } => "later",
            SendError::Unsure { .. } => "unsure",
            SendError::Refused { disables: false, .. } => "refused",
            SendError::Refused { .. } => "disables",
        };
        assert!(found == kind && error.to_string().contains(part), "{kind}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    };
    check(&[("GREETING", "554 no service")], "later", "554 no service").await;
    check(&[("GREETING", "silence")], "later", "did not respond in time").await;
    check(&[("GREETING", "close")], "later", "cannot be reached").await;
    check(&[("AUTH", "535 5.7.8 hunter2 is wrong")], "refused", "refused the login (535)").await;
    check(&[("AUTH", "454 4.7.0 later")], "later", "no login at present").await;
    check(&[("AUTH", "silence")], "later", "login").await;
    check(&[("EHLO", "250 mail.test")], "refused", "login").await;
    check(&[("MAIL", "530 5.7.0 authenticate")], "refused", "wants a login").await;
    check(&[("RCPT", "451 4.7.1 greylisted")], "later", "451 4.7.1 greylisted").await;
    check(&[("RCPT", "550 5.1.1 no such user")], "refused", "550 5.1.1 no such user").await;
    check(&[("RCPT", "close")], "later", "took nothing").await;
    check(&[("DATA", "silence")], "later", "did not respond in time").await;
    check(&[(".", "452 4.3.1 full")], "later", "452 4.3.1 full").await;
    check(&[(".", "554 5.7.1 spam")], "refused", "554 5.7.1 spam").await;
    check(&[(".", "close")], "unsure", "did not confirm it").await;
    check(&[(".", "silence")], "unsure", "did not respond in time").await;
}

#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let server = Server::following(&[]).await;
    let error = sent(&server.channel(MailTls::Starttls, Some("hunter2"))).await.expect_err("no encryption");
    assert!(matches!(&error, SendError::Later { why, .. } if why.contains("STARTTLS")), "{error:?}");
    let heard = server.heard().await;
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_later() {
    let server = Server::following(&[]).await;
    let nowhere = Server { port: 1, heard: server.heard };
    let error = sent(&nowhere.channel(MailTls::None, None)).await.expect_err("no server");
    let why = "the mail server cannot be reached: Connection refused (os error 111)".to_owned();
    assert_eq!(error, SendError::Later { why, after: None });
}

#[tokio::test]
async fn an_address_in_other_letters_needs_a_server_that_takes_them() {
    let mut channel = Server::following(&[]).await.channel(MailTls::None, None);
    channel.to = vec!["jörg@example.com".parse().expect("an address")];
    let error = sent(&channel).await.expect_err("no SMTPUTF8");
    assert!(matches!(&error, SendError::Refused { why, .. } if why.contains("SMTPUTF8")), "{error:?}");
    let server = Server::following(&[("EHLO", "250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8")]).await;
    let channel = EmailChannel { to: channel.to, ..server.channel(MailTls::None, None) };
    sent(&channel).await.expect("taken");
    assert!(server.heard().await.contains("RCPT TO:<jörg@example.com>"));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_given_nothing() {
    let server = Server::following(&[]).await;
    let error = sent(&server.channel(MailTls::Implicit, Some("hunter2"))).await.expect_err("no encryption");
    let is_named = |why: &str| why.starts_with("no encrypted connection to the mail server: ");
    assert!(matches!(&error, SendError::Later { why, .. } if is_named(why)), "{error:?}");
    assert!(!server.heard().await.contains("AUTH"));
}
