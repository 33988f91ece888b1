//! Comments and settings as REST shows them.

use ringside_core::{Author, Comment, CommentId, Role, Visibility};
use ringside_ports::store::{Page, StoredComment};
use serde::Serialize;

/// A comment.
#[derive(Serialize)]
pub(super) struct CommentBody {
    id: CommentId,
    stream: String,
    author: AuthorBody,
    text: String,
    /// Milliseconds since 1970.
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<CommentId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<String>,
    edited: bool,
    likes: u32,
    dislikes: u32,
    replies: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    /// For moderators: why it was held or flagged, and by which slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    judgement: Option<JudgementBody>,
}

#[derive(Serialize)]
struct AuthorBody {
    id: String,
    name: String,
    role: Role,
    member: bool,
}

#[derive(Serialize)]
struct JudgementBody {
    action: &'static str,
    slot: String,
    reason: String,
    generation: Option<u64>,
}

impl From<Author> for AuthorBody {
    fn from(author: Author) -> Self {
        Self { id: author.id.into(), name: author.name, role: author.role, member: author.member }
    }
}

impl CommentBody {
    /// `for_moderator` adds what only moderators may know.
    pub(super) fn new(stored: StoredComment, for_moderator: bool) -> Self {
        let StoredComment { comment, likes, dislikes, replies } = stored;
        let judgement = for_moderator.then(|| JudgementBody {
            action: comment.judgement.action.as_str(),
            slot: comment.judgement.slot.clone(),
            reason: comment.judgement.reason.clone(),
            generation: comment.judgement.generation.map(|generation| generation.0),
        });
        Self {
            id: comment.id,
            stream: comment.stream.to_string(),
            author: comment.author.into(),
            text: comment.text,
            at: comment.at_ms,
            reply_to: comment.reply_to,
            mentions: comment.mentions,
            edited: comment.edited_at_ms.is_some(),
            likes,
            dislikes,
            replies,
            held: match comment.visibility {
                Visibility::Held => true,
                // Its author is not told.
                Visibility::Shadow => for_moderator,
                Visibility::Shown | Visibility::Removed => false,
            },
            judgement,
        }
    }

    /// A comment that was posted just now.
    pub(super) fn posted(comment: Comment) -> Self {
        Self::new(StoredComment { comment, likes: 0, dislikes: 0, replies: 0 }, false)
    }
}

/// A page: `next` continues to older comments (`direction=before`), `previous` to newer ones (`direction=after`).
#[derive(Serialize)]
pub(super) struct PageBody {
    items: Vec<CommentBody>,
    next: Option<CommentId>,
    previous: Option<CommentId>,
}

impl PageBody {
    pub(super) fn new(page: Page, for_moderator: bool) -> Self {
        let id = |stored: Option<&StoredComment>| stored.map(|stored| stored.comment.id);
        Self {
            next: id(page.items.last()).filter(|_| page.older),
            previous: id(page.items.first()).filter(|_| page.newer),
            items: page.items.into_iter().map(|stored| CommentBody::new(stored, for_moderator)).collect(),
        }
    }
}
