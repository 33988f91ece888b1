//! The component host: engine, chain, generations and swap.
