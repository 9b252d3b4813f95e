//! The name under which accounts are requested together. Pure.

/// The name of a lane, which shares limits, outages and batches: `platform`, or `platform/group` where a platform has
/// many hosts.
pub fn name(platform: &str, group: &str) -> String {
    if group.is_empty() { platform.to_owned() } else { [platform, "/", group].concat() }
}

/// The platform's slug in the name of a lane.
pub fn platform_of(lane: &str) -> &str {
    lane.split_once('/').map_or(lane, |(platform, _)| platform)
}

/// The host of a lane that has one of its own, or else the platform's slug.
pub fn host_or_platform(lane: &str) -> &str {
    lane.split_once('/').map_or(lane, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_name_platform_and_group() {
        assert_eq!(name("bluesky", ""), "bluesky");
        assert_eq!(name("mastodon", "social.example"), "mastodon/social.example");
        assert_eq!(platform_of("mastodon/social.example"), "mastodon");
        assert_eq!(platform_of("bluesky"), "bluesky");
        assert_eq!(host_or_platform("mastodon/social.example"), "social.example");
        assert_eq!(host_or_platform("bluesky"), "bluesky");
    }
}
