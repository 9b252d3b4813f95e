//! How long each part is kept, in sentences for the person that it is about.

use roster_protocol::held::Part;

use crate::app::App;
use crate::decision::keep;

/// A sentence for each part.
pub fn all(app: &App) -> Vec<(Part, String)> {
    let setup = app.setup();
    let retention = &setup.config.retention;
    let is_chosen = app.look(keep::is_chosen);
    let days = |days: u32, then: &str| match is_chosen {
        true => format!("{days} days{then}"),
        false => "until its deletion is switched on by the operator".to_owned(),
    };
    let limits = setup.policy.limits.iter().filter_map(|(slug, limits)| {
        let until = match (limits.consent, limits.after_consent) {
            (Some(days), _) => format!("{days} days"),
            (None, Some(0)) => "until your consent ends".to_owned(),
            (None, Some(days)) => format!("until {days} days after your consent ends"),
            (None, None) => return None,
        };
        Some(format!("what {slug} reported with your consent {until}"))
    });
    let limits: Vec<String> = limits.collect();
    let terms =
        if limits.is_empty() { String::new() } else { format!("; by the platforms' terms {}", limits.join(", ")) };
    let entry = "as long as you are in Roster";
    Part::ALL
        .into_iter()
        .map(|part| {
            let until = match part {
                Part::Influencer | Part::Connections | Part::Alerts | Part::Deliveries | Part::Rules => {
                    entry.to_owned()
                }
                Part::History | Part::Audiences => {
                    format!("{}{terms}", days(retention.snapshots_days, ", then as weeks as long as you are in Roster"))
                }
                Part::Changes => format!("{} days", keep::CHANGES_KEPT_DAYS),
                Part::Runs => format!("{} days", retention.runs_days),
                Part::Grants | Part::Tokens => {
                    "until you or the team end the consent, then until it is revoked".to_owned()
                }
                Part::Consents => "ten minutes, or an hour while accounts are to be chosen".to_owned(),
                Part::Requests => "seven days".to_owned(),
                Part::Limits => "until the platform's window ends".to_owned(),
                Part::Subscriptions => "as long as the account is connected".to_owned(),
                Part::Notifications => "four days".to_owned(),
                Part::Silences => "some days after they end".to_owned(),
                Part::Undo => "a day".to_owned(),
                Part::Audit | Part::Keys => days(retention.audit_days, ""),
            };
            (part, until)
        })
        .collect()
}
