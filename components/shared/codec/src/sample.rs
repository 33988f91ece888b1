//! One request of each kind, for the self-tests of formats.

use crate::wire::{Command, CommentId, Edit, Emoji, Join, Moderate, Post, React, Reaction};
use crate::wire::{Request, Review, SettingsPatch};

/// `0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20`
pub const COMMENT: CommentId = CommentId { high: 0x0197_e0f5_7f3a_7c31, low: 0xb3ad_1c6a_4f1f_9d20 };

/// Requests that use every command and every field.
#[must_use]
pub fn requests() -> Vec<Request> {
    let join = |position: Option<&str>, history| {
        let position = position.map(str::to_owned);
        Command::Join(Join { stream_id: "launch".into(), position, history })
    };
    let post = |text: &str, reply_to, reference: Option<&str>| {
        let reference = reference.map(str::to_owned);
        Command::Comment(Post { text: text.into(), reply_to, reference })
    };
    let react = |reaction| Command::React(React { comment: COMMENT, reaction });
    let moderate = |review| Command::Moderate(Moderate { comment: COMMENT, review });
    let commands = [
        Command::Authenticate("head.body.sign".into()),
        Command::Refresh("head.body.sign2".into()),
        join(None, None),
        join(Some("e1:42"), Some(50)),
        Command::Leave,
        post("hello", None, None),
        post("a \"quoted\" \\ line\nand \u{1F980} \u{0}", Some(COMMENT), Some("r-1")),
        Command::Edit(Edit { comment: COMMENT, text: "hello again".into() }),
        Command::Delete(COMMENT),
        react(Reaction::Like),
        react(Reaction::Dislike),
        react(Reaction::None),
        Command::Emoji(Emoji { emoji: "\u{1F389}".into(), count: 1 }),
        Command::Emoji(Emoji { emoji: "\u{1F389}".into(), count: 70_000 }),
        Command::Pin(Some(COMMENT)),
        Command::Pin(None),
        Command::Settings(full_patch()),
        moderate(Review::Approve),
        moderate(Review::Remove),
    ];
    let ids = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, crate::ID_MAX];
    commands.into_iter().zip(ids.into_iter().cycle()).map(|(command, id)| Request { id, command }).collect()
}

fn full_patch() -> SettingsPatch {
    SettingsPatch {
        slow_mode_s: Some(30),
        members_only: Some(true),
        emoji_only: Some(false),
        links_allowed: Some(false),
        hold_for_review: Some(true),
        closed: Some(false),
        anonymous_read: Some(true),
        blocked_terms: Some(vec!["spoiler".into(), "end of the film".into()]),
    }
}
