//! The part for people.

use sealpost_time::Time;

use super::{
    Failed, Reporter,
    words::{self, Words},
};
use crate::requirement::{Origin, Origins};

/// Characters of a line.
const WIDTH: usize = 72;

pub(super) fn text(reporter: &Reporter, failed: &[&Failed<'_>]) -> String {
    let words = words::words(reporter.language);
    let mut text = String::new();
    paragraph(&mut text, "", &words.greeting.replace("{host}", reporter.host.as_str()));
    paragraph(&mut text, "", &format!("{} {}", words.not_sent, words.others));
    if failed.iter().any(|failed| failed.is_header_only()) {
        paragraph(&mut text, "", words.header_only);
    }
    for failed in failed {
        recipient(&mut text, words, failed);
    }
    what_now(&mut text, words, failed);
    paragraph(&mut text, "", words.sent_folder);
    paragraph(&mut text, "", words.below);
    text
}

/// The recipient, the cause in its fixed words, in one line so that it can be found, and what it means.
fn recipient(text: &mut String, words: &Words, failed: &Failed<'_>) {
    text.push_str(&format!("<{}>: {}\n\n", failed.recipient, failed.status.text));
    let askers = [
        (Origin::UserGuarantee, words.askers.guarantee),
        (Origin::OrgCompliance, words.askers.compliance),
        (Origin::RequireTls, words.askers.requiretls),
        (Origin::AdminMap, words.askers.administrator),
        (Origin::Dane, words.askers.recipient),
        (Origin::MtaSts, words.askers.recipient),
    ];
    let mut sentences = vec![failed.cause(words)];
    sentences
        .extend(askers.into_iter().filter(|(origin, _)| failed.askers().contains(*origin)).map(|(_, words)| words));
    sentences.dedup();
    paragraph(text, "    ", &sentences.join(" "));
    let Some(once) = failed.once.filter(|_| failed.may_go_once()) else { return };
    let sentence = if once.link.is_some() { words.once } else { words.once_by_key };
    paragraph(text, "    ", &sentence.replace("{until}", &minute(once.until)));
    // In a line of its own, so that it can be copied.
    let key: String = once.link.unwrap_or(once.token).chars().filter(|c| !c.is_control()).collect();
    text.push_str(&format!("    {key}\n\n"));
}

fn what_now(text: &mut String, words: &Words, failed: &[&Failed<'_>]) {
    let askers = failed.iter().fold(Origins::NONE, |askers, failed| askers.union(failed.askers()));
    let mut ways = vec![words.other_address];
    if !askers.is_empty() {
        ways.push(words.end_to_end);
    }
    if failed.iter().any(|failed| failed.may_go_once()) {
        ways.push(words.switch_off);
    }
    if askers.contains(Origin::OrgCompliance) || askers.contains(Origin::AdminMap) {
        ways.push(words.ask_administrator);
    }
    text.push_str(words.what_now);
    text.push('\n');
    for way in ways {
        text.push_str(&wrapped("- ", "  ", way));
    }
    text.push('\n');
}

fn paragraph(text: &mut String, indent: &str, sentences: &str) {
    text.push_str(&wrapped(indent, indent, sentences));
    text.push('\n');
}

/// In lines, the first of which begins with `first`.
fn wrapped(first: &str, indent: &str, sentences: &str) -> String {
    let (mut text, mut line) = (String::new(), first.to_owned());
    let mut is_empty = true;
    for word in sentences.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            indent.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(&line);
    text.push('\n');
    text
}

/// `2026-11-27 12:30 UTC`.
fn minute(time: Time) -> String {
    let [year, month, day, hour, minute, _] = time.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}
