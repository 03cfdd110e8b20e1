//! A patched message in pieces: nothing of it is copied.

use alloc::vec::Vec;

use crate::Edit;

/// A patched message: pieces of the original, and what stands between them instead.
#[derive(Clone, Debug)]
pub struct Splice<'m> {
    message: &'m [u8],
    /// In the order of their offsets, without overlap, inside the message.
    edits: Vec<Edit>,
}

impl<'m> Splice<'m> {
    pub(super) fn new(message: &'m [u8], edits: Vec<Edit>) -> Self {
        Self { message, edits }
    }

    /// The pieces, in their order; none is empty. One behind the other they are the patched message, as long as the
    /// original.
    #[must_use]
    pub fn pieces(&self) -> Vec<&[u8]> {
        let mut pieces = Vec::with_capacity(2 * self.edits.len() + 1);
        let mut rest = self.message;
        let mut at = 0;
        for edit in &self.edits {
            let before = usize::try_from(edit.offset - at).unwrap_or(usize::MAX);
            let (kept, behind) = rest.split_at_checked(before).unwrap_or((rest, &[]));
            pieces.extend([kept, &edit.bytes]);
            rest = behind.get(edit.replaced..).unwrap_or_default();
            at = edit.offset + crate::error::wide(edit.replaced);
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// The pieces for [`write_vectored`](std::io::Write::write_vectored).
    #[cfg(feature = "std")]
    #[must_use]
    pub fn io_slices(&self) -> Vec<std::io::IoSlice<'_>> {
        self.pieces().into_iter().map(std::io::IoSlice::new).collect()
    }
}
