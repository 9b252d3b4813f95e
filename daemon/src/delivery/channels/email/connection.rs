//! One exchange with a mail server: connect, encrypt, log in, send one message to one recipient, in steps of which each
//! has a timeout. A connection is not kept: alerts are rare, and servers close what is idle.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::{self, response::Response};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::config::{Login, MailServer, MailTls};
use super::failure::{Cause, Step, harmless, is_tls};
use crate::secret::file;

/// More than the certificates of all known authorities have.
const MOST_CA_BYTES: u64 = 4 * 1024 * 1024;

/// How long steps may take. RFC 5321, section 4.5.3.2, lets servers take longer over the content than over commands.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For name, connection and greeting together.
    pub connect: Duration,
    /// For a command, the handshake or the login.
    pub command: Duration,
    /// From the content's first byte to the server's confirmation. Ended too early, a message arrives twice.
    pub content: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(30), command: seconds(30), content: seconds(100) }
    }
}

/// A mail server, and what it takes to be let in.
pub struct Connector {
    server: MailServer,
    login: Option<Login>,
    roots: Option<Certificate>,
    // Made when first needed: reading the system's certificates takes milliseconds, and a host that needs none may have none.
    tls: OnceCell<TlsParameters>,
    timeouts: Timeouts,
}

/// A message as it is sent.
pub struct Letter {
    pub from: Address,
    pub to: Address,
    pub content: Vec<u8>,
}

type Failed = (Step, Cause);

impl Connector {
    /// A server that is reached when the first message is sent. `ca_file` has further certificate authorities; what it
    /// holds was checked with the network's settings.
    pub fn new(server: MailServer, login: Option<Login>, ca_file: Option<&Path>) -> Self {
        let pem = ca_file.and_then(|path| file::read(path, MOST_CA_BYTES).ok());
        let roots = pem.and_then(|pem| Certificate::from_pem(&pem).ok());
        Self { server, login, roots, tls: OnceCell::new(), timeouts: Timeouts::default() }
    }

    /// The same with other timeouts.
    #[cfg(test)]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Sends one message; returns what the server said when it took it.
    ///
    /// # Errors
    /// The step that failed, and why.
    pub async fn send(&self, letter: &Letter) -> Result<String, Failed> {
        let mut connection = self.connect().await?;
        let sent = self.exchange(&mut connection, letter).await;
        // A farewell that is not heard changes nothing.
        let _ = timeout(Duration::from_secs(5).min(self.timeouts.command), connection.abort()).await;
        sent
    }

    async fn exchange(&self, connection: &mut AsyncSmtpConnection, letter: &Letter) -> Result<String, Failed> {
        self.log_in(connection).await?;
        let needs_utf8 = !letter.to.user().is_ascii() || !letter.from.user().is_ascii();
        if needs_utf8 && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let text = "5.6.7 it takes no addresses in other letters than ASCII's (SMTPUTF8)".to_owned();
            return Err((Step::Envelope, Cause { code: Some(553), text }));
        }
        let parameters = if needs_utf8 { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        self.command(connection, Mail::new(Some(letter.from.clone()), parameters)).await?;
        self.command(connection, Rcpt::new(letter.to.clone(), Vec::new())).await?;
        self.command(connection, Data).await?;
        let confirmation = within(Step::Content, self.timeouts.content, connection.message(&letter.content)).await?;
        Ok(harmless(&confirmation.message().collect::<Vec<_>>().join(" ")))
    }

    async fn command(&self, connection: &mut AsyncSmtpConnection, command: impl Display) -> Result<Response, Failed> {
        within(Step::Envelope, self.timeouts.command, connection.command(command)).await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let MailServer { host, port, tls } = &self.server;
        let parameters = match tls {
            MailTls::None => None,
            MailTls::Implicit | MailTls::Starttls => Some(self.tls_parameters().await?),
        };
        let (at_once, later) = match tls {
            MailTls::Implicit => (parameters, None),
            MailTls::Starttls | MailTls::None => (None, parameters),
        };
        // The handshake is a part of it where it comes first.
        let name = ClientId::default();
        let connecting = AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), None, &name, at_once, None);
        let connecting = timeout(self.timeouts.connect, connecting).await;
        let connected = connecting.map_err(|_| (Step::Connect, Cause::timeout()))?;
        let mut connection = connected.map_err(|error| {
            let step = if is_tls(&error) { Step::Encrypt } else { Step::Connect };
            (step, error.into())
        })?;
        if let Some(parameters) = later {
            if !connection.can_starttls() {
                return Err((Step::Encrypt, Cause::lacks("it does not offer STARTTLS")));
            }
            within(Step::Encrypt, self.timeouts.command, connection.starttls(parameters, &name)).await?;
        }
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Failed> {
        let Some(Login { username, password }) = &self.login else { return Ok(()) };
        if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            // 504: a mechanism that is not known.
            return Err((Step::Login, Cause { code: Some(504), text: "it offers no login".to_owned() }));
        }
        let credentials = Credentials::new(username.clone(), password.expose().to_owned());
        let logging_in = connection.auth(DEFAULT_MECHANISMS, &credentials);
        within(Step::Login, self.timeouts.command, logging_in).await.map(drop)
    }

    async fn tls_parameters(&self) -> Result<TlsParameters, Failed> {
        let made = self.tls.get_or_try_init(|| async {
            let mut builder = TlsParameters::builder(self.server.host.clone());
            if let Some(roots) = &self.roots {
                builder = builder.add_root_certificate(roots.clone());
            }
            let built = tokio::task::spawn_blocking(move || builder.build()).await;
            built.map_err(|_| Cause::lacks("its certificates could not be read"))?.map_err(Cause::from)
        });
        made.await.cloned().map_err(|cause: Cause| (Step::Encrypt, cause))
    }
}

/// A step's result, or its failure when it takes longer than `limit`.
async fn within<T>(
    step: Step,
    limit: Duration,
    doing: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Failed> {
    match timeout(limit, doing).await {
        Ok(result) => result.map_err(|error| (step, error.into())),
        Err(_) => Err((step, Cause::timeout())),
    }
}
