//! Digest algorithm agility (RFC 7671 §9): of the digests of one kind only the strongest count.

use super::TlsaRecord;

/// Which digest is the stronger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two digests")]
pub enum DigestOrder {
    /// SHA-512 before SHA-256.
    #[default]
    Sha512First,
    /// SHA-256 before SHA-512.
    Sha256First,
}

impl DigestOrder {
    /// How strong a matching type is; `None` for the thing itself, which is outside of the order.
    const fn rank(self, matching: u8) -> Option<u8> {
        match (self, matching) {
            (_, 0) => None,
            (Self::Sha512First, 2) | (Self::Sha256First, 1) => Some(2),
            _ => Some(1),
        }
    }
}

/// The records that count: the usable ones, and among the digests of one usage and selector only the strongest. A
/// match with a weaker one is none: whoever can forge it must gain nothing by it.
pub fn in_force(records: &[TlsaRecord], order: DigestOrder) -> impl Iterator<Item = &TlsaRecord> {
    // In one pass, so that the work does not grow with the square of the records.
    let mut strongest = [[0_u8; 2]; 2];
    let slot = |record: &TlsaRecord| (usize::from(record.usage & 1), usize::from(record.selector & 1));
    let usable: Vec<&TlsaRecord> = records.iter().filter(|record| record.is_usable()).collect();
    for record in &usable {
        let (usage, selector) = slot(record);
        if let Some(best) = strongest.get_mut(usage).and_then(|of| of.get_mut(selector)) {
            *best = (*best).max(order.rank(record.matching).unwrap_or_default());
        }
    }
    usable.into_iter().filter(move |record| {
        let (usage, selector) = slot(record);
        let best = strongest.get(usage).and_then(|of| of.get(selector)).copied().unwrap_or_default();
        order.rank(record.matching).is_none_or(|rank| rank == best)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Vec<TlsaRecord>> {
        let record = (0_u8..5, 0_u8..3, 1_u8..4, prop::sample::select(vec![32_usize, 64, 3]))
            .prop_map(|(usage, selector, matching, len)| TlsaRecord { usage, selector, matching, data: vec![7; len] });
        prop::collection::vec(record, 0..12)
    }

    proptest! {
        /// The rule of the RFC, said otherwise: a record counts if it is usable and no usable one of the same usage and
        /// selector has a stronger digest.
        #[test]
        fn only_the_strongest_digest_counts(records in records(), swap: bool) {
            let (order, strong) = if swap { (DigestOrder::Sha256First, 1) } else { (DigestOrder::Sha512First, 2) };
            let expected: Vec<&TlsaRecord> = records
                .iter()
                .filter(|one| one.is_usable())
                .filter(|one| {
                    one.matching == strong
                        || !records.iter().any(|other| {
                            other.is_usable()
                                && (other.usage, other.selector, other.matching) == (one.usage, one.selector, strong)
                        })
                })
                .collect();
            prop_assert_eq!(in_force(&records, order).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn the_thing_itself_counts_beside_any_digest() {
        let key: TlsaRecord = ("3 1 0 302a300506032b6570032100".to_owned() + &"11".repeat(32)).parse().unwrap();
        let weak = TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
        let strong = TlsaRecord { usage: 3, selector: 1, matching: 2, data: vec![0; 64] };
        let all = [key.clone(), weak.clone(), strong.clone()];
        assert_eq!(in_force(&all, DigestOrder::Sha512First).collect::<Vec<_>>(), [&key, &strong]);
        assert_eq!(in_force(&all, DigestOrder::Sha256First).collect::<Vec<_>>(), [&key, &weak]);
    }
}
