//! Consents: when the keeper must look again.

use crate::model::ConsentsCommit;

/// Whether something may become due sooner than before; something that only ends does not.
pub fn wakes(commit: &ConsentsCommit) -> bool {
    !commit.consents.is_empty() || !commit.grants.is_empty() || !commit.tokens.is_empty()
}
