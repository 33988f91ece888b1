//! Every port, embedded and crash-safe: the default, not a mock.
