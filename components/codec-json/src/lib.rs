//! The wire format `ringside.v1.json` as a component. README.md lists every field.

pub use ringside_json::{Json, client_frame};

ringside_codec::export_codec!(crate::Json);
