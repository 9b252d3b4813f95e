//! Which way dependencies point: data, compared with what the files import.
//!
//! `cargo test -p roster-tests tidy::arrows -- --nocapture` prints the graph of each crate. A new direction is one word in
//! a row below, where a reader can object to it; one that is gone is removed. A row is a top-level module with those that
//! it imports; they are all in rows above it, so that no circle can be written down.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Direction, Modules};
use super::{Source, shipped};

const PROTOCOL: &str = "
    text:
    folding:
    time:
    paths:
    ids:
    metric:
    number: metric
    words: metric
    rule: time ids metric number words
    error:
    delivery: ids time words
    request: ids time words
    connection: time ids metric
    influencer: time ids metric connection
    alert: time ids metric rule
    sync: time ids
    reported: metric time
    audit: folding time metric
    access: audit words
    status: access metric rule sync time
    backup: time
    keys: time
    consent: time ids error connection
    event: ids alert sync
    query: text folding metric error connection
    doctor: time
    stored:
    retention: time
    json: metric rule alert
    silence: ids time
    undo: ids
    held: time ids connection influencer alert audit consent delivery reported request sync
    erasure: ids time
    mover: ids metric rule words
    service: access time ids error delivery connection influencer alert sync status audit backup keys consent event retention reported rule silence doctor request undo stored held erasure mover
    notice: text ids metric number alert service
    transport: text paths service
";

const DAEMON: &str = "
    model:
    schedule: model
    alerts: model
    history: model
    meters:
    secret: model
    http_client: meters model schedule secret
    process: alerts http_client model schedule secret
    oauth: http_client secret
    platforms: history http_client oauth process schedule secret
    roster: alerts http_client model oauth platforms schedule
    decision: alerts history model platforms roster schedule
    store: history meters model
    app: alerts decision history http_client meters model platforms process roster schedule secret store
    consent: app decision http_client model oauth platforms roster schedule secret store
    webhooks: app consent decision http_client meters model platforms roster schedule secret store
    sync: app consent decision http_client model platforms process roster schedule store
    edits: app decision model roster store sync
    delivery: app decision http_client meters model process roster schedule secret store
    erasing: app decision model roster store
    backups: app decision erasing model process secret store
    keys: app backups decision model secret store
    browse: alerts app consent decision history model platforms roster schedule store
    doctor: app browse consent delivery http_client process secret
    serve: app backups keys browse consent delivery doctor edits erasing platforms process roster schedule store sync webhooks
    daemon: alerts app backups keys browse consent decision delivery erasing history http_client model platforms process schedule secret serve store sync webhooks
";

const TUI: &str = "
    format:
    client_config:
    keys: client_config
    remembered:
    theme: format client_config
    widgets: format keys theme
    consent:
    client:
    message: remembered
    shared: format keys theme remembered message
    modal: format keys widgets consent message shared
    screens: format keys widgets consent message shared modal
    model: keys shared modal screens
    update: keys message shared modal screens model
    view: format keys theme widgets shared screens model
    terminal: client_config model view
    app: client_config theme client remembered message shared modal model update terminal
    output: format
    session: client output
    commands: client_config widgets consent client terminal output session
    agent: client output session
    arguments: client_config output session commands agent
";

#[test]
fn no_two_modules_import_each_other() {
    let sources = shipped();
    let crates = [("protocol", PROTOCOL), ("daemon", DAEMON), ("tui", TUI)];
    let problems: Vec<String> = crates.iter().flat_map(|(name, rows)| problems(name, rows, &sources)).collect();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Prints the graph of a crate, and returns where it is not as its rows have it.
fn problems(name: &str, rows: &str, sources: &[Source]) -> Vec<String> {
    let rows: Vec<(&str, Vec<&str>)> = rows.lines().filter_map(row).collect();
    let modules = Modules::of(&format!("{name}/src/"), sources);
    let directions = modules.directions();
    print(name, &modules, &directions);
    let mut problems = wrong_rows(&rows, &modules);

    let direction = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let allowed: BTreeSet<Direction> =
        rows.iter().flat_map(|(from, to)| to.iter().map(|to| direction(from, to))).collect();
    for (from, to) in allowed.iter().filter(|direction| !directions.contains_key(direction)) {
        problems.push(format!("{from} imports {to} no more: take it off"));
    }
    for (direction, paths) in &directions {
        let (from, to) = direction;
        let is_wrong = match from.contains('/') {
            true => reaches(&directions, to, from),
            false => !allowed.contains(direction),
        };
        if is_wrong {
            problems.push(format!("{from} must not import {to}:\n    {}", paths.join("\n    ")));
        }
    }
    problems.into_iter().map(|problem| format!("{name}: {problem}")).collect()
}

/// `sync: app store`, but for an empty line.
fn row(line: &str) -> Option<(&str, Vec<&str>)> {
    let (from, to) = line.trim().split_once(':')?;
    Some((from, to.split_whitespace().collect()))
}

/// Whether the rows are those of the modules there are, each naming only what is above it.
fn wrong_rows(rows: &[(&str, Vec<&str>)], modules: &Modules) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, (from, allowed)) in rows.iter().enumerate() {
        if !modules.top().contains(from) {
            problems.push(format!("there is no module {from}: take its row off"));
        }
        for to in allowed.iter().filter(|to| !rows[..index].iter().any(|(above, _)| above == *to)) {
            problems.push(format!("{from} may not name {to}, whose row is not above its own"));
        }
    }
    let missing = modules.top().into_iter().filter(|name| !rows.iter().any(|(row, _)| row == name));
    problems.extend(missing.map(|name| format!("{name} has no row yet")));
    problems
}

/// Whether a path leads from one to the other.
fn reaches(directions: &BTreeMap<Direction, Vec<String>>, from: &str, to: &str) -> bool {
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(here) = seen.get(at).copied() {
        for (_, next) in directions.keys().filter(|(from, _)| from == here) {
            if !seen.contains(&next.as_str()) {
                seen.push(next);
            }
        }
        at += 1;
    }
    seen.contains(&to)
}

/// The graph with the number of imports in each direction, and `<->` where there are both.
fn print(name: &str, modules: &Modules, directions: &BTreeMap<Direction, Vec<String>>) {
    println!("== {name}");
    let nested = directions.keys().map(|(from, _)| from.as_str()).filter(|from| from.contains('/'));
    let mut names: Vec<&str> = modules.top().into_iter().chain(nested).collect();
    names.dedup();
    for from in names {
        let imported = directions.iter().filter(|((one, _), _)| one == from).map(|((_, to), paths)| {
            let both = if directions.contains_key(&(to.clone(), from.to_owned())) { "<->" } else { "" };
            format!(" {both}{to}({})", paths.len())
        });
        println!("{from}:{}", imported.collect::<String>());
    }
}
