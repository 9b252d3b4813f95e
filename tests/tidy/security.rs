//! SECURITY.md names tests that exist: each row of its table ends with at least one, as `file::test` or as a path.

use super::{files, root};

/// The rows of the table: each one's cells, without the heading.
fn rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.skip_while(|row| !row.iter().all(|cell| cell.starts_with("---"))).skip(1).collect()
}

/// Whether this is a test of a file, or of a folder's files, of that name; or a path.
fn exists(named: &str, files: &[String]) -> bool {
    let Some((file, test)) = named.split_once("::") else { return root().join(named).exists() };
    let is_there = |path: &&String| {
        path.ends_with(&format!("/{file}.rs")) || path.contains(&format!("/{file}/")) && path.ends_with(".rs")
    };
    let is_defined = |path: &String| {
        let text = std::fs::read_to_string(root().join(path)).expect("text");
        text.contains(&format!("fn {test}("))
    };
    files.iter().filter(is_there).any(is_defined)
}

#[test]
fn each_threat_has_a_test_that_exists() {
    let page = std::fs::read_to_string(root().join("SECURITY.md")).expect("text");
    let (rows, files) = (rows(&page), files());
    assert!(rows.len() > 15, "{} rows", rows.len());
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        let named: Vec<&str> = row[4].split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row:?} names no test");
        let missing: Vec<_> = named.into_iter().filter(|named| !exists(named, &files)).collect();
        assert!(missing.is_empty(), "{:?}: no such test: {missing:?}", row[2]);
    }
}
