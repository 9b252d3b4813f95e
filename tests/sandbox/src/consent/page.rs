//! The consent page as HTML: one form, no script, nothing from elsewhere, everything escaped.

use http::StatusCode;

use super::{ConsentRequest, Person};
use crate::platforms::ApiResponse;

pub const HTML: &str = "text/html; charset=utf-8";

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:42em;margin:2em auto;padding:0 1em}\
    fieldset{border:1px solid #999;margin:1em 0;max-height:24em;overflow:auto}label{display:block}\
    .below{margin-left:2em}button{font:inherit;padding:.4em 1.2em;margin-right:1em}small{color:#555}";

/// The page on which a person chooses and decides.
pub fn page(consent: &ConsentRequest, people: &[Person]) -> ApiResponse {
    let app = format!("Roster's sandbox app for {}", consent.platform);
    let accounts: String = people.iter().enumerate().map(|(index, person)| choice(index, person)).collect();
    let scopes: String = consent.scopes.iter().map(|scope| scope_line(consent, scope)).collect();
    let main = format!(
        "<p><strong>{app}</strong> would like to see what you allow here.</p>\n\
         <form method=\"post\">\n\
         <fieldset><legend>Sign in as</legend>\n{accounts}</fieldset>\n\
         <fieldset><legend>{app} may read</legend>\n{scopes}</fieldset>\n\
         <button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n\
         </form>\n",
        app = escape(&app),
    );
    html(StatusCode::OK, consent.provider, &main)
}

/// A page that says one thing.
pub fn notice(status: StatusCode, provider: &str, text: &str) -> ApiResponse {
    html(status, provider, &format!("<p>{}</p>\n", escape(text)))
}

/// A person to sign in as; where several accounts belong to one, each can be left out.
fn choice(index: usize, person: &Person) -> String {
    let checked = if index == 0 { " checked" } else { "" };
    let radio = |label: &str| {
        format!("<label><input type=\"radio\" name=\"person\" value=\"{index}\"{checked}> {label}</label>\n")
    };
    let named = |account: &crate::Account| {
        format!("{} <small>{} {}</small>", escape(&account.display_name), account.platform, escape(&account.handle))
    };
    match person.accounts.as_slice() {
        [only] => radio(&named(only)),
        several => {
            let boxes = several.iter().map(|account| {
                let id = escape(&account.id);
                let label = named(account);
                format!("<label class=\"below\"><input type=\"checkbox\" name=\"account\" value=\"{id}\" checked> {label}</label>\n")
            });
            radio(&escape(&person.name)) + &boxes.collect::<String>()
        }
    }
}

fn scope_line(consent: &ConsentRequest, scope: &str) -> String {
    let fixed = if consent.fixed.contains(&scope) { " disabled" } else { "" };
    let scope = escape(scope);
    format!("<label><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked{fixed}> {scope}</label>\n")
}

fn html(status: StatusCode, provider: &str, main: &str) -> ApiResponse {
    let title = escape(provider);
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} (sandbox)</title>\n\
         <style>{STYLE}</style></head>\n<body><h1>{title} <small>sandbox</small></h1>\n{main}</body></html>\n"
    );
    ApiResponse::text(status, HTML, text)
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-store")
}

/// Text as HTML shows it, in attributes too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
