//! Bans and viewers, in memory.

use ringside_ports::directory::Watching;

use super::*;

#[async_trait]
impl Audit for World {
    async fn record(&self, _: By, _: Deed, _: Option<u64>) -> PortResult<AuditEntry> {
        Err(unavailable("audit.record"))
    }

    async fn undo(&self, _: By, _: u64) -> PortResult<AuditEntry> {
        Err(unavailable("audit.undo"))
    }

    async fn page(&self, _: AuditQuery) -> PortResult<AuditPage> {
        Ok(AuditPage::default())
    }

    async fn restrictions(&self, _: u64, user: &UserId) -> PortResult<Vec<Restriction>> {
        Ok(self.bans.lock().unwrap().get(user).cloned().into_iter().collect())
    }

    async fn restrictions_since(&self, _: u64, _: usize) -> PortResult<Vec<RestrictionChange>> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: u64) -> PortResult<usize> {
        Ok(0)
    }
}

#[async_trait]
impl Directory for World {
    async fn report(&self, _: u64, _: &HostId, _: &[(StreamId, u64)]) -> PortResult<()> {
        Ok(())
    }

    async fn watching(&self, _: u64, _: &StreamId) -> PortResult<Watching> {
        Ok(Watching { viewers: 11, hosts: Vec::new() })
    }

    async fn seen(&self, _: u64, _: &HostId, _: &[(StreamId, UserId)]) -> PortResult<()> {
        Ok(())
    }

    async fn online(&self, _: u64, _: &StreamId, _: usize) -> PortResult<Vec<UserId>> {
        Ok(Vec::new())
    }

    async fn hosts_of(&self, _: u64, _: &UserId) -> PortResult<Vec<HostId>> {
        Ok(Vec::new())
    }
}
