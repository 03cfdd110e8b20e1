//! Eight lanes in a register of AVX-512, with its 52-bit multiplier (IFMA).
#![expect(unsafe_code, reason = "the compiler can't know that the processor has these instructions")]

use alloc::vec::Vec;
use core::{
    arch::{
        asm,
        x86_64::{
            __cpuid, __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_epi64, _mm512_madd52hi_epu64,
            _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_mullo_epi64, _mm512_permutex2var_epi64,
            _mm512_set1_epi64, _mm512_srli_epi64, _mm512_storeu_epi64, _mm512_sub_epi64,
        },
    },
    sync::atomic::{AtomicU8, Ordering},
};

use super::{Octets, OddScalar, batch, comb::Comb, lanes::Lanes};

/// A processor that has AVX512F, AVX512DQ and AVX512IFMA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vectors {
    /// Whether a whole 64-bit product takes one step (AMD) and not three (Intel).
    whole_products: bool,
}

impl Vectors {
    /// This processor, if it is one.
    pub(super) fn detect() -> Option<Self> {
        cpufeatures::new!(found, "avx512f", "avx512dq", "avx512ifma");
        found::get().then(|| Self { whole_products: is_amd() })
    }

    #[cfg(test)]
    pub(super) fn both_versions() -> Option<[Self; 2]> {
        Self::detect().map(|_| [Self { whole_products: false }, Self { whole_products: true }])
    }

    /// Which of both versions it runs.
    pub(super) fn whole_products(self) -> bool {
        self.whole_products
    }

    /// See [`batch::multiply`].
    pub(super) fn multiply(self, scalars: &[&Octets], points: &[&Octets]) -> Vec<Option<Octets>> {
        // SAFETY: `detect` found the features.
        let products = unsafe {
            if self.whole_products { multiply::<true>(scalars, points) } else { multiply::<false>(scalars, points) }
        };
        wipe();
        products
    }

    /// See [`Comb`].
    pub(super) fn fan_out(self, scalars: &[OddScalar], point: &Octets) -> Option<Vec<Octets>> {
        // SAFETY: `detect` found the features.
        let products = unsafe {
            if self.whole_products { fan_out::<true>(scalars, point) } else { fan_out::<false>(scalars, point) }
        };
        wipe();
        products
    }
}

/// Whether AMD made the processor. Asked once: in a virtual machine each question takes longer than a multiplication.
fn is_amd() -> bool {
    static VENDOR: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 2;
    let known = VENDOR.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known == 1;
    }
    // Its name is in three registers: "Auth", "enti", "cAMD".
    let is_amd = __cpuid(0).ecx == u32::from_le_bytes(*b"cAMD");
    VENDOR.store(is_amd.into(), Ordering::Relaxed);
    is_amd
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline(never)]
fn multiply<const FULL: bool>(scalars: &[&Octets], points: &[&Octets]) -> Vec<Option<Octets>> {
    batch::multiply::<Zmm<FULL>>(scalars, points)
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline(never)]
fn fan_out<const FULL: bool>(scalars: &[OddScalar], point: &Octets) -> Option<Vec<Octets>> {
    let comb = Comb::new::<Zmm<FULL>>(point)?;
    Some(comb.multiply::<Zmm<FULL>>(scalars))
}

/// More than the functions above take of the stack.
const STACK: usize = 48 * 1024;

