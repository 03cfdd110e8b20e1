//! Empty: it is there for what it depends on.
