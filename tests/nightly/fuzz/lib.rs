//! What several targets need.

/// Whether a terminal or a desktop would act on something in a text, or a reader not see it.
pub fn is_harmless(text: &str) -> bool {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !text.contains(bad)
}

/// Every platform that can be requested, its app set up with invented words, behind a gateway.
pub fn platforms(gateway: &str) -> Vec<rosterd::platforms::Registered> {
    let keys = |keys: &[&str]| -> toml::Table {
        keys.iter().map(|key| ((*key).to_owned(), toml::Value::from("invented"))).collect()
    };
    let tables = [
        ("facebook", keys(&["client_id", "client_secret"])),
        ("instagram", keys(&["client_id", "client_secret"])),
        ("tiktok", keys(&["client_key", "client_secret"])),
        ("youtube", keys(&["api_key", "client_id", "client_secret"])),
    ];
    let tables = tables.into_iter().map(|(slug, table)| (slug.to_owned(), table)).collect();
    rosterd::platforms::register(&tables, Some(gateway), &Default::default()).expect("a good config")
}
