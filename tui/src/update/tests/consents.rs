//! Consents as the UI requests and follows them.

use super::*;

/// The consent of the connections screen's first row, with these states, after some keys.
fn consent(states: Vec<ConsentState>, keys: &str) -> (Model, Daemon) {
    let mut daemon = Daemon { consent: states.into(), ..Daemon::new() };
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "6c");
    press(&mut model, &mut daemon, keys);
    (model, daemon)
}

/// The requests about consents, in words.
fn consent_requests(daemon: &Daemon) -> Vec<String> {
    let step = |step: &ConsentStep| match step {
        ConsentStep::Begin { platform, method, handle, .. } => format!("begin {platform} {method:?} {handle:?}"),
        ConsentStep::State(_) => "state".to_owned(),
        ConsentStep::Paste(address) => format!("paste {address}"),
        ConsentStep::Choose(_, accounts) => format!("choose {}", accounts.join(" ")),
    };
    let requested = daemon.requested.iter().filter_map(|request| match request {
        Request::Consent { step: requested, .. } => Some(step(requested)),
        Request::CancelConsent(id) => Some(format!("cancel {id}")),
        _ => None,
    });
    requested.collect()
}

#[test]
fn a_consent_is_requested_where_one_is_needed() {
    let check = |keys: &str, expected: Option<&str>| {
        let mut daemon = Daemon::new();
        daemon.status.platforms[3].enabled = true;
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, keys);
        let begun = consent_requests(&daemon).into_iter().find(|requested| requested.starts_with("begin"));
        assert_eq!(begun.as_deref(), expected, "{keys}");
    };
    // A platform that is read by handle requests a consent where no handle is written.
    check("c↵↵", Some("begin youtube Redirect None"));
    check("c↵@mara↵", None);
    check("ci↵↵", Some("begin instagram Redirect None"));
    check("ci↵oskar.ines↵", Some("begin instagram Redirect Some(\"oskar.ines\")"));
    check("cb↵↵", None);
    // A consent that is gone is requested again and replaced.
    check("jj↵jc", Some("begin instagram Redirect Some(\"oskar.ines\")"));
    check("jj↵c", None);
    check("6c", Some("begin instagram Redirect Some(\"oskar.ines\")"));
    check("6jjc", Some("begin facebook Redirect Some(\"Tidewater Kitchen\")"));
    check("6jc", None);
}

#[test]
fn a_consent_leads_to_its_accounts() {
    let done = || ConsentState::Done(consented());
    let (model, daemon) = consent(vec![ConsentState::Waiting, ConsentState::Finishing, done()], "");
    assert!(picture(&model).contains("Instagram oskar.ines   new"));
    assert_eq!(consent_requests(&daemon).iter().filter(|requested| *requested == "state").count(), 3);
    let choose = || vec![ConsentState::Choose(choices())];
    let check = |keys: &str, expected: &str| {
        let (_, daemon) = consent(choose(), keys);
        assert_eq!(consent_requests(&daemon).pop().as_deref(), Some(expected), "{keys}");
    };
    check("↵", "choose 101");
    check("j↵", "choose 102");
    check(" jj ↵", "choose 101 103");
    check("  ↵", "choose 101");
    check("G↵", "choose 103");
    check("⎋", "cancel aaaaaaab");
    check("jjjjkk ", "state");
}

#[test]
fn an_account_that_cannot_be_had_leaves_the_choice_open() {
    let (mut model, mut daemon) = consent(vec![ConsentState::Choose(choices())], "G");
    daemon.refuses = Some(RosterError::conflict("nightgarden has this account"));
    press(&mut model, &mut daemon, "↵");
    assert!(picture(&model).contains("✗ nightgarden has this account"));
    daemon.refuses = None;
    press(&mut model, &mut daemon, " g ↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("choose 101"));
    assert!(picture(&model).contains("Wrong account?"));
}

#[test]
fn a_consent_that_is_left_is_given_up() {
    let (model, daemon) = consent(vec![], "⎋");
    assert!(model.modal.is_none());
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("cancel aaaaaaab"));
    // Left before the daemon responded.
    let mut daemon = Daemon::new();
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, "6");
    let effects = update(&mut model, key(crossterm::event::KeyCode::Char('c')));
    let [Effect::Request(request)] = &effects[..] else { panic!("{effects:?}") };
    press(&mut model, &mut daemon, "⎋");
    let late = daemon.respond(request.clone()).expect("at once");
    send(&mut model, &mut daemon, Message::Response(Box::new(late)));
    assert!(model.modal.is_none());
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("cancel aaaaaaab"));
}

