//! The warning that two influencers have one name, which may be one person.

use roster_protocol::{Influencer, InfluencerId, InfluencerRow, RosterClient};

use crate::client::{response, short_call};
use crate::output::Output;

/// Warns when others have the name of one that was just added or renamed.
pub(super) async fn warn(client: &RosterClient, named: &Influencer, output: &Output) {
    // What was done is done, whether or not a warning can be had.
    let Ok(all) = response(client.namesakes(short_call(), named.row.name.clone()).await) else { return };
    if let Some(warning) = warning(named.row.id, &named.row.name, &all) {
        output.warn(&warning);
    }
}

/// The warning; `None` where no other influencer has the name.
fn warning(id: InfluencerId, name: &str, all: &[InfluencerRow]) -> Option<String> {
    let others: Vec<InfluencerId> = all.iter().map(|row| row.id).filter(|other| *other != id).collect();
    let first = others.first()?;
    let how_many = match others.len() {
        1 => format!("{first} has the name {name:?} too"),
        count => format!("{count} others have the name {name:?} too, {first} among them"),
    };
    Some(format!(
        "{how_many}; if that is the same person, `roster merge {id} {first}` makes them one, if not, \
         `roster edit {id} --name NAME` renames this one"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn others_of_the_same_name_are_named() {
        let row = samples::influencer().row;
        let id = |byte| InfluencerId::from_bytes([byte; 5]);
        let others = |bytes: &[u8]| -> Vec<InfluencerRow> {
            bytes.iter().map(|byte| InfluencerRow { id: id(*byte), ..row.clone() }).collect()
        };
        let check = |bytes: &[u8], part: Option<&str>| {
            let warning = warning(id(2), "Mara", &others(bytes));
            match part {
                Some(part) => assert!(warning.as_deref().is_some_and(|it| it.contains(part)), "{warning:?}"),
                None => assert_eq!(warning, None),
            }
        };
        check(&[], None);
        check(&[2], None);
        check(&[2, 3], Some("`roster merge aibaeaqc ambqgayd`"));
        check(&[4, 3, 2], Some("2 others"));
    }
}
