//! What is written: entries, their places in the indexes, and what stands.

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};
use ringside_core::StreamId;
use ringside_ports::audit::{AuditEntry, By, Deed, FORGET_MAX};

use crate::catalog::{decode, unreadable};

/// Entry by number, as JSON, without what undid it.
pub(super) const ENTRIES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("audit");
/// Keys of [`places`], which end in the entry's number.
pub(super) const PLACES: TableDefinition<'static, &'static [u8], ()> = TableDefinition::new("audit_places");
/// The entry that undid one.
pub(super) const UNDONE: TableDefinition<'static, u64, u64> = TableDefinition::new("audit_undone");
/// Entry by its actor's reference.
pub(super) const REFERENCES: TableDefinition<'static, &'static str, u64> =
    TableDefinition::new("audit_references");
/// The decision that stands on a comment.
pub(super) const DECISIONS: TableDefinition<'static, &'static str, u64> = TableDefinition::new("decisions");
/// A user's restriction by [`restriction_key`]: its entry, the entry that changed it last, and whether it was lifted.
pub(super) const RESTRICTIONS: TableDefinition<'static, &'static str, (u64, u64, bool)> =
    TableDefinition::new("restrictions");
/// Key of a restriction by the entry that changed it last.
pub(super) const CHANGES: TableDefinition<'static, u64, &'static str> =
    TableDefinition::new("restriction_changes");

/// Begins the places of entries with something in common; no value has a space.
pub(super) fn place(of: char, value: &str) -> Vec<u8> {
    format!("{of}{value} ").into_bytes()
}

/// The places of an entry in the indexes.
fn places(entry: &AuditEntry) -> impl Iterator<Item = Vec<u8>> {
    let deed = &entry.deed;
    let comment = deed.comment().map(|comment| place('c', &comment.to_string()));
    let user = deed.user().map(|user| place('u', user.as_str()));
    let stream = deed.stream().map(|stream| place('s', stream.as_str()));
    let always = [place('a', entry.by.actor.as_str()), place('k', deed.kind())];
    let number = entry.number.to_be_bytes();
    let begun = [comment, user, stream].into_iter().flatten().chain(always);
    begun.map(move |place| [place.as_slice(), &number].concat())
}

/// Names of users, kinds and streams have no space.
fn restriction_key(deed: &Deed) -> Option<String> {
    let Deed::Restrict { user, kind, stream, .. } = deed else { return None };
    Some(format!("{user} {} {}", kind.as_str(), stream.as_ref().map_or("", StreamId::as_str)))
}

fn decision_key(deed: &Deed) -> Option<String> {
    Some(format!("{} {}", deed.stream()?, deed.comment()?))
}

fn reference_key(by: &By) -> Option<String> {
    Some(format!("{} {}", by.actor, by.reference.as_ref()?))
}

/// The tables, in a transaction that changes them.
pub(super) struct Writing<'t> {
    entries: Table<'t, u64, &'static [u8]>,
    places: Table<'t, &'static [u8], ()>,
    undone: Table<'t, u64, u64>,
    references: Table<'t, &'static str, u64>,
    decisions: Table<'t, &'static str, u64>,
    restrictions: Table<'t, &'static str, (u64, u64, bool)>,
    changes: Table<'t, u64, &'static str>,
}

type Result<T> = std::result::Result<T, redb::Error>;