#[test]
fn the_url_is_copied_on_request_and_only_if_it_is_one() {
    let (mut model, _) = consent(vec![], "");
    let effects = update(&mut model, key(crossterm::event::KeyCode::Char('y')));
    let [Effect::Copy(url)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(url.as_str(), begun(ConsentMethod::Redirect).url);
    for bad in ["https://x.example/\u{1b}]0;x\u{7}", "https://x.example/\n;rm", "file:///etc/passwd", ""] {
        let odd = ConsentBegun { url: bad.to_owned(), ..begun(ConsentMethod::Redirect) };
        let mut daemon = Daemon { begun: Some(odd), ..Daemon::new() };
        let mut model = online(&mut daemon, 80, 24);
        press(&mut model, &mut daemon, "6c");
        assert_eq!(update(&mut model, key(crossterm::event::KeyCode::Char('y'))), [], "{bad:?}");
        assert!(picture(&model).contains("it is not copied"));
    }
}

#[test]
fn a_pasted_address_finishes_the_consent() {
    let (mut model, mut daemon) = consent(vec![], "");
    send(&mut model, &mut daemon, Message::Paste("https://x.example/cb?code=1\r\n  &state=2\n".to_owned()));
    daemon.refuses = Some(RosterError::usage("this is not the address of a consent"));
    press(&mut model, &mut daemon, "↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("paste https://x.example/cb?code=1&state=2"));
    assert!(picture(&model).contains("this is not the address of a consent"));
    daemon.refuses = None;
    press(&mut model, &mut daemon, "↵");
    assert!(picture(&model).contains("Answered."));
    // Typed, for terminals that paste key by key; letters are no keys there.
    let (_, daemon) = consent(vec![], "pqyd↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("paste qyd"));
    let (_, daemon) = consent(vec![], "p↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("state"), "nothing is no address");
}

#[test]
fn a_pasted_address_replaces_a_wrong_one() {
    let (mut model, mut daemon) = consent(vec![], "");
    daemon.refuses = Some(RosterError::usage("this is not the address of a consent"));
    send(&mut model, &mut daemon, Message::Paste("https://x.example/other".to_owned()));
    press(&mut model, &mut daemon, "↵⎋");
    send(&mut model, &mut daemon, Message::Paste("https://x.example/cb?code=1".to_owned()));
    press(&mut model, &mut daemon, "↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("paste https://x.example/cb?code=1"));
    // What a terminal broke into several pastes stays in one piece.
    send(&mut model, &mut daemon, Message::Paste("&state=2".to_owned()));
    press(&mut model, &mut daemon, "↵");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("paste https://x.example/cb?code=1&state=2"));
}

#[test]
fn a_device_code_replaces_the_url_and_back() {
    let (mut model, mut daemon) = consent(vec![], "d");
    let requested = consent_requests(&daemon);
    assert_eq!(requested[2..], ["begin instagram Device Some(\"oskar.ines\")", "state", "cancel aaaaaaab"]);
    assert!(picture(&model).contains("WDJB-MJHT"));
    press(&mut model, &mut daemon, "d");
    assert_eq!(consent_requests(&daemon).pop().as_deref(), Some("cancel aaaaaaac"));
    assert!(!picture(&model).contains("WDJB-MJHT"));
    daemon.refuses = Some(RosterError::usage("Instagram knows no device codes"));
    press(&mut model, &mut daemon, "d");
    let shown = picture(&model);
    assert!(shown.contains("knows no device codes") && shown.contains("9:41 left"), "the first way stays: {shown}");
}

#[test]
fn a_failed_consent_is_tried_again() {
    let denied = ConsentState::Failed(RosterError::failed("the owner said no").hint("ask them again"));
    let (mut model, mut daemon) = consent(vec![denied], "");
    let shown = picture(&model);
    assert!(shown.contains("the owner said no") && shown.contains("ask them again"), "{shown}");
    press(&mut model, &mut daemon, "r");
    assert!(picture(&model).contains("9:41 left"));
    assert_eq!(consent_requests(&daemon).iter().filter(|requested| requested.starts_with("begin")).count(), 2);
}

#[test]
fn a_wrong_account_is_taken_back_in_one_step() {
    let (mut model, mut daemon) = consent(vec![ConsentState::Done(consented())], "");
    press(&mut model, &mut daemon, "u");
    let mutations = requested_mutations(&daemon);
    let [Mutation::Disconnect { connection, delete_history: true, .. }] = &mutations[..] else {
        panic!("{mutations:?}")
    };
    assert_eq!(*connection, connection_id(31), "only what is new");
    assert!(model.modal.is_none());
    let renewed = consented().into_iter().filter(|one| !one.is_new).collect();
    let (model, daemon) = consent(vec![ConsentState::Done(renewed)], "u");
    assert!(requested_mutations(&daemon).is_empty());
    assert!(picture(&model).contains("nothing here is new"));
}

#[test]
fn first_numbers_appear_when_the_sync_ends() {
    let mut early = consented();
    early[0].connection.latest = None;
    let (mut model, mut daemon) = consent(vec![ConsentState::Done(early)], "");
    assert!(picture(&model).contains("402K followers"), "it may have ended already");
    let requested = |daemon: &Daemon| {
        daemon.requested.iter().filter(|requested| matches!(requested, Request::Connection(_))).count()
    };
    assert_eq!(requested(&daemon), 2);
    for (number, expected) in [(34, 3), (1, 3)] {
        let connection = connection_id(number);
        let event = Event::RunFinished { run: Box::new(runs().swap_remove(0)), connection };
        let batch = EventBatch { next: Cursor::default(), events: vec![event], reload: false };
        send(&mut model, &mut daemon, Message::Happened(batch));
        assert_eq!(requested(&daemon), expected);
    }
}

#[test]
fn a_consent_outlives_a_daemon_that_starts_anew() {
    let (mut model, mut daemon) = consent(vec![], "");
    let form = model.shared.forms;
    let reply = ConsentReply::State(consent_id(1), Err(offline()));
    send(&mut model, &mut daemon, Message::Response(Box::new(Response::Consent { form, reply })));
    assert!(picture(&model).contains("9:41 left"));
    send(&mut model, &mut daemon, Message::Lost(offline()));
    let before = consent_requests(&daemon).len();
    send(&mut model, &mut daemon, Message::Tick);
    assert_eq!(consent_requests(&daemon).len(), before, "no daemon is there");
    send(&mut model, &mut daemon, Message::Online);
    daemon.consent.push_back(ConsentState::Done(consented()));
    assert!(model.next_tick() <= NOW.plus_seconds(1));
    send(&mut model, &mut daemon, Message::Tick);
    assert!(picture(&model).contains("Wrong account?"));
}
