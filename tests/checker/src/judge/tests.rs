//! The judge finds each kind of broken promise, and none where none was broken.

use super::*;
use crate::record::{Fault, Saw, Sights, Watched};

fn id(number: u128) -> Id {
    Id(number)
}

fn ack(number: u128, said: u64, answered: u64) -> Ack {
    Ack { id: id(number), held: false, said, answered }
}

/// Three comments, acknowledged one after the other, seen by one viewer and stored.
fn sound() -> (Account, Vec<Vec<Logged>>, Vec<Vec<Id>>) {
    let saw = [Saw::Joined { host: 0 }, Saw::Live(id(1)), Saw::Live(id(2)), Saw::Live(id(3))];
    let sights = Sights(saw.into_iter().enumerate().map(|(at, saw)| (at as u64 * 10 + 5, saw)).collect());
    let account = Account {
        streams: vec!["s".into()],
        acks: vec![vec![ack(1, 0, 2), ack(2, 10, 12), ack(3, 20, 22)]],
        viewers: vec![Watched { stream: 0, sights }],
        faults: Vec::new(),
        ended: 40,
        rate: 1,
        not_offered: 0,
        said_again: 0,
        unanswered: 0,
        refused: Vec::new(),
    };
    let log = vec![(1..=3).map(|number| Logged { id: id(number), shown: true }).collect()];
    (account, log, vec![vec![id(3), id(2), id(1)]])
}

fn found(account: &Account, log: &[Vec<Logged>], stored: &[Vec<Id>]) -> Vec<(Wrong, Option<Id>)> {
    judge(account, log, stored).findings.iter().map(|finding| (finding.wrong, finding.id())).collect()
}

#[test]
fn a_sound_account_has_no_finding() {
    let (account, log, stored) = sound();
    let report = judge(&account, &log, &stored);
    assert!(report.is_sound(), "{report}");
    assert!(report.to_string().ends_with("nothing lost, nothing doubled, all in order"));
}

#[test]
fn what_was_acknowledged_and_is_not_in_the_log_is_lost() {
    let (mut account, log, stored) = sound();
    account.acks[0].push(ack(9, 30, 32));
    assert_eq!(found(&account, &log, &stored), [(Wrong::Lost, Some(id(9)))]);
}

#[test]
fn what_is_stored_is_what_the_log_has_once_each() {
    let (account, log, _) = sound();
    assert_eq!(found(&account, &log, &[vec![id(3), id(1)]]), [(Wrong::NotStored, Some(id(2)))]);
    let stored = [vec![id(3), id(2), id(2), id(1), id(7)]];
    assert_eq!(
        found(&account, &log, &stored),
        [(Wrong::StoredTwice, Some(id(2))), (Wrong::StoredUnheard, Some(id(7)))]
    );
}

#[test]
fn a_viewer_that_misses_something_was_told_of_a_gap_or_of_sampling() {
    let (sound, log, stored) = sound();
    for (instead, wrong) in [
        (None, Some(Wrong::NotSeen)),
        (Some(Saw::Gap), None),
        (Some(Saw::LeftOut(1)), None),
        (Some(Saw::Live(id(1))), Some(Wrong::Doubled)),
        (Some(Saw::Live(id(8))), Some(Wrong::SeenUnheard)),
    ] {
        let mut account = sound.clone();
        let sights = &mut account.viewers[0].sights.0;
        match instead {
            None => drop(sights.remove(2)),
            Some(saw) => sights[2].1 = saw,
        }
        let found = found(&account, &log, &stored);
        match wrong {
            None => assert_eq!(found, [], "{instead:?}"),
            Some(wrong) => assert!(found.iter().any(|(found, _)| *found == wrong), "{instead:?}: {found:?}"),
        }
    }
    // The last one, after which nothing came.
    let mut account = sound.clone();
    account.viewers[0].sights.0.pop();
    assert_eq!(found(&account, &log, &stored), [(Wrong::NotSeen, Some(id(3)))]);
}

#[test]
fn a_viewer_sees_what_the_log_has_in_its_order() {
    let (mut account, log, stored) = sound();
    account.viewers[0].sights.0.swap(2, 3);
    let found = found(&account, &log, &stored);
    assert!(found.contains(&(Wrong::OutOfOrder, Some(id(2)))), "{found:?}");
}

#[test]
fn what_was_acknowledged_before_another_was_said_comes_first_in_the_log() {
    let (mut account, mut log, stored) = sound();
    log[0].swap(0, 1);
    account.viewers.clear();
    assert_eq!(found(&account, &log, &stored), [(Wrong::OutOfOrder, Some(id(1)))]);
    // Said while the other was not answered yet, either may come first.
    account.acks[0][0].answered = 11;
    assert_eq!(found(&account, &log, &stored), []);
}

#[test]
fn a_comment_that_is_held_is_in_the_log_and_need_not_be_seen() {
    let (mut account, mut log, stored) = sound();
    account.acks[0].push(Ack { held: true, ..ack(4, 30, 32) });
    assert_eq!(found(&account, &log, &stored), [(Wrong::Lost, Some(id(4)))]);
    log[0].insert(1, Logged { id: id(4), shown: false });
    assert_eq!(found(&account, &log, &stored), []);
}

#[test]
fn recovery_is_counted_from_the_end_of_a_fault_to_the_first_that_everyone_is_served() {
    let (mut account, log, stored) = sound();
    let fault = Fault { name: "host killed".into(), began: 13, mended: Some(16) };
    account.faults.push(fault);
    let report = judge(&account, &log, &stored);
    let told = &report.faults[0];
    // Acknowledged at 22 and seen at 25 and 35, the end is at 40.
    assert_eq!((told.lasted, told.recovered), (3, 9));
    assert_eq!((told.silent_posters, told.silent_viewers), (18, 10));
    // Nobody saw anything after it, for longer than is allowed.
    account.viewers[0].sights.0.truncate(2);
    account.ended = 31_000_000;
    assert!(found(&account, &log, &stored).contains(&(Wrong::Late, None)));
}
