//! How long it took after each fault until people were served again.

use crate::RECOVERY_MAX;
use crate::clock::Micros;
use crate::record::{Account, Fault, Saw};
use crate::report::{FaultFigures, Finding, Wrong};

/// Each fault with what was to be noticed of it.
pub(super) fn of(account: &Account, findings: &mut Vec<Finding>) -> Vec<FaultFigures> {
    let acks: Vec<Vec<Micros>> = account
        .acks
        .iter()
        .map(|acks| {
            let mut at: Vec<Micros> = acks.iter().map(|ack| ack.answered).collect();
            at.sort_unstable();
            at
        })
        .collect();
    let live = |saw: Saw| matches!(saw, Saw::Live(_));
    let sights: Vec<Vec<Micros>> = account
        .viewers
        .iter()
        .map(|viewer| viewer.sights.0.iter().filter(|(_, saw)| live(*saw)).map(|(at, _)| *at).collect())
        .collect();
    let mut told = Vec::new();
    for (number, fault) in account.faults.iter().enumerate() {
        let until = account.faults.get(number + 1).map_or(account.ended, |next| next.began);
        let mended = fault.mended.unwrap_or(until);
        let silence = |of: &[Vec<Micros>]| longest(of, fault.began, until);
        let recovery = |of: &[Vec<Micros>]| of.iter().map(|at| first(at, mended, until)).max().unwrap_or(0);
        let one = FaultFigures {
            name: fault.name.clone(),
            lasted: mended.saturating_sub(fault.began),
            silent_posters: silence(&acks),
            silent_viewers: silence(&sights),
            recovered: recovery(&acks).max(recovery(&sights)),
        };
        if u128::from(one.recovered) > RECOVERY_MAX.as_micros() {
            findings.push(late(fault, &one));
        }
        told.push(one);
    }
    told
}

fn late(fault: &Fault, figures: &FaultFigures) -> Finding {
    let what = format!(
        "{}: {} after it could work again nobody was served, at most {} s are allowed",
        fault.name,
        super::seconds(figures.recovered),
        RECOVERY_MAX.as_secs()
    );
    Finding::new(Wrong::Late, String::new(), None, what)
}

/// The longest time without anything within a window, over all of them. What was there before it counts as there at its
/// beginning.
fn longest(of: &[Vec<Micros>], from: Micros, until: Micros) -> Micros {
    let of_one = |at: &Vec<Micros>| {
        let inside = at.iter().copied().filter(|at| (from..until).contains(at)).chain([until]);
        inside.scan(from, |last, at| Some(at - std::mem::replace(last, at))).max().unwrap_or(0)
    };
    of.iter().map(of_one).max().unwrap_or(0)
}

/// From a moment to the first thing after it; to the window's end where nothing came.
fn first(at: &[Micros], from: Micros, until: Micros) -> Micros {
    let index = at.partition_point(|at| *at < from);
    at.get(index).copied().unwrap_or(until).min(until).saturating_sub(from)
}
