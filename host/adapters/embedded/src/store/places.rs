//! Where comments are kept: by who sees them, and in the lists that pages are read from.

use redb::{ReadableTable as _, Table};
use ringside_core::{Action, Comment, CommentId, StreamId, Visibility};

use super::keys;
use super::tables::{
    COUNTS, EMOJI, OWN, PINS, POPULAR, POPULAR_LIKES, REACTIONS, REFERENCES, REMOVED, REPLIES, REVIEW, SHOWN,
    WAITING, WAITING_REPLIES, decode_comment, encode,
};

type Result<T> = std::result::Result<T, redb::Error>;
type Bytes = &'static [u8];

/// The table that a comment is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Everyone sees it.
    Shown,
    /// Its author and moderators do.
    Waiting,
    /// Nobody does.
    Removed,
}

impl Home {
    /// In the order in which they are asked: most comments are shown.
    pub(super) const ALL: [Self; 3] = [Self::Shown, Self::Waiting, Self::Removed];

    fn of(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Shown => Self::Shown,
            Visibility::Held | Visibility::Shadow => Self::Waiting,
            Visibility::Removed => Self::Removed,
        }
    }
}

/// The tables of one transaction.
pub(super) struct Tables<'t> {
    shown: Table<'t, Bytes, Bytes>,
    waiting: Table<'t, Bytes, Bytes>,
    removed: Table<'t, Bytes, Bytes>,
    own: Table<'t, Bytes, ()>,
    pub(super) counts: Table<'t, Bytes, (u32, u32, u32)>,
    replies: Table<'t, Bytes, ()>,
    waiting_replies: Table<'t, Bytes, ()>,
    pub(super) review: Table<'t, Bytes, ()>,
    pub(super) references: Table<'t, Bytes, Bytes>,
    pub(super) reactions: Table<'t, Bytes, Bytes>,
    pub(super) popular: Table<'t, Bytes, ()>,
    pub(super) emoji: Table<'t, Bytes, u64>,
    pub(super) pins: Table<'t, Bytes, Bytes>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(write: &'t redb::WriteTransaction) -> Result<Self> {
        Ok(Self {
            shown: write.open_table(SHOWN)?,
            waiting: write.open_table(WAITING)?,
            removed: write.open_table(REMOVED)?,
            own: write.open_table(OWN)?,
            counts: write.open_table(COUNTS)?,
            replies: write.open_table(REPLIES)?,
            waiting_replies: write.open_table(WAITING_REPLIES)?,
            review: write.open_table(REVIEW)?,
            references: write.open_table(REFERENCES)?,
            reactions: write.open_table(REACTIONS)?,
            popular: write.open_table(POPULAR)?,
            emoji: write.open_table(EMOJI)?,
            pins: write.open_table(PINS)?,
        })
    }
}

