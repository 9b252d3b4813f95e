//! Grants: which connections they feed, and when they are revoked.

use roster_protocol::ids::ConsentId;
use roster_protocol::sync::Cause;

use super::*;
use crate::decision::consented::{self, Adoption, Offered};
use crate::decision::grants;
use crate::decision::run::{Ended, run_ended};
use crate::model::{Choice, Consent, ConsentStep, Trouble, TroubleKind};
use crate::platforms::PlatformError;
use crate::platforms::consenting::{Opened, OpenedAccount};

fn revoking() -> GrantState {
    GrantState::Revoking { since: NOON, attempts: 0, next_at: NOON, last_error: None }
}

fn states(commit: &Commit) -> Vec<(GrantId, GrantState)> {
    commit.consents.grants.iter().map(|grant| (grant.id, grant.state.clone())).collect()
}

#[test]
fn a_grant_is_revoked_with_its_last_user() {
    let uses = vec![used(SKY, 1), used(TUBE, 1), used(HERS, 2)];
    let mut scene = Scene::new().with_grants(vec![grant(1, GrantState::Live), grant(2, ended())], uses);
    let ((), commit) = scene.decide(|decision| grants::let_go(decision, &[SKY]));
    assert_eq!((commit.consents.ended_uses.as_slice(), states(&commit)), ([SKY].as_slice(), vec![]));
    let ((), commit) = scene.decide(|decision| grants::let_go(decision, &[SKY, TUBE, HERS]));
    assert_eq!(commit.consents.ended_uses, [SKY, TUBE, HERS]);
    assert_eq!(states(&commit), [(used(SKY, 1).grant, revoking())]);
    assert_eq!(commit.consents.removed_grants, [used(HERS, 2).grant], "one that has ended needs no revocation");
    scene = scene.after(commit);
    let ((), commit) = scene.decide(|decision| grants::queue(decision, used(SKY, 1).grant));
    assert!(commit.consents.grants.is_empty(), "it is being revoked already");
}

#[test]
fn the_end_of_a_revocation_removes_the_grant_and_is_logged() {
    let ended = grant(1, revoking());
    let ((), commit) = Scene::new().decide(|decision| grants::over(decision, &ended, "revoked"));
    assert_eq!(commit.consents.removed_grants, [ended.id]);
    assert_eq!(
        lines(&commit),
        [format!("grant.revoke {} youtube: – -> revoked", ended.id)],
        "without a user it names no owner"
    );
    assert_eq!((commit.audit.lines[0].who.clone(), commit.audit.lines[0].cause.as_str()), (None, "consent"));
}

#[test]
fn a_refusal_from_before_a_consent_does_not_need_its_owner_again() {
    let tube = Connection { next_due_at: NOON, slot_at: NOON, ..connection(TUBE, MARA, "youtube", "@mara") };
    let given = Grant { granted_at: NOON.plus_seconds(-1), ..grant(1, GrantState::Live) };
    let mut scene = Scene::new().with_connection(tube.clone()).with_grants(vec![given], vec![used(TUBE, 1)]);
    let mut refused = |seconds: i64| {
        let result = Err(PlatformError::Unauthorized { what: "it shows nothing without a consent".to_owned() });
        let ended = Ended { cause: Cause::Person, started_at: NOON.plus_seconds(seconds), result };
        let ((), commit) = scene.decide(|decision| run_ended(decision, &tube, ended));
        let failed = commit.roster.connections.last().expect("it failed");
        (failed.trouble.as_ref().map(|trouble| trouble.kind), failed.next_due_at < NOON.plus_seconds(60))
    };
    assert_eq!(refused(-3), (Some(TroubleKind::Unexpected), true), "the owner consented meanwhile");
    assert_eq!(refused(0), (Some(TroubleKind::Unauthorized), false));
}

#[test]
fn users_of_a_changed_grant_are_due_unless_they_are_disconnected_or_due_already() {
    let due = Connection { next_due_at: NOON, ..connection(TUBE, MARA, "youtube", "@mara") };
    let left = Connection { disconnected_at: Some(Timestamp(1)), ..connection(HERS, LEA, "bluesky", "lea.example") };
    let uses = vec![used(SKY, 1), used(TUBE, 1), used(HERS, 1)];
    let mut scene = Scene::new().with_connection(due).with_connection(left);
    scene = scene.with_grants(vec![grant(1, GrantState::Live)], uses);
    let ((), commit) = scene.decide(|decision| grants::wake_users(decision, used(SKY, 1).grant));
    let woken: Vec<_> = commit.roster.connections.iter().map(|it| (it.id, it.next_due_at)).collect();
    assert_eq!(woken, [(SKY, NOON)]);
}

fn account(handle: &str) -> OpenedAccount {
    OpenedAccount {
        platform_user_id: format!("id:{handle}"),
        handle: handle.into(),
        name: None,
        followers: Some(5),
        derived: None,
    }
}

fn opened(scopes: Option<&[&str]>) -> Opened {
    let scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
    Opened { owner_id: "owner1".into(), owner_name: "Mara".into(), scopes, data_ends_at: None, accounts: vec![] }
}

