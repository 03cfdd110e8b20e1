//! Certificate policies (RFC 5280 §6.1), in the form of RFC 9618 whose size does not explode: of each depth of the
//! policy graph only what the next one needs is kept, and it is never larger than the certificates' own lists together.

use std::collections::{BTreeMap, BTreeSet};

use der::{Tag, oid::ObjectIdentifier};

use super::{PolicyRules, Reason};
use crate::{
    Certificate, Error, Result,
    asn1::Element,
    certificate::extension::{is_tagged, number},
    oid,
};

const MAPPINGS: &str = "the policy mappings";
const CONSTRAINTS: &str = "the policy constraints";
const INHIBIT: &str = "the inhibition of anyPolicy";

/// Policies, and whether each goes back to one that is acceptable to the caller.
type Policies = BTreeMap<ObjectIdentifier, bool>;

/// What stands in the certificates on the way from the anchor.
struct State<'a> {
    rules: &'a PolicyRules,
    /// The expected policies of the nodes of the depth that was last processed.
    expected: Policies,
    /// Whether that depth has a node anyPolicy.
    any: bool,
    explicit: u64,
    mapping: u64,
    inhibit_any: u64,
}

/// Judges a path from the anchor (which may set constraints of its own) to the certificate that is asked for; says
/// which certificate is wrong.
pub(super) fn check(anchor_first: &[&Certificate], rules: &PolicyRules) -> Result<(), (usize, Reason)> {
    let len = u64::try_from(anchor_first.len()).unwrap_or(u64::MAX);
    let initially = |wanted: bool| if wanted { 0 } else { len };
    let mut state = State {
        rules,
        expected: Policies::new(),
        any: true,
        explicit: initially(rules.explicit),
        mapping: initially(rules.inhibit_mapping),
        inhibit_any: initially(rules.inhibit_any),
    };
    let last = anchor_first.len() - 1;
    for (at, certificate) in anchor_first.iter().enumerate() {
        let wrong = |what| (at, Reason::Policy(what));
        let malformed = |error: Error| (at, Reason::Malformed(error.to_string()));
        if at == 0 && last > 0 {
            state.constrain(certificate).map_err(malformed)?;
            continue;
        }
        let level = state.process(certificate, at == last).map_err(malformed)?;
        if state.explicit == 0 && level.is_empty() && !state.any {
            return Err(wrong("it has none that an authority above it allows, and one is required"));
        }
        if at == last {
            return state.wrap_up(certificate, level).map_err(malformed)?.map_err(wrong);
        }
        let mappings = mappings(certificate).map_err(malformed)?;
        if mappings.iter().any(|(from, to)| [from, to].contains(&&oid::ANY_POLICY)) {
            return Err(wrong("it maps from or to anyPolicy"));
        }
        state.map(level, &mappings);
        if !certificate.is_self_issued() {
            state.explicit = state.explicit.saturating_sub(1);
            state.mapping = state.mapping.saturating_sub(1);
            state.inhibit_any = state.inhibit_any.saturating_sub(1);
        }
        state.constrain(certificate).map_err(malformed)?;
    }
    Ok(())
}

