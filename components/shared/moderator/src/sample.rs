//! Short ways to say "such a comment, such a verdict", for self-tests and unit tests.

use crate::{Action, Author, Counters, Example, Role, Submission, Verdict};

/// A viewer's comment with this text in both its forms. Fit for texts that folding leaves as they are:
/// lower case, no letter three times in a row.
#[must_use]
pub fn submission(text: &str) -> Submission {
    Submission {
        ticket: 1,
        stream_id: "example".into(),
        author: Author { id: "u1".into(), name: "ann".into(), role: Role::Viewer, member: false },
        text: text.into(),
        folded: text.to_lowercase(),
        language: String::new(),
        links_allowed: true,
        emoji_only: false,
        counters: Counters {
            author_comments: 0,
            author_same_text: 0,
            author_likeness: 0,
            stream_same_text: 0,
        },
        blocked_terms: Vec::new(),
        attributes: Vec::new(),
    }
}

/// The example that `submission` gets `action`, with a reason that contains `reason` unless that is empty.
#[must_use]
pub fn example(submission: Submission, action: Action, reason: &str) -> Example {
    let reason_contains = (!reason.is_empty()).then(|| reason.to_owned());
    Example { submission, action, reason_contains }
}

/// The verdict that lets a comment pass.
#[must_use]
pub fn accepted(ticket: u32) -> Verdict {
    Verdict { ticket, action: Action::Accept, reason: String::new(), labels: Vec::new() }
}
