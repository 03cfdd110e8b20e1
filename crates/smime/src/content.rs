//! A content that goes by: written again and again, held never.

use std::io::Write;

use crate::Result;

/// Writes all of a content, the same each time.
pub(crate) type Content<'a> = dyn FnMut(&mut dyn Write) -> Result<()> + 'a;
