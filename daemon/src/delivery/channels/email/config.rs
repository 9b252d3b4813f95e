//! `[channels.NAME]` of kind `email`: the mail server, the login, and whom messages are from and to.

use lettre::Address;
use lettre::message::Mailbox;
use serde::Deserialize;
use url::{Host, Url};

use crate::delivery::channels::section::{Problem, Section};
use crate::secret::Secret;

/// More recipients are a mailing list, which is one address.
const MOST_RECIPIENTS: usize = 20;

const FORMS: &str = "write \"smtp://host:587\" (STARTTLS), \"smtps://host:465\" (TLS) or, without encryption, \
                     \"smtp://127.0.0.1:2525?tls=none\"";

/// An e-mail channel's section, checked.
pub struct Email {
    pub server: MailServer,
    pub login: Option<Login>,
    pub from: Mailbox,
    /// At least one, each address once.
    pub to: Vec<Mailbox>,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte.
    Implicit,
    /// By STARTTLS, without which nothing is sent.
    Starttls,
    None,
}

/// Name and password at a mail server.
pub struct Login {
    pub username: String,
    pub password: Secret,
}

/// Its keys, but for the password, which every channel's secrets are read like, and `digest`, which the config reads.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    smtp: Option<String>,
    username: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

impl Email {
    /// Reads a channel's section, and the file with its password.
    ///
    /// # Errors
    /// The first key that is wrong or missing.
    pub fn read(section: &Section<'_>) -> Result<Self, Problem> {
        let keys: Keys = serde_path_to_error::deserialize(toml::Value::Table(section.table.clone()))
            .map_err(|error| section.problem(&error.path().to_string(), "has the wrong type"))?;
        let password = section.secret("password")?;
        keys.check(password).map_err(|(key, message)| section.problem(key, message))
    }
}

impl Keys {
    fn check(self, password: Option<Secret>) -> Result<Email, (&'static str, String)> {
        let smtp = self.smtp.ok_or_else(|| ("smtp", format!("an e-mail channel needs smtp: {FORMS}")))?;
        let server = mail_server(&smtp).map_err(|message| ("smtp", message))?;
        let needed = || ("from", "an e-mail channel needs from: write \"roster@example.com\"".to_owned());
        let from = mailbox(&self.from.ok_or_else(needed)?).map_err(|message| ("from", message))?;
        let to = recipients(&self.to).map_err(|message| ("to", message))?;
        let login = login(self.username, password)?;
        if login.is_some() && server.tls == MailTls::None && !is_loopback(&server.host) {
            return Err(("smtp", "a password must not be sent without encryption: leave ?tls=none out".to_owned()));
        }
        Ok(Email { server, login, from, to })
    }
}

fn login(username: Option<String>, password: Option<Secret>) -> Result<Option<Login>, (&'static str, String)> {
    match (username.filter(|name| !name.is_empty()), password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => Ok(Some(Login { username, password })),
        (Some(_), None) => Err(("username", "needs password_file with the password beside it".to_owned())),
        (None, Some(_)) => Err(("password_file", "needs username beside it".to_owned())),
    }
}

