//! What users take for the same word, and which known one they may have meant. Pure.
//!
//! Every search and every comparison of names goes through [`folded`], of handles through [`folded_handle`].

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};

const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// The composed form (NFC): the same text however its accents were typed.
pub fn composed(text: &str) -> String {
    COMPOSED.normalize(text).into_owned()
}

/// What is equal for a search and for a name: without case, and however its accents were typed.
///
/// This is Unicode's full case folding (`ß` is `ss`, `Σ` is `σ` and `ς`) in the composed form. The four letters that
/// Turkish has for `i` are one, for no caller knows in which language a name is written.
pub fn folded(text: &str) -> String {
    // Most texts are ASCII, which takes a tenth of the time.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut after_i = false;
    let letters = CASES.fold_string(&COMPOSED.normalize(text)).replace('ı', "i");
    let letters = letters.chars().filter(|c| {
        let is_dot = after_i && *c == '\u{307}';
        after_i = is_dot || *c == 'i';
        !is_dot
    });
    composed(&letters.collect::<String>())
}

/// What is equal for a platform's handle: without case, and however its accents were typed, but letter by letter.
///
/// Unlike [`folded`] it makes no two handles one that a platform may tell apart, such as `ß` and `ss`.
pub fn folded_handle(handle: &str) -> String {
    if handle.is_ascii() {
        return handle.to_ascii_lowercase();
    }
    let lower = COMPOSED.normalize(handle).to_lowercase();
    composed(&lower.chars().map(|c| CASES.simple_fold(c)).collect::<String>())
}

/// The known word that is most like a typed one; the first of several, and an empty text when none is known.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let alike = known.into_iter().map(|word| (strsim::jaro_winkler(typed, word), word));
    alike.reduce(|best, next| if next.0 > best.0 { next } else { best }).map_or("", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_take_for_the_same_is_folded_to_the_same() {
        let check = |one: &str, other: &str| assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        check("Mara", "MARA");
        check("ΟΔΥΣΣΕΑΣ", "οδυσσεας");
        check("ΟΔΥΣΣΕΑΣ", "οδυσσεασ");
        check("Νίκος", "ΝΊΚΟΣ");
        check("Straße", "STRASSE");
        check("İnci", "inci");
        check("IŞIK", "ışık");
        check("Zoe\u{301} Du\u{308}ben", "ZOÉ DÜBEN");
        check("ǅ", "ǆ");
        assert_ne!(folded("Zoé"), folded("Zoe"));
    }

    #[test]
    fn handles_are_folded_letter_by_letter() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(folded_handle(one) == folded_handle(other), same, "{one:?} {other:?}");
        };
        check("@Mara", "@MARA", true);
        check("@cafe\u{301}nuit", "@CAFÉNUIT", true);
        check("@ΟΔΥΣΣΕΑΣ", "@οδυσσεασ", true);
        check("@İzmir", "@i\u{307}zmir", true);
        check("@straße", "@strasse", false);
        check("@ışık", "@işik", false);
    }

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["youtube", "instagram", "tiktok"];
        assert_eq!(nearest("yuotube", known), "youtube");
        assert_eq!(nearest("insta", known), "instagram");
        assert_eq!(nearest("x", []), "");
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,30}|.{0,30}|[iIıİ\u{307}\u{345}ßΣς]{0,12}") {
            let once = folded(&text);
            proptest::prop_assert_eq!(&folded(&once), &once);
            let handle = folded_handle(&text);
            proptest::prop_assert_eq!(&folded_handle(&handle), &handle);
        }

        #[test]
        fn the_other_form_and_the_other_case_are_folded_to_the_same(text in "[a-zA-ZÀ-žΑ-ωА-яİıẞß\u{301}\u{307}\u{308} ]{0,20}") {
            proptest::prop_assert_eq!(folded(&decomposed(&text)), folded(&text));
            proptest::prop_assert_eq!(folded(&text.to_uppercase()), folded(&text));
        }
    }

    fn decomposed(text: &str) -> String {
        icu_normalizer::DecomposingNormalizer::new_nfd().normalize(text).into_owned()
    }
}
