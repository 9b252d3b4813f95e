use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;

use age::secrecy::ExposeSecret;
use age::x25519;
use proptest::prelude::*;

use super::frame::{FrameReader, FrameWriter, Kind};
use super::*;

fn head() -> Head {
    Head {
        format: FORMAT,
        roster: "0.1.0".to_owned(),
        store_format: 3,
        store: "00ff".to_owned(),
        older_keys: Vec::new(),
        master_keys: None,
        key: Some("0102030405060708".to_owned()),
        created_at: 1_795_262_400_000,
    }
}

type Tables = Vec<(String, Vec<(Vec<u8>, Vec<u8>)>)>;

fn sample() -> Tables {
    let rows = |count: u32| (0..count).map(|at| (at.to_be_bytes().to_vec(), vec![at as u8; 700])).collect();
    vec![("meta".to_owned(), rows(3)), ("empty".to_owned(), rows(0)), ("runs".to_owned(), rows(400))]
}

fn packed(tables: &Tables, seal: &Seal) -> Vec<u8> {
    let fill = |writer: &mut Writer<_>| {
        for (name, rows) in tables {
            writer.table(name)?;
            rows.iter().try_for_each(|(key, value)| writer.row(key, value))?;
        }
        Ok::<_, std::io::Error>(())
    };
    pack(Vec::new(), seal, &head(), fill).expect("written").0
}

fn unpacked(file: &[u8], key: &Key) -> Result<(Head, Tables), Unusable> {
    let (mut reader, head) = Reader::begin(open(file, key)?)?;
    let mut tables = Tables::new();
    while let Some(item) = reader.read()? {
        match item {
            Item::Table(table) => tables.push((table.name, Vec::new())),
            Item::Rows(rows) => {
                let (_, all) = tables.last_mut().expect("a table before its rows");
                all.extend(rows.map(|(key, value)| (key.to_vec(), value.to_vec())));
            }
        }
    }
    Ok((head, tables))
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text)
}

#[test]
fn what_was_written_is_read_again_however_it_was_sealed() {
    let identity = x25519::Identity::generate();
    let text = format!("# a comment\n{}\n", identity.to_string().expose_secret());
    let to = Seal::to(&identity.to_public().to_string()).expect("a recipient");
    for (seal, key) in [
        (Seal::Nothing, Key::Nothing),
        (to, identities(text.as_bytes()).expect("an identity")),
        (Seal::Passphrase(passphrase("of three words")), Key::Passphrase(passphrase("of three words"))),
    ] {
        let file = packed(&sample(), &seal);
        assert_eq!(unpacked(&file, &key).expect("usable"), (head(), sample()));
        let (_, manifest) = verify(open(file.as_slice(), &key).expect("opened")).expect("usable");
        assert_eq!((manifest.rows(), manifest.damaged(), manifest.tables.len()), (403, 0, 3));
    }
}

#[test]
fn a_wrong_key_is_refused_by_name() {
    let (one, other) = (x25519::Identity::generate(), x25519::Identity::generate());
    let to = packed(&sample(), &Seal::to(&one.to_public().to_string()).expect("a recipient"));
    let by_passphrase = packed(&sample(), &Seal::Passphrase(passphrase("right")));
    let refused = |file: &[u8], key: &Key| unpacked(file, key).expect_err("refused").to_string();
    let others = Key::Identities(vec![other]);
    assert!(refused(&to, &others).contains("this identity does not open it"));
    assert!(refused(&to, &Key::Nothing).contains("no identity was given"));
    assert!(refused(&to, &Key::Passphrase(passphrase("right"))).contains("no identity was given"));
    assert_eq!(refused(&by_passphrase, &Key::Passphrase(passphrase("wrong"))), "the passphrase is wrong");
    assert!(refused(&by_passphrase, &others).contains("with a passphrase"));
    assert_eq!(refused(b"redb\x1A\x0A", &Key::Nothing), "it is no backup of Roster");
    assert_eq!(refused(b"", &Key::Nothing), "it is no backup of Roster");
    for none in ["", "# only a comment\n", "age1qqq\n", "AGE-SECRET-KEY-1NONSENSE\n"] {
        assert!(matches!(identities(none.as_bytes()), Err(Unusable::NoIdentity { .. })), "{none}");
    }
    assert!(Seal::to("age1nonsense").is_err() && Seal::to("ssh-ed25519 AAAA").is_err());
}