/// Wipes what the functions above, which are called from the same place, left on the stack and in registers.
#[inline(never)]
fn wipe() {
    let mut area = core::mem::MaybeUninit::<[u8; STACK]>::uninit();
    // SAFETY: the area is this function's own, and no value is made of its octets. All registers that are written
    // are named, and these exist: a function of this module has just used them.
    unsafe {
        asm!(
            "vpxor xmm0, xmm0, xmm0",
            "2:",
            "vmovdqu64 [{at}], zmm0",
            "add {at}, 64",
            "cmp {at}, {end}",
            "jne 2b",
            "vzeroall",
            "vpxord zmm16, zmm16, zmm16", "vpxord zmm17, zmm17, zmm17", "vpxord zmm18, zmm18, zmm18",
            "vpxord zmm19, zmm19, zmm19", "vpxord zmm20, zmm20, zmm20", "vpxord zmm21, zmm21, zmm21",
            "vpxord zmm22, zmm22, zmm22", "vpxord zmm23, zmm23, zmm23", "vpxord zmm24, zmm24, zmm24",
            "vpxord zmm25, zmm25, zmm25", "vpxord zmm26, zmm26, zmm26", "vpxord zmm27, zmm27, zmm27",
            "vpxord zmm28, zmm28, zmm28", "vpxord zmm29, zmm29, zmm29", "vpxord zmm30, zmm30, zmm30",
            "vpxord zmm31, zmm31, zmm31",
            "kxorw k0, k0, k0",
            "kxorw k1, k1, k1",
            "kxorw k2, k2, k2",
            "kxorw k3, k3, k3",
            "kxorw k4, k4, k4",
            "kxorw k5, k5, k5",
            "kxorw k6, k6, k6",
            "kxorw k7, k7, k7",
            at = inout(reg) area.as_mut_ptr() => _,
            end = in(reg) area.as_mut_ptr().add(1),
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _, out("zmm6") _,
            out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _, out("zmm12") _,
            out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _, out("zmm18") _,
            out("zmm19") _, out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _, out("zmm24") _,
            out("zmm25") _, out("zmm26") _, out("zmm27") _, out("zmm28") _, out("zmm29") _, out("zmm30") _,
            out("zmm31") _, out("k1") _, out("k2") _, out("k3") _, out("k4") _, out("k5") _, out("k6") _, out("k7") _,
            options(nostack),
        );
    }
}

/// Eight 64-bit lanes. Only the `#[target_feature]` functions above make one.
#[derive(Clone, Copy)]
struct Zmm<const FULL: bool>(__m512i);

// SAFETY, of each block below: the instructions are AVX512F, AVX512DQ and AVX512IFMA, which the callers have; what is
// read or written through a pointer is an array of eight numbers.
impl<const FULL: bool> Lanes for Zmm<FULL> {
    const COUNT: usize = 8;
    const WHOLE_PRODUCTS: bool = FULL;
    type Mask = __mmask8;

    #[inline(always)]
    fn splat(number: u64) -> Self {
        Self(unsafe { _mm512_set1_epi64(number.cast_signed()) })
    }

    #[inline(always)]
    fn load(numbers: &[u64; 8]) -> Self {
        Self(unsafe { _mm512_loadu_epi64(numbers.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self) -> [u64; 8] {
        let mut numbers = [0_u64; 8];
        unsafe { _mm512_storeu_epi64(numbers.as_mut_ptr().cast(), self.0) };
        numbers
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn shr<const BITS: u32>(self) -> Self {
        Self(unsafe { _mm512_srli_epi64::<BITS>(self.0) })
    }

    #[inline(always)]
    fn add_low(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_madd52lo_epu64(self.0, a.0, b.0) })
    }

    #[inline(always)]
    fn add_high(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_madd52hi_epu64(self.0, a.0, b.0) })
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_add_epi64(self.0, _mm512_mullo_epi64(a.0, b.0)) })
    }

    #[inline(always)]
    fn look_up(table: &[u64; 16], index: Self) -> Self {
        let (low, high) = table.split_at(8);
        Self(unsafe {
            let (low, high) = (low.as_ptr().cast(), high.as_ptr().cast());
            _mm512_permutex2var_epi64(_mm512_loadu_epi64(low), index.0, _mm512_loadu_epi64(high))
        })
    }

    #[inline(always)]
    fn mask(bits: u8) -> __mmask8 {
        bits
    }

    #[inline(always)]
    fn select(self, other: Self, mask: __mmask8) -> Self {
        Self(unsafe { _mm512_mask_blend_epi64(mask, self.0, other.0) })
    }
}
