//! What the roles and the edge ask of backends, as object-safe traits.