/// A mail server's URL. It is printed only where it can hold no password.
fn mail_server(text: &str) -> Result<MailServer, String> {
    if text.contains('@') {
        return Err("it must hold neither name nor password: write username and password_file".to_owned());
    }
    let wrong = || format!("{text:?} is no mail server: {FORMS}");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = match Host::parse(url.host_str().unwrap_or_default()).map_err(|_| wrong())? {
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(wrong());
    }
    let (tls, usual_port) = match (url.scheme(), url.query()) {
        ("smtp", None) => (MailTls::Starttls, 587),
        ("smtps", None) => (MailTls::Implicit, 465),
        ("smtp", Some("tls=none")) => (MailTls::None, 25),
        ("smtp" | "smtps", Some(_)) => {
            return Err(format!(
                "{text:?} has something unknown behind the ?, where only tls=none of smtp:// may be: {FORMS}"
            ));
        }
        _ => return Err(wrong()),
    };
    match url.port().unwrap_or(usual_port) {
        0 => Err(wrong()),
        port => Ok(MailServer { host, port, tls }),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn recipients(texts: &[String]) -> Result<Vec<Mailbox>, String> {
    if texts.is_empty() || texts.len() > MOST_RECIPIENTS {
        return Err(format!("needs 1 to {MOST_RECIPIENTS} addresses: write to = [\"ana@example.com\"]"));
    }
    let mut to: Vec<Mailbox> = Vec::new();
    for text in texts {
        let mailbox = mailbox(text)?;
        // Most servers take capitals for small letters.
        let address = mailbox.email.to_string().to_lowercase();
        if to.iter().any(|other| other.email.to_string().to_lowercase() == address) {
            return Err(format!("{} is there twice", mailbox.email));
        }
        to.push(mailbox);
    }
    Ok(to)
}

/// An address, with or without a name. A domain in other letters is taken in its ASCII form, which every server takes.
fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || format!("{text:?} is no e-mail address: write \"ana@example.com\" or \"Ana <ana@example.com>\"");
    let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
    let email = match Host::parse(mailbox.email.domain()) {
        Ok(Host::Domain(domain)) => Address::new(mailbox.email.user(), domain).map_err(|_| wrong())?,
        // An address in brackets, such as `[127.0.0.1]`.
        _ => mailbox.email,
    };
    Ok(Mailbox::new(mailbox.name, email))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::http_client::{HttpClient, HttpSettings};
    use crate::process::environment::Environment;

    #[test]
    fn a_servers_url_says_how_it_is_encrypted() {
        let check = |text: &str, host: &str, port, tls| {
            assert_eq!(mail_server(text), Ok(MailServer { host: host.to_owned(), port, tls }), "{text}");
        };
        check("smtp://mail.example:587", "mail.example", 587, MailTls::Starttls);
        check("smtp://mail.example", "mail.example", 587, MailTls::Starttls);
        check("smtps://mail.example:465/", "mail.example", 465, MailTls::Implicit);
        check("smtps://mail.example", "mail.example", 465, MailTls::Implicit);
        check("smtp://127.0.0.1:2525?tls=none", "127.0.0.1", 2525, MailTls::None);
        check("smtp://[::1]:25?tls=none", "::1", 25, MailTls::None);
        check("smtp://müller.example", "xn--mller-kva.example", 587, MailTls::Starttls);
        for wrong in [
            "",
            "mail.example",
            "mail.example:587",
            "https://mail.example",
            "smtp://",
            "smtp://mail.example:0",
            "smtp://mail.example:99999",
            "smtp://mail.example/inbox",
            "smtp://mail.example#x",
            "smtp://mail example",
        ] {
            let error = mail_server(wrong).expect_err(wrong);
            assert!(error.contains("smtp://host:587"), "{error}");
        }
        for unknown in
            ["smtp://h?tls=maybe", "smtp://h?tls=None", "smtps://h?tls=none", "smtp://h?tls=none&x=1", "smtp://h?"]
        {
            let error = mail_server(unknown).expect_err(unknown);
            assert!(error.contains("only tls=none"), "{error}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_printed() {
        for text in ["smtp://ana:hunter2@mail.example:587", "smtp://ana@mail.example", "hunter2@"] {
            let error = mail_server(text).expect_err(text);
            assert!(error.contains("password_file") && !error.contains("hunter2"), "{error}");
        }
    }

    fn read(changed: &str) -> Result<Email, Problem> {
        let usual = "smtp = 'smtp://mail.example'\nfrom = 'Roster <roster@example.com>'\n\
                     to = ['ana@example.com', 'Oskar <oskar@müller.example>']\ndigest = 'off'";
        let mut table: toml::Table = usual.parse().expect("a table");
        table.extend(changed.parse::<toml::Table>().expect("a table"));
        table.retain(|_, value| value.as_str() != Some("-"));
        let http = HttpClient::new(HttpSettings::default()).expect("a client");
        let (environment, zone) = (Environment::default(), TimeZone::UTC);
        let section =
            Section { name: "mail", table: &table, environment: &environment, http: &http, zone: &zone, ca_file: None };
        Email::read(&section)
    }

    #[test]
    fn addresses_may_have_names() {
        let email = read("").expect("a good channel");
        assert_eq!(email.from.to_string(), "Roster <roster@example.com>");
        assert_eq!(email.to[1].email.to_string(), "oskar@xn--mller-kva.example");
        assert!(email.login.is_none());
        let email = read("username = 'ana'\npassword = 'hunter2'").expect("a good channel");
        assert_eq!(
            email.login.map(|login| (login.username, login.password.expose() == "hunter2")),
            Some(("ana".to_owned(), true))
        );
    }

    #[test]
    fn each_wrong_key_is_named() {
        let check = |changed: &str, key: &str, part: &str| {
            let Problem { key: named, message } = read(changed).map(drop).expect_err(changed);
            assert!(
                named == format!("channels.mail.{key}") && message.contains(part) && !message.contains("hunter2"),
                "{named}: {message}"
            );
        };
        check("smtp = '-'", "smtp", "needs smtp");
        check("smtp = 5", "smtp", "wrong type");
        check("from = '-'", "from", "needs from");
        check("from = 'roster'", "from", "no e-mail address");
        check("to = []", "to", "1 to 20");
        check("to = ['a@b.example', 'A <A@b.example>']", "to", "twice");
        check("to = [\"a@b.example\\r\\nBcc: x@y.example\"]", "to", "no e-mail address");
        check("to = ['a@b.example', 5]", "to[1]", "wrong type");
        check("username = 'ana'", "username", "password_file");
        check("password = 'hunter2'", "password_file", "username");
        check("username = 'ana'\npassword = ' '", "password", "empty");
        check("username = 'ana'\npassword = 'hunter2'\npassword_file = '/x'", "password_file", "either");
        check("username = 'ana'\npassword_file = '/etc/no-such-password'", "password_file", "no such file");
        let login = "username = 'ana'\npassword = 'hunter2'\nsmtp = ";
        check(&format!("{login}'smtp://mail.example?tls=none'"), "smtp", "without encryption");
        assert!(read(&format!("{login}'smtp://127.0.0.1:2525?tls=none'")).is_ok());
    }
}
