//! Proof Key for Code Exchange, RFC 7636.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Challenge;
use crate::secret::Secret;

/// A fresh verifier: 32 random bytes as 43 characters, after section 4.1.
///
/// # Errors
/// When the system provides no randomness.
pub fn verifier() -> Result<Secret, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())?;
    Ok(Secret::new(BASE64URL_NOPAD.encode(bytes.as_slice())))
}

/// `None` where the provider takes none, and for a verifier of a length that section 4.1 does not allow, at which the
/// library panics.
pub(super) fn challenge(form: Challenge, verifier: &Secret) -> Option<String> {
    let allowed = (43..=128).contains(&verifier.expose().len());
    match form {
        Challenge::None => None,
        Challenge::S256 => allowed.then(|| {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str().to_owned()
        }),
        Challenge::HexS256 => allowed.then(|| HEXLOWER.encode(&Sha256::digest(verifier.expose().as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_are_long_enough_and_never_the_same() {
        let one = verifier().expect("randomness");
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(one.expose(), verifier().expect("randomness").expose());
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let reported = challenge(Challenge::S256, &verifier);
        assert_eq!(reported.as_deref(), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(challenge(Challenge::S256, &Secret::new("short")).is_none());
        assert!(challenge(Challenge::None, &verifier).is_none());
    }

    #[test]
    fn the_other_challenge_is_hexadecimal() {
        // The vector of TikTok's own SDK for Android.
        let verifier = Secret::new("gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns");
        let reported = challenge(Challenge::HexS256, &verifier);
        assert_eq!(reported.as_deref(), Some("e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef"));
    }
}
