//! What a person reads while a consent waits: what will happen, where, and what to do.

use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::{ConsentBegun, ConsentedConnection};

use crate::consent::{asks, if_refused, missing, must_paste, reads, result_of, shown_url, ssh_line};
use crate::output::Look;
use crate::output::table::{Paint, Tone};
use crate::widgets::qr::Qr;

/// Everything up to the waiting.
pub(super) fn guide(begun: &ConsentBegun, code: Option<&str>, look: &Look) -> String {
    let url = look.paint.tone(&shown_url(&begun.url), Tone::Strong);
    let mut text = format!("{}\n{}\n\n", asks(begun), reads(begun));
    if let Some(redirect_uri) = &begun.redirect_uri {
        text += &format!("The app's settings must have this redirect URI:\n{}\n\n", shown_url(redirect_uri));
    }
    if let Some(ssh_line) = ssh_line(begun) {
        text += &format!("When the browser is on another machine, run this there first:\n{ssh_line}\n\n");
    }
    text += &match &begun.user_code {
        Some(code) => {
            let code = look.paint.tone(&clean(code, NAME_CHARACTERS), Tone::Strong);
            format!("Open this on any device, and type the code {code}\n{url}\n")
        }
        None => format!("Open this, on any device:\n{url}\n"),
    };
    if let Some(short_url) = &begun.short_url {
        let short_url = look.paint.tone(&shown_url(short_url), Tone::Strong);
        text += &format!("\nOr this, which leads there once:\n{short_url}\n");
    }
    if let Some(code) = code {
        text += &format!("\n{code}");
    }
    match if_refused(begun).as_str() {
        "" => text,
        sentence => text + &format!("\n{sentence}\n"),
    }
}

/// The last line before the waiting.
pub(super) fn waiting(begun: &ConsentBegun, here: bool, look: &Look) -> String {
    let until = until(begun, look);
    match (begun.user_code.is_some(), must_paste(begun), here) {
        (true, ..) => format!("\nWaiting until {until} …\n"),
        (_, true, true) => {
            format!("\nrosterd's listener is off. Paste the address you land on here, until {until}:\n")
        }
        (_, true, false) => format!("\nrosterd's listener is off. {}\n", next_steps(begun)),
        (_, _, true) => format!("\nWaiting until {until} … or paste the address you land on here:\n"),
        (_, _, false) => format!("\nWaiting until {until} …\n"),
    }
}

/// Until when the owner can answer.
pub(super) fn until(begun: &ConsentBegun, look: &Look) -> String {
    begun.expires_at.to_jiff().to_zoned(look.now.time_zone().clone()).strftime("%H:%M").to_string()
}

/// How a consent is finished from a shell.
pub(super) fn next_steps(begun: &ConsentBegun) -> String {
    if begun.user_code.is_some() {
        return format!("rosterd continues once the code is typed: `roster show {}` shows it", begun.influencer);
    }
    let platform = clean(&begun.platform, NAME_CHARACTERS);
    format!("finish with `roster connect {} {platform} --paste URL`, the address you land on", begun.influencer)
}

/// A QR code for a terminal of so many columns and lines; of a size in words when it does not fit.
pub(super) fn code(url: &str, terminal: (u16, u16), paint: Paint) -> Option<String> {
    let qr = Qr::new(url)?;
    let (columns, lines) = qr.size();
    if !qr.fits(terminal.0.into(), terminal.1.into()) {
        let note = format!("(a terminal of {columns}×{lines} would show a QR code here)\n");
        return Some(paint.tone(&note, Tone::Quiet));
    }
    Some(qr.lines(!paint.colored).map(|line| format!("{}\n", inked(&line, paint))).collect())
}

/// Black on white, whatever the terminal's own colours are. Without colours a dark ground is taken for granted.
fn inked(line: &str, paint: Paint) -> String {
    if paint.colored { format!("\u{1b}[38;5;16;48;5;231m{line}\u{1b}[0m") } else { line.to_owned() }
}

