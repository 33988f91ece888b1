//! The one place of this workspace that is not safe Rust: taking machine code over.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Machine code that this host's own compiler wrote.
///
/// Only [`crate::cache`] makes one: from a file in its private folder (mode 0700, owned by this user), after the
/// bytes were found to have the SHA-256 that was written down when they were compiled.
pub(crate) struct OwnCode(pub(crate) Vec<u8>);

/// # Errors
/// When the code was made by another wasmtime or for another machine: then it is compiled anew.
pub(crate) fn take_over(engine: &Engine, code: &OwnCode) -> wasmtime::Result<Component> {
    #[allow(unsafe_code, reason = "wasmtime cannot check machine code; `OwnCode` says where it comes from")]
    // SAFETY: `deserialize` needs bytes that `Engine::precompile_component` made and nobody changed since.
    // `OwnCode` holds just that. They are in this process' memory already, so nothing can change them between
    // the check and here, as it could with `deserialize_file`, which maps a file that stays open to writers.
    unsafe {
        Component::deserialize(engine, &code.0)
    }
}
