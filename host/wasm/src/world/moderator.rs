//! Calls of the world `moderator`.

use bumpalo::Bump;
use ringside_core::Action;
use ringside_core::judgement::Label;
use ringside_ports::policy::Submission;
use ringside_ports::releases::World as WorldName;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::describe::Description;
use super::throttle::{attributes_again, author_again, role};
use super::{Guest, Moderator, World, tickets, too_many};
use crate::bindings::moderator::ModeratorPre;
use crate::bindings::moderator::ringside::edge::moderation as wit;
use crate::bindings::throttle::ringside::edge::types;
use crate::call::CallError;
use crate::guest::GuestState;
use crate::limits;
use crate::text::cut;

/// What one component says of one comment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) action: Action,
    pub(crate) reason: String,
    pub(crate) labels: Vec<Label>,
}

impl World for Moderator {
    const NAME: WorldName = WorldName::Moderator;
    type Pre = ModeratorPre<GuestState>;

    fn pre(component: InstancePre<GuestState>) -> wasmtime::Result<Self::Pre> {
        ModeratorPre::new(component)
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<GuestState>) -> wasmtime::Result<Self> {
        pre.instantiate(store)
    }

    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<Description> {
        let types::Description { name, version, summary } = self.call_describe(store)?;
        Ok(Description { name, version, summary })
    }

    fn configure(&self, store: &mut Store<GuestState>, config: &str) -> wasmtime::Result<Result<(), String>> {
        let answer = self.call_configure(&mut *store, config)?;
        Ok(answer.map(|wants| store.data_mut().wants = wants))
    }

    fn self_test(guest: &mut Guest<Self>) -> Result<Result<usize, String>, CallError> {
        let examples = guest.call(limits::START_TICKS_MAX, |world, store| world.call_examples(store))?;
        if let Some(problem) = too_many(examples.len()) {
            return Ok(Err(problem));
        }
        let arena = Bump::new();
        let mut number = 0;
        for chunk in examples.chunks(limits::BATCH_COMMENTS_MAX) {
            let streams: Vec<_> =
                chunk.iter().map(|example| stream_info_again(&example.stream_info, &arena)).collect();
            let submissions: Vec<_> = (0..)
                .zip(chunk)
                .map(|(number, example)| again(number, &example.submission, &arena))
                .collect();
            let author_of = |ticket| chunk.get(ticket as usize)?.submission.author.as_ref().map(author_again);
            for (example, verdict) in chunk.iter().zip(guest.judge(&streams, &submissions, author_of)?) {
                number += 1;
                if let Err(detail) = compare(example, &verdict) {
                    let submission = &example.submission;
                    let text = submission.text.as_deref().unwrap_or(&submission.folded);
                    let text: String = text.chars().take(80).collect();
                    return Ok(Err(format!("example {number} (\"{text}\"): {detail}")));
                }
            }
        }
        Ok(Ok(examples.len()))
    }
}

fn compare(example: &wit::Example, verdict: &Verdict) -> Result<(), String> {
    let expected = action(example.action);
    if verdict.action != expected {
        let reason = if verdict.reason.is_empty() { String::new() } else { format!(" ({})", verdict.reason) };
        return Err(format!("expected {}, got {}{reason}", expected.as_str(), verdict.action.as_str()));
    }
    match &example.reason_contains {
        Some(part) if !verdict.reason.contains(part) => {
            Err(format!("expected a reason with \"{part}\", got \"{}\"", verdict.reason))
        }
        _ => Ok(()),
    }
}

impl Guest<Moderator> {
    /// Verdicts, in order. Who wrote a comment it is told if it wants authors. Tickets are below
    /// [`limits::BATCH_COMMENTS_MAX`] and distinct.
    ///
    /// # Errors
    /// [`CallError`]; the instance must not be called again.
    pub(crate) fn judge<'a>(
        &mut self,
        streams: &[wit::StreamInfoParam<'_>],
        submissions: &[wit::SubmissionParam<'a>],
        author_of: impl Fn(u32) -> Option<types::AuthorParam<'a>>,
    ) -> Result<Vec<Verdict>, CallError> {
        let with_author = |one: &wit::SubmissionParam<'a>| wit::SubmissionParam {
            author: author_of(one.ticket),
            ..one.clone()
        };
        let with_authors: Vec<_>;
        let told = if self.wants().authors {
            with_authors = submissions.iter().map(with_author).collect();
            &with_authors
        } else {
            submissions
        };
        let verdicts =
            self.call(limits::CALL_TICKS_MAX, |world, store| world.call_judge(store, streams, told))?;
        let verdicts = tickets::align(
            verdicts,
            "verdicts",
            |verdict| verdict.ticket,
            submissions.iter().map(|submission| submission.ticket),
        )?;
        verdicts.into_iter().map(checked).collect()
    }
}