/// The result for one account.
pub(super) fn consented(consented: &ConsentedConnection) -> String {
    let connection = &consented.connection;
    let (platform, handle) = (clean(&connection.platform, NAME_CHARACTERS), clean(&connection.handle, NAME_CHARACTERS));
    let mut text = format!("connected {platform}:{handle}, {}\n", result_of(consented));
    for scope in &consented.missing {
        text += &format!("  {}\n", missing(scope));
    }
    if !consented.missing.is_empty() {
        text += "  connect it once more and allow all, to have those too\n";
    }
    if consented.is_new {
        text += &format!("  wrong account? roster disconnect {} --delete-history --yes\n", connection.id);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json::consent::{Begun, Choices};
    use crate::samples;

    #[test]
    fn text_says_what_is_requested_and_where_to_go() {
        insta::assert_snapshot!(guide(&samples::begun(), None, &samples::look()), @r"
        Instagram will ask to share: profile, insights.
        Roster never posts. It will read: followers, posts, likes.

        The app's settings must have this redirect URI:
        http://127.0.0.1:8787/oauth/instagram/callback

        When the browser is on another machine, run this there first:
        ssh -L 8787:127.0.0.1:8787 this-host

        Open this, on any device:
        https://consent.example/authorize?client_id=roster-client-id&redirect_uri=http%3A%2F%2F127.0.0.1%3A8787%2Foauth%2Finstagram%2Fcallback&response_type=code&scope=profile%20insights&state=c3RhdGUtb2YtdGVuLW1pbnV0ZXM
        ");
        let short = ConsentBegun {
            url: "https://x.example/a".into(),
            short_url: Some("https://roster.example/c/c2hvcnQtY29kZS0xMjgtYg".into()),
            redirect_uri: None,
            ..samples::begun()
        };
        insta::assert_snapshot!(guide(&short, Some("QR\n"), &samples::look()), @r"
        Instagram will ask to share: profile, insights.
        Roster never posts. It will read: followers, posts, likes.

        Open this, on any device:
        https://x.example/a

        Or this, which leads there once:
        https://roster.example/c/c2hvcnQtY29kZS0xMjgtYg

        QR
        ");
        let device = ConsentBegun {
            user_code: Some("ABCD-\u{1b}[2JEFGH".into()),
            url: "https://device.example".into(),
            redirect_uri: None,
            if_refused: "leave insights out".into(),
            ..samples::begun()
        };
        insta::assert_snapshot!(guide(&device, Some("QR\n"), &samples::look()), @r"
        Instagram will ask to share: profile, insights.
        Roster never posts. It will read: followers, posts, likes.

        Open this on any device, and type the code ABCD-[2JEFGH
        https://device.example

        QR

        If the page ends in an error about scopes: leave insights out.
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let begun = ConsentBegun { url: "https://x.example/a".into(), ..samples::begun() };
        insta::assert_snapshot!(samples::lines(Begun::from(&begun)), @r#"
        {"authorize_url":"https://x.example/a",
        "redirect_uri":"http://127.0.0.1:8787/oauth/instagram/callback","expires_at":"2026-11-21T14:40:00Z"}
        "#);
        let short_url = Some("https://roster.example/c/b".to_owned());
        insta::assert_snapshot!(samples::lines(Begun::from(&ConsentBegun { short_url, ..begun.clone() })), @r#"
        {"authorize_url":"https://x.example/a",
        "redirect_uri":"http://127.0.0.1:8787/oauth/instagram/callback","expires_at":"2026-11-21T14:40:00Z",
        "short_url":"https://roster.example/c/b"}
        "#);
        let device = ConsentBegun { user_code: Some("ABCD".into()), redirect_uri: None, ..begun };
        insta::assert_snapshot!(samples::lines(Begun::from(&device)), @r#"
        {"authorize_url":"https://x.example/a","redirect_uri":null,"expires_at":"2026-11-21T14:40:00Z",
        "user_code":"ABCD"}
        "#);
        insta::assert_snapshot!(samples::lines(Choices::from(samples::choices().as_slice())), @r#"
        {"choices":[{"handle":"oskar.ines","name":"Oskar & Ines","followers":402000},{"handle":"ines.bakes",
        "name":null,"followers":12345},{"handle":"nightgarden","name":"nightgarden","followers":null}]}
        "#);
    }

    #[test]
    fn waiting_says_what_else_can_be_done() {
        let (begun, look) = (samples::begun(), samples::look());
        let check = |begun: &ConsentBegun, here: bool, part: &str| {
            let text = waiting(begun, here, &look);
            assert!(text.contains(part), "{text}");
        };
        check(&begun, true, "Waiting until 14:40 … or paste");
        check(&begun, false, "Waiting until 14:40 …\n");
        let off = ConsentBegun { listener: None, ..begun.clone() };
        check(&off, true, "Paste the address you land on here, until 14:40");
        check(&off, false, "roster connect aibaeaqc instagram --paste URL");
        let device = ConsentBegun { user_code: Some("X".into()), redirect_uri: None, ..begun };
        check(&device, true, "Waiting until 14:40 …\n");
    }

    #[test]
    fn a_code_is_drawn_where_it_fits() {
        let (plain, colored) = (Paint::default(), Paint { colored: true, ..Paint::default() });
        let url = "https://x.example/device";
        let drawn = code(url, (80, 24), colored).expect("short enough");
        assert!(drawn.lines().all(|line| line.starts_with("\u{1b}[38;5;16;48;5;231m") && line.ends_with("\u{1b}[0m")));
        let drawn = code(url, (80, 24), plain).expect("short enough");
        assert!(drawn.starts_with(&"█".repeat(33)) && !drawn.contains('\u{1b}'), "light ink on a dark ground: {drawn}");
        assert_eq!(drawn.lines().count(), 17);
        let text = code(url, (80, 16), plain).expect("short enough");
        assert_eq!(text, "(a terminal of 33×17 would show a QR code here)\n");
        assert_eq!(code(&"y".repeat(3_000), (500, 500), plain), None);
    }

    #[test]
    fn the_result_names_account_and_costs() {
        insta::assert_snapshot!(samples::consented().iter().map(consented).collect::<String>(), @r"
        connected instagram:oskar.ines, new
          insights was not given; it would show views, audience
          connect it once more and allow all, to have those too
          wrong account? roster disconnect ambqgayd --delete-history --yes
        connected instagram:ines.bakes, renewed, history kept
        ");
    }
}
