//! Makes the tables, and takes over bans from a file that was written before there was an audit log.

use redb::{ReadableTable as _, TableDefinition, TableHandle as _, WriteTransaction};
use ringside_core::moderation::RestrictionKind;
use ringside_core::{Role, UserId};
use ringside_ports::audit::{By, Deed};
use serde::Deserialize;

use super::record;
use super::tables::Writing;
use crate::catalog::decode;

const BANS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("bans");

#[derive(Deserialize)]
struct Ban {
    user: UserId,
    until_ms: Option<u64>,
    reason: String,
    by: UserId,
}

/// Makes the tables in a file that was opened.
pub(crate) fn prepare(write: &WriteTransaction) -> Result<(), redb::Error> {
    let mut tables = Writing::open(write)?;
    if !write.list_tables()?.any(|table| table.name() == BANS.name()) {
        return Ok(());
    }
    for ban in write.open_table(BANS)?.iter()? {
        let Ban { user, until_ms, reason, by } = decode(ban?.1.value())?;
        // When it was decided was not kept.
        let by = By { actor: by, role: Role::Moderator, at_ms: 0, reason, reference: None };
        let deed = Deed::Restrict { user, kind: RestrictionKind::Ban, stream: None, until_ms };
        if let Err(refused) = record(&mut tables, by, deed, None)? {
            tracing::error!(%refused, "a ban is not taken over");
        }
    }
    write.delete_table(BANS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::read::Reading;
    use redb::ReadableDatabase as _;

    #[test]
    fn bans_of_an_older_file_still_hold_and_are_taken_over_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let database = redb::Database::create(file.path()).unwrap();
        let write = database.begin_write().unwrap();
        for user in ["ann", "bob"] {
            let ban = serde_json::json!({ "user": user, "until_ms": 5_000, "reason": "spam", "by": "mod" });
            let bytes = serde_json::to_vec(&ban).unwrap();
            write.open_table(BANS).unwrap().insert(user, bytes.as_slice()).unwrap();
        }
        write.commit().unwrap();
        for _ in 0..2 {
            let write = database.begin_write().unwrap();
            prepare(&write).unwrap();
            write.commit().unwrap();
            let read = database.begin_read().unwrap();
            let found = Reading(&read).restrictions(4_999, &UserId::new("ann").unwrap()).unwrap();
            let found: Vec<_> =
                found.iter().map(|ban| (ban.kind, ban.until_ms, ban.reason.as_str())).collect();
            assert_eq!(found, [(RestrictionKind::Ban, Some(5_000), "spam")]);
            assert_eq!(
                Reading(&read)
                    .page(&ringside_ports::audit::AuditQuery { most: 10, ..Default::default() })
                    .unwrap()
                    .entries
                    .len(),
                2
            );
        }
    }
}
