//! Requests of a program to the Valgrind that runs it (Valgrind manual §3.1). Without Valgrind they do nothing.
//!
//! Valgrind's headers are for C; this is their one instruction sequence for x86-64, whose meaning and numbers
//! Valgrind keeps for programs that were compiled long ago.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the constant-time checks know x86-64 Linux only");

/// `VG_USERREQ__COUNT_ERRORS` of valgrind.h.
const COUNT_ERRORS: usize = 0x1201;
/// `VG_USERREQ_TOOL_BASE('M', 'C')` of memcheck.h.
const MEMCHECK: usize = 0x4D43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;
const GET_VBITS: usize = MEMCHECK + 8;
/// `VG_USERREQ_TOOL_BASE('C', 'T')` of callgrind.h.
const CALLGRIND: usize = 0x4354_0000;
const TOGGLE_COLLECT: usize = CALLGRIND + 2;

/// Makes octets undefined for Memcheck: it reports each branch and each address that depends on them.
pub fn hide(octets: &[u8]) {
    request(MAKE_MEM_UNDEFINED, octets.as_ptr().expose_provenance(), octets.len(), 0);
}

/// Makes octets defined again: they are no secret any more.
pub fn reveal(octets: &[u8]) {
    request(MAKE_MEM_DEFINED, octets.as_ptr().expose_provenance(), octets.len(), 0);
}

/// How many of these octets depend on what was hidden.
#[must_use]
pub fn hidden(octets: &[u8]) -> usize {
    let mut bits = vec![0_u8; octets.len()];
    let to = bits.as_mut_ptr().expose_provenance();
    request(GET_VBITS, octets.as_ptr().expose_provenance(), to, octets.len());
    bits.iter().filter(|bits| **bits != 0).count()
}

/// How many errors Valgrind has seen so far.
#[must_use]
pub fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0, 0)
}

/// Has Callgrind start to count, or stop.
pub fn toggle_counting() {
    request(TOGGLE_COLLECT, 0, 0, 0);
}

#[expect(unsafe_code, reason = "a request is a sequence of instructions")]
fn request(code: usize, first: usize, second: usize, third: usize) -> usize {
    let arguments = [code, first, second, third, 0, 0];
    let result;
    // SAFETY: on a processor these instructions rotate rdi by 128 bits and exchange rbx with itself. Valgrind reads
    // `arguments`, puts the result into rdx, and writes at most to the `bits` whose address `hidden` gives it.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inlateout("rdx") 0_usize => result,
        );
    }
    result
}
