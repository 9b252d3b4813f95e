//! Alerts and rules as they are drawn.

use roster_protocol::alert::Silenced;
use roster_protocol::service::Page;

use super::*;
use crate::screens::{alert, alerts};

#[test]
fn an_alert_with_all_that_explains_it() {
    assert_snapshot!("alert_small", shown("3↵", SMALL));
    assert_snapshot!("alert_scrolled", shown("3↵G", SMALL));
    assert_snapshot!("alert_wide", shown("3↵", WIDE));
    assert_snapshot!("alert_needs_person", shown("3j↵", SMALL));
    assert_snapshot!("alert_assigned", shown("3jj↵", SMALL));
    assert_snapshot!("alert_narrow", shown("3↵", (46, 16)));
    assert_snapshot!("alert_group", {
        let (mut model, _) = after("3j↵", WIDE);
        let members = Page { rows: alerts(), next: None };
        if let Some(state) = state_mut::<alert::State>(&mut model) {
            state.alert.members = 42;
            state.alert.silenced = Silenced { at_opening: true, until: Some(NOW.plus_seconds(7_200)) };
        }
        let id = alerts()[1].id;
        crate::update::update(&mut model, Message::Response(Box::new(Response::Members(id, Ok(members)))));
        crate::update::update(
            &mut model,
            Message::Response(Box::new(Response::DeliveriesOf(id, Ok(Page { rows: vec![], next: None })))),
        );
        picture(&model)
    });
    assert_snapshot!("alert_note", shown("3n", SMALL));
    assert_snapshot!("alert_silence", shown("3z", SMALL));
}

#[test]
fn rules() {
    assert_snapshot!("rules_small", shown("8", SMALL));
    assert_snapshot!("rules_wide", shown("8jj", WIDE));
    assert_snapshot!("rules_narrow", shown("8j", (46, 16)));
    assert_snapshot!("rule_small", shown("8jj↵", SMALL));
    assert_snapshot!("rule_wide", shown("8↵j", WIDE));
    assert_snapshot!("rule_of_an_event", shown("8jjj↵", SMALL));
    assert_snapshot!("rule_new", shown("8n", SMALL));
    assert_snapshot!("rule_new_event", shown("8nold⇥←", SMALL));
    assert_snapshot!("rule_edit_wrong", shown("8jje⇥⇥⇥x↵", SMALL));
    assert_snapshot!("rule_remove", shown("8jjD", SMALL));
}

#[test]
fn an_alert_that_is_silenced_says_until_when() {
    let (mut model, _) = after("3", SMALL);
    if let Some(state) = state_mut::<alerts::State>(&mut model) {
        state.list.rows[0].silenced = Silenced { at_opening: true, until: Some(NOW.plus_seconds(7_200)) };
        state.list.rows[1].silenced = Silenced { at_opening: true, until: None };
    }
    let shown = picture(&model);
    let line = |part: &str| shown.lines().find(|line| line.contains(part)).unwrap_or_default();
    assert!(line("silenced until 14:00").contains("‖   2d  Oskar & Ines"), "{shown}");
    assert!(line("opened silenced").contains("‖   3d  Oskar & Ines"), "{shown}");
}
