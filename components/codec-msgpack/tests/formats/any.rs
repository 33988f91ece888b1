//! Any message and any request.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use ringside_codec::wire::*;
use ringside_codec::{Author, ID_MAX, Role, Settings};

/// Texts with what formats escape or count in bytes.
fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof!["\\PC{0,40}", "[\"\\\\\u{0}-\u{1f}/<é🎉\u{2028}]{0,12}", "a{0,300}"]
}

/// Lengths and numbers around the borders where MessagePack takes more bytes.
fn number() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![Just(0), 1..20u32, 120..140u32, 250..260u32, 65_530..65_540u32, any::<u32>()]
}

fn id() -> impl Strategy<Value = CommentId> + Clone {
    any::<(u64, u64)>().prop_map(|(high, low)| CommentId { high, low })
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Anonymous), Just(Role::Viewer), Just(Role::Moderator), Just(Role::Operator)]
}

fn author() -> impl Strategy<Value = Author> {
    // Few ids, so that authors come again within a frame.
    ("[ab]", prop_oneof![Just("ann".to_owned()), text()], role(), any::<bool>())
        .prop_map(|(id, name, role, member)| Author { id, name, role, member })
}

fn comment() -> impl Strategy<Value = Comment> {
    // The id's time, or another.
    let said = (id(), author(), text(), option::of(0..1u64 << 50), option::of(id()), vec(text(), 0..3));
    let became = (any::<bool>(), number(), number(), number(), any::<bool>());
    (said, became).prop_map(|((id, author, text, at_ms, reply_to, mentions), became)| {
        let (edited, likes, dislikes, replies, held) = became;
        let at_ms = at_ms.unwrap_or(ringside_codec::id::at_ms(id));
        Comment { id, author, text, at_ms, reply_to, mentions, edited, likes, dislikes, replies, held }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    (number(), any::<[bool; 6]>(), vec(text(), 0..20)).prop_map(|(slow_mode_s, flags, blocked_terms)| {
        let [members_only, emoji_only, links_allowed, hold_for_review, closed, anonymous_read] = flags;
        Settings {
            slow_mode_s,
            members_only,
            emoji_only,
            links_allowed,
            hold_for_review,
            closed,
            anonymous_read,
            blocked_terms,
        }
    })
}

fn emoji() -> impl Strategy<Value = Vec<(String, u64)>> {
    proptest::collection::btree_map(text(), 0..1u64 << 53, 0..20)
        .prop_map(|totals| totals.into_iter().collect())
}

fn event() -> impl Strategy<Value = Event> {
    let remover = prop_oneof![Just(Remover::Author), Just(Remover::Moderator), Just(Remover::Policy)];
    prop_oneof![
        4 => comment().prop_map(Event::Comment),
        1 => (id(), text()).prop_map(|(comment, text)| Event::Edited(Edited { comment, text })),
        1 => (id(), remover).prop_map(|(comment, by)| Event::Removed(Removed { comment, by })),
        1 => (id(), number(), number())
            .prop_map(|(comment, likes, dislikes)| Event::Reactions(ReactionTotals { comment, likes, dislikes })),
        1 => emoji().prop_map(Event::Emoji),
        1 => settings().prop_map(Event::Settings),
        1 => option::of(comment()).prop_map(Event::Pinned),
        1 => (0..1u64 << 53).prop_map(Event::Viewers),
    ]
}

fn joined() -> impl Strategy<Value = Joined> {
    let resumed = prop_oneof![
        Just(Resumed::Fresh),
        Just(Resumed::Recovered),
        Just(Resumed::Gap),
        Just(Resumed::Sampled)
    ];
    let counts = (0..1u64 << 53, emoji());
    (text(), text(), resumed, settings(), counts, option::of(comment()), vec(comment(), 0..20), any::<bool>())
        .prop_map(|(stream_id, position, resumed, settings, (viewers, emoji), pinned, history, more)| {
            Joined { stream_id, position, resumed, settings, viewers, emoji, pinned, history, more }
        })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Done),
        (author(), 0..1u64 << 53)
            .prop_map(|(user, expires_at_ms)| Outcome::Authenticated(Identity { user, expires_at_ms })),
        joined().prop_map(Outcome::Joined),
        id().prop_map(Outcome::Accepted),
        id().prop_map(Outcome::Held),
        text().prop_map(Outcome::Rejected),
        number().prop_map(Outcome::RateLimited),
        (any::<u16>(), text(), text(), option::of(number())).prop_map(
            |(number, title, detail, retry_after_ms)| {
                Outcome::Failed(Failure { number, title, detail, retry_after_ms })
            }
        ),
    ]
}

