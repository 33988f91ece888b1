//! What a transaction would give for nothing.
use ringside_ports::PortResult;
#[derive(Default)]
pub(crate) struct Faults {}
impl Faults {
    pub(crate) async fn before_batch(&self, _operation: &'static str) -> PortResult<()> {
        Ok(())
    }
}
