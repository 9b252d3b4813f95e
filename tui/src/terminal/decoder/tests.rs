//! Whatever pieces bytes arrive in, the same keys; replies are no keys.

use proptest::prelude::*;

use super::*;

fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn plain(code: KeyCode) -> Event {
    press(code, KeyModifiers::NONE)
}

/// All that comes of the bytes when nothing follows.
fn decoded(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events: Vec<Event> = pieces.iter().flat_map(|piece| decoder.take(piece)).collect();
    while decoder.wait().is_some() {
        events.extend(decoder.waited());
    }
    events
}

/// Sequences, and what each is.
fn known() -> Vec<(Vec<u8>, Vec<Event>)> {
    let (ctrl, alt, shift) = (KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT);
    let keys: Vec<(&[u8], Event)> = vec![
        (b"a", plain(KeyCode::Char('a'))),
        (b"G", press(KeyCode::Char('G'), shift)),
        ("ä".as_bytes(), plain(KeyCode::Char('ä'))),
        ("한".as_bytes(), plain(KeyCode::Char('한'))),
        ("🌿".as_bytes(), plain(KeyCode::Char('🌿'))),
        (b"\xc3(", plain(KeyCode::Char('('))),
        (b"\r", plain(KeyCode::Enter)),
        (b"\t", plain(KeyCode::Tab)),
        (b"\x7f", plain(KeyCode::Backspace)),
        (b"\x03", press(KeyCode::Char('c'), ctrl)),
        (b"\x1a", press(KeyCode::Char('z'), ctrl)),
        (b"\0", press(KeyCode::Char(' '), ctrl)),
        (b"\x1f", press(KeyCode::Char('7'), ctrl)),
        (b"\x1bb", press(KeyCode::Char('b'), alt)),
        ("\u{1b}ä".as_bytes(), press(KeyCode::Char('ä'), alt)),
        (b"\x1b\x7f", press(KeyCode::Backspace, alt)),
        (b"\x1b[D", plain(KeyCode::Left)),
        (b"\x1bOA", plain(KeyCode::Up)),
        (b"\x1bOP", plain(KeyCode::F(1))),
        (b"\x1b[[B", plain(KeyCode::F(2))),
        (b"\x1b[1;5C", press(KeyCode::Right, ctrl)),
        (b"\x1b[1;2P", press(KeyCode::F(1), shift)),
        (b"\x1b[Z", press(KeyCode::BackTab, shift)),
        (b"\x1b[H", plain(KeyCode::Home)),
        (b"\x1b[4~", plain(KeyCode::End)),
        (b"\x1b[3;3~", press(KeyCode::Delete, alt)),
        (b"\x1b[6~", plain(KeyCode::PageDown)),
        (b"\x1b[24~", plain(KeyCode::F(12))),
        (b"\x1b[34~", plain(KeyCode::F(20))),
        (b"\x1b[27u", plain(KeyCode::Esc)),
        (b"\x1b[122;5u", press(KeyCode::Char('z'), ctrl)),
        (b"\x1b[103:71;2u", press(KeyCode::Char('G'), shift)),
        (b"\x1b[200~a\x1b[Db\r\xc3\xa4\x1b[201~", Event::Paste("a\u{1b}[Db\rä".to_owned())),
        (b"\x1b[200~\x1b[201~", Event::Paste(String::new())),
    ];
    let control = |text: &str| Event::Reply(Reply::Control(text.to_owned()));
    let command = |text: &str| Event::Reply(Reply::Command(text.to_owned()));
    let replies: Vec<(&[u8], Event)> = vec![
        (b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", command("11;rgb:1e1e/1e1e/2e2e")),
        (b"\x1b]4;1;rgb:cdcd/0000/0000\x07", command("4;1;rgb:cdcd/0000/0000")),
        (b"\x1b]52;c;c3luYyBhbGw=\x07", command("52;c;c3luYyBhbGw=")),
        (b"\x1b]99;i=x:p=?;a=focus\x1b\\", command("99;i=x:p=?;a=focus")),
        (b"\x1b]2;a title with \xc3\xa4\xe2\x9c\x93\x1b\\", command("2;a title with ä✓")),
        (b"\x1bP>|XTerm(390)\x1b\\", control(">|XTerm(390)")),
        (b"\x1bP1+r544e=787465726d\x1b\\", control("1+r544e=787465726d")),
        (b"\x1bP1$r0m\x1b\x1b\\", control("1$r0m")),
        (b"\x1b[?64;1;2;6;22c", Event::Reply(Reply::Attributes)),
    ];
    let nothing: Vec<&[u8]> = vec![
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b^private\x1b\\",
        b"\x1bXstart of string\x07",
        b"\x1b]0;given up\x18",
        b"\x1b[>41;390;0c",
        b"\x1b[12;40R",
        b"\x1b[0n",
        b"\x1b[?2026;2$y",
        b"\x1b[4;600;800t",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[<0;10;20M",
        b"\x1b[<0;10;20m",
        b"\x1b[32;10;20M",
        b"\x1b[M !q",
        b"\x1b[1;5:3C",
        b"\x1b[?1u",
        b"\x1b[57399u",
        b"\x1b[200\r",
        b"\xff",
        b"\x1bO5~",
    ];
    let keys = keys.into_iter().chain(replies).map(|(bytes, event)| (bytes.to_vec(), vec![event]));
    let nothing = nothing.into_iter().map(|bytes| (bytes.to_vec(), Vec::new()));
    keys.chain(nothing).collect()
}

#[test]
fn each_sequence_is_what_it_is_split_anywhere() {
    for (bytes, events) in known() {
        assert_eq!(decoded(&[&bytes]), events, "{:?}", bytes.escape_ascii().to_string());
        for at in 1..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(decoded(&[head, tail]), events, "{} | {}", head.escape_ascii(), tail.escape_ascii());
        }
    }
}

#[test]
fn esc_alone_is_a_key_and_soon() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.take(b"\x1b"), []);
    let mut waited = Duration::ZERO;
    while let Some(wait) = decoder.wait() {
        waited += wait;
        assert!(waited <= Duration::from_millis(100), "{waited:?}");
        if let Some(event) = decoder.waited() {
            assert_eq!(event, plain(KeyCode::Esc));
        }
    }
    assert!(waited > Duration::from_millis(50), "{waited:?}");
    assert_eq!(decoder.take(b"j"), [plain(KeyCode::Char('j'))]);
    assert_eq!(decoded(&[b"\x1b\x1b"]), [plain(KeyCode::Esc), plain(KeyCode::Esc)]);
    assert_eq!(decoded(&[b"\x1b\x1b[A"]), [plain(KeyCode::Esc), plain(KeyCode::Up)]);
}

