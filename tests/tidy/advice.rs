//! Advice can be followed: each command and each key of the config that the programs' own words or the README name exists.
//!
//! Commands are in backticks, and are parsed by the programs' own parsers, with sample values in place of what is filled in.

use super::{Source, root, shipped};

/// What a text of a program says, or a line of the README: where, and the words.
struct Words {
    place: String,
    text: String,
}

/// The texts of shipped code, each on one line, and the README.
fn words() -> Vec<Words> {
    let of_code = |source: &Source| {
        let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        // A text that goes on in the next line.
        let mut joined = String::with_capacity(code.len());
        for (number, part) in code.split("\\\n").enumerate() {
            joined.push_str(if number == 0 { part } else { part.trim_start() });
        }
        Words { place: source.name.clone(), text: joined }
    };
    let readme = std::fs::read_to_string(root().join("README.md")).expect("text");
    shipped().iter().map(of_code).chain([Words { place: "README.md".to_owned(), text: readme }]).collect()
}

/// Every command in backticks, with the place that has it.
fn commands() -> Vec<(String, String)> {
    let of = |words: Words| {
        let quoted = words.text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned);
        let named = quoted.filter(|quoted| ["roster ", "rosterd "].iter().any(|name| quoted.starts_with(name)));
        named.map(|command| (words.place.clone(), command)).collect::<Vec<_>>()
    };
    words().into_iter().flat_map(of).collect()
}

/// The arguments of a command as it would be typed: `{platform}` and the like are filled in, quotes group words, and what
/// is behind a pipe is another program's.
fn typed(command: &str) -> Vec<String> {
    let (mut arguments, mut word) = (Vec::new(), String::new());
    let (mut quote, mut depth) = (None, 0);
    for c in command.split(" | ").next().unwrap_or_default().chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                word.push('x');
            }
            _ if depth > 0 => {}
            '\'' | '"' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            ' ' if quote.is_none() => arguments.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    arguments.push(word);
    arguments.retain(|word| !word.is_empty());
    // What stands for the name of any command.
    arguments.iter_mut().filter(|word| *word == "COMMAND").for_each(|word| *word = "status".to_owned());
    arguments
}

/// Why a program refuses what would be typed; `None` when it is taken. A bare `roster show` only names the command.
fn refusal(command: &str) -> Option<String> {
    let mut arguments = typed(command);
    // What is left out can be anything.
    let is_short = arguments.iter().any(|word| word.contains('…'));
    arguments.retain(|word| word != "…");
    let only_names = arguments.len() <= 2;
    let (kind, text) = if arguments[0] == "rosterd" {
        let error = rosterd::daemon::cli::command().try_get_matches_from(&arguments).err()?;
        (format!("{:?}", error.kind()), error.to_string())
    } else {
        let typed: Vec<std::ffi::OsString> = arguments.iter().map(Into::into).collect();
        let error = roster::arguments::parse(&typed).err()?;
        (format!("{:?}", error.kind()), error.to_string())
    };
    let is_incomplete =
        ["MissingRequiredArgument", "DisplayHelpOnMissingArgumentOrSubcommand"].contains(&kind.as_str());
    let is_help = kind == "DisplayHelp" || kind == "DisplayVersion";
    (!is_help && !(is_incomplete && (only_names || is_short)))
        .then(|| format!("{kind}: {}", text.lines().next().unwrap_or_default()))
}

#[test]
fn every_command_that_is_named_is_one() {
    let commands = commands();
    assert!(commands.len() > 60, "{} commands are not all of them", commands.len());
    let wrong: Vec<String> = commands
        .iter()
        // What one side says of the other's version.
        .filter(|(_, command)| !command.contains(" speaks version "))
        .filter_map(|(place, command)| Some(format!("{place}: `{command}`: {}", refusal(command)?)))
        .collect();
    assert!(wrong.is_empty(), "{} cannot be typed:\n{}", wrong.len(), wrong.join("\n"));
    // Not everything is taken.
    for wrong in ["roster frobnicate", "roster disconnect x --for-good", "rosterd chek", "roster set x interval"] {
        assert!(refusal(wrong).is_some(), "{wrong}");
    }
}

#[test]
fn every_key_of_the_config_that_is_named_is_one() {
    let sections = ["http", "store", "sync", "network", "change", "log"];
    let mut seen = 0;
    for words in words() {
        for (section, rest) in sections.iter().flat_map(|section| {
            let head = format!("[{section}] ");
            words
                .text
                .match_indices(&head)
                .map(|(at, _)| (*section, &words.text[at + head.len()..]))
                .collect::<Vec<_>>()
        }) {
            let key: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            // `[network] in rosterd.toml` names the section.
            if key.is_empty() || key == "in" {
                continue;
            }
            let parsed =
                rosterd::process::config::Config::parse(&format!("[{section}]\n{key} = \"?\"\n"), "rosterd.toml");
            let unknown = parsed.err().is_some_and(|error| error.to_string().contains("unknown key"));
            assert!(!unknown, "{}: [{section}] {key}", words.place);
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen} keys are not all of them");
}
