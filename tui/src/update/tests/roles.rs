//! What the user's role does not permit is not available, and says why.

use roster_protocol::Role;

use super::*;

fn online_as(daemon: &mut Daemon, role: Role) -> Model {
    daemon.status.role = Some(role);
    online(daemon, 80, 24)
}

#[test]
fn keys_that_need_a_higher_role_say_so_and_request_nothing() {
    let check = |role: Role, keys: &str, needs: Option<&str>| {
        let mut daemon = Daemon::new();
        let mut model = online_as(&mut daemon, role);
        press(&mut model, &mut daemon, keys);
        let toast = model.shared.toasts.last().map(|toast| toast.text.clone());
        let expected = needs.map(|needs| format!("this needs {needs}, and you are {} here", role.with_article()));
        match expected {
            Some(_) => {
                assert_eq!(toast, expected, "{role} {keys}");
                assert!(requested_mutations(&daemon).is_empty() && model.modal.is_none(), "{role} {keys}");
            }
            None => assert!(!toast.is_some_and(|toast| toast.contains("needs")), "{role} {keys}"),
        }
    };
    for keys in ["s", "a", "c", "e", "n", "P", "M"] {
        check(Role::Viewer, keys, Some("an analyst"));
        check(Role::Analyst, keys, None);
    }
    check(Role::Viewer, "3 ", Some("an analyst"));
    check(Role::Viewer, "3R", None);
    for keys in ["D", "8n", "8e", "8D"] {
        check(Role::Viewer, keys, Some("an admin"));
        check(Role::Analyst, keys, Some("an admin"));
        check(Role::Admin, keys, None);
    }
}

#[test]
fn the_command_line_says_what_a_role_does_not_permit() {
    let mut daemon = Daemon::new();
    let mut model = online_as(&mut daemon, Role::Viewer);
    press(&mut model, &mut daemon, ":sync all↵");
    let shown = picture(&model);
    assert!(shown.contains("✗ this needs an analyst, and you are a viewer here"), "{shown}");
    assert!(requested_mutations(&daemon).is_empty());
}

#[test]
fn footer_and_help_show_what_is_not_available() {
    let mut daemon = Daemon::new();
    let mut model = online_as(&mut daemon, Role::Viewer);
    let shown = picture(&model);
    assert!(shown.lines().next().is_some_and(|header| header.contains("viewer")), "{shown}");
    let style_of = |model: &Model, key: &str| {
        let buffer = buffer(model);
        let last = buffer.area.height - 1;
        let at = (0..buffer.area.width).find(|x| buffer[(*x, last)].symbol() == key).expect("it is in the footer");
        buffer[(at, last)].style()
    };
    assert_ne!(style_of(&model, "s"), style_of(&model, "/"), "syncing is dim");
    press(&mut model, &mut daemon, "?");
    let shown = picture(&model);
    assert!(shown.contains("needs an analyst: sync this influencer now"), "{shown}");
    daemon.status.role = Some(Role::Admin);
    let model = online(&mut daemon, 80, 24);
    assert_eq!(style_of(&model, "s"), style_of(&model, "/"));
    assert!(!picture(&model).contains("admin"));
}
