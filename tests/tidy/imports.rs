//! Which module imports which, read from the text of the files: `use` lines, and paths that begin at `crate`, `super` or
//! `self` wherever they are.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;

/// A module's path below its crate: `["store", "records"]`; the crate's root has none.
pub type Path = Vec<String>;

/// One module names another.
#[derive(Debug)]
pub struct Import {
    pub from: Path,
    pub to: Path,
    /// The file and line that says so.
    pub path: String,
}

/// From one module to another, each as its path with slashes.
pub type Direction = (String, String);

/// The modules of one crate.
pub struct Modules {
    /// Each module, and whether it has a folder of its own.
    folders: BTreeMap<Path, bool>,
    pub imports: Vec<Import>,
}

impl Modules {
    /// Those of the crate whose files are in `src`, from its root file on.
    pub fn of(src: &str, sources: &[Source]) -> Modules {
        let files: Vec<(Path, &Source)> =
            sources.iter().filter_map(|source| Some((module(source.name.strip_prefix(src)?)?, source))).collect();
        let folders =
            files.iter().map(|(path, _)| (path.clone(), files.iter().any(|(other, _)| is_child(other, path))));
        let mut modules = Modules { folders: folders.collect(), imports: Vec::new() };
        let root = files.iter().filter(|(path, _)| path.is_empty()).flat_map(|(_, source)| paths(source));
        let exported = root.filter_map(|(_, used)| {
            Some((used.last()?.clone(), modules.resolve(&Vec::new(), &used, &BTreeMap::new())?))
        });
        let exported = exported.collect();
        for (from, source) in files.iter().filter(|(path, _)| !path.is_empty()) {
            for (line, used) in paths(source) {
                if let Some(to) = modules.resolve(from, &used, &exported) {
                    let path = format!("{}:{line}: {}", source.name, used.join("::"));
                    modules.imports.push(Import { from: from.clone(), to, path });
                }
            }
        }
        modules
    }

    /// The module that `used` leads to, seen from the module `from`; nothing for another crate.
    fn resolve(&self, from: &Path, used: &[String], exported: &BTreeMap<String, Path>) -> Option<Path> {
        let (mut at, rest) = match used.first()?.as_str() {
            "crate" => (Vec::new(), &used[1..]),
            "self" => (from.clone(), &used[1..]),
            "super" => {
                let up = used.iter().take_while(|name| *name == "super").count();
                (from[..from.len().checked_sub(up)?].to_vec(), &used[up..])
            }
            _ => (from.clone(), used),
        };
        let by_name = rest.len() == used.len();
        for name in rest {
            at.push(name.clone());
            if !self.folders.contains_key(&at) {
                at.pop();
                break;
            }
        }
        match rest.first() {
            Some(name) if at.is_empty() => exported.get(name).cloned(),
            // A crate's name, or one that an earlier line brought here.
            _ if by_name && at == *from => None,
            _ => Some(at),
        }
    }

    /// Every direction with its imports: between top-level modules, and between folders of one folder.
    pub fn directions(&self) -> BTreeMap<Direction, Vec<String>> {
        let mut directions: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for import in &self.imports {
            let common = import.from.iter().zip(&import.to).take_while(|(one, other)| one == other).count();
            if common == import.from.len() || common == import.to.len() {
                continue;
            }
            let [from, to] = [&import.from, &import.to].map(|path| path[..=common].to_vec());
            if common == 0 || (self.folders[&from] && self.folders[&to]) {
                directions.entry((from.join("/"), to.join("/"))).or_default().push(import.path.clone());
            }
        }
        directions
    }

    /// The top-level modules.
    pub fn top(&self) -> BTreeSet<&str> {
        self.folders.keys().filter(|path| path.len() == 1).map(|path| path[0].as_str()).collect()
    }
}

fn is_child(path: &Path, of: &Path) -> bool {
    path.len() == of.len() + 1 && path.starts_with(of)
}