/// Whatever the server sends.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let kind = prop_oneof![
        Just(NoticeKind::Banner),
        Just(NoticeKind::BannerEnded),
        Just(NoticeKind::Drain),
        Just(NoticeKind::Expiring),
        Just(NoticeKind::Mention)
    ];
    prop_oneof![
        (0..=ID_MAX, outcome()).prop_map(|(id, outcome)| Message::Reply(Reply { id, outcome })),
        (text(), text(), vec(event(), 0..40), number()).prop_map(
            |(stream_id, position, events, left_out)| {
                Message::Batch(Batch { stream_id, position, events, left_out })
            }
        ),
        (kind, text(), number(), text(), option::of(comment())).prop_map(
            |(kind, text, value, stream_id, comment)| {
                Message::Notice(Notice { kind, text, value, stream_id, comment })
            }
        ),
    ]
}

/// Settings to change; one at least.
fn patch() -> impl Strategy<Value = SettingsPatch> {
    let flags = proptest::array::uniform6(option::of(any::<bool>()));
    let some = (any::<u32>().prop_map(Some), flags, option::of(vec(text(), 0..20)));
    some.prop_map(|(slow_mode_s, flags, blocked_terms)| {
        let [members_only, emoji_only, links_allowed, hold_for_review, closed, anonymous_read] = flags;
        SettingsPatch {
            slow_mode_s,
            members_only,
            emoji_only,
            links_allowed,
            hold_for_review,
            closed,
            anonymous_read,
            blocked_terms,
        }
    })
}

fn command() -> impl Strategy<Value = Command> {
    let reaction = prop_oneof![Just(Reaction::Like), Just(Reaction::Dislike), Just(Reaction::None)];
    let review = prop_oneof![Just(Review::Approve), Just(Review::Remove)];
    prop_oneof![
        text().prop_map(Command::Authenticate),
        text().prop_map(Command::Refresh),
        (text(), option::of(text()), option::of(number()))
            .prop_map(|(stream_id, position, history)| Command::Join(Join { stream_id, position, history })),
        Just(Command::Leave),
        (text(), option::of(id()), option::of(text()))
            .prop_map(|(text, reply_to, reference)| Command::Comment(Post { text, reply_to, reference })),
        (id(), text()).prop_map(|(comment, text)| Command::Edit(Edit { comment, text })),
        id().prop_map(Command::Delete),
        (id(), reaction).prop_map(|(comment, reaction)| Command::React(React { comment, reaction })),
        (text(), 1..=u32::MAX).prop_map(|(emoji, count)| Command::Emoji(Emoji { emoji, count })),
        option::of(id()).prop_map(Command::Pin),
        patch().prop_map(Command::Settings),
        (id(), review).prop_map(|(comment, review)| Command::Moderate(Moderate { comment, review })),
    ]
}

/// Whatever a client may ask for.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    (0..=ID_MAX, command()).prop_map(|(id, command)| Request { id, command })
}

/// Texts that are JSON, or nearly, made of what commands are made of.
pub(crate) fn json_text() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"type\"",
        "\"id\"",
        "\"comment\"",
        "\"text\"",
        "\"join\"",
        "\"stream\"",
        "null",
        "true",
        "1",
        "-1",
        "1.5",
        "1e9",
        "\"\\u0041\"",
        "\"\\ud83c\"",
        " ",
        "\"",
        "\\",
        "é",
    ];
    vec(proptest::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}
