//! Who sits on the wire.

mod mail;
mod names;

pub use mail::{MailAttacker, Trick};
pub use names::{NameAttacker, NameTrick};
