//! `ringside load`: loads a PoP and measures it.
