//! Terminals as they present themselves, and what becomes of it.

use super::*;

const AT_TERMINAL: Through = Through::Terminal;

fn environment(term: &str) -> Environment {
    Environment { term: term.to_owned(), ..Environment::default() }
}

/// What a terminal of this `TERM` gets that sends these replies.
fn detected(term: &str, replies: &[Reply]) -> Form {
    let Some(Plan::QueryTerminal(mut detection)) = Plan::new(NoticeChoice::Auto, &environment(term)) else {
        panic!("{term} is queried")
    };
    replies.iter().for_each(|reply| detection.take(reply));
    assert_eq!(detection.target().through, AT_TERMINAL);
    detection.target().form
}

#[test]
fn a_terminal_gets_what_it_understands() {
    let name = |name: &str| Reply::Control(format!(">|{name}"));
    let check = |name: Reply, expected: Form| {
        assert_eq!(detected("xterm-256color", &[name.clone(), Reply::Attributes]), expected, "{name:?}");
    };
    check(name("kitty(0.21.2)"), Form::Osc99);
    check(name("foot(1.16.2)"), Form::Osc777);
    check(name("ghostty 1.0.1"), Form::Osc777);
    check(name("WezTerm 20240203-110809-5046fc22"), Form::Osc777);
    check(name("Konsole 24.02.1"), Form::Osc777);
    check(name("iTerm2 3.5.0"), Form::Osc9);
    for other in ["XTerm(390)", "VTE(7600)", "mintty 3.7.1", "tmux 3.3a", "", "kittycat(1)", "foo\u{301}t(1)", "9"] {
        check(name(other), Form::Bell);
    }
    // No name at all.
    check(Reply::Attributes, Form::Bell);
    check(Reply::Control("1+r544e=666f6f74".to_owned()), Form::Bell);
}

#[test]
fn osc_99_counts_only_as_the_reply_to_the_query() {
    let check = |text: &str, expected: Form| {
        let replies = [Reply::Command(text.to_owned()), Reply::Control(">|foot(1.18.0)".to_owned()), Reply::Attributes];
        assert_eq!(detected("xterm-256color", &replies), expected, "{text}");
    };
    check("99;i=roster:p=?;a=focus,report:o=always:p=title,body,?", Form::Osc99);
    check("99;p=?:i=roster;", Form::Osc99);
    for other in ["99;i=other:p=?;a=focus", "99;i=roster;x", "99;i=roster:p=?", "9;i=roster:p=?;", "99", ""] {
        check(other, Form::Osc777);
    }
}

#[test]
fn the_name_in_term_counts_where_the_terminal_gives_none() {
    assert_eq!(detected("xterm-kitty", &[]), Form::Osc99);
    assert_eq!(detected("foot-extra", &[Reply::Attributes]), Form::Osc777);
    assert_eq!(detected("xterm-ghostty", &[]), Form::Osc777);
    assert_eq!(detected("xterm-256color", &[]), Form::Bell);
    assert_eq!(detected("rxvt-unicode-256color", &[]), Form::Bell);
    assert_eq!(detected("xterm-kitty", &[Reply::Control(">|XTerm(390)".to_owned())]), Form::Bell);
}

#[test]
fn who_is_queried_depends_on_the_environment() {
    let check = |choice, environment: &Environment, expected: Option<Plan>| {
        assert_eq!(Plan::new(choice, environment), expected, "{choice:?} {environment:?}");
    };
    let known = |form, through| Some(Plan::Known(Target { form, through }));
    let xterm = environment("xterm-256color");
    check(NoticeChoice::Off, &xterm, None);
    check(NoticeChoice::Bell, &xterm, known(Form::Bell, AT_TERMINAL));
    check(NoticeChoice::Osc9, &xterm, known(Form::Osc9, AT_TERMINAL));
    for old in ["", "dumb", "linux", "vt100"] {
        check(NoticeChoice::Auto, &environment(old), known(Form::Bell, AT_TERMINAL));
    }
    // At the other end of a connection, where nothing else says so.
    for multiplexer in ["screen", "screen-256color", "tmux-256color", "screen.xterm-256color"] {
        check(NoticeChoice::Auto, &environment(multiplexer), known(Form::Bell, AT_TERMINAL));
    }
    let screen = Environment { in_screen: true, ..environment("screen.xterm-256color") };
    check(NoticeChoice::Auto, &screen, known(Form::Bell, AT_TERMINAL));
    check(NoticeChoice::Osc777, &screen, known(Form::Osc777, Through::Screen));
    for term in ["tmux-256color", "screen-256color", "xterm-256color"] {
        let tmux = Environment { in_tmux: true, ..environment(term) };
        check(NoticeChoice::Auto, &tmux, Some(Plan::QueryTmux(NoticeChoice::Auto)));
        check(NoticeChoice::Osc99, &tmux, Some(Plan::QueryTmux(NoticeChoice::Osc99)));
        check(NoticeChoice::Bell, &tmux, known(Form::Bell, AT_TERMINAL));
    }
    let kitty = Environment { in_tmux: true, ..environment("xterm-kitty") };
    assert!(matches!(Plan::new(NoticeChoice::Auto, &kitty), Some(Plan::QueryTerminal(_))));
}

#[test]
fn tmux_gets_the_bell_unless_it_passes_on_to_a_terminal_that_is_known() {
    let check = |choice, said: &str, expected: Target| assert_eq!(in_tmux(choice, said), expected, "{said:?}");
    let wrapped = |form, hidden| Target { form, through: Through::Tmux { hidden } };
    check(NoticeChoice::Auto, "0\nkitty(0.35.1)\nxterm-kitty\n", Target::BELL);
    check(NoticeChoice::Auto, "1\nkitty(0.35.1)\nxterm-kitty\n", wrapped(Form::Osc99, false));
    check(NoticeChoice::Auto, "all\nWezTerm 2024\nxterm-256color\n", wrapped(Form::Osc777, true));
    check(NoticeChoice::Auto, "on\n\nfoot\n", wrapped(Form::Osc777, false));
    check(NoticeChoice::Auto, "on\nXTerm(390)\nxterm-256color\n", Target::BELL);
    check(NoticeChoice::Osc9, "on\nXTerm(390)\nxterm-256color\n", wrapped(Form::Osc9, false));
    check(NoticeChoice::Osc9, "off\niTerm2 3.5\nxterm-256color\n", Target::BELL);
    // One that is too old to know the option, and one that said nothing.
    check(NoticeChoice::Auto, "\nkitty(0.35.1)\nxterm-kitty\n", Target::BELL);
    check(NoticeChoice::Osc9, "", Target::BELL);
}
