//! Passing over base64 text.
#![expect(unsafe_code, reason = "the compiler can't know that the processor has these instructions")]

use crate::error::wide;

/// The length of the runs of N base64 characters and blanks that `text` starts with, as long as the characters surely
/// stand for no more octets than are `ahead`; counts the characters.
pub(crate) fn runs<const N: usize>(text: &[u8], ahead: u64, characters: &mut u64) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        cpufeatures::new!(found, "avx2");
        if found::get() {
            // SAFETY: the processor has it.
            return unsafe { runs_avx2::<N>(text, ahead, characters) };
        }
    }
    runs_plain::<N>(text, ahead, characters)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn runs_avx2<const N: usize>(text: &[u8], ahead: u64, characters: &mut u64) -> usize {
    runs_plain::<N>(text, ahead, characters)
}

#[inline(always)]
fn runs_plain<const N: usize>(text: &[u8], ahead: u64, characters: &mut u64) -> usize {
    let mut passed = 0;
    for run in text.as_chunks::<N>().0 {
        if (*characters + wide(N)) / 4 * 3 > ahead {
            break;
        }
        let Some(more) = count(run) else { break };
        *characters += more;
        passed += N;
    }
    passed
}

/// How many base64 characters there are beside blanks; `None` where there is something else. Without a branch, so that
/// the compiler takes many octets at once; N is at most 255, what an octet can count.
#[inline(always)]
fn count<const N: usize>(run: &[u8; N]) -> Option<u64> {
    let (mut characters, mut blanks) = (0_u8, 0_u8);
    for &c in run {
        characters = characters.wrapping_add(is_base64(c).into());
        blanks = blanks.wrapping_add(is_blank(c).into());
    }
    (usize::from(characters) + usize::from(blanks) == N).then_some(characters.into())
}

pub(crate) fn is_base64(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'+' || c == b'/'
}

pub(crate) fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r' | b'\n')
}
