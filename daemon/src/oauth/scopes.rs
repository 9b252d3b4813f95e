//! What an app requests of owners, against what there is; and what its operator does where the provider refuses it:
//! an app can lack a permission that Roster knows. Pure.

use super::{Provider, Purpose, Scope};

/// What owners are asked to allow, and what is left out, in a sentence.
pub fn requested<P: Provider + ?Sized>(provider: &P, purpose: Purpose) -> String {
    let terms = provider.terms();
    let asked = provider.scopes_for(purpose);
    let left_out = terms.scopes_for(purpose).filter(|scope| scope.is_usual() && !asked.contains(scope));
    let costs: Vec<String> = left_out.map(|scope| format!("{} ({})", scope.name, scope.reads)).collect();
    match (provider.app().is_some_and(|app| app.config_id.is_some()), costs.is_empty()) {
        (true, _) => format!(
            "owners are asked for what the configuration at {} holds that config_id names: it must hold {}; what it does \
             not hold of {} is not read",
            terms.grantor,
            names(&asked),
            costs.join(", ")
        ),
        (false, true) => format!("owners are asked to allow {}", names(&asked)),
        (false, false) => {
            format!("owners are asked to allow {}; left out, and not read: {}", names(&asked), costs.join(", "))
        }
    }
}

/// What was refused, and what to do about it: two sentences. `words` are the provider's; what they name is looked for
/// in them, and nothing else of them is repeated.
pub fn refused<P: Provider + ?Sized>(provider: &P, purpose: Purpose, words: &str) -> (String, String) {
    let requested = provider.scopes_for(purpose);
    let named: Vec<&Scope> = requested.iter().copied().filter(|scope| is_named(scope.name, words)).collect();
    let what = match named.is_empty() {
        true => format!("one of {}", names(&requested)),
        false => names(&named),
    };
    let message = format!("{} does not let the app request {what}", provider.terms().grantor);
    (message, advice_on(provider, &requested, &named))
}

/// What the operator does when the consent page ends in an error about scopes.
pub fn advice<P: Provider + ?Sized>(provider: &P, purpose: Purpose) -> String {
    advice_on(provider, &provider.scopes_for(purpose), &[])
}

