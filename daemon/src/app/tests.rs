use roster_protocol::error::RosterError;
use roster_protocol::ids::Id;

use super::*;
use crate::daemon::{Daemon, Options};
use crate::model::Influencer;
use crate::process::clock::ManualClock;
use crate::process::config::Config;

type Decision = Box<dyn FnOnce(&Facts<'_>, &mut Commit, &mut Dice) -> Result<usize, RosterError> + Send>;

async fn daemon(dir: &std::path::Path) -> Daemon {
    let config = Config::parse("[http]\nlisten = \"off\"\n", "test").expect("a config");
    let options = Options::new(config, dir.join("state"), dir.join("rosterd.sock"));
    let clock = Arc::new(ManualClock::at(Timestamp(1_800_000_000_000)));
    Daemon::start(Options { clock, ..options }).await.expect("it starts")
}

/// Adds an influencer, and tells how many there were.
fn adds(name: &'static str) -> Decision {
    Box::new(move |facts, commit, _| {
        let influencer = Influencer {
            id: Id::from_bytes([name.len() as u8; 5]),
            name: name.to_owned(),
            tags: Vec::new(),
            note: None,
            main: None,
            paused: false,
            added_at: facts.now,
        };
        commit.influencers.push(influencer);
        Ok(facts.roster.influencers.len())
    })
}

fn names(roster: &Roster) -> Vec<&str> {
    let mut names: Vec<&str> = roster.influencers.values().map(|influencer| influencer.name.as_str()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn of_several_decisions_each_sees_the_ones_before_and_a_bad_one_harms_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let started = daemon(dir.path()).await;
    let too_large: Decision = Box::new(|facts, commit, dice| {
        adds("toolarge")(facts, commit, dice)?;
        commit.influencers[0].note = Some("x".repeat(2 << 20));
        Ok(0)
    });
    let decisions: Vec<Decision> = vec![
        adds("a"),
        Box::new(|_, _, _| Err(RosterError::failed("refused"))),
        Box::new(|_, _, _| panic!("a decision with a mistake in it")),
        too_large,
        adds("bb"),
    ];
    let told = started.app.decide_each(decisions).await;
    let told: Vec<Option<usize>> = told.into_iter().map(Result::ok).collect();
    assert_eq!(told, [Some(0), None, None, None, Some(1)]);
    started.app.look(|roster| assert_eq!(names(roster), ["a", "bb"]));
    started.end().await;
    daemon(dir.path()).await.app.look(|roster| assert_eq!(names(roster), ["a", "bb"]));
}
