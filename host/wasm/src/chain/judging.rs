//! Judging: each moderator in turn on what those before it let pass, the most severe action kept.

use ringside_core::judgement::Label;
use ringside_core::{Action, Judgement};
use ringside_ports::policy::{Admission, Admitted, Decision, Submission};
use ringside_ports::releases::OnFailure;

use super::admission::admit;
use crate::limits;
use crate::round::Round;
use crate::world::moderator::{self, Verdict};

/// What is shown to the author of a comment that breaks a component.
const REASON_HELD: &str = "a rule could not judge this comment, a moderator will look at it";
/// See [`REASON_HELD`].
const REASON_REJECTED: &str = "a rule could not judge this comment";

/// A comment on its way.
#[derive(Default)]
struct Progress<'a> {
    refused: Option<Admitted>,
    action: Action,
    slot: &'a str,
    reason: String,
    labels: Vec<Label>,
    /// A slot with the policy `allow-unjudged` could not judge it.
    unjudged: bool,
}

impl<'a> Progress<'a> {
    /// The most severe action stays; of equals the first.
    fn take(&mut self, slot: &'a str, verdict: Verdict) {
        if verdict.action > self.action {
            self.action = verdict.action;
            self.slot = slot;
            self.reason = verdict.reason;
        }
        self.labels.extend(verdict.labels);
    }

    fn broke(&mut self, slot: &'a str, policy: OnFailure) {
        let (action, reason) = match policy {
            OnFailure::Hold => (Action::Hold, REASON_HELD),
            OnFailure::Reject => (Action::Reject, REASON_REJECTED),
            OnFailure::AllowUnjudged => {
                self.unjudged = true;
                return;
            }
        };
        self.take(slot, Verdict { action, reason: reason.to_owned(), labels: Vec::new() });
    }

    fn decision(self, round: &Round<'_>) -> Decision {
        if let Some(refused) = self.refused {
            return Decision::NotAdmitted(refused);
        }
        // What another slot kept from being shown stays so: a broken rule lifts no other's verdict.
        if self.unjudged && self.action < Action::Hold {
            return Decision::Judged(Judgement::unjudged());
        }
        Decision::Judged(Judgement {
            generation: Some(round.generation.number),
            action: self.action,
            slot: self.slot.to_owned(),
            reason: self.reason,
            labels: self.labels,
        })
    }
}

/// Decisions on comments, in order; at most [`limits::BATCH_COMMENTS_MAX`] of them.
pub(super) fn judge(round: &Round<'_>, submissions: &[&Submission]) -> Vec<Decision> {
    if submissions.is_empty() {
        return Vec::new();
    }
    let mut progress: Vec<Progress<'_>> = submissions.iter().map(|_| Progress::default()).collect();
    refuse(round, submissions, &mut progress);
    let mut open: Vec<_> = (0u32..)
        .zip(submissions)
        .zip(&progress)
        .filter(|(_, progress)| progress.refused.is_none())
        .map(|((ticket, submission), _)| moderator::submission(ticket, submission, round.arena))
        .collect();
    round.metrics.batches.inc();
    round.metrics.judged.inc_by(open.len() as u64);
    for slot in &round.generation.slots.moderators {
        if open.is_empty() {
            break;
        }
        let answers = round.ask(slot, &open, |guest, submissions| guest.judge(submissions));
        let mut rejected = false;
        for (asked, answer) in open.iter().zip(answers) {
            let Some(progress) = progress.get_mut(asked.ticket as usize) else { continue };
            match answer {
                Some(verdict) => {
                    slot.component.metrics.verdicts.of(verdict.action).inc();
                    progress.take(&slot.name, verdict);
                }
                None => {
                    round.metrics.policy_decided.inc();
                    progress.broke(&slot.name, slot.on_failure);
                }
            }
            rejected |= progress.action == Action::Reject;
        }
        if rejected {
            // Nothing is more severe: the slots behind need not look.
            open.retain(|asked| {
                progress.get(asked.ticket as usize).is_some_and(|progress| progress.action != Action::Reject)
            });
        }
    }
    progress.into_iter().map(|progress| progress.decision(round)).collect()
}

/// Asks the throttle about all that were not admitted before.
fn refuse(round: &Round<'_>, submissions: &[&Submission], progress: &mut [Progress<'_>]) {
    let admissions: Vec<&Admission> =
        submissions.iter().filter_map(|submission| submission.admission.as_ref()).collect();
    if admissions.is_empty() {
        return;
    }
    let asked = submissions.iter().zip(progress).filter(|(submission, _)| submission.admission.is_some());
    for ((_, progress), admitted) in asked.zip(admit(round, &admissions)) {
        if admitted != Admitted::Yes {
            progress.refused = Some(admitted);
        }
    }
}

// Tickets of a batch are bits and positions of fixed arrays: see `world::tickets`.
const _: () = assert!(limits::BATCH_COMMENTS_MAX <= u8::MAX as usize);