impl<'t> Tables<'t> {
    pub(super) fn at(&mut self, home: Home) -> &mut Table<'t, Bytes, Bytes> {
        match home {
            Home::Shown => &mut self.shown,
            Home::Waiting => &mut self.waiting,
            Home::Removed => &mut self.removed,
        }
    }

    /// Where a comment is; none where there is no such comment.
    pub(super) fn home(&mut self, key: &[u8]) -> Result<Option<Home>> {
        for home in Home::ALL {
            if self.at(home).get(key)?.is_some() {
                return Ok(Some(home));
            }
        }
        Ok(None)
    }

    /// Takes a comment in, unless it is there.
    pub(super) fn insert(&mut self, comment: &Comment) -> Result<()> {
        let key = keys::comment(&comment.stream, comment.id);
        if self.home(&key)?.is_some() {
            return Ok(());
        }
        if let Some(reference) = &comment.reference {
            let reference = keys::text(&comment.stream, &[comment.author.id.as_str(), reference.as_str()]);
            self.references.insert(reference.as_slice(), comment.id.as_bytes().as_slice())?;
        }
        let home = Home::of(comment.visibility);
        self.at(home).insert(key.as_slice(), encode(comment)?.as_slice())?;
        self.list(comment, home, true)?;
        if home == Home::Shown {
            self.count_reply(comment, true)?;
        }
        if is_for_review(comment) {
            self.review.insert(key.as_slice(), ())?;
        }
        Ok(())
    }

    /// Changes a comment that is there.
    pub(super) fn change(
        &mut self,
        stream: &StreamId,
        id: CommentId,
        change: impl FnOnce(&mut Comment),
    ) -> Result<()> {
        let key = keys::comment(stream, id);
        let Some(before) = self.home(&key)? else { return Ok(()) };
        let kept = self.at(before).get(key.as_slice())?.map(|value| decode_comment(value.value()));
        let Some(mut comment) = kept.transpose()? else { return Ok(()) };
        change(&mut comment);
        let after = Home::of(comment.visibility);
        if before != after {
            self.at(before).remove(key.as_slice())?;
            self.list(&comment, before, false)?;
            self.list(&comment, after, true)?;
            let (was, is) = (before == Home::Shown, after == Home::Shown);
            if was != is {
                self.count_reply(&comment, is)?;
                let likes = self.counts.get(key.as_slice())?.map_or(0, |counts| counts.value().0);
                self.move_popular(stream, id, if was { likes } else { 0 }, if is { likes } else { 0 })?;
            }
        }
        self.at(after).insert(key.as_slice(), encode(&comment)?.as_slice())?;
        if is_for_review(&comment) {
            self.review.insert(key.as_slice(), ())?;
        } else {
            self.review.remove(key.as_slice())?;
        }
        Ok(())
    }

    /// Enters a comment into the lists of its home, or takes it out of them.
    pub(super) fn list(&mut self, comment: &Comment, home: Home, is_in: bool) -> Result<()> {
        let Comment { stream, id, author, reply_to, .. } = comment;
        let with_id = |prefix: Vec<u8>| [prefix.as_slice(), id.as_bytes().as_slice()].concat();
        let set = |table: &mut Table<'t, Bytes, ()>, key: Vec<u8>| -> Result<()> {
            if is_in {
                table.insert(key.as_slice(), ())?;
            } else {
                table.remove(key.as_slice())?;
            }
            Ok(())
        };
        match home {
            Home::Shown => {
                if let Some(parent) = reply_to {
                    set(&mut self.replies, with_id(keys::comment(stream, *parent)))?;
                }
            }
            Home::Waiting => {
                set(&mut self.own, with_id(keys::own(stream, &author.id, None)))?;
                if let Some(parent) = reply_to {
                    set(&mut self.own, with_id(keys::own(stream, &author.id, Some(*parent))))?;
                    set(&mut self.waiting_replies, with_id(keys::comment(stream, *parent)))?;
                }
            }
            Home::Removed => {}
        }
        Ok(())
    }

    /// Counts a reply at its parent, or no longer.
    fn count_reply(&mut self, comment: &Comment, is_shown: bool) -> Result<()> {
        let Some(parent) = comment.reply_to else { return Ok(()) };
        let parent = keys::comment(&comment.stream, parent);
        let kept = self.counts.get(parent.as_slice())?.map(|counts| counts.value());
        let (likes, dislikes, replies) = kept.unwrap_or((0, 0, 0));
        let replies = if is_shown { replies.saturating_add(1) } else { replies.saturating_sub(1) };
        self.counts.insert(parent.as_slice(), (likes, dislikes, replies))?;
        Ok(())
    }

    /// Keeps a shown comment's place among the popular ones.
    pub(super) fn move_popular(
        &mut self,
        stream: &StreamId,
        id: CommentId,
        before: u32,
        after: u32,
    ) -> Result<()> {
        if before > POPULAR_LIKES && before != after {
            self.popular.remove(keys::popular(stream, before, id).as_slice())?;
        }
        if after > POPULAR_LIKES && before != after {
            self.popular.insert(keys::popular(stream, after, id).as_slice(), ())?;
        }
        Ok(())
    }
}

/// True for what waits in the review queue: held, or shown and flagged.
fn is_for_review(comment: &Comment) -> bool {
    match comment.visibility {
        Visibility::Held => true,
        Visibility::Shown => comment.judgement.action == Action::Flag,
        Visibility::Shadow | Visibility::Removed => false,
    }
}
