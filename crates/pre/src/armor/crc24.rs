//! The checksum of armor ([RFC 9580 §6.1](https://www.rfc-editor.org/rfc/rfc9580#section-6.1)), as a linear map.
//!
//! The checksum is linear over GF(2): two messages of the same length whose octets differ by `d` have
//! checksums that differ by the register that starts at 0 and takes `d`. So the checksum of a changed
//! message follows from the old one and from the changed octets, without reading the rest.

/// The generator's polynomial with its leading bit.
const POLYNOMIAL: u32 = 0x0186_4CFB;
/// The register's first value.
pub(crate) const START: u32 = 0x00B7_04CE;

/// The register after these octets.
pub(crate) fn update(register: u32, octets: &[u8]) -> u32 {
    octets.iter().fold(register, |register, octet| {
        (0..8).fold(register ^ (u32::from(*octet) << 16), |register, _| times_x(register))
    })
}

/// The register after `n` zero octets: it is multiplied by x^8n modulo the polynomial.
pub(crate) fn update_zeros(register: u32, n: u64) -> u32 {
    let mut power = 1 << 8;
    let (mut result, mut n) = (register, n);
    while n > 0 {
        if n & 1 == 1 {
            result = multiply(result, power);
        }
        power = multiply(power, power);
        n >>= 1;
    }
    result
}

fn times_x(register: u32) -> u32 {
    let shifted = register << 1;
    if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ POLYNOMIAL }
}

fn multiply(a: u32, b: u32) -> u32 {
    (0..24).rev().fold(0, |product, bit| times_x(product) ^ if (b >> bit) & 1 == 1 { a } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_right() {
        // CRC-24/OPENPGP in the catalogue of parametrised CRC algorithms.
        assert_eq!(update(START, b"123456789"), 0x0021_CF02);
    }

    #[test]
    fn zeros_in_bulk_are_zeros_one_by_one() {
        let register = update(START, b"sealpost");
        for n in [0, 1, 2, 7, 255, 1000] {
            assert_eq!(update_zeros(register, n), update(register, &vec![0; usize::try_from(n).unwrap()]));
        }
    }

    use alloc::vec;
}
