//! Names in any case, form and script: found, compared and sorted as users expect; filters that make no sense.

use nix::sys::signal::Signal;
use roster_protocol::transport::within;
use roster_protocol::{InfluencerEdit, NewInfluencer};
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::programs::{CommandOutput, Home, ROSTER, Rosterd, alone};
use crate::support::terminal::Terminal;

/// A daemon with influencers of these names, each with the tag.
async fn named(names: &[&str], tag: &str) -> (Home, Rosterd) {
    let home = Home::new("");
    let daemon = home.start().await;
    for name in names {
        let new = NewInfluencer { name: (*name).to_owned(), tags: vec![tag.to_owned()], ..NewInfluencer::default() };
        daemon.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    (home, daemon)
}

/// `roster list --json` with these arguments, which may begin with a minus.
async fn list(home: &Home, arguments: &[&str]) -> CommandOutput {
    let mut command = alone(ROSTER, &home.path(""));
    command.args(["list", "--json", "--socket"]).arg(home.socket()).args(arguments);
    CommandOutput::of(command).await
}

async fn listed(home: &Home, arguments: &[&str]) -> Vec<String> {
    let output = list(home, arguments).await;
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    let list = output.json();
    let rows = list["influencers"].as_array().expect("rows");
    rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_found_in_any_case_and_form() {
    const DECOMPOSED: &str = "Zoe\u{301} Du\u{308}ben";
    const COMPOSED: &str = "Zoë Müller";
    let names = ["ΟΔΥΣΣΕΑΣ", "Νίκος", "Eva Straße", "İnci Şahin", DECOMPOSED, COMPOSED, "Bystander"];
    let (home, daemon) = named(&names, "Größe").await;
    let part = async |query: &str, expected: &str| assert_eq!(listed(&home, &[query]).await, [expected], "{query}");
    part("ΟΔΥΣ", "ΟΔΥΣΣΕΑΣ").await;
    part("οδυσσεασ", "ΟΔΥΣΣΕΑΣ").await;
    part("οδυσσεας", "ΟΔΥΣΣΕΑΣ").await;
    part("νίκοσ", "Νίκος").await;
    part("ΝΊΚΟΣ", "Νίκος").await;
    part("STRASSE", "Eva Straße").await;
    part("inci", "İnci Şahin").await;
    part("İNCİ", "İnci Şahin").await;
    part("\"Zoé Düben\"", DECOMPOSED).await;
    part("düben", DECOMPOSED).await;
    part("\"Zoe\u{308} Mu\u{308}ller\"", COMPOSED).await;
    part("MU\u{308}LLER", COMPOSED).await;
    let whole = async |name: &str, expected: &str| {
        let shown = home.json(&["show", name]).await;
        assert_eq!(shown["name"], expected, "{name}");
    };
    whole("οδυσσεασ", "ΟΔΥΣΣΕΑΣ").await;
    whole("νίκοσ", "Νίκος").await;
    whole("EVA STRASSE", "Eva Straße").await;
    whole("inci şahin", "İnci Şahin").await;
    whole("Zoé Düben", DECOMPOSED).await;
    whole("ZOE\u{308} mu\u{308}ller", COMPOSED).await;
    // Tags are names, too.
    assert_eq!(listed(&home, &["tag:GRÖSSE"]).await.len(), names.len());
    assert_eq!(listed(&home, &["--tag", "gro\u{308}ße"]).await.len(), names.len());
    let edit = InfluencerEdit { untag: vec!["GRO\u{308}SSE".into()], ..InfluencerEdit::default() };
    let edited = daemon.client.edit(within(LIMIT), "νίκοσ".into(), edit).await.expect("a response").expect("edited");
    assert!(edited.row.tags.is_empty(), "{:?}", edited.row.tags);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accents_need_not_be_typed_and_a_miss_names_the_nearest() {
    let (home, _daemon) = named(&["Zoë Müller", "Łukasz"], "t").await;
    assert_eq!(listed(&home, &["zoe", "muller"]).await, ["Zoë Müller"]);
    assert_eq!(home.json(&["show", "ZOE MULLER"]).await["name"], "Zoë Müller");
    let missed = home.roster(&["show", "Zoe Mülelr"]).await;
    assert!(missed.code == Some(4) && missed.err.contains("did you mean Zoë Müller?"), "{missed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_printed_as_other_programs_read_them() {
    let (home, _daemon) = named(&["=1+1", "Ana | \"A\"", "Bo"], "t,u").await;
    let printed = async |more: &[&str]| {
        let output = home.roster(&[&["list", "--sort", "name"][..], more].concat()).await;
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{more:?}: {output:?}");
        output.out
    };
    let columns = ["--columns", "name,followers,tags"];
    let csv = printed(&[&columns[..], &["--format", "csv"]].concat()).await;
    assert_eq!(csv, "name,followers,tags\n'=1+1,,\"t,u\"\n\"Ana | \"\"A\"\"\",,\"t,u\"\nBo,,\"t,u\"\n");
    let md = printed(&["--format", "md", "--columns", "name,sync_enabled"]).await;
    assert!(md.starts_with("| name | sync_enabled |\n| --- | --- |\n| =1+1 | true |\n| Ana \\| "), "{md}");
    let table = printed(&["--columns", "name"]).await;
    assert_eq!(table, "NAME\n=1+1\nAna | \"A\"\nBo\n");
    let lines = printed(&["--format", "ndjson"]).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.iter().map(|line| &line["tags"][0]).collect::<Vec<_>>(), ["t,u"; 3]);
    let json: Value = serde_json::from_str(&printed(&["--format", "json"]).await).expect("one document");
    assert_eq!(json["total"], 3);
    let wrong = home.roster(&["list", "--format", "csv", "--columns", "nmae"]).await;
    assert!(wrong.code == Some(2) && wrong.err.contains("did you mean name?"), "{wrong:?}");
    let followed = home.roster(&["audit", "--follow", "--format", "csv"]).await;
    assert!(followed.code == Some(2) && followed.err.contains("leave --format"), "{followed:?}");
    let audit = home.roster(&["audit", "--format", "tsv", "--columns", "number,who.uid,action"]).await;
    assert!(audit.out.starts_with("number\twho.uid\taction\n3\t"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_fit_are_edited_once_that_is_agreed_to() {
    let (home, daemon) = named(&["Ana", "Bo", "Cleo"], "spring").await;
    let edit = InfluencerEdit { untag: vec!["spring".into()], ..InfluencerEdit::default() };
    daemon.client.edit(within(LIMIT), "Cleo".into(), edit).await.expect("a response").expect("edited");
    let asked = home.roster(&["edit", "--where", "tag:spring", "--tag", "q4"]).await;
    assert!(asked.code == Some(2) && asked.err.contains("this would edit 2 influencers"), "{asked:?}");
    assert!(asked.err.contains("Ana") && asked.err.contains("Bo") && !asked.err.contains("Cleo"), "{asked:?}");
    assert_eq!(listed(&home, &["tag:q4"]).await, [""; 0], "nothing was done");
    let done = home.json(&["edit", "--where", "tag:spring", "--tag", "q4", "--untag", "spring", "--yes"]).await;
    assert_eq!((&done["total"], &done["influencers"][0]["tags"]), (&2.into(), &serde_json::json!(["q4"])), "{done}");
    assert_eq!(listed(&home, &["tag:q4", "--sort", "name"]).await, ["Ana", "Bo"]);
    let none = home.roster(&["edit", "--where", "tag:spring", "--tag", "q4", "--yes"]).await;
    assert!(none.code == Some(4) && none.err.contains("no influencer matches"), "{none:?}");
    for wrong in [
        &["edit", "--where", "tag:q4", "--name", "One"][..],
        &["edit", "Ana", "--where", "tag:q4"],
        &["edit", "--where", "\"\"", "--tag", "x", "--yes"],
        &["edit", "--tag", "x"],
    ] {
        assert_eq!(home.roster(wrong).await.code, Some(2), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_as_wide_as_the_terminal_and_whole_for_a_program() {
    let long = "A name that is a good deal longer than what is usual here";
    let (home, _daemon) = named(&[long, "Bo"], "some-tag").await;
    let mut command = std::process::Command::new(ROSTER);
    command.env_clear().env("HOME", home.path("")).env("NO_COLOR", "1");
    command.args(["list", "--sort", "name", "--socket"]).arg(home.socket());
    let mut terminal = Terminal::start(command, (100, 24));
    assert!(terminal.ended(LIMIT).await.success());
    terminal.see("the list", |shown| shown.contains("Bo ")).await;
    let shown = terminal.contents();
    let lines: Vec<&str> = shown.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() == 3 && lines[1].contains("A name that") && lines[1].contains('…'), "{shown}");
    assert!(home.roster(&["list"]).await.out.contains(long));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_sorted_as_in_a_dictionary() {
    let (home, daemon) = named(&["zebra", "Øystein", "Łukasz", "Émile", "Ángel"], "x").await;
    assert_eq!(listed(&home, &["--sort", "name"]).await, ["Ángel", "Émile", "Łukasz", "Øystein", "zebra"]);
    // One that is renamed moves.
    let edit = InfluencerEdit { name: Some("ébène".into()), ..InfluencerEdit::default() };
    daemon.client.edit(within(LIMIT), "zebra".into(), edit).await.expect("a response").expect("edited");
    assert_eq!(listed(&home, &["--sort", "name"]).await, ["Ángel", "ébène", "Émile", "Łukasz", "Øystein"]);
    // Names decide among those whose followers are equal, or unknown.
    assert_eq!(listed(&home, &[]).await, ["Ángel", "ébène", "Émile", "Łukasz", "Øystein"]);
}

/// The message of a `list` that is refused as a mistake of the user's, with its hint.
async fn refused(home: &Home, arguments: &[&str]) -> (String, String) {
    let output = list(home, arguments).await;
    assert_eq!(output.code, Some(2), "{arguments:?}: {output:?}");
    let error = |key: &str| match &output.json()["error"][key] {
        Value::String(text) => text.clone(),
        other => panic!("{arguments:?}: {key} is {other}"),
    };
    (error("message"), error("hint"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_word_that_makes_no_sense_is_an_error_with_the_nearest() {
    let (home, _daemon) = named(&["Re:Zero", "Mara"], "beauty").await;
    let check = async |arguments: &[&str], nearest: &str| {
        let (message, hint) = refused(&home, arguments).await;
        assert!(message.contains(nearest), "{arguments:?}: {message}");
        assert!(hint.contains("in quotes it is text: \""), "{arguments:?}: {hint}");
    };
    check(&["bogus:foo"], "no such key; did you mean ").await;
    check(&["--", "-bogus:foo"], "no such key; did you mean ").await;
    check(&["folowers:>10k"], "did you mean followers:?").await;
    check(&["growth:<0"], "write growth7:<0 or growth30:<0").await;
    check(&["--", "mara", "-growth:<0"], "write growth7:<0 or growth30:<0").await;
    check(&["platform:ig"], "did you mean platform:instagram?").await;
    check(&["--", "-platform:ig"], "did you mean platform:instagram?").await;
    check(&["--platform", "Yuotube"], "did you mean platform:youtube?").await;
    check(&["youtube:@mara"], "did you mean platform:youtube @mara?").await;
    check(&["status:eror"], "did you mean status:error?").await;
    check(&["is:pausd"], "did you mean is:paused?").await;
    check(&["re:zero"], "no such key").await;
    // The hint can be followed, and what makes sense still does.
    assert_eq!(listed(&home, &["\"re:zero\""]).await, ["Re:Zero"]);
    assert_eq!(listed(&home, &["--", "-\"re:zero\""]).await, ["Mara"]);
    assert_eq!(listed(&home, &["--", "-platform:instagram", "TAG:Beauty"]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ui_says_under_the_filter_why_it_has_no_answer() {
    let (home, mut daemon) = named(&["Kevin", "Mara", "Oskar"], "x").await;
    let mut command = std::process::Command::new(ROSTER);
    command.env_clear().env("HOME", home.path("")).arg("--socket").arg(home.socket());
    let mut terminal = Terminal::start(command, (80, 24));
    terminal.see("the roster is drawn", |screen| screen.contains("Kevin") && screen.contains("q quit")).await;
    let under = |screen: &str, text: &str| screen.lines().nth(2).is_some_and(|line| line.contains(text));
    for (filter, nearest) in [
        ("platform:ig", "did you mean platform:instagram?"),
        ("-bogus:foo", "no such key; did you mean "),
        ("growth:<0", "write growth7:<0 or growth30:<0"),
    ] {
        terminal.send(format!("/{filter}\r").as_bytes());
        terminal.see(filter, |screen| under(screen, nearest) && !screen.contains(" of 3 ")).await;
        terminal.send(b"\x1b");
        terminal.see("it is cleared", |screen| under(screen, "NAME") && screen.contains("Kevin")).await;
    }
    daemon.end(Signal::SIGTERM).await;
    terminal.see("the daemon is gone", |screen| screen.contains("offline since")).await;
    terminal.send(b"/kev");
    let sentence = "offline: the rows below are not filtered or sorted anew";
    terminal.see("it cannot filter", |screen| under(screen, sentence) && !screen.contains(" of 3 ")).await;
    let _daemon = home.start().await;
    terminal.see("it can again", |screen| screen.contains("1 of 3 ") && !screen.contains("Oskar")).await;
}
