//! A room's memory of recent comments: whose they are and who sees them.

use std::collections::{HashMap, VecDeque};

use ringside_core::{Comment, CommentId, UserId, Visibility};

/// Comments remembered: at ten a second the last seven minutes, within which nearly all replies and second
/// judgements come. About 100 bytes each.
pub(super) const REMEMBERED_MAX: usize = 4_096;

/// Recent comments of one room, the oldest forgotten first.
#[derive(Debug, Default)]
pub struct Recent {
    comments: HashMap<CommentId, (UserId, Visibility)>,
    order: VecDeque<CommentId>,
}

impl Recent {
    /// Remembers a comment as it stands now.
    pub fn insert(&mut self, comment: &Comment) {
        let known = self.comments.insert(comment.id, (comment.author.id.clone(), comment.visibility));
        if known.is_none() {
            self.order.push_back(comment.id);
            if self.order.len() > REMEMBERED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.comments.remove(&oldest);
            }
        }
    }

    /// Who wrote a comment, while it is remembered.
    #[must_use]
    pub fn author(&self, id: CommentId) -> Option<&UserId> {
        self.comments.get(&id).map(|(author, _)| author)
    }

    /// Who sees a comment, while it is remembered.
    #[must_use]
    pub fn visibility(&self, id: CommentId) -> Option<Visibility> {
        self.comments.get(&id).map(|(_, visibility)| *visibility)
    }

    /// Changes who sees a comment.
    pub fn set(&mut self, id: CommentId, now: Visibility) {
        if let Some((_, visibility)) = self.comments.get_mut(&id) {
            *visibility = now;
        }
    }
}
