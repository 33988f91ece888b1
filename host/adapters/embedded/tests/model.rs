//! The store against a model that is too simple to be wrong, over random events, repeated and overlapping chunks,
//! and restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ringside_core::event::Remover;
use ringside_core::{
    Action, Comment, CommentId, Event, EventKind, Generation, Judgement, Reaction, ReactionSet, Reference,
    RegionId, Stamp, StreamId, UserId, Visibility,
};
use ringside_ports::Store;
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};
use support::{block_on, comment_id, open};

const STREAMS: [&str; 2] = ["a", "a.b"];
const USERS: [&str; 3] = ["ann", "bob", "b"];
const COMMENTS: u64 = 8;

fn stream(n: usize) -> StreamId {
    StreamId::new(STREAMS[n]).unwrap()
}

fn user(n: usize) -> UserId {
    UserId::new(USERS[n]).unwrap()
}

/// The first half of the numbers belongs to the first stream: ids are unique.
fn stream_of(n: u64) -> usize {
    usize::from(n >= COMMENTS / 2)
}

fn judgement(action: Action) -> Judgement {
    Judgement { generation: Some(Generation(1)), action, ..Judgement::default() }
}

fn comment(n: u64, action: Action) -> Comment {
    Comment {
        id: comment_id(n),
        stream: stream(stream_of(n)),
        author: ringside_core::Author { id: user(n as usize % 3), ..support::comment(n).author },
        reply_to: (n % 4 == 3).then(|| comment_id(n - 1)),
        reference: n.is_multiple_of(2).then(|| Reference::new(&format!("r{n}")).unwrap()),
        visibility: action.visibility().unwrap_or_default(),
        judgement: judgement(action),
        ..support::comment(n)
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![Action::Accept, Action::Accept, Action::Flag, Action::Hold, Action::ShadowBan])
}

fn kind() -> impl Strategy<Value = (usize, EventKind)> {
    let of = |n: u64, kind: EventKind| (stream_of(n), kind);
    let n = 0..COMMENTS;
    prop_oneof![
        6 => (n.clone(), action()).prop_map(move |(n, action)| of(n, EventKind::CommentAccepted(comment(n, action)))),
        1 => (n.clone(), action()).prop_map(move |(n, action)| of(n, EventKind::CommentEdited {
            comment: comment_id(n),
            text: format!("edited {action:?}"),
            judgement: judgement(action),
            mentions: vec!["bob".into()],
        })),
        1 => n.clone().prop_map(move |n| of(n, EventKind::CommentRemoved {
            comment: comment_id(n), by: Remover::Author, actor: None, reason: String::new(),
        })),
        1 => n.clone().prop_map(move |n| of(n, EventKind::CommentApproved {
            comment: comment(n, Action::Accept), actor: user(0),
        })),
        1 => (n.clone(), action()).prop_map(move |(n, action)| of(n, EventKind::CommentRestored {
            comment: comment(n, action), actor: user(0),
        })),
        1 => (n.clone(), action()).prop_map(move |(n, action)| of(n, EventKind::CommentModerated {
            comment: comment(n, action),
        })),
        6 => (n.clone(), 0..3usize, 0..3usize, 0..6u64).prop_map(move |(n, by, reaction, at_ms)| {
            of(n, EventKind::ReactionSet {
                comment: comment_id(n),
                user: user(by),
                reaction: [Reaction::None, Reaction::Like, Reaction::Dislike][reaction],
                stamp: Stamp { at_ms, region: RegionId::new("local").unwrap() },
            })
        }),
        1 => (0..2usize, 0..3usize, 1..50u32)
            .prop_map(|(s, e, count)| (s, EventKind::EmojiCounted(vec![(["🎉", "g", "gg"][e].into(), count)]))),
        1 => prop::option::of(n).prop_map(move |n| {
            of(n.unwrap_or(0), EventKind::Pinned { comment: n.map(|n| comment(n, Action::Accept)), actor: user(0) })
        }),
        1 => (0..2usize, 0..9u64).prop_map(|(s, count)| (s, EventKind::Viewers(count))),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    /// A chunk of new events, and how many of those before it come again.
    Apply(Vec<(usize, EventKind)>, usize),
    /// The whole chunk before comes again.
    Repeat,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (prop::collection::vec(kind(), 0..25), 0..30usize).prop_map(|(new, again)| Step::Apply(new, again)),
        1 => Just(Step::Repeat),
        1 => Just(Step::Restart),
    ]
}

