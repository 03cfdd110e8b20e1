//! Why a key signs, what decrypts, and what comes next.

#![cfg(test)]

use sealpost_rollover::{
    Cause, Event, GenerationId, Happened, Layout, Policy, RevocationReason, Slot, Span, Subject, SubjectKind,
    SubjectState, Time, apply, explain,
    explain::{Does, Step, Why},
};

/// 2027-01-04T08:00:00Z.
const START: Time = Time::from_unix(1_799_049_600);

fn subject(kind: SubjectKind, layout: Layout) -> SubjectState {
    let address = if kind == SubjectKind::Domain { "example.com" } else { "ann@example.com" };
    SubjectState::new(&Subject::new(kind, address, layout, START).unwrap())
}

fn happens(state: &mut SubjectState, (slot, number): (Slot, u32), at: Time, events: &[Happened]) {
    events.iter().for_each(|&what| apply(state, &Event::new(slot, number, at, what)));
}

/// Generation `number` of a year, made and ready at `at`.
fn ready(state: &mut SubjectState, policy: &Policy, (slot, number): (Slot, u32), at: Time) {
    let end = at + Span::days(365) - Span::seconds(1);
    let id = GenerationId::new(state.id, slot, number);
    let renew_at = policy.renew_at(state.kind, id, at, end);
    let activate_at = policy.activate_at(state.kind, at, at);
    let published = policy.activate_published_at(state.kind, at, at);
    happens(
        state,
        (slot, number),
        at,
        &[
            Happened::KeyDurable { cause: Cause::Due },
            Happened::Asking { ask: 1 },
            Happened::Issued { not_before: at, not_after: end },
            Happened::Ready { activate_at, renew_at },
            Happened::Published { activate_at: published },
        ],
    );
}

#[test]
fn an_overlap_is_explained_in_sentences() {
    let policy = Policy::secumail_7d();
    let mut state = subject(SubjectKind::Mailbox, Layout::Dual);
    ready(&mut state, &policy, (Slot::Dual, 1), START);
    ready(&mut state, &policy, (Slot::Dual, 2), START + Span::days(358));
    let text = explain(&state, &policy, START + Span::days(360)).to_string();
    let expected = format!(
        "The mailbox {} at 2027-12-30T08:00:00Z, under the policy secumail-7d.\n\
         Generation 2 signs, and partners encrypt to it, until 2028-12-27T07:59:59Z: of those that are valid it came \
         into use last, at 2027-12-28T08:00:00Z.\n\
         Generation 1 has a successor; its certificate is valid until 2028-01-04T07:59:59Z.\n\
         Mail is decrypted with generations 1 and 2.\n\
         Next: generation 3 is started at 2028-12-20T07:59:59Z, because the one before it is due, 7 d before the user \
         would be affected.",
        state.id
    );
    assert_eq!(text, expected, "{text}");
}

#[test]
fn nothing_signs_before_anybody_asked() {
    let state = subject(SubjectKind::Mailbox, Layout::Dual);
    let explained = explain(&state, &Policy::secumail_7d(), START + Span::days(3));
    assert_eq!(explained.slots[0].next.step, Step::AskFor);
    assert!(explained.to_string().contains("Nothing signs: no key was made yet."), "{explained}");
    assert!(explained.to_string().ends_with("until somebody asks for a key."), "{explained}");
    let explained = explain(&state, &Policy::safe(), START);
    assert_eq!(explained.slots[0].next.step, Step::Start { number: 1, cause: Cause::Enrolled });
}

/// I4, T27: a revoked key signs nothing, and goes on decrypting.
#[test]
fn a_revoked_one_signs_no_more_and_is_replaced_now() {
    let policy = Policy::safe();
    let mut state = subject(SubjectKind::Mailbox, Layout::Dual);
    ready(&mut state, &policy, (Slot::Dual, 1), START);
    let at = START + Span::days(9);
    happens(&mut state, (Slot::Dual, 1), at, &[Happened::Revoked { reason: RevocationReason::KeyCompromise }]);
    let explained = explain(&state, &policy, at);
    let slot = &explained.slots[0];
    assert_eq!((slot.holder.clone(), slot.decrypts.as_slice()), (None, [1].as_slice()));
    assert_eq!((slot.next.at, slot.next.step), (at, Step::Start { number: 2, cause: Cause::Revoked }));
    assert_eq!(slot.generations[0].does, Does::Revoked);
    let text = explained.to_string();
    assert!(text.contains("Nothing signs: no certificate is valid."), "{text}");
    assert!(
        text.contains("is started now, because the one before it was revoked; the user is affected since"),
        "{text}"
    );
}

#[test]
fn slots_are_explained_each_on_its_own() {
    let policy = Policy::safe();
    let mut state = subject(SubjectKind::Mailbox, Layout::Split);
    ready(&mut state, &policy, (Slot::Sign, 1), START);
    ready(&mut state, &policy, (Slot::Encrypt, 1), START + Span::days(90));
    let explained = explain(&state, &policy, START + Span::days(100));
    let [sign, encrypt] = &explained.slots[..] else { panic!("{explained}") };
    assert!(sign.decrypts.is_empty());
    assert_eq!(encrypt.decrypts, [1]);
    assert!(sign.next.at < encrypt.next.at);
    assert_eq!(sign.holder.as_ref().unwrap().why, Why::Only);
}

#[test]
fn an_announced_domain_certificate_says_when_it_is_used() {
    let policy = Policy::safe();
    let mut state = subject(SubjectKind::Domain, Layout::Dual);
    ready(&mut state, &policy, (Slot::Dual, 1), START);
    ready(&mut state, &policy, (Slot::Dual, 2), START + Span::days(300));
    let explained = explain(&state, &policy, START + Span::days(310));
    let slot = &explained.slots[0];
    assert_eq!(slot.holder.as_ref().unwrap().number, 1);
    assert_eq!((slot.generations[0].does, slot.generations[0].time), (Does::Announced, Some(START + Span::days(330))));
    assert!(
        explained.to_string().contains("Generation 2 is ready and used from 2027-11-30T08:00:00Z on."),
        "{explained}"
    );
    // With nothing else that is valid it stands in.
    let early = explain(&state, &policy, START + Span::days(5));
    assert_eq!(early.slots[0].holder.as_ref().unwrap().why, Why::StandsIn);
}

#[test]
fn one_that_waits_says_for_what_and_who_left_decrypts_on() {
    let policy = Policy::safe();
    let mut state = subject(SubjectKind::Mailbox, Layout::Dual);
    let retry_at = START + Span::hours(2);
    happens(
        &mut state,
        (Slot::Dual, 1),
        START,
        &[
            Happened::KeyDurable { cause: Cause::Enrolled },
            Happened::Asking { ask: 1 },
            Happened::Unanswered { ask: 1, retry_at },
        ],
    );
    let explained = explain(&state, &policy, START + Span::hours(1));
    assert_eq!((explained.slots[0].next.at, explained.slots[0].next.step), (retry_at, Step::AskAgain { number: 1 }));
    happens(&mut state, (Slot::Dual, 0), START + Span::days(2), &[Happened::Left]);
    let explained = explain(&state, &policy, START + Span::days(3));
    assert_eq!((explained.slots[0].next.step, explained.slots[0].decrypts.as_slice()), (Step::None, [1].as_slice()));
    assert!(explained.to_string().contains("its keys roll no more, but go on decrypting"), "{explained}");
}