fn advice_on<P: Provider + ?Sized>(provider: &P, requested: &[&'static Scope], named: &[&Scope]) -> String {
    let (terms, app) = (provider.terms(), provider.app());
    let (grantor, section) = (terms.grantor, terms.section);
    if app.is_some_and(|app| app.config_id.is_some()) {
        return format!(
            "look at the app at {grantor}: it must have all permissions of the configuration that config_id in \
             [{section}] names"
        );
    }
    let is_refused = |scope: &Scope| named.is_empty() || named.iter().any(|named| named.name == scope.name);
    let (needed, optional): (Vec<&Scope>, Vec<&Scope>) =
        requested.iter().copied().filter(|scope| is_refused(scope)).partition(|scope| scope.needed);
    let kept: Vec<String> = requested
        .iter()
        .filter(|scope| scope.needed || !is_refused(scope))
        .map(|scope| format!("\"{}\"", scope.name))
        .collect();
    let reads = |scopes: &[&Scope]| {
        let reads = scopes.iter().map(|scope| if scope.reads.is_empty() { scope.name } else { scope.reads });
        reads.collect::<Vec<_>>().join(", ")
    };
    match (named.is_empty(), needed.is_empty(), optional.is_empty()) {
        // It says which, and one of them is needed.
        (false, false, _) => format!("add {} to the app at {grantor}: nothing is read without it", names(&needed)),
        (false, true, _) => format!(
            "add {} to the app at {grantor}; or set scopes = [{}] in [{section}] and reload rosterd, and do without {}",
            names(named),
            kept.join(", "),
            reads(&optional)
        ),
        (true, _, true) => format!("add what is missing of {} to the app at {grantor}", names(&needed)),
        (true, _, false) => format!(
            "add what is missing to the app at {grantor}; or leave it out: scopes = [{}] in [{section}] is enough for \
             all but {}",
            kept.join(", "),
            reads(&optional)
        ),
    }
}

fn names(scopes: &[&Scope]) -> String {
    scopes.iter().map(|scope| scope.name).collect::<Vec<_>>().join(", ")
}

/// Whether a text names a scope, and not only one whose name goes on.
fn is_named(scope: &str, words: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "_-/".contains(c);
    words.match_indices(scope).any(|(at, _)| {
        let before = words[..at].chars().next_back();
        let mut after = words[at + scope.len()..].chars();
        let is_cut = match after.next() {
            Some('.' | ':') => after.next().is_some_and(goes_on),
            next => next.is_some_and(goes_on),
        };
        !is_cut && !before.is_some_and(|c| goes_on(c) || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{OAuthApp, Terms};
    use crate::secret::Secret;

    const A: Scope = Scope { name: "user.info", purpose: Purpose::Measuring, reads: "followers", needed: true };
    const B: Scope = Scope { name: "user.info.stats", purpose: Purpose::Measuring, reads: "likes", needed: false };
    const C: Scope = Scope { name: "videos", purpose: Purpose::Measuring, reads: "views", needed: false };
    /// For some owners' accounts.
    const D: Scope = Scope { name: "ads", purpose: Purpose::Measuring, reads: "", needed: false };

    struct Known(OAuthApp);

    impl Provider for Known {
        fn terms(&self) -> &'static Terms {
            &Terms { grantor: "X", section: "platforms.x", scopes: &[A, B, C, D], ..Terms::STANDARD }
        }

        fn app(&self) -> Option<&OAuthApp> {
            Some(&self.0)
        }
    }

    fn known(scopes: Option<&[&str]>, config_id: Option<&str>) -> Known {
        let scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        let (id, secret) = (String::new(), Secret::new("canary"));
        Known(OAuthApp { id, secret, redirect_uri: None, scopes, config_id: config_id.map(str::to_owned) })
    }

    #[test]
    fn a_refusal_names_what_it_names_and_nothing_else() {
        let check = |words: &str, what: &str, advice: &str| {
            let expected = (format!("X does not let the app request {what}"), advice.to_owned());
            assert_eq!(refused(&known(None, None), Purpose::Measuring, words), expected, "{words}");
        };
        let all = "one of user.info, user.info.stats, videos";
        let any = "add what is missing to the app at X; or leave it out: scopes = [\"user.info\"] in [platforms.x] is \
                   enough for all but likes, views";
        for words in ["", "canary", "invalid scope", "myvideos and videos.upload and user.info.statistics"] {
            check(words, all, any);
        }
        let without = "add videos to the app at X; or set scopes = [\"user.info\", \"user.info.stats\"] in \
                       [platforms.x] and reload rosterd, and do without views";
        for words in ["Invalid Scopes: videos. This message", "videos", "[videos]", "scope 'videos', canary"] {
            check(words, "videos", without);
        }
        let needed = "add user.info to the app at X: nothing is read without it";
        check("user.info is not approved", "user.info", needed);
        check("user.info, videos", "user.info, videos", needed);
        let stats = "add user.info.stats to the app at X; or set scopes = [\"user.info\", \"videos\"] in [platforms.x] \
                     and reload rosterd, and do without likes";
        check("user.info.stats.", "user.info.stats", stats);
    }

    #[test]
    fn the_operators_choice_decides_what_is_said() {
        let check = |known: Known, sentence: &str, expected: &str| {
            assert_eq!(requested(&known, Purpose::Measuring), sentence);
            assert_eq!(advice(&known, Purpose::Measuring), expected);
        };
        check(
            known(None, None),
            "owners are asked to allow user.info, user.info.stats, videos",
            "add what is missing to the app at X; or leave it out: scopes = [\"user.info\"] in [platforms.x] is enough \
             for all but likes, views",
        );
        check(
            known(Some(&["user.info"]), None),
            "owners are asked to allow user.info; left out, and not read: user.info.stats (likes), videos (views)",
            "add what is missing of user.info to the app at X",
        );
        check(
            known(Some(&["user.info", "user.info.stats", "videos", "ads"]), None),
            "owners are asked to allow user.info, user.info.stats, videos, ads",
            "add what is missing to the app at X; or leave it out: scopes = [\"user.info\"] in [platforms.x] is enough \
             for all but likes, views, ads",
        );
        check(
            known(None, Some("7")),
            "owners are asked for what the configuration at X holds that config_id names: it must hold user.info; what \
             it does not hold of user.info.stats (likes), videos (views) is not read",
            "look at the app at X: it must have all permissions of the configuration that config_id in [platforms.x] \
             names",
        );
    }
}
