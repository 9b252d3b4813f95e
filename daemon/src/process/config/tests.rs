use roster_protocol::metric::Ratio;

use super::lengths::min_distance;
use super::*;

#[test]
fn the_empty_config_is_the_defaults() {
    let config = Config::parse("", "rosterd.toml").expect("defaults");
    assert_eq!(config.http.listen, Some(([127, 0, 0, 1], 8787).into()));
    assert_eq!(config.sync.grid.interval, Seconds(6 * 3600));
    assert_eq!(config.change.significant, Ratio(100_000));
}

#[test]
fn an_error_names_file_line_and_what_to_write_instead() {
    let check = |text: &str, expected: &str| {
        let error = Config::parse(text, "rosterd.toml").expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    };
    check("[sync]\nintervall = \"6h\"", "rosterd.toml:2: unknown key sync.intervall; did you mean interval?");
    check("\n[snyc]", "rosterd.toml:2: unknown section snyc; did you mean sync?");
    check(
        "[http]\npublic_url = \"ftp://x\"",
        "rosterd.toml:2: \"ftp://x\" is no https URL: write \"https://roster.example\", as browsers will see it",
    );
    check("[sync]\ninterval = \"5s\"", "rosterd.toml:2: \"5s\" is not between 10s and 366d");
    check(
        "[sync]\ninterval = \"soon\"",
        "rosterd.toml:2: \"soon\" is no length of time: write \"6h\", \"30m\" or \"2d\"",
    );
    check(
        "[sync]\n\ntimezone = \"Mars/Olympus\"",
        "rosterd.toml:3: \"Mars/Olympus\" is no time zone: write an IANA name such as \"Europe/Athens\"",
    );
    check("[sync]\nconcurrency = 0", "rosterd.toml:2: 0 is not from 1 to 1024");
    check("[store]\nfree = \"5%\"", "rosterd.toml:2: \"5%\" is no size: write \"500MB\" or \"10GB\"");
    check("[change]\nsignificant = \"-5%\"", "rosterd.toml:2: \"-5%\" is no percentage above 0: write \"10%\"");
    check("[http]\nlisten = \"here\"", "rosterd.toml:2: \"here\" is no address: write \"127.0.0.1:8787\", or \"off\"");
    check("[sync]\ninterval = 6", "rosterd.toml:2: invalid type: integer `6`: write text in quotes");
    check("[http]\nmetrics = \"yes\"", "rosterd.toml:2: invalid type: string \"yes\": write true or false");
    check("[rules.x]\npercent = \"5%\"", "rosterd.toml:2: invalid type: string \"5%\": write a number");
    check("[rules.x]\nintervals = -1", "rosterd.toml:2: invalid value: integer `-1`: write a whole number from 0");
    check("[rules.x]\nonly = 5", "rosterd.toml:2: invalid type: integer `5`: write a section with keys");
    check("[rules]\nx = 5", "rosterd.toml:2: invalid type: integer `5`: write a section with keys");
    check("[[routes]]\nto = 5", "rosterd.toml:2: invalid type: integer `5`: write a list such as [\"x\"]");
    check("routes = 5", "rosterd.toml:1: invalid type: integer `5`: write a list such as [\"x\"]");
    for text in ["[http]\nmetrics = \"yes\"", "[http", "[sync]\ninterval = 6"] {
        assert!(Config::parse(text, "f").expect_err(text).line.is_some(), "{text}");
    }
}

#[test]
fn intervals_have_the_usual_forms() {
    let check = |text: &str, seconds| assert_eq!(interval(text), Ok(Seconds(seconds)), "{text}");
    check("10s", 10);
    check("90m", 5400);
    check("6h", 21600);
    check("1h 30m", 5400);
    check("2d", 172_800);
    assert!(interval("").is_err());
    assert!(interval("-6h").is_err());
}

#[test]
fn a_distance_between_syncs_may_be_none() {
    let check = |text: &str, expected: Option<u64>| {
        assert_eq!(min_distance(text).ok(), expected.map(Seconds), "{text}");
    };
    check("10s", Some(10));
    check("0s", Some(0));
    check("1h", Some(3600));
    check("2h", None);
    check("-1s", None);
    check("10", None);
    assert_eq!(Config::parse("", "f").expect("defaults").sync.min_distance, Seconds(10));
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_config_or_an_error(text in "\\PC{0,80}|[\\[\\]a-z.=\"\n]{0,60}") {
        let _ = Config::parse(&text, "f");
    }
}