impl State<'_> {
    /// Whether it is acceptable that a policy is the first below anyPolicy (RFC 9618 §4.6).
    fn accepts(&self, policy: &ObjectIdentifier) -> bool {
        self.rules.acceptable.is_empty()
            || self.rules.acceptable.contains(policy)
            || self.rules.acceptable.contains(&oid::ANY_POLICY)
    }

    /// RFC 5280 §6.1.3 (d) and (e): the nodes of the next depth.
    fn process(&mut self, certificate: &Certificate, last: bool) -> Result<Policies> {
        let own: BTreeSet<_> = certificate.policies()?.into_iter().collect();
        let mut level = Policies::new();
        for policy in own.iter().filter(|policy| **policy != oid::ANY_POLICY) {
            if let Some(acceptable) = self.expected.get(policy) {
                level.insert(*policy, *acceptable);
            } else if self.any {
                level.insert(*policy, self.accepts(policy));
            }
        }
        let any = own.contains(&oid::ANY_POLICY) && (self.inhibit_any > 0 || (!last && certificate.is_self_issued()));
        if any {
            for (policy, acceptable) in &self.expected {
                level.entry(*policy).or_insert(*acceptable);
            }
        }
        self.any &= any;
        Ok(level)
    }

    /// RFC 5280 §6.1.4 (b): what is expected next.
    fn map(&mut self, mut level: Policies, mappings: &[(ObjectIdentifier, ObjectIdentifier)]) {
        let mapped: BTreeSet<_> = mappings.iter().map(|(from, _)| *from).collect();
        let mut expected = Policies::new();
        if self.mapping > 0 {
            for (from, to) in mappings {
                let node = level.get(from).copied().or_else(|| self.any.then(|| self.accepts(from)));
                if let Some(acceptable) = node {
                    *expected.entry(*to).or_default() |= acceptable;
                }
            }
        }
        level.retain(|policy, _| !mapped.contains(policy));
        for (policy, acceptable) in level {
            *expected.entry(policy).or_default() |= acceptable;
        }
        self.expected = expected;
    }

    /// RFC 5280 §6.1.4 (i) and (j).
    fn constrain(&mut self, certificate: &Certificate) -> Result<()> {
        let (explicit, mapping) = constraints(certificate)?;
        self.explicit = self.explicit.min(explicit.unwrap_or(u64::MAX));
        self.mapping = self.mapping.min(mapping.unwrap_or(u64::MAX));
        if let Some((_, value)) = certificate.extension(oid::INHIBIT_ANY_POLICY) {
            let skip = number(&Element::from_der(value, INHIBIT)?.expect(Tag::Integer, INHIBIT)?, INHIBIT)?;
            self.inhibit_any = self.inhibit_any.min(skip);
        }
        Ok(())
    }

    /// RFC 5280 §6.1.5.
    fn wrap_up(&mut self, certificate: &Certificate, level: Policies) -> Result<Result<(), &'static str>> {
        self.explicit = self.explicit.saturating_sub(1);
        if constraints(certificate)?.0 == Some(0) {
            self.explicit = 0;
        }
        let acceptable = self.any || level.into_values().any(|acceptable| acceptable);
        Ok(if self.explicit > 0 || acceptable {
            Ok(())
        } else {
            Err("it has none that is acceptable, and one is required")
        })
    }
}

fn mappings(certificate: &Certificate) -> Result<Vec<(ObjectIdentifier, ObjectIdentifier)>> {
    let Some((_, value)) = certificate.extension(oid::POLICY_MAPPINGS) else { return Ok(Vec::new()) };
    let list = Element::from_der(value, MAPPINGS)?.expect(Tag::Sequence, MAPPINGS)?.inner(MAPPINGS)?;
    list.iter()
        .map(|mapping| match mapping.inner(MAPPINGS)?.as_slice() {
            [from, to] => Ok((from.oid(MAPPINGS)?, to.oid(MAPPINGS)?)),
            _ => Err(Error::structure(MAPPINGS, "a mapping must have two policies")),
        })
        .collect()
}

/// requireExplicitPolicy and inhibitPolicyMapping.
fn constraints(certificate: &Certificate) -> Result<(Option<u64>, Option<u64>)> {
    let Some((_, value)) = certificate.extension(oid::POLICY_CONSTRAINTS) else { return Ok((None, None)) };
    let fields = Element::from_der(value, CONSTRAINTS)?.expect(Tag::Sequence, CONSTRAINTS)?.inner(CONSTRAINTS)?;
    let skip = |tag| {
        let field = fields.iter().find(|field| is_tagged(field, tag));
        field.map(|field| number(field, CONSTRAINTS)).transpose()
    };
    Ok((skip(0)?, skip(1)?))
}