#[test]
fn a_passphrase_that_would_take_all_memory_is_not_tried() {
    let mut file = packed(&sample(), &Seal::Passphrase(passphrase("right")));
    let header = b"-> scrypt ";
    let at = file.windows(header.len()).position(|bytes| bytes == header).expect("scrypt's line");
    let end = at + file[at..].iter().position(|byte| *byte == b'\n').expect("its end");
    assert_eq!(&file[end - 3..end], b" 17");
    file[end - 2..end].copy_from_slice(b"40");
    let refused = unpacked(&file, &Key::Passphrase(passphrase("right"))).expect_err("too much work");
    assert!(matches!(refused, Unusable::TooMuchWork { found: 40, .. }), "{refused}");
}

#[test]
fn every_flipped_bit_and_every_missing_byte_is_noticed() {
    let identity = x25519::Identity::generate();
    let seal = Seal::to(&identity.to_public().to_string()).expect("a recipient");
    let key = Key::Identities(vec![identity]);
    for (file, key) in [(packed(&sample(), &seal), &key), (packed(&sample(), &Seal::Nothing), &Key::Nothing)] {
        for at in (0..file.len()).step_by(file.len() / 400 + 1).chain(0..200.min(file.len())) {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << (at % 8);
            // A bit that changes nothing, an unused one of zstd's header say, may pass: then all rows are the same.
            if let Ok(found) = unpacked(&flipped, key) {
                assert_eq!(found, (head(), sample()), "bit at {at}");
            }
            let cut = unpacked(&file[..at], key).expect_err("a part of it");
            assert!(!cut.to_string().is_empty());
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(unpacked(&longer, key).is_err(), "something behind it");
    }
}

#[test]
fn a_newer_format_says_so_before_anything_else() {
    let newer = Head { format: FORMAT + 1, ..head() };
    let fill = |writer: &mut Writer<_>| writer.table("meta");
    let (file, _) = pack(Vec::new(), &Seal::Nothing, &newer, fill).expect("written");
    let refused = unpacked(&file, &Key::Nothing).expect_err("newer");
    assert!(matches!(refused, Unusable::Newer { found: 2, known: 1 }), "{refused}");
}

#[test]
fn frames_that_are_swapped_or_missing_are_noticed() {
    let stream = |order: &[usize]| {
        let mut parts = Vec::new();
        let mut writer = FrameWriter::begin(Vec::new()).expect("begun");
        for at in 0..3u8 {
            writer.put(Kind::Rows, &[at; 9]).expect("written");
        }
        let all = writer.into_inner();
        let (magic, frames) = all.split_at(frame::MAGIC.len());
        parts.extend_from_slice(magic);
        order.iter().for_each(|at| parts.extend_from_slice(&frames[at * 22..(at + 1) * 22]));
        parts
    };
    let read = |bytes: Vec<u8>| {
        let mut reader = FrameReader::begin(Cursor::new(bytes)).expect("frames");
        (0..3).try_for_each(|_| reader.read().map(drop))
    };
    assert!(read(stream(&[0, 1, 2])).is_ok());
    for order in [&[0, 2, 1][..], &[1, 2], &[0, 0, 1], &[0, 1]] {
        assert!(read(stream(order)).is_err(), "{order:?}");
    }
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.backup");
    let entries = || std::fs::read_dir(dir.path()).expect("a directory").count();
    let mut file = NewFile::create(&path).expect("begun");
    file.write_all(b"half").expect("written");
    assert!(!path.exists());
    drop(file);
    assert_eq!(entries(), 0, "nothing is left of it");
    let mut file = NewFile::create(&path).expect("begun");
    file.write_all(b"whole").expect("written");
    file.finish().expect("named");
    assert_eq!(std::fs::read(&path).expect("there"), b"whole");
    assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    let again = NewFile::create(&path).err().expect("it is there");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    let other = dir.path().join("b.backup");
    let late = NewFile::create(&other).expect("begun");
    std::fs::write(&other, "another program's").expect("written");
    assert_eq!(late.finish().expect_err("taken meanwhile").kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&other).expect("there"), b"another program's");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_rows_come_back(tables in prop::collection::vec(("[a-z]{1,9}", prop::collection::vec(
        (prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..5_000)), 0..40)), 0..5))
    {
        let file = packed(&tables, &Seal::Nothing);
        prop_assert_eq!(unpacked(&file, &Key::Nothing).expect("usable"), (head(), tables));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        let mut framed = frame::MAGIC.to_vec();
        framed.extend_from_slice(&bytes);
        prop_assert!(verify(framed.as_slice()).is_err());
        prop_assert!(unpacked(&bytes, &Key::Nothing).is_err());
    }
}
