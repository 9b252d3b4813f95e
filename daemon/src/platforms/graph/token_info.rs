//! What Meta reports about a token: whether it is good, and for what. Pure.

use roster_protocol::time::Timestamp;
use serde::Deserialize;

use super::problem::Problem;
use crate::platforms::PlatformError;
use crate::platforms::reading::plain_id;

#[derive(Deserialize)]
pub(super) struct Debugged {
    data: Info,
}

#[derive(Deserialize)]
struct Info {
    is_valid: bool,
    #[serde(default)]
    scopes: Vec<String>,
    /// Seconds; about 90 days after the person signed in. Then the token is good for nothing, although it is valid.
    data_access_expires_at: Option<i64>,
    error: Option<Problem>,
}

impl Debugged {
    /// What was really granted.
    ///
    /// # Errors
    /// `Unauthorized` when the token is over, or what it opened.
    pub(super) fn scopes(self, name: &str, now: Timestamp) -> Result<Vec<String>, PlatformError> {
        let info = self.data;
        if !info.is_valid {
            return Err(PlatformError::Unauthorized { what: info.error.unwrap_or_default().end(name) });
        }
        let opens_until = info.data_access_expires_at.filter(|at| *at > 0);
        if opens_until.is_some_and(|at| Timestamp(at.saturating_mul(1000)) <= now) {
            let what = "90 days have passed since its owner signed in: consent is needed again".to_owned();
            return Err(PlatformError::Unauthorized { what });
        }
        Ok(info.scopes.iter().filter_map(|scope| plain_id(scope)).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::tests::world::NOW;

    #[test]
    fn a_token_is_good_until_they_say_otherwise() {
        let read = |text: &str, now| -> Result<Vec<String>, PlatformError> {
            serde_json::from_str::<Debugged>(text).expect(text).scopes("Facebook", now)
        };
        let good = include_str!("fixtures/debug_token.json");
        assert_eq!(read(good, NOW).map(|scopes| scopes.len()), Ok(3));
        let later = NOW.plus_seconds(91 * 86_400);
        assert!(matches!(read(good, later), Err(PlatformError::Unauthorized { what }) if what.contains("90 days")));
        let never = r#"{"data":{"is_valid":true,"data_access_expires_at":0}}"#;
        assert_eq!(read(never, later), Ok(Vec::new()));
        let over = r#"{"data":{"is_valid":false,"scopes":[],"error":{"code":190,"subcode":460,"message":"canary"}}}"#;
        let error = read(over, NOW).expect_err("not valid");
        assert!(error.to_string().contains("password") && !error.to_string().contains("canary"), "{error}");
        assert!(serde_json::from_str::<Debugged>(r#"{"data":{}}"#).is_err());
    }
}
