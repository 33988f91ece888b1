//! What every store must do.

mod changes;
mod counted;
mod pages;
mod taking_in;

use std::sync::Arc;

use async_trait::async_trait;
use ringside_core::{CommentId, EventKind, StreamId};
use ringside_ports::Store;
use ringside_ports::store::{Anchor, Applied, Page, PageOf, PageQuery, Reader, StoredComment};

use crate::{Place, samples};

pub use changes::*;
pub use counted::*;
pub use pages::*;
pub use taking_in::*;

/// A place of a store whose totals a check can spoil.
#[async_trait]
pub trait StorePlace: Place<dyn Store> {
    /// Overwrites the kept likes and dislikes of a comment, not the single reactions. The store is not open.
    async fn spoil_totals(&self, stream: &StreamId, comment: CommentId, likes: u32, dislikes: u32);
}

crate::checks!($ store store_tests [StorePlace] {
    a_new_store_has_nothing,
    a_comment_is_kept_as_it_was_taken,
    a_repeated_chunk_changes_nothing,
    an_overlapping_chunk_takes_in_only_what_is_new,
    offsets_may_have_gaps_and_the_checkpoint_goes_past_them,
    partitions_have_checkpoints_of_their_own,
    partitions_can_be_taken_in_at_once,
    events_about_a_comment_that_is_not_there_are_skipped,
    events_that_change_no_comment_only_move_the_checkpoint,
    a_restart_keeps_everything,
    an_edit_changes_text_mentions_and_judgement,
    a_removed_comment_is_in_no_page_but_can_be_asked_for,
    an_approved_comment_is_shown_unless_it_was_removed,
    a_restored_comment_is_as_it_was_with_its_likes_and_replies,
    a_later_verdict_decides_who_sees_a_comment_unless_it_was_removed,
    a_verdict_on_a_text_that_was_changed_since_changes_nothing,
    the_pinned_comment_is_the_last_one_that_is_shown,
    a_reference_finds_its_users_comment_only,
    reactions_agree_with_the_reaction_set_in_any_order,
    changed_totals_are_told_once_for_each_comment,
    emoji_are_summed_by_stream,
    kinds_of_emoji_are_bounded_by_stream,
    what_is_popular_is_shown,
    only_comments_over_ten_likes_are_popular_most_liked_first,
    a_recount_corrects_totals_that_are_off,
    streams_whose_names_begin_alike_are_apart,
    pages_walk_back_from_the_newest_and_forward_again,
    a_page_says_whether_there_is_more_on_either_side,
    replies_have_pages_of_their_own_and_are_counted_while_shown,
    the_review_queue_holds_what_is_held_or_flagged,
    who_reads_decides_what_is_in_a_page,
    a_page_is_full_of_what_its_reader_sees_however_much_else_lies_between,
    pages_show_each_comment_once_while_others_are_written,
});

/// Feeds a store as the writer does: one partition, offsets without gaps.
pub(crate) struct Feed {
    pub(crate) store: Arc<dyn Store>,
    next: u64,
}

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, next: 0 }
    }

    /// Takes events in as one chunk.
    pub(crate) async fn apply(&mut self, of: &StreamId, kinds: Vec<EventKind>) -> Applied {
        let first = self.next;
        self.next += kinds.len() as u64;
        let events: Vec<_> =
            (first..).zip(kinds).map(|(offset, kind)| samples::event(of, offset, kind)).collect();
        self.store.apply(0, &events, self.next).await.expect("applied")
    }

    pub(crate) async fn comment(&self, of: &StreamId, n: u64) -> StoredComment {
        let found = self.store.comment(of, samples::id(n)).await.expect("read");
        found.unwrap_or_else(|| panic!("comment {n} of {of} is there"))
    }
}

/// A feed on the store of a fresh place.
pub(crate) async fn feed<P: Place<dyn Store>>(place: &P) -> Feed {
    Feed::new(place.open().await)
}

pub(crate) async fn page(
    store: &dyn Store,
    stream: &StreamId,
    of: PageOf,
    reader: Reader,
    anchor: Anchor,
    size: u32,
) -> Page {
    let query = PageQuery { stream: stream.clone(), of, reader, anchor, size };
    store.page(query).await.expect("a page")
}

/// Which comments a page holds, newest first.
pub(crate) fn ids(page: &Page) -> Vec<CommentId> {
    page.items.iter().map(|item| item.comment.id).collect()
}

/// The ids of these comments, in this order.
pub(crate) fn of_numbers(numbers: impl IntoIterator<Item = u64>) -> Vec<CommentId> {
    numbers.into_iter().map(samples::id).collect()
}

/// The newest of a stream that a moderator sees.
pub(crate) async fn newest(store: &dyn Store, stream: &StreamId) -> Vec<CommentId> {
    ids(&page(store, stream, PageOf::Stream, Reader::Moderator, Anchor::Newest, 200).await)
}
