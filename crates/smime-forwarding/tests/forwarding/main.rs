//! Mails that Alice encrypts to Bob, that a server forwards, and that Charles reads.

#![cfg(test)]

mod der;
mod end_to_end;
mod instances;
mod people;
mod refusals;
mod split;
mod stateful;