/// The model: every comment in a map, every answer by going through all of it.
#[derive(Default)]
struct Model {
    comments: BTreeMap<CommentId, Comment>,
    reactions: BTreeMap<CommentId, ReactionSet>,
    emoji: BTreeMap<(StreamId, String), u64>,
    pins: BTreeMap<StreamId, CommentId>,
}

impl Model {
    fn take_in(&mut self, event: &Event) {
        let here = |model: &Self, id: &CommentId| model.comments.contains_key(id);
        match event.kind.clone() {
            EventKind::CommentAccepted(comment) => {
                self.comments.entry(comment.id).or_insert(comment);
            }
            EventKind::CommentEdited { comment, text, judgement, mentions } => {
                if let Some(kept) = self.comments.get_mut(&comment) {
                    *kept = Comment {
                        text,
                        judgement,
                        mentions,
                        edited_at_ms: Some(event.at_ms),
                        ..kept.clone()
                    };
                }
            }
            EventKind::CommentRemoved { comment, .. } => {
                if let Some(kept) = self.comments.get_mut(&comment) {
                    kept.visibility = Visibility::Removed;
                }
            }
            EventKind::CommentApproved { comment, .. } => {
                let kept = self.comments.get_mut(&comment.id);
                if let Some(kept) = kept.filter(|kept| kept.visibility != Visibility::Removed) {
                    kept.visibility = Visibility::Shown;
                    kept.judgement.action = Action::Accept;
                }
            }
            EventKind::CommentRestored { comment, .. } => {
                let kept = self.comments.get_mut(&comment.id);
                if let Some(kept) = kept.filter(|kept| kept.visibility == Visibility::Removed) {
                    kept.visibility = comment.visibility;
                }
            }
            EventKind::CommentModerated { comment } => {
                // A verdict on a text that was changed since says nothing about the new one.
                let kept = self.comments.get_mut(&comment.id).filter(|kept| kept.text == comment.text);
                if let Some(kept) = kept.filter(|kept| kept.visibility != Visibility::Removed) {
                    (kept.visibility, kept.judgement) = (comment.visibility, comment.judgement);
                }
            }
            EventKind::ReactionSet { comment, user, reaction, stamp } if here(self, &comment) => {
                self.reactions.entry(comment).or_default().set(user, stamp, reaction);
            }
            EventKind::EmojiCounted(counts) => {
                for (emoji, count) in counts {
                    *self.emoji.entry((event.stream.clone(), emoji)).or_default() += u64::from(count);
                }
            }
            EventKind::Pinned { comment: None, .. } => {
                self.pins.remove(&event.stream);
            }
            EventKind::Pinned { comment: Some(comment), .. } if here(self, &comment.id) => {
                self.pins.insert(event.stream.clone(), comment.id);
            }
            _ => {}
        }
    }

    fn stored(&self, id: CommentId) -> Option<StoredComment> {
        let comment = self.comments.get(&id)?.clone();
        let (likes, dislikes) = self.reactions.get(&id).map_or((0, 0), ReactionSet::totals);
        let is_reply = |one: &&Comment| one.reply_to == Some(id) && one.visibility == Visibility::Shown;
        let replies = self.comments.values().filter(is_reply).count() as u32;
        Some(StoredComment { comment, likes, dislikes, replies })
    }

    fn page(&self, query: &PageQuery) -> Page {
        let seen: Vec<StoredComment> = self
            .comments
            .values()
            .rev()
            .filter(|comment| comment.stream == query.stream)
            .filter(|comment| match &query.of {
                PageOf::Stream => true,
                PageOf::Replies(parent) => comment.reply_to == Some(*parent),
                PageOf::Review => {
                    comment.visibility == Visibility::Held
                        || (comment.visibility == Visibility::Shown
                            && comment.judgement.action == Action::Flag)
                }
            })
            .filter(|comment| match (comment.visibility, &query.reader) {
                (Visibility::Shown, _) => true,
                (Visibility::Removed, _) | (_, Reader::Public) => false,
                (_, Reader::User(user)) => comment.author.id == *user,
                (_, Reader::Moderator) => true,
            })
            .map(|comment| self.stored(comment.id).unwrap())
            .collect();
        let size = query.size as usize;
        let (begin, end) = match query.anchor {
            Anchor::Newest => (0, size),
            Anchor::Before(id) => {
                let begin = seen.iter().take_while(|one| one.comment.id >= id).count();
                (begin, begin + size)
            }
            Anchor::After(id) => {
                let end = seen.iter().take_while(|one| one.comment.id > id).count();
                (end.saturating_sub(size), end)
            }
        };
        let end = end.min(seen.len());
        Page { items: seen[begin..end].to_vec(), older: end < seen.len(), newer: begin > 0 }
    }
}

