//! The structure of a mail, for a person.
