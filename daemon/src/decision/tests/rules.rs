//! Alert rules that users make.

use roster_protocol::rule::{Direction, Origin, RuleParts};

use super::*;
use crate::alerts::rules::made_of;
use crate::decision::rules::{add, edit, remove};

fn drop_of(percent: f64) -> RuleParts {
    RuleParts { percent: Some(percent), direction: Some(Direction::Down), ..RuleParts::default() }
}

fn off() -> RuleParts {
    RuleParts { enabled: Some(false), ..RuleParts::default() }
}

fn used(scene: &Scene, name: &str) -> Option<(Origin, bool)> {
    scene.roster.rules.get(name).map(|used| (used.origin, used.rule.enabled))
}

#[test]
fn a_rule_is_made_changed_and_removed_and_a_built_in_one_comes_back() {
    let mut scene = Scene::new();
    let ((), commit) = scene.commit(|decision| add(decision, &ana(), "mine", &drop_of(3.0)));
    assert_eq!(lines(&commit), ["rule.add mine:  -> followers down by 3 % within 1d; warning; cooldown 24h"]);
    scene = scene.after(commit);
    let twice = scene.refusal(|decision| add(decision, &ana(), "mine", &drop_of(3.0)));
    assert_eq!(kinds(&twice), (ErrorKind::Conflict, "`roster rules edit mine` changes it".to_owned()));
    let ((), commit) = scene.commit(|decision| edit(decision, &ana(), "stale", &off()));
    scene = scene.after(commit);
    assert_eq!(used(&scene, "stale"), Some((Origin::Store, false)));
    let ((), commit) = scene.commit(|decision| remove(decision, &ana(), "stale"));
    scene = scene.after(commit);
    assert_eq!(used(&scene, "stale"), Some((Origin::BuiltIn, true)));
    let built_in = scene.refusal(|decision| remove(decision, &ana(), "stale"));
    assert_eq!(kinds(&built_in), (ErrorKind::Conflict, "`roster rules off stale` switches it off".to_owned()));
    assert_eq!(scene.refusal(|decision| edit(decision, &ana(), "none", &off())).kind, ErrorKind::NotFound);
}

#[test]
fn the_configs_rules_and_what_nothing_has_are_refused() {
    let mut scene = Scene::new();
    scene.roster.know_rules(vec![made_of("mine", None, &drop_of(2.0)).expect("a rule")]);
    let of_config = scene.refusal(|decision| edit(decision, &ana(), "mine", &drop_of(3.0)));
    assert_eq!(of_config.message, "the config file has the rule mine");
    let elsewhere = RuleParts { platforms: Some(vec!["myspace".to_owned()]), ..drop_of(3.0) };
    assert_eq!(scene.refusal(|decision| add(decision, &ana(), "new", &elsewhere)).kind, ErrorKind::Usage);
    let of_none = RuleParts { influencers: Some(vec![InfluencerId::from_bytes([9; 5])]), ..drop_of(3.0) };
    assert_eq!(scene.refusal(|decision| add(decision, &ana(), "new", &of_none)).kind, ErrorKind::NotFound);
    assert_eq!(scene.refusal(|decision| add(decision, &ana(), "No Name", &drop_of(3.0))).kind, ErrorKind::Usage);
}
