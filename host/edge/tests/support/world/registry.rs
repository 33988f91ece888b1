//! Streams, bans and viewers, in memory.

use super::*;

#[async_trait]
impl Catalog for World {
    async fn stream(&self, _: &StreamId) -> PortResult<Option<StreamEntry>> {
        Ok(None)
    }

    async fn create(&self, _: StreamEntry) -> PortResult<()> {
        Ok(())
    }

    async fn update(&self, _: StreamEntry) -> PortResult<u64> {
        Ok(1)
    }

    async fn streams(&self, _: Option<&StreamId>, _: usize) -> PortResult<Vec<StreamEntry>> {
        Ok(Vec::new())
    }

    async fn ban(&self, ban: Ban) -> PortResult<()> {
        self.bans.lock().unwrap().insert(ban.user.clone(), ban);
        Ok(())
    }

    async fn unban(&self, user: &UserId) -> PortResult<bool> {
        Ok(self.bans.lock().unwrap().remove(user).is_some())
    }

    async fn banned(&self, _: u64, user: &UserId) -> PortResult<Option<Ban>> {
        Ok(self.bans.lock().unwrap().get(user).cloned())
    }
}

#[async_trait]
impl Directory for World {
    async fn report(&self, _: u64, _: &HostId, _: &[(StreamId, u64)]) -> PortResult<()> {
        Ok(())
    }

    async fn viewers(&self, _: u64, _: &StreamId) -> PortResult<u64> {
        Ok(11)
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
