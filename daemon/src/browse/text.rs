//! The text that filters look into. Pure.

/// Name, handles and tags in lower case, apart by line ends, which no filter word contains.
pub fn searched<'a>(name: &'a str, tags: &'a [String], handles: impl Iterator<Item = &'a str>) -> String {
    let parts = std::iter::once(name).chain(handles).chain(tags.iter().map(String::as_str));
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn name_handles_and_tags_are_searched_in_lower_case() {
        let text = super::searched("Mara L", &["Beauty".into()], ["@Mara"].into_iter());
        assert_eq!(text, "mara l\n@mara\nbeauty");
    }
}
