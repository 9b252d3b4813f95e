//! Every provider that requests can go to, by its slug. Platforms register theirs; so do services that measure nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Provider;
use crate::http_client::Route;

/// A provider, whether requests may go to it, and where its requests go.
#[derive(Clone)]
pub struct Registered {
    pub provider: Arc<dyn Provider>,
    pub enabled: bool,
    pub route: Route,
}

/// Providers by slug.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Registered>);

impl Registry {
    pub fn get(&self, slug: &str) -> Option<&Registered> {
        self.0.get(slug)
    }

    pub fn slugs(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl FromIterator<Registered> for Registry {
    fn from_iter<I: IntoIterator<Item = Registered>>(registered: I) -> Self {
        Self(registered.into_iter().map(|it| (it.provider.terms().slug, it)).collect())
    }
}
