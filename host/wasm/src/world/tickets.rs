//! Matching answers to tickets: exactly one each, in any order.

use crate::call::CallError;
use crate::limits;

/// Answers in the order of their tickets. Tickets are below [`limits::BATCH_COMMENTS_MAX`] and distinct.
///
/// # Errors
/// `Malformed` when there is another number of answers, or one for a ticket that is unknown or was answered.
pub(crate) fn align<A>(
    answers: Vec<A>,
    what: &str,
    ticket_of: impl Fn(&A) -> u32,
    tickets: impl ExactSizeIterator<Item = u32> + Clone,
) -> Result<Vec<A>, CallError> {
    if answers.len() != tickets.len() {
        let (answers, tickets) = (answers.len(), tickets.len());
        return Err(CallError::malformed(format!("answered {answers} {what} to {tickets}")));
    }
    // Nearly every component answers in order.
    if answers.iter().map(&ticket_of).eq(tickets.clone()) {
        return Ok(answers);
    }
    let mut position_of = [u8::MAX; limits::BATCH_COMMENTS_MAX];
    for (position, ticket) in (0u8..).zip(tickets) {
        if let Some(place) = position_of.get_mut(ticket as usize) {
            *place = position;
        }
    }
    let mut aligned: Vec<Option<A>> = answers.iter().map(|_| None).collect();
    for answer in answers {
        let ticket = ticket_of(&answer);
        let position = position_of.get(ticket as usize).map(|position| usize::from(*position));
        match position.and_then(|position| aligned.get_mut(position)) {
            Some(place @ None) => *place = Some(answer),
            Some(_) => return Err(CallError::malformed(format!("answered ticket {ticket} twice"))),
            None => return Err(CallError::malformed(format!("answered the unknown ticket {ticket}"))),
        }
    }
    // As many answers as places, none twice: every place is filled.
    Ok(aligned.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_matched_to_tickets_in_any_order_and_nothing_else_passes() {
        let run = |answers: &[u32], tickets: &[u32]| {
            align(answers.to_vec(), "verdicts", |a| *a, tickets.iter().copied()).map_err(|error| error.detail)
        };
        assert_eq!(run(&[3, 5, 63], &[3, 5, 63]).unwrap(), [3, 5, 63]);
        assert_eq!(run(&[63, 3, 5], &[3, 5, 63]).unwrap(), [3, 5, 63]);
        assert_eq!(run(&[], &[]).unwrap(), Vec::<u32>::new());
        for (answers, part) in [
            (&[3, 5][..], "answered 2 verdicts to 3"),
            (&[3, 5, 63, 7], "answered 4 verdicts to 3"),
            (&[3, 3, 5], "ticket 3 twice"),
            (&[3, 5, 4], "unknown ticket 4"),
            (&[3, 5, 64], "unknown ticket 64"),
            (&[3, 5, u32::MAX], "unknown ticket 4294967295"),
        ] {
            assert!(run(answers, &[3, 5, 63]).unwrap_err().contains(part), "{answers:?}");
        }
    }
}
