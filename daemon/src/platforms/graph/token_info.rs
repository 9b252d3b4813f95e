//! What Meta reports about a token: whether it is good, and for what. Pure.

use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::oauth::Scope;
use crate::platforms::PlatformError;
use crate::platforms::consenting::Checked;
use crate::platforms::reading::{Items, id, plain_id};

#[derive(Deserialize)]
pub(super) struct Debugged {
    data: Info,
}

#[derive(Deserialize)]
struct Info {
    is_valid: bool,
    #[serde(default)]
    scopes: Vec<String>,
    granular_scopes: Option<Box<RawValue>>,
    /// Seconds; 0 is never.
    data_access_expires_at: Option<i64>,
    error: Option<Problem>,
}

/// A scope, and what it was allowed for.
#[derive(Deserialize)]
struct Granular {
    scope: String,
    #[serde(default)]
    target_ids: Vec<Target>,
}

#[derive(Deserialize)]
struct Target(#[serde(deserialize_with = "id")] String);

/// What a person allowed.
#[derive(Debug, Default)]
pub(in crate::platforms) struct Granted {
    pub(in crate::platforms) scopes: Vec<String>,
    /// The Pages that it was allowed for. Empty: all of them, or Meta does not say.
    pub(super) pages: Vec<String>,
    /// When it is good for nothing, although the token is valid: about 90 days after the person signed in.
    pub(in crate::platforms) data_ends_at: Option<Timestamp>,
}

impl From<Granted> for Checked {
    fn from(Granted { scopes, data_ends_at, .. }: Granted) -> Self {
        Self { scopes: Some(scopes), data_ends_at }
    }
}

impl Granted {
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// # Errors
    /// `MissingScope` with the first of the needed ones that is missing.
    pub(super) fn check(&self, scopes: &[Scope]) -> Result<(), PlatformError> {
        match scopes.iter().find(|scope| scope.needed && !self.has(scope.name)) {
            Some(scope) => Err(PlatformError::MissingScope { scope: scope.name.to_owned() }),
            None => Ok(()),
        }
    }
}

impl Debugged {
    /// What was really granted.
    ///
    /// # Errors
    /// `Unauthorized` when the token is over, or what it opened.
    pub(super) fn granted(self, name: &str, now: Timestamp) -> Result<Granted, PlatformError> {
        let info = self.data;
        if !info.is_valid {
            return Err(PlatformError::Unauthorized { what: info.error.unwrap_or_default().end(name) });
        }
        let ends = info.data_access_expires_at.filter(|at| *at > 0);
        let data_ends_at = ends.map(|at| Timestamp(at.saturating_mul(1000)));
        if data_ends_at.is_some_and(|at| at <= now) {
            let what = "90 days have passed since its owner signed in: consent is needed again".to_owned();
            return Err(PlatformError::Unauthorized { what });
        }
        let scopes = info.scopes.iter().filter_map(|scope| plain_id(scope)).map(str::to_owned).collect();
        Ok(Granted { scopes, data_ends_at, pages: info.granular_scopes.map_or_else(Vec::new, |text| pages(&text)) })
    }
}

/// The ids of Pages among what scopes were allowed for, each once. What cannot be read names none.
fn pages(text: &RawValue) -> Vec<String> {
    let scopes: Items = serde_json::from_str(text.get()).unwrap_or_default();
    let scopes = scopes.iter().filter_map(|text| serde_json::from_str::<Granular>(text.get()).ok());
    let of_pages = scopes.filter(|granular| granular.scope.starts_with("pages_"));
    let mut pages: Vec<String> = Vec::new();
    for Target(id) in of_pages.flat_map(|granular| granular.target_ids) {
        if plain_id(&id).is_some() && !pages.contains(&id) {
            pages.push(id);
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::tests::world::NOW;

    #[test]
    fn a_token_is_good_until_they_say_otherwise() {
        let read = |text: &str, now| -> Result<(usize, Option<Timestamp>), PlatformError> {
            let granted = serde_json::from_str::<Debugged>(text).expect(text).granted("Facebook", now);
            granted.map(|granted| (granted.scopes.len(), granted.data_ends_at))
        };
        let good = include_str!("fixtures/debug_token.json");
        assert_eq!(read(good, NOW), Ok((3, Some(Timestamp(1_803_038_400_000)))));
        let later = NOW.plus_seconds(91 * 86_400);
        assert!(matches!(read(good, later), Err(PlatformError::Unauthorized { what }) if what.contains("90 days")));
        let never = r#"{"data":{"is_valid":true,"data_access_expires_at":0}}"#;
        assert_eq!(read(never, later), Ok((0, None)));
        let over = r#"{"data":{"is_valid":false,"scopes":[],"error":{"code":190,"subcode":460,"message":"canary"}}}"#;
        let error = read(over, NOW).expect_err("not valid");
        assert!(error.to_string().contains("password") && !error.to_string().contains("canary"), "{error}");
        assert!(serde_json::from_str::<Debugged>(r#"{"data":{}}"#).is_err());
    }

    #[test]
    fn the_pages_that_scopes_were_allowed_for_are_named_once() {
        let check = |granular: &str, expected: &[&str]| {
            let text = format!(r#"{{"data":{{"is_valid":true,"scopes":["a"],"granular_scopes":{granular}}}}}"#);
            let granted = serde_json::from_str::<Debugged>(&text).expect("JSON").granted("Facebook", NOW);
            let granted = granted.expect("a good token");
            assert_eq!(
                (granted.pages.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), granted.has("a")),
                (expected, true)
            );
        };
        check("null", &[]);
        check("[]", &[]);
        check(r#"[{"scope":"pages_show_list"}]"#, &[]);
        check(
            r#"[{"scope":"pages_show_list","target_ids":["1",22]},{"scope":"pages_read_engagement","target_ids":["1"]}]"#,
            &["1", "22"],
        );
        check(r#"[{"scope":"instagram_basic","target_ids":["17841400000000001"]}]"#, &[]);
        check(
            r#"[{"scope":"pages_show_list","target_ids":["../me"]},{"scope":7},"x",{"scope":"pages_x","target_ids":["3"]}]"#,
            &["3"],
        );
        check(r#"{"scope":"pages_show_list"}"#, &[]);
    }
}
