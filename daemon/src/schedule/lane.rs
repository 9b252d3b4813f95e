//! The name under which accounts are asked together. Pure.

/// The scope of limits, outages and batches: `platform`, or `platform/group` where a platform has many homes.
pub fn scope(platform: &str, group: &str) -> String {
    if group.is_empty() { platform.to_owned() } else { [platform, "/", group].concat() }
}

/// The platform's slug in a scope.
pub fn platform_of(scope: &str) -> &str {
    scope.split_once('/').map_or(scope, |(platform, _)| platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_platform_and_group() {
        assert_eq!(scope("bluesky", ""), "bluesky");
        assert_eq!(scope("mastodon", "social.example"), "mastodon/social.example");
        assert_eq!(platform_of("mastodon/social.example"), "mastodon");
        assert_eq!(platform_of("bluesky"), "bluesky");
    }
}
