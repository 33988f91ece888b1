//! What is read: pages of the log, and restrictions.

use std::ops::Bound;

use redb::ReadTransaction;
use ringside_core::moderation::Restriction;
use ringside_core::{StreamId, UserId};
use ringside_ports::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditPage, AuditQuery, RestrictionChange};

use super::tables::{CHANGES, ENTRIES, PLACES, RESTRICTIONS, UNDONE, place};
use crate::catalog::decode;

/// Most entries that a page looks at: a question that matches few of many is answered in parts.
const LOOKED_AT_MAX: usize = 10_000;

type Result<T> = std::result::Result<T, redb::Error>;
type Numbers<'t> = Box<dyn Iterator<Item = Result<u64>> + 't>;

/// The tables, as they are now.
pub(super) struct Reading<'t>(pub(super) &'t ReadTransaction);

impl Reading<'_> {
    fn entry(&self, number: u64) -> Result<Option<AuditEntry>> {
        let Some(bytes) = self.0.open_table(ENTRIES)?.get(number)? else { return Ok(None) };
        let mut entry: AuditEntry = decode(bytes.value())?;
        entry.undone_by = self.0.open_table(UNDONE)?.get(number)?.map(|by| by.value());
        Ok(Some(entry))
    }

    /// A page, newest first.
    pub(super) fn page(&self, query: &AuditQuery) -> Result<AuditPage> {
        let most = query.most.clamp(1, AUDIT_PAGE_MAX);
        let mut page = AuditPage::default();
        for (looked_at, number) in self.numbers(query)?.enumerate() {
            let number = number?;
            if page.entries.len() == most || looked_at == LOOKED_AT_MAX {
                page.next = Some(number + 1);
                break;
            }
            if let Some(entry) = self.entry(number)?.filter(|entry| matches(query, entry)) {
                page.entries.push(entry);
            }
        }
        Ok(page)
    }

    /// Numbers of entries that may match, newest first, from the index that is likely to be the shortest.
    fn numbers(&self, query: &AuditQuery) -> Result<Numbers<'_>> {
        let before = query.before.unwrap_or(u64::MAX);
        let of = |of, value: Option<&str>| value.map(|value| place(of, value));
        let comment = query.comment.map(|comment| comment.to_string());
        let begin = of('c', comment.as_deref())
            .or_else(|| of('u', query.user.as_ref().map(UserId::as_str)))
            .or_else(|| of('a', query.actor.as_ref().map(UserId::as_str)))
            .or_else(|| of('s', query.stream.as_ref().map(StreamId::as_str)))
            .or_else(|| of('k', query.kind.as_deref()));
        let Some(begin) = begin else {
            let entries = self.0.open_table(ENTRIES)?.range(..before)?;
            return Ok(Box::new(entries.rev().map(|entry| Ok(entry?.0.value()))));
        };
        let end = [begin.as_slice(), &before.to_be_bytes()].concat();
        let range = (Bound::Included(begin.as_slice()), Bound::Excluded(end.as_slice()));
        let places = self.0.open_table(PLACES)?.range::<&[u8]>(range)?;
        Ok(Box::new(places.rev().map(|place| {
            let place = place?;
            let number = place.0.value().last_chunk::<8>().copied();
            number
                .map(u64::from_be_bytes)
                .ok_or_else(|| redb::Error::Corrupted("a place without a number".into()))
        })))
    }

    /// What a user may not do at `now_ms`.
    pub(super) fn restrictions(&self, now_ms: u64, user: &UserId) -> Result<Vec<Restriction>> {
        // Behind a space comes `!`, and no name has either.
        let (from, to) = (format!("{user} "), format!("{user}!"));
        let mut found = Vec::new();
        for kept in self.0.open_table(RESTRICTIONS)?.range(from.as_str()..to.as_str())? {
            let (number, _, lifted) = kept?.1.value();
            let entry = if lifted { None } else { self.entry(number)? };
            let restriction = entry.and_then(|entry| entry.restriction());
            found.extend(restriction.filter(|restriction| restriction.holds_at(now_ms)));
        }
        found.sort_by_key(|restriction| (restriction.stream.is_some(), std::cmp::Reverse(restriction.entry)));
        found.truncate(AUDIT_PAGE_MAX);
        Ok(found)
    }

    /// Restrictions that changed after an entry.
    pub(super) fn changes(&self, version: u64, most: usize) -> Result<Vec<RestrictionChange>> {
        let restrictions = self.0.open_table(RESTRICTIONS)?;
        let after = (Bound::Excluded(version), Bound::Unbounded);
        let mut changes = Vec::new();
        for change in self.0.open_table(CHANGES)?.range(after)?.take(most.min(AUDIT_PAGE_MAX)) {
            let change = change?;
            let Some(kept) = restrictions.get(change.1.value())? else { continue };
            let (number, version, lifted) = kept.value();
            if let Some(restriction) = self.entry(number)?.and_then(|entry| entry.restriction()) {
                changes.push(RestrictionChange { version, restriction, lifted });
            }
        }
        Ok(changes)
    }
}

fn matches(query: &AuditQuery, entry: &AuditEntry) -> bool {
    let deed = &entry.deed;
    query.stream.as_ref().is_none_or(|stream| deed.stream() == Some(stream))
        && query.user.as_ref().is_none_or(|user| deed.user() == Some(user))
        && query.comment.is_none_or(|comment| deed.comment() == Some(comment))
        && query.actor.as_ref().is_none_or(|actor| entry.by.actor == *actor)
        && query.kind.as_ref().is_none_or(|kind| deed.kind() == kind)
        && query.since_ms.is_none_or(|since_ms| entry.by.at_ms >= since_ms)
        && query.until_ms.is_none_or(|until_ms| entry.by.at_ms < until_ms)
}