async fn compare(store: &dyn Store, model: &Model, checkpoint: u64) {
    assert_eq!(store.checkpoint(0).await.unwrap(), checkpoint);
    for n in 0..COMMENTS {
        let (of, id) = (stream(stream_of(n)), comment_id(n));
        assert_eq!(store.comment(&of, id).await.unwrap(), model.stored(id), "comment {n}");
        assert_eq!(store.recount(&of, id).await.unwrap(), None, "totals are those of the single reactions");
        for by in (0..3).map(user) {
            let expected = model.reactions.get(&id).map_or(Reaction::None, |set| set.of(&by));
            let found = store.reactions_of(&of, &by, &[id]).await.unwrap();
            let expected: Vec<_> =
                (expected != Reaction::None).then_some((id, expected)).into_iter().collect();
            assert_eq!(found, expected, "{by} on {n}");
            let reference = Reference::new(&format!("r{n}")).unwrap();
            let found = store.by_reference(&of, &by, &reference).await.unwrap();
            let expected = model.comments.get(&id);
            let expected = expected.filter(|kept| kept.author.id == by && kept.reference.is_some());
            assert_eq!(found.as_ref(), expected, "reference {n} of {by}");
        }
    }
    for of in (0..2).map(stream) {
        let emoji: BTreeSet<_> = store.emoji(&of).await.unwrap().into_iter().collect();
        let expected = model.emoji.iter().filter(|((stream, _), _)| *stream == of);
        assert_eq!(emoji, expected.map(|((_, name), total)| (name.clone(), *total)).collect());
        let pinned = model.pins.get(&of).and_then(|id| model.stored(*id));
        let pinned = pinned.filter(|one| one.comment.visibility == Visibility::Shown);
        assert_eq!(store.pinned(&of).await.unwrap(), pinned);
        let kinds =
            [PageOf::Stream, PageOf::Review, PageOf::Replies(comment_id(2)), PageOf::Replies(comment_id(6))];
        for kind in kinds {
            for reader in [Reader::Public, Reader::User(user(0)), Reader::User(user(1)), Reader::Moderator] {
                if kind == PageOf::Review && reader != Reader::Moderator {
                    continue;
                }
                let anchors =
                    (0..COMMENTS).flat_map(|n| [Anchor::Before(comment_id(n)), Anchor::After(comment_id(n))]);
                for (anchor, size) in anchors.chain([Anchor::Newest]).zip([1, 2, 3, 200].into_iter().cycle())
                {
                    let (stream, of, reader) = (of.clone(), kind.clone(), reader.clone());
                    let query = PageQuery { stream, of, reader, anchor, size };
                    assert_eq!(store.page(query.clone()).await.unwrap(), model.page(&query), "{query:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_the_model_does(steps in prop::collection::vec(step(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        block_on(async {
            let mut opened = Some(open(folder.path()));
            let (mut log, mut model): (Vec<(u64, Event)>, Model) = Default::default();
            let mut last = 0..0;
            for step in &steps {
                let chunk = match step {
                    Step::Restart => {
                        drop(opened.take());
                        opened = Some(open(folder.path()));
                        continue;
                    }
                    Step::Repeat => last.clone(),
                    Step::Apply(new, again) => {
                        let begin = log.len().saturating_sub(*again);
                        for (of, kind) in new {
                            let offset = log.len() as u64;
                            let event = Event { stream: stream(*of), at_ms: 1_000 + offset, ..support::event(offset, kind.clone()) };
                            model.take_in(&event);
                            log.push((offset, event));
                        }
                        begin..log.len()
                    }
                };
                let store = opened.as_ref().unwrap().store_port();
                store.apply(0, &log[chunk.clone()], chunk.end as u64).await.unwrap();
                last = chunk;
            }
            compare(&*opened.as_ref().unwrap().store_port(), &model, log.len() as u64).await;
        });
    }
}