impl<'t> Writing<'t> {
    /// Opens the tables, making those that are not there.
    pub(super) fn open(write: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            entries: write.open_table(ENTRIES)?,
            places: write.open_table(PLACES)?,
            undone: write.open_table(UNDONE)?,
            references: write.open_table(REFERENCES)?,
            decisions: write.open_table(DECISIONS)?,
            restrictions: write.open_table(RESTRICTIONS)?,
            changes: write.open_table(CHANGES)?,
        })
    }

    /// The number of the next entry. The newest entry is never forgotten, so no number comes twice.
    pub(super) fn next(&self) -> Result<u64> {
        Ok(self.entries.last()?.map_or(0, |(number, _)| number.value()) + 1)
    }

    pub(super) fn entry(&self, number: u64) -> Result<Option<AuditEntry>> {
        let Some(mut entry) = self.kept(number)? else { return Ok(None) };
        entry.undone_by = self.undone.get(number)?.map(|by| by.value());
        Ok(Some(entry))
    }

    fn kept(&self, number: u64) -> Result<Option<AuditEntry>> {
        self.entries.get(number)?.map(|bytes| decode(bytes.value())).transpose()
    }

    pub(super) fn by_reference(&self, by: &By) -> Result<Option<AuditEntry>> {
        let Some(key) = reference_key(by) else { return Ok(None) };
        let number = self.references.get(key.as_str())?.map(|number| number.value());
        Ok(number.map(|number| self.entry(number)).transpose()?.flatten())
    }

    /// What stands where this deed would.
    pub(super) fn standing(&self, deed: &Deed) -> Result<Option<AuditEntry>> {
        let number = if let Some(key) = restriction_key(deed) {
            self.restrictions.get(key.as_str())?.and_then(|kept| {
                let (number, _, lifted) = kept.value();
                (!lifted).then_some(number)
            })
        } else if let Some(key) = decision_key(deed) {
            self.decisions.get(key.as_str())?.map(|number| number.value())
        } else {
            None
        };
        Ok(number.map(|number| self.entry(number)).transpose()?.flatten())
    }

    /// Adds an entry to the log.
    pub(super) fn append(&mut self, entry: &AuditEntry) -> Result<()> {
        let bytes = serde_json::to_vec(entry).map_err(|error| unreadable(&error))?;
        self.entries.insert(entry.number, bytes.as_slice())?;
        for place in places(entry) {
            self.places.insert(place.as_slice(), ())?;
        }
        if let Some(key) = reference_key(&entry.by) {
            self.references.insert(key.as_str(), entry.number)?;
        }
        if let Some(undone) = entry.undoes {
            self.undone.insert(undone, entry.number)?;
        }
        Ok(())
    }

    /// From now on this entry stands.
    pub(super) fn stand(&mut self, entry: &AuditEntry) -> Result<()> {
        if let Some(key) = restriction_key(&entry.deed) {
            self.change(&key, (entry.number, entry.number, false))?;
        } else if let Some(key) = decision_key(&entry.deed) {
            self.decisions.insert(key.as_str(), entry.number)?;
        }
        Ok(())
    }

    /// From now on nothing stands where `undone` did.
    pub(super) fn fall(&mut self, entry: &AuditEntry, undone: u64) -> Result<()> {
        if let Some(key) = restriction_key(&entry.deed) {
            self.change(&key, (undone, entry.number, true))?;
        } else if let Some(key) = decision_key(&entry.deed) {
            self.decisions.remove(key.as_str())?;
        }
        Ok(())
    }

    fn change(&mut self, key: &str, now: (u64, u64, bool)) -> Result<()> {
        let before = self.restrictions.insert(key, now)?.map(|kept| kept.value().1);
        if let Some(version) = before {
            self.changes.remove(version)?;
        }
        self.changes.insert(now.1, key)?;
        Ok(())
    }

    /// Takes old entries out, but the newest of all, and those whose restriction holds or changed since.
    pub(super) fn forget(&mut self, before_ms: u64) -> Result<usize> {
        let mut old = Vec::new();
        let newest = self.next()? - 1;
        for kept in self.entries.range(..newest)? {
            let entry: AuditEntry = decode(kept?.1.value())?;
            if entry.by.at_ms >= before_ms || old.len() == FORGET_MAX {
                break;
            }
            if !self.is_needed(&entry, before_ms)? {
                old.push(entry);
            }
        }
        for entry in &old {
            self.remove(entry)?;
        }
        Ok(old.len())
    }

    fn is_needed(&self, entry: &AuditEntry, before_ms: u64) -> Result<bool> {
        let (Some(key), Some(restriction)) = (restriction_key(&entry.deed), entry.restriction()) else {
            return Ok(false);
        };
        let now = self.restrictions.get(key.as_str())?.map(|kept| kept.value());
        let Some((_, version, lifted)) = now.filter(|(of, ..)| *of == entry.number) else { return Ok(false) };
        // Whoever follows the changes must still hear of this one.
        let is_news = self.kept(version)?.is_some_and(|change| change.by.at_ms >= before_ms);
        Ok(is_news || (!lifted && restriction.holds_at(before_ms)))
    }

    fn remove(&mut self, entry: &AuditEntry) -> Result<()> {
        let number = entry.number;
        if let Some(key) = restriction_key(&entry.deed) {
            let now = self.restrictions.get(key.as_str())?.map(|kept| kept.value());
            if let Some((_, version, _)) = now.filter(|(of, ..)| *of == number) {
                self.restrictions.remove(key.as_str())?;
                self.changes.remove(version)?;
            }
        } else if let Some(key) = decision_key(&entry.deed) {
            let standing = self.decisions.get(key.as_str())?.map(|kept| kept.value());
            if standing == Some(number) {
                self.decisions.remove(key.as_str())?;
            }
        }
        if let Some(key) = reference_key(&entry.by) {
            self.references.remove(key.as_str())?;
        }
        for place in places(entry) {
            self.places.remove(place.as_slice())?;
        }
        self.undone.remove(number)?;
        self.entries.remove(number)?;
        Ok(())
    }
}