#[test]
fn an_owners_second_consent_renews_the_grant_that_is_there() {
    let fresh = Grant { owner_id: String::new(), owner_name: String::new(), ..grant(9, GrantState::Live) };
    let elsewhere = connection(HERS, LEA, "facebook", "lea");
    let mut scene = Scene::new().with_connection(elsewhere);
    scene = scene.with_grants(vec![grant(1, GrantState::Live), fresh.clone()], vec![used(HERS, 1), used(TUBE, 1)]);
    let kept = ("id:lea".to_owned(), Sealed(vec![1]));
    let derived = vec![kept.clone(), ("id:@mara".into(), Sealed(vec![2])), ("id:gone".into(), Sealed(vec![3]))];
    let before = GrantTokens { generation: 4, derived, ..tokens(1, 4) };
    scene = scene.after(ConsentsCommit { tokens: vec![before], ..ConsentsCommit::default() });
    let (target, commit) = scene.decide(|decision| {
        let adoption = Adoption::of(decision, fresh.id, "owner1", "youtube").expect("it is stored");
        assert_eq!((adoption.generation, adoption.derived.as_slice()), (5, [kept].as_slice()));
        assert_eq!(adoption.scopes(&opened(None)), ["read"]);
        let target = adoption.target;
        let sealed = GrantTokens { grant: target, generation: adoption.generation, ..adoption.tokens.clone() };
        adoption.adopt(decision, sealed, &opened(Some(&["read", "more"])), vec!["missing".into()]);
        target
    });
    assert_eq!(target, used(TUBE, 1).grant);
    let [stored] = commit.consents.grants.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((stored.id, stored.owner_id.as_str(), stored.scopes.join(" ")), (target, "owner1", "read more".into()));
    assert_eq!((stored.missing.join(" "), stored.owner_name.as_str()), ("missing".into(), "Mara"));
    assert_eq!(commit.consents.removed_grants, [fresh.id]);
    assert_eq!(lines(&commit), [format!("grant.give {target} youtube Mara: – -> read more")]);

    let (first, commit) = scene.decide(|decision| {
        let adoption = Adoption::of(decision, fresh.id, "owner7", "youtube").expect("it is stored");
        let (target, generation) = (adoption.target, adoption.generation);
        adoption.adopt(decision, tokens(9, generation), &opened(None), vec![]);
        (target, generation)
    });
    assert_eq!((first, commit.consents.removed_grants.len()), ((fresh.id, 2), 0), "another owner's is its own");
    let (gone, _) = scene.decide(|decision| Adoption::of(decision, GrantId::from_bytes([8; 5]), "x", "y").is_err());
    assert!(gone);
}

/// What became of a consent to YouTube with these accounts; the fresh grant is 9, the one that remains `target`.
fn offered(scene: &mut Scene, handle: Option<&str>, target: u8, accounts: &[&str]) -> (Offered, Commit) {
    let accounts: Vec<_> = accounts.iter().map(|handle| account(handle)).collect();
    let ids = [9, target].map(|number| GrantId::from_bytes([number; 5]));
    let requested = consent(handle, ConsentStep::Listing { grant: ids[0] });
    scene.decide(|decision| {
        decision.commit.consents.grants.push(grant(target, GrantState::Live));
        consented::offer(decision, &requested, ids[0], ids[1], &accounts)
    })
}

fn connected(offered: &Offered) -> &[(ConnectionId, bool)] {
    match offered {
        Offered::Connected(_, connected) => connected,
        _ => panic!("it is not connected"),
    }
}

#[test]
fn the_only_account_and_the_named_one_are_connected_and_others_offered() {
    let mut scene = Scene::new();
    let (result, commit) = offered(&mut scene, None, 9, &["@new"]);
    let [(id, true)] = *connected(&result) else { panic!("one new account") };
    let stored = commit.roster.connections.iter().map(|it| (it.handle.as_str(), it.platform_user_id.as_deref()));
    assert_eq!(stored.collect::<Vec<_>>(), [("@new", Some("id:@new"))]);
    assert_eq!(commit.consents.grant_uses, [used(id, 9)]);
    assert_eq!(commit.consents.removed_consents, [consent(None, ConsentStep::Waiting).id]);

    for named in ["@TWO", "two", "id:@two"] {
        let accounts: &[&str] = if named == "two" { &["@one", "two"] } else { &["@one", "@two"] };
        let (result, commit) = offered(&mut scene, Some(named), 9, accounts);
        assert_eq!(connected(&result).len(), 1, "{named}");
        assert!(commit.roster.connections[0].handle.ends_with("two"), "{named}");
    }
    let (result, commit) = offered(&mut scene, None, 9, &["@one", "@two"]);
    assert!(matches!(result, Offered::Choosing) && commit.roster.connections.is_empty());
    let [waiting] = commit.consents.consents.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!(waiting.expires_at, NOON.plus_seconds(3600));
    let ConsentStep::Choosing { choices, .. } = &waiting.step else { panic!("choosing: {waiting:?}") };
    assert_eq!(
        choices.iter().map(|it| (it.handle.as_str(), it.followers)).collect::<Vec<_>>(),
        [("@one", Some(5)), ("@two", Some(5))]
    );
}