fn checked(verdict: wit::Verdict) -> Result<Verdict, CallError> {
    if verdict.labels.len() > limits::LABELS_MAX {
        let labels = verdict.labels.len();
        return Err(CallError::malformed(format!("gave {labels} labels: at most {}", limits::LABELS_MAX)));
    }
    let labels = verdict
        .labels
        .into_iter()
        .map(|label| {
            if !(0.0..=1.0).contains(&label.score) {
                return Err(CallError::malformed(format!("gave a score of {}: 0 to 1", label.score)));
            }
            Ok(Label { name: cut(label.name, limits::LABEL_BYTES_MAX), score: label.score })
        })
        .collect::<Result<_, _>>()?;
    Ok(Verdict {
        action: action(verdict.action),
        reason: cut(verdict.reason, limits::REASON_BYTES_MAX),
        labels,
    })
}

fn action(action: wit::Action) -> Action {
    match action {
        wit::Action::Accept => Action::Accept,
        wit::Action::Flag => Action::Flag,
        wit::Action::Hold => Action::Hold,
        wit::Action::ShadowBan => Action::ShadowBan,
        wit::Action::Reject => Action::Reject,
    }
}

/// A stream as the components are told of it; the arena holds what is not there as WIT has it.
pub(crate) fn stream_info<'a>(from: &'a Submission, arena: &'a Bump) -> wit::StreamInfoParam<'a> {
    wit::StreamInfoParam {
        id: from.stream.as_str(),
        links_allowed: from.settings.links_allowed,
        emoji_only: from.settings.emoji_only,
        blocked_terms: arena.alloc_slice_fill_iter(from.settings.blocked_terms.iter().map(String::as_str)),
        attributes: &[],
    }
}

/// A comment as it is shown to components that want no authors. `stream_index` is its stream's place in the batch.
pub(crate) fn submission(ticket: u32, stream_index: u32, from: &Submission) -> wit::SubmissionParam<'_> {
    wit::SubmissionParam {
        ticket,
        stream_index,
        role: role(from.author.role),
        member: from.author.member,
        author: None,
        folded: &from.folded,
        // Each text is a call of the component's allocator and a copy: most comments are folded as they come.
        text: (from.text != from.folded).then_some(from.text.as_str()),
        language: None,
        counters: wit::Counters {
            author_comments: from.counters.author_comments,
            author_same_text: from.counters.author_same_text,
            author_likeness: from.counters.author_likeness,
            stream_same_text: from.counters.stream_same_text,
        },
        attributes: None,
    }
}

fn stream_info_again<'a>(from: &'a wit::StreamInfoResult, arena: &'a Bump) -> wit::StreamInfoParam<'a> {
    wit::StreamInfoParam {
        id: &from.id,
        links_allowed: from.links_allowed,
        emoji_only: from.emoji_only,
        blocked_terms: arena.alloc_slice_fill_iter(from.blocked_terms.iter().map(String::as_str)),
        attributes: attributes_again(Some(&from.attributes), arena).unwrap_or_default(),
    }
}

/// An example's comment without its author; its ticket and its stream have the same number.
fn again<'a>(number: u32, from: &'a wit::SubmissionResult, arena: &'a Bump) -> wit::SubmissionParam<'a> {
    wit::SubmissionParam {
        ticket: number,
        stream_index: number,
        role: from.role,
        member: from.member,
        author: None,
        folded: &from.folded,
        text: from.text.as_deref(),
        language: from.language.as_deref(),
        counters: from.counters,
        attributes: attributes_again(from.attributes.as_deref(), arena),
    }
}