/// The module that is in the file `name` of a crate's `src/`; nothing for a program of its own.
fn module(name: &str) -> Option<Path> {
    let path = name.strip_suffix(".rs")?;
    match path {
        "lib" => Some(Vec::new()),
        "main" => None,
        _ => Some(path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()),
    }
}

/// Each path that a file's code imports or names from `crate`, `super` or `self` on, with its line.
fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, word) = &tokens[at];
        let before = at.checked_sub(1).map(|before| tokens[before].1.as_str());
        let follows = tokens.get(at + 1).map(|(_, next)| next.as_str());
        if word == "use" && before != Some("::") {
            at = tree(&tokens, at + 1, &[], &mut found);
        } else if ["crate", "super", "self"].contains(&word.as_str()) && before != Some("::") && follows == Some("::") {
            let mut path = vec![word.clone()];
            at += 1;
            while tokens.get(at).is_some_and(|(_, next)| next == "::")
                && tokens.get(at + 1).is_some_and(|(_, next)| is_name(next))
            {
                path.push(tokens[at + 1].1.clone());
                at += 2;
            }
            found.push((*line, path));
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one tree of a `use` line from `at` on, below `prefix`; returns where it ends.
fn tree(tokens: &[(usize, String)], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let mut path = prefix.to_vec();
    let mut line = tokens.get(at).map_or(0, |(line, _)| *line);
    while let Some((here, word)) = tokens.get(at) {
        at += 1;
        match word.as_str() {
            "::" => {}
            "{" => {
                while tokens.get(at).is_some_and(|(_, next)| next != "}") {
                    at = tree(tokens, at, &path, found);
                    at += usize::from(tokens.get(at).is_some_and(|(_, next)| next == ","));
                }
                return at + 1;
            }
            "as" => at += 1,
            "*" => {}
            name if is_name(name) => {
                line = *here;
                path.push(name.to_owned());
            }
            _ => {
                at -= 1;
                break;
            }
        }
    }
    // `a::{self}` names `a`.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    found.push((line, path));
    at
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The words and signs of a file's code with their lines; what is only for tests, and every text, is left out.
fn tokens(source: &Source) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    let mut is_for_tests = false;
    for (number, line) in source.code() {
        // An import that only tests need.
        if std::mem::take(&mut is_for_tests) && line.trim_start().starts_with("use ") {
            continue;
        }
        is_for_tests = line.trim() == "#[cfg(test)]";
        let line = without_texts(line);
        let mut rest = line.as_str();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                ':' if rest.starts_with("::") => 2,
                _ if is_name(rest) => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.push((number, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// A text that continues over several lines is taken for code there; it names no path of ours.
fn without_texts(line: &str) -> String {
    let mut kept = String::new();
    let mut is_text = false;
    let line = line.replace("'\"'", "");
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if is_text => _ = characters.next(),
            '"' => is_text = !is_text,
            _ if is_text => {}
            _ => kept.push(character),
        }
    }
    kept
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let files = [
        source("src/lib.rs", "pub mod a;\npub use time::{Date, Time as Clock};\n"),
        source("src/time.rs", ""),
        source("src/a.rs", "use b::{self, Bee};\nuse std::fmt;\npub(crate) use crate::Date;\n"),
        source("src/a/b.rs", "use super::super::time;\nuse crate::c::{d::{One, Two}, e as f, *};\n"),
        source(
            "src/c/mod.rs",
            "fn one() { crate::time::now(\"crate::a\", '\"') } // crate::a\n#[cfg(test)]\nuse crate::a;\n",
        ),
        source("src/c/d.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        source("src/c/d/f.rs", "use crate::c::e::g::Gee;\n"),
        source("src/c/e.rs", ""),
        source("src/c/e/g.rs", "use super::super::d;\n"),
    ];
    let modules = Modules::of("src/", &files);
    let directions = modules.directions().into_iter().map(|((from, to), paths)| (from, to, paths.len()));
    let directions: Vec<String> = directions.map(|(from, to, times)| format!("{from} {to} {times}")).collect();
    assert_eq!(directions, ["a c 4", "a time 2", "c time 1", "c/d c/e 1", "c/e c/d 1"]);
}