#[test]
fn a_connection_that_lost_its_consent_is_healed_by_the_next() {
    let trouble = Trouble {
        kind: TroubleKind::Unauthorized,
        message: "gone".into(),
        since: Timestamp(0),
        retry_at: None,
        moved_to: None,
    };
    let broken = Connection { trouble: Some(trouble), failures: 3, ..connection(TUBE, MARA, "youtube", "@mara") };
    let mut scene = Scene::new().with_connection(broken).with_grants(vec![grant(1, ended())], vec![used(TUBE, 1)]);
    let (result, commit) = offered(&mut scene, None, 9, &["@mara", "@two"]);
    assert_eq!(connected(&result), [(TUBE, false)], "it waited for this consent");
    let [healed] = commit.roster.connections.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((healed.next_due_at, healed.failures), (NOON, 0));
    assert_eq!(commit.consents.grant_uses, [used(TUBE, 9)]);
    assert_eq!(commit.consents.removed_grants, [used(TUBE, 1).grant], "nothing is read with the ended one");
    assert_eq!(lines(&commit), [format!("connection.reconnect {TUBE} youtube:@mara: – -> –")]);
}

#[test]
fn a_connection_that_moves_to_another_grant_leaves_the_old_one_to_its_other_users() {
    let uses = vec![used(TUBE, 1), used(SKY, 1)];
    let mut scene = Scene::new().with_grants(vec![grant(1, GrantState::Live)], uses);
    let (result, commit) = offered(&mut scene, None, 9, &["@mara"]);
    assert_eq!(connected(&result), [(TUBE, false)]);
    assert_eq!(commit.consents.grants.len(), 1, "the old one has a user left");
    scene = scene.after(ConsentsCommit { ended_uses: vec![SKY], ..ConsentsCommit::default() });
    let (_, commit) = offered(&mut scene, None, 9, &["@mara"]);
    assert_eq!(states(&commit), [(GrantId::from_bytes([9; 5]), GrantState::Live), (used(TUBE, 1).grant, revoking())]);
    let (_, commit) = offered(&mut scene, None, 1, &["@mara"]);
    assert_eq!(states(&commit), [(used(TUBE, 1).grant, GrantState::Live)], "the same grant stays");
}

#[test]
fn anothers_account_is_refused_and_only_a_fresh_grant_is_revoked() {
    let theirs = connection(HERS, LEA, "youtube", "@lea");
    let mut scene = Scene::new().with_connection(theirs);
    let (result, commit) = offered(&mut scene, None, 9, &["@lea"]);
    let Offered::Refused(_, error) = result else { panic!("it is refused") };
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(states(&commit), [(GrantId::from_bytes([9; 5]), revoking())]);
    let (_, commit) = offered(&mut scene, None, 1, &["@lea"]);
    assert_eq!(states(&commit), [(GrantId::from_bytes([1; 5]), GrantState::Live)], "the owner's own grant stays");
}

#[test]
fn a_choice_is_made_by_who_began_and_among_what_was_opened() {
    let choice = |handle: &str| Choice {
        platform_user_id: format!("id:{handle}"),
        handle: handle.into(),
        name: None,
        followers: None,
    };
    let step = ConsentStep::Choosing {
        grant: GrantId::from_bytes([1; 5]),
        choices: vec![choice("@one"), choice("@two"), choice("@mara")],
    };
    let pending = consent(None, step);
    let id = pending.id;
    let waiting = Consent { id: ConsentId::from_bytes([0x71; 5]), ..consent(None, ConsentStep::Waiting) };
    let mut scene = Scene::new().with_grants(vec![grant(1, GrantState::Live)], vec![]);
    let consents = vec![pending, waiting.clone()];
    scene = scene.after(ConsentsCommit { consents, ..ConsentsCommit::default() });
    let texts = |accounts: &[&str]| accounts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let chosen = texts(&["@one", "ID"]);
    let (_, named) =
        scene.commit(|decision| consented::choose(decision, &ana(), id, &texts(&["@one", "@one", "@mara"])));
    assert_eq!(named.roster.connections.iter().filter(|it| it.handle == "@mara").count(), 1);
    assert_eq!(named.consents.removed_consents, [id]);
    let mut refused = |who: &Who, id: ConsentId, accounts: &[String]| {
        let error = scene.refusal(|decision| consented::choose(decision, who, id, accounts));
        (error.kind, error.hint.unwrap_or_default())
    };
    let (kind, hint) = refused(&ana(), id, &chosen);
    assert_eq!((kind, hint.as_str()), (ErrorKind::Usage, "choose one of @one, @two, @mara"));
    let (kind, hint) = refused(&ana(), id, &[]);
    assert!(kind == ErrorKind::Usage && hint.contains("roster connect INFLUENCER youtube"), "{hint}");
    let other = Who { uid: 1001, name: "bo".into() };
    let (kind, hint) = refused(&other, id, &chosen);
    assert!(kind == ErrorKind::NotFound && !hint.is_empty());
    assert_eq!(refused(&ana(), waiting.id, &chosen).0, ErrorKind::Conflict);
}
