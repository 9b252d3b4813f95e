//! The command line's list: what it offers, and what is done when it is chosen.

use insta::assert_snapshot;

use super::*;
use crate::screens::influencer;

#[test]
fn all_that_can_be_done_is_offered() {
    assert_snapshot!("palette_empty_small", shown(":", SMALL));
    assert_snapshot!("palette_typed_small", shown(":sy", SMALL));
    assert_snapshot!("palette_typed_wide", shown(":sy", WIDE));
    assert_snapshot!("palette_low", shown(":", (40, 12)));
}

#[test]
fn what_is_chosen_is_done() {
    let (model, _) = after(":tidew↵", SMALL);
    assert_eq!(state::<influencer::State>(&model).name, "Tidewater Kitchen");
    let (model, _) = after("?/turn↵", SMALL);
    assert!(model.shared.remembered.reverse, "the help is searched, too");
    let (model, _) = after(":erase↵", SMALL);
    assert!(picture(&model).contains("Type yes:"), "{}", picture(&model));
    let (model, _) = after(":columns↵", SMALL);
    assert!(matches!(model.modal, Some(crate::modal::Modal::Columns(_))));
    let (model, _) = after(":pause platf↵", SMALL);
    assert!(picture(&model).contains(":pause platform:"), "{}", picture(&model));
    let (model, _) = after(":conn↓↵", SMALL);
    assert!(model.modal.is_some() || model.shown().title() == "Connections", "{}", picture(&model));
}

#[test]
fn what_was_typed_is_offered_first_the_next_time() {
    let (mut model, mut daemon) = after(":sort name↵:sort growth7↵", SMALL);
    assert_eq!(model.shared.remembered.commands, ["sort name", "sort growth7"]);
    press(&mut model, &mut daemon, ":↓");
    let shown = picture(&model);
    assert!(shown.contains("▌ sort growth7"), "{shown}");
    press(&mut model, &mut daemon, "↓↵");
    assert_eq!(model.shared.remembered.sort(), roster_protocol::SortBy::Name);
}

#[test]
fn a_viewer_is_refused_what_a_key_refuses() {
    let mut daemon = Daemon::new();
    daemon.status.role = Some(roster_protocol::Role::Viewer);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, ":merge");
    assert!(picture(&model).contains("needs an analyst"), "{}", picture(&model));
    press(&mut model, &mut daemon, "↵");
    assert!(model.modal.is_none() && picture(&model).contains("analyst"), "{}", picture(&model));
}

#[test]
fn only_an_admin_erases() {
    let mut daemon = Daemon::new();
    daemon.status.role = Some(roster_protocol::Role::Analyst);
    let mut model = online(&mut daemon, 80, 24);
    press(&mut model, &mut daemon, ":erase");
    assert!(picture(&model).contains("needs an admin"), "{}", picture(&model));
    press(&mut model, &mut daemon, "↵");
    assert!(!picture(&model).contains("Type yes:") && picture(&model).contains("admin"), "{}", picture(&model));
}
