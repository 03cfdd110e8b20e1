//! An explanation in short sentences.

use std::fmt;

use super::{Does, Explanation, Next, SlotExplanation, Standing, Step, Why};
use crate::{Act, Cause, Slot, Time, alarm::Level};

pub(super) fn write(all: &Explanation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "The {} {} at {}, under the policy {}.", kind(all), all.subject, all.at, all.policy)?;
    if let Some(left) = all.left {
        write!(f, "\nIt left at {left}: its keys roll no more, but go on decrypting.")?;
    }
    for slot in &all.slots {
        write!(f, "\n{}", Sentences { slot, at: all.at })?;
    }
    Ok(())
}

fn kind(all: &Explanation) -> String {
    all.kind.word().replace('-', " ")
}

/// The sentences about one slot.
struct Sentences<'a> {
    slot: &'a SlotExplanation,
    at: Time,
}

impl fmt::Display for Sentences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.holder(f)?;
        for standing in &self.slot.generations {
            if standing.does != Does::Holds {
                write!(f, "\n{}", about(standing))?;
            }
        }
        if let Some(list) = list(&self.slot.decrypts) {
            write!(f, "\nMail is decrypted with {list}.")?;
        }
        write!(f, "\n{}", self.next(&self.slot.next))
    }
}

impl Sentences<'_> {
    fn holder(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.slot.slot {
            Slot::Dual => "signs, and partners encrypt to it,",
            Slot::Sign => "signs",
            Slot::Encrypt => "is what partners encrypt to",
        };
        let Some(holder) = &self.slot.holder else {
            let none = match self.slot.slot {
                Slot::Encrypt => "Partners have nothing to encrypt to",
                _ => "Nothing signs",
            };
            return match self.slot.generations.first() {
                None => write!(f, "{none}: no key was made yet."),
                Some(_) => write!(f, "{none}: no certificate is valid."),
            };
        };
        write!(f, "Generation {} {what}", holder.number)?;
        if let Some(until) = holder.until {
            write!(f, " until {until}")?;
        }
        match holder.why {
            Why::Only => f.write_str(": no other certificate is valid."),
            Why::Newest { since } => write!(f, ": of those that are valid it came into use last, at {since}."),
            Why::StandsIn => f.write_str(": it comes into use only later, but nothing else is valid."),
        }
    }

    fn next(&self, next: &Next) -> String {
        let when = if next.at <= self.at { "now".to_owned() } else { format!("at {}", next.at) };
        let deadline = match self.slot.deadline {
            Some(deadline) if deadline > next.at => {
                format!(", {} before the user would be affected", deadline - next.at)
            }
            Some(deadline) if deadline <= self.at => format!("; the user is affected since {deadline}"),
            _ => String::new(),
        };
        match next.step {
            Step::AskFor => "Next: nothing, until somebody asks for a key.".to_owned(),
            Step::None => "Next: nothing.".to_owned(),
            Step::Start { number, cause } => {
                format!("Next: generation {number} is started {when}, because {}{deadline}.", because(cause))
            }
            Step::Do { number, act } => format!("Next: {} generation {number} {when}{deadline}.", doing(act)),
            Step::AskAgain { number } => {
                format!("Next: the authority is asked again for generation {number} {when}{deadline}.")
            }
            Step::Ring { level } => format!("Next: somebody is told ({}) {when}{deadline}.", loud(level)),
        }
    }
}

fn about(standing: &Standing) -> String {
    let Standing { number, does, time, .. } = *standing;
    let time = time.unwrap_or(Time::NEVER);
    match does {
        Does::Holds => format!("Generation {number} is used until {time}."),
        Does::Announced if time == Time::NEVER => format!("Generation {number} is ready, to be published first."),
        Does::Announced => format!("Generation {number} is ready and used from {time} on."),
        Does::Waits => format!("Generation {number} waits for its certificate since {time}."),
        Does::Superseded => format!("Generation {number} has a successor; its certificate is valid until {time}."),
        Does::Expired => format!("Generation {number} ended at {time}."),
        Does::Refused => format!("Generation {number} was refused at {time}."),
        Does::Revoked => format!("Generation {number} was revoked at {time}: it signs nothing any more."),
        Does::Destroyed => format!("The key of generation {number} was destroyed at {time}."),
    }
}

const fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::Enrolled => "the subject was enrolled",
        Cause::Due => "the one before it is due",
        Cause::FirstMail => "the user sends the first mail",
        Cause::Click => "somebody asked for it",
        Cause::Hint => "the authority advised it",
        Cause::Revoked => "the one before it was revoked",
        Cause::Replacement => "the one before it must be replaced before a deadline",
        Cause::Refused => "the one before it came to nothing",
        Cause::Imported => "it comes from elsewhere",
    }
}

const fn doing(act: Act) -> &'static str {
    match act {
        Act::Generate { .. } => "a key is made for",
        Act::BackUp => "the second place is given the key of",
        Act::Submit => "the authority is asked for a certificate for",
        Act::Reconcile => "the authority is asked what came of the requests for",
        Act::Poll => "the authority is asked for news of",
        Act::Inspect => "the certificate is looked at of",
        Act::Publish => "directories are given the certificate of",
        Act::Raise { .. } => "somebody is told about",
    }
}

const fn loud(level: Level) -> &'static str {
    level.word()
}

/// `generation 1`, `generations 1 and 2`, `generations 1, 2 and 3`, `generations 1 to 9`.
fn list(numbers: &[u32]) -> Option<String> {
    let (&last, rest) = numbers.split_last()?;
    let &first = numbers.first()?;
    let in_a_row = numbers.iter().zip(first..).all(|(&number, expected)| number == expected);
    Some(match rest {
        [] => format!("generation {last}"),
        [_, _, ..] if in_a_row => format!("generations {first} to {last}"),
        rest => {
            let rest: Vec<String> = rest.iter().map(u32::to_string).collect();
            format!("generations {} and {last}", rest.join(", "))
        }
    })
}
