//! Rows as the domain's types.

use ringside_core::moderation::{Restriction, RestrictionKind};
use ringside_core::{Reference, Role, StreamId, UserId};
use ringside_ports::audit::{AuditEntry, By, Deed, RestrictionChange};
use sqlx::Error;
use sqlx::types::Json;

use crate::error::unreadable;
use crate::number::read;

pub(super) struct EntryRow {
    pub(super) number: i64,
    pub(super) at_ms: i64,
    pub(super) actor: String,
    pub(super) role: String,
    pub(super) reason: String,
    pub(super) reference: Option<String>,
    pub(super) deed: Json<Deed>,
    pub(super) instead_of: Option<i64>,
    pub(super) undoes: Option<i64>,
    pub(super) undone_by: Option<i64>,
}

const ROLES: [Role; 4] = [Role::Anonymous, Role::Viewer, Role::Moderator, Role::Operator];

fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, wanted: &str) -> Result<T, Error> {
    let found = all.iter().copied().find(|one| name(*one) == wanted);
    found.ok_or_else(|| Error::Decode(format!("`{wanted}` is not known").into()))
}

impl EntryRow {
    pub(super) fn entry(self) -> Result<AuditEntry, Error> {
        Ok(AuditEntry {
            number: read(self.number),
            by: By {
                actor: UserId::new(&self.actor).map_err(unreadable)?,
                role: named(&ROLES, Role::as_str, &self.role)?,
                at_ms: read(self.at_ms),
                reason: self.reason,
                reference: self.reference.as_deref().map(Reference::new).transpose().map_err(unreadable)?,
            },
            deed: self.deed.0,
            instead_of: self.instead_of.map(read),
            undoes: self.undoes.map(read),
            undone_by: self.undone_by.map(read),
        })
    }
}

pub(super) struct RestrictionRow {
    pub(super) user_id: String,
    pub(super) kind: String,
    pub(super) stream: String,
    pub(super) until_ms: Option<i64>,
    pub(super) reason: String,
    pub(super) actor: String,
    pub(super) at_ms: i64,
    pub(super) number: i64,
    pub(super) version: i64,
    pub(super) lifted: bool,
}

impl RestrictionRow {
    pub(super) fn change(self) -> Result<RestrictionChange, Error> {
        let stream = Some(self.stream).filter(|stream| !stream.is_empty());
        let restriction = Restriction {
            user: UserId::new(&self.user_id).map_err(unreadable)?,
            kind: named(&RestrictionKind::ALL, RestrictionKind::as_str, &self.kind)?,
            stream: stream.as_deref().map(StreamId::new).transpose().map_err(unreadable)?,
            until_ms: self.until_ms.map(read),
            reason: self.reason,
            by: UserId::new(&self.actor).map_err(unreadable)?,
            since_ms: read(self.at_ms),
            entry: read(self.number),
        };
        Ok(RestrictionChange { version: read(self.version), restriction, lifted: self.lifted })
    }
}