#[test]
fn a_key_that_is_typed_fast_after_esc_is_not_lost() {
    let mut decoder = Decoder::default();
    decoder.take(b"\x1b");
    assert_eq!((decoder.waited(), decoder.wait()), (None, Some(REST)));
    assert_eq!(decoder.take(b"j"), [plain(KeyCode::Esc), plain(KeyCode::Char('j'))]);
    // A sequence's rest still belongs to it.
    decoder.take(b"\x1b");
    decoder.waited();
    assert_eq!(decoder.take(b"OP"), [plain(KeyCode::F(1))]);
    decoder.take(b"\x1b");
    decoder.waited();
    assert!(matches!(decoder.take(b"]11;rgb:1e1e/1e1e/2e2e\x1b\\")[..], [Event::Reply(_)]));
}

#[test]
fn what_stays_unfinished_is_dropped_and_blocks_nothing() {
    let check = |begun: &[u8]| {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.take(begun), [], "{}", begun.escape_ascii());
        assert_eq!(decoder.wait(), Some(BEGUN), "{}", begun.escape_ascii());
        assert_eq!((decoder.waited(), decoder.wait()), (None, None), "{}", begun.escape_ascii());
        assert_eq!(decoder.take(b"q"), [plain(KeyCode::Char('q'))], "{}", begun.escape_ascii());
    };
    for begun in [
        &b"\x1b["[..],
        b"\x1b[1;",
        b"\x1bO",
        b"\x1b]11;rgb",
        b"\x1bP",
        b"\x1b_G\x1b",
        b"\xe2\x9c",
        b"\x1b[M!",
        b"\x1b[[",
    ] {
        check(begun);
    }
    // Pasting goes on however long it takes.
    let mut decoder = Decoder::default();
    decoder.take(b"\x1b[200~a");
    assert_eq!((decoder.wait(), decoder.waited()), (None, None));
    assert_eq!(decoder.take(b"b\x1b[201~"), [Event::Paste("ab".to_owned())]);
}

#[test]
fn nothing_grows_without_bound() {
    let mut decoder = Decoder::default();
    decoder.take(b"\x1b[200~");
    decoder.take(&vec![b'x'; 2 * MOST_PASTED]);
    let Event::Paste(text) = decoder.take(PASTE_ENDS).remove(0) else { panic!("a paste") };
    assert_eq!(text.len(), MOST_PASTED);
    decoder.take(b"\x1b[");
    decoder.take(&[b'1'; 100_000]);
    assert!(matches!(&decoder.state, State::Control(parameters) if parameters.len() <= MOST_PARAMETERS + 1));
    assert_eq!(decoder.take(b"~"), []);
    decoder.take(b"\x1b]52;c;");
    decoder.take(&[b'A'; 100_000]);
    assert!(matches!(&decoder.state, State::Reply { bytes, .. } if bytes.len() <= MOST_REPLIED + 1));
    assert_eq!(decoder.take(b"\x07"), []);
}

proptest! {
    /// Any of them in a row, in pieces of any length.
    #[test]
    fn rows_of_sequences_are_the_same_in_any_pieces(
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        cuts in prop::collection::vec(1_usize..9, 0..60),
    ) {
        let known = known();
        let chosen: Vec<_> = chosen.iter().map(|index| index.get(&known)).collect();
        let bytes: Vec<u8> = chosen.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let events: Vec<Event> = chosen.iter().flat_map(|(_, events)| events.clone()).collect();
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(decoded(&pieces), events);
    }

    /// Nonsense ends, and the pieces do not matter.
    #[test]
    fn nonsense_does_no_harm(bytes in prop::collection::vec(prop_oneof![
        any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'O'), Just(b'P'), Just(b';'), Just(b'1'), Just(b'\\'),
    ], 0..200)) {
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(decoded(&[&bytes]), decoded(&single));
    }
}
