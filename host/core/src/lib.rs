//! The domain of Ringside: no I/O, no clock, no runtime.
