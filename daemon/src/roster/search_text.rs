//! What filters search and lists are sorted by, made once for each name. Pure.

use std::sync::{Arc, LazyLock};

use icu_collator::options::CollatorOptions;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use roster_protocol::folding::{bare, folded};

/// Bytes that compare as a dictionary orders the names they are made of.
pub type SortKey = Arc<[u8]>;

/// The texts of one influencer.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Name, handles and tags without case and accents, separated by line ends, which no filter word contains.
    pub searched: String,
    pub sort_key: SortKey,
}

impl Texts {
    pub fn of<'a>(name: &'a str, tags: &'a [String], handles: impl Iterator<Item = &'a str>) -> Self {
        let parts = std::iter::once(name).chain(handles).chain(tags.iter().map(String::as_str));
        Self { searched: parts.map(bare).collect::<Vec<_>>().join("\n"), sort_key: sort_key(name) }
    }
}

/// The order that is common to all languages (CLDR's root): the daemon does not know in which of them a team reads.
static DICTIONARY: LazyLock<Option<CollatorBorrowed<'static>>> =
    LazyLock::new(|| CollatorBorrowed::try_new(CollatorPreferences::default(), CollatorOptions::default()).ok());

/// The key by which a name is sorted.
pub fn sort_key(name: &str) -> SortKey {
    let mut key = Vec::new();
    let written = DICTIONARY.as_ref().map(|dictionary| dictionary.write_sort_key_to(name, &mut key));
    match written {
        Some(Ok(())) => key.into(),
        // The data is compiled in; without it names are in the order of their letters' codes.
        _ => folded(name).into_bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_handles_and_tags_are_searched_without_case_and_accents() {
        let texts = Texts::of("Mara Lö", &["Beauty".into()], ["@Straße"].into_iter());
        assert_eq!(texts.searched, "mara lo\n@strasse\nbeauty");
    }

    #[test]
    fn names_are_in_the_order_of_a_dictionary() {
        let sorted = [
            "007 Cooking",
            "Ángel",
            "angela",
            "Émile",
            "Emilia",
            "Łukasz",
            "Lukasz Z",
            "mara",
            "Mara",
            "MARA",
            "Øystein",
            "Ozan",
            "zebra",
            "Νίκος",
            "Юлия",
            "さくら",
        ];
        let mut names = sorted;
        names.reverse();
        names.sort_by_cached_key(|name| sort_key(name));
        assert_eq!(names, sorted);
        assert_eq!(sort_key("Zoe\u{301}"), sort_key("Zoé"));
    }
}
