//! Any instances and policies, over any mails: what is written is what the report says.

use std::io::Cursor;

use proptest::{collection::vec, prelude::*, sample::select};
use sealpost_pre::{UnixTime, Validity};
use sealpost_smime::{
    CertificateIdentifier, ContentCipher, IdentifyBy, Limits, Protection, Structure, algorithm::Curve,
};
use sealpost_smime_forwarding::{Disposition, Instance, Outcome, Policy};

use crate::people::{NOW, Person, TEXT, encrypted, transformed};

/// Who they are by their places.
const PEOPLE: usize = 6;

#[derive(Clone, Debug)]
struct Forward {
    from: usize,
    to: usize,
    valid: bool,
}

fn forwards() -> impl Strategy<Value = Vec<Forward>> {
    vec((0..PEOPLE, 0..PEOPLE, prop::bool::weighted(0.8)), 0..5)
        .prop_map(|all| all.into_iter().map(|(from, to, valid)| Forward { from, to, valid }).collect())
}

fn names(mail: &[u8]) -> Vec<CertificateIdentifier> {
    let structure = Structure::read(&mut Cursor::new(mail), &Limits::default()).unwrap();
    let mut names = Vec::new();
    for part in structure.parts {
        if let Some(Protection::Encrypted(message)) = part.protection {
            names.extend(message.recipients.into_iter().filter_map(|recipient| recipient.id));
        }
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_mail_is_as_reported(
        recipients in vec((0..PEOPLE, select(vec![IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier])), 1..6),
        rounds in vec((forwards(), select(vec![Disposition::Keep, Disposition::Drop]), 0..9usize), 1..4),
    ) {
        // The first three have keys on one curve, the others on another.
        let people: Vec<_> =
            (0..PEOPLE).map(|at| Person::new(if at < 3 { Curve::P256 } else { Curve::X25519 })).collect();
        let to = recipients.iter().map(|(at, by)| people[*at].recipient(*by));
        let mut mail = encrypted(TEXT, ContentCipher::Aes128Gcm, to);
        // Who can read it now.
        let mut readers: Vec<bool> = (0..PEOPLE).map(|at| recipients.iter().any(|(to, _)| *to == at)).collect();
        for (forwards, others, products) in rounds {
            let forwards: Vec<_> = forwards.into_iter().filter(|way| way.from != way.to && (way.from < 3) == (way.to < 3)).collect();
            let instances: Vec<Instance> = forwards.iter().map(|way| {
                let not_after = (!way.valid).then_some(UnixTime(NOW.0 - 1));
                people[way.from].forwards_to(&people[way.to]).valid(Validity { not_before: None, not_after })
            }).collect();
            let mut policy = Policy::default();
            (policy.others, policy.products) = (others, products);
            let (out, report) = transformed(&mail, &instances, policy);
            prop_assert_eq!(report.transformed() == 0, out.is_empty());
            prop_assert_eq!(report.recipients.len(), names(&mail).len());
            let mut expected = Vec::new();
            let mut may_read = vec![false; PEOPLE];
            let owner = |id: &CertificateIdentifier| people.iter().position(|person| id.matches(&person.certificate)).unwrap();
            for recipient in &report.recipients {
                let id = recipient.recipient.id.as_ref().unwrap();
                match &recipient.outcome {
                    Outcome::Transformed(places) => {
                        prop_assert!(!places.is_empty());
                        for place in places {
                            prop_assert_eq!(forwards[*place].from, owner(id));
                            prop_assert!(forwards[*place].valid);
                            may_read[forwards[*place].to] = true;
                            expected.push(forwards[*place].to);
                        }
                    }
                    Outcome::Kept | Outcome::Refused(_) => {
                        may_read[owner(id)] = true;
                        expected.push(owner(id));
                    }
                    _ => {}
                }
            }
            if out.is_empty() {
                prop_assert!(report.recipients.iter().all(|one| one.outcome != Outcome::Dropped));
                continue;
            }
            mail = out;
            readers = may_read;
            let mut found: Vec<_> = names(&mail).iter().map(owner).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
        for (person, reads) in people.iter().zip(readers) {
            prop_assert_eq!(person.decrypted(&mail).is_some(), reads);
        }
    }
}
