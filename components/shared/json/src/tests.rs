//! Frames, one by one: what clients send in `commands`, what the server sends in `messages`.

mod commands;
mod messages;
