//! Types and calls generated from `wit/world.wit`, one module a world.

#[allow(missing_docs, unreachable_pub, rust_2018_idioms, clippy::all, clippy::pedantic, unsafe_code)]
pub(crate) mod throttle {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "throttle",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

#[allow(missing_docs, unreachable_pub, rust_2018_idioms, clippy::all, clippy::pedantic, unsafe_code)]
pub(crate) mod moderator {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "moderator",
        ownership: Borrowing { duplicate_if_necessary: true },
        with: {
            "ringside:edge/host": crate::bindings::throttle::ringside::edge::host,
            // `settings` is not used in this world, and the generator stumbles over what is not used.
            "ringside:edge/types": crate::bindings::throttle::ringside::edge::types,
        },
    });
}

#[allow(missing_docs, unreachable_pub, rust_2018_idioms, clippy::all, clippy::pedantic, unsafe_code)]
pub(crate) mod codec {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "codec",
        ownership: Borrowing { duplicate_if_necessary: true },
        with: { "ringside:edge/host": crate::bindings::throttle::ringside::edge::host },
    });
}
