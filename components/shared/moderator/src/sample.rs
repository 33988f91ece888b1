//! Short ways to say "such a comment, such a verdict", for self-tests and unit tests.

use crate::{Action, Author, Counters, Example, Role, StreamInfo, Submission, Verdict};

/// A viewer's comment with this text in both its forms. Fit for texts that folding leaves as they are:
/// lower case, no letter three times in a row.
#[must_use]
pub fn submission(text: &str) -> Submission {
    submission_folded(text, &text.to_lowercase())
}

/// A viewer's comment with this text, which folding makes `folded`.
#[must_use]
pub fn submission_folded(text: &str, folded: &str) -> Submission {
    let author = Author { id: "u1".into(), name: "ann".into(), role: Role::Viewer, member: false };
    Submission {
        ticket: 1,
        stream_index: 0,
        role: author.role,
        member: author.member,
        author: Some(author),
        folded: folded.into(),
        text: (text != folded).then(|| text.into()),
        language: None,
        counters: Counters {
            author_comments: 0,
            author_same_text: 0,
            author_likeness: 0,
            stream_same_text: 0,
        },
        attributes: None,
    }
}

/// A stream that refuses nothing.
#[must_use]
pub fn stream_info() -> StreamInfo {
    StreamInfo {
        id: "example".into(),
        links_allowed: true,
        emoji_only: false,
        blocked_terms: Vec::new(),
        attributes: Vec::new(),
    }
}

/// The example that `submission` gets `action` on such a stream as [`stream_info`], with a reason that contains `reason` unless that is empty.
#[must_use]
pub fn example(submission: Submission, action: Action, reason: &str) -> Example {
    let reason_contains = (!reason.is_empty()).then(|| reason.to_owned());
    Example { stream_info: stream_info(), submission, action, reason_contains }
}

/// The verdict that lets a comment pass.
#[must_use]
pub fn accepted(ticket: u32) -> Verdict {
    Verdict { ticket, action: Action::Accept, reason: String::new(), labels: Vec::new() }
}
