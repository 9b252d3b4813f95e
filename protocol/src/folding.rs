//! What users take for the same word, and which known one they may have meant. Pure.
//!
//! Every search and every comparison of names goes through [`folded`], of handles through [`folded_handle`].

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};

const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const DECOMPOSED: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
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

/// The same without accents, as on a keyboard that has none: `Zoé` is `zoe`. Letters of their own, such as `ł`, stay.
pub fn bare(text: &str) -> String {
    let folded = folded(text);
    if folded.is_ascii() {
        return folded;
    }
    // Beyond this block marks are letters of their script.
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    composed(&DECOMPOSED.normalize(&folded).chars().filter(|c| !is_accent(c)).collect::<String>())
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

/// The known words that one may have meant with a typed one, at most three, the most alike first.
pub fn alike<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const ENOUGH: f64 = 0.87;
    let alike = known.into_iter().map(|word| (strsim::jaro_winkler(typed, word), word));
    let mut alike: Vec<(f64, &str)> = alike.filter(|(likeness, _)| *likeness >= ENOUGH).collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    alike.into_iter().map(|(_, word)| word).take(3).collect()
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
    fn accents_need_not_be_typed() {
        let check = |text: &str, expected: &str| assert_eq!(bare(text), expected);
        check("Zoé", "zoe");
        check("Zoe\u{301} DÜBEN", "zoe duben");
        check("Νίκος", "νικοσ");
        check("İnci Şahin", "inci sahin");
        check("Łukasz", "łukasz");
        check("がく", "がく");
        check("Straße", "strasse");
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
        assert_eq!(nearest("tag", ["tags", "tagz"]), "tags", "the first of several");
    }

    #[test]
    fn only_what_is_alike_may_have_been_meant() {
        let known = ["zoe", "oskar", "mara linde", "mara lind"];
        assert_eq!(alike("mara lnid", known), ["mara lind", "mara linde"]);
        assert_eq!(alike("oscar", known), ["oskar"]);
        assert_eq!(alike("ines", known), [""; 0]);
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
