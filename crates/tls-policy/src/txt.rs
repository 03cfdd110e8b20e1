//! TXT records of versioned fields: those of MTA-STS (RFC 8461 §3.1) and of TLSRPT (RFC 8460 §3) have one form.

use crate::{Error, Result};

/// A kind of record.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Its name, for errors.
    pub(crate) name: &'static str,
    /// What it begins with: `v=STSv1`.
    pub(crate) version: &'static str,
}

/// A field, and at which octet of its record it begins.
pub(crate) struct Field<'a> {
    pub(crate) at: usize,
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

impl Kind {
    /// The only record of this kind among some, each of its strings; records of other kinds are left out.
    pub(crate) fn only<S: AsRef<[u8]>>(self, records: &[impl AsRef<[S]>]) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        for record in records {
            let octets = record.as_ref().iter().map(AsRef::as_ref).collect::<Vec<_>>().concat();
            if !self.begins(&octets) {
                continue;
            }
            if found.is_some() {
                return Err(self.error(0, "there are several"));
            }
            found = Some(octets);
        }
        Ok(found)
    }

    /// The fields behind the version, each a name, an equals sign and a value.
    pub(crate) fn fields(self, octets: &[u8]) -> Result<Vec<Field<'_>>> {
        let text = str::from_utf8(octets).ok().filter(|text| text.is_ascii());
        let foreign = || octets.iter().position(|c| !c.is_ascii()).unwrap_or_default();
        let text = text.ok_or_else(|| self.error(foreign(), "an octet that is not ASCII"))?;
        if !self.begins(octets) {
            return Err(self.error(0, "it does not begin with its version and a semicolon"));
        }
        let mut found = Vec::new();
        // Behind the version and its semicolon.
        let mut next = text.find(';').map_or(text.len(), |semicolon| semicolon + 1);
        let mut fields = text.split(';').skip(1).peekable();
        while let Some(field) = fields.next() {
            let at = next;
            next += field.len() + 1;
            let field = field.trim_matches(BLANKS);
            if field.is_empty() && fields.peek().is_none() {
                break;
            }
            let (name, value) = field.split_once('=').ok_or_else(|| self.error(at, "a field without equals sign"))?;
            if !is_name(name) {
                return Err(self.error(at, "a field's name has other characters than it may, or more than 32"));
            }
            found.push(Field { at, name, value });
        }
        Ok(found)
    }

    pub(crate) fn error(self, at: usize, problem: &'static str) -> Error {
        Error::Record { of: self.name, at, problem }
    }

    /// Whether a record is of this kind at all. `v=STSv10` is not `v=STSv1`.
    fn begins(self, octets: &[u8]) -> bool {
        let rest = octets.strip_prefix(self.version.as_bytes()).unwrap_or_default();
        rest.iter().find(|c| !matches!(c, b' ' | b'\t')) == Some(&b';')
    }
}

pub(crate) const BLANKS: [char; 2] = [' ', '\t'];

/// Whether it is the name of a field, in records and in policies (RFC 8461 §3.1, §3.2).
pub(crate) fn is_name(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    name.len() <= 32 && name.bytes().all(good) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether it may be the value of a field that is not known (RFC 8461 §3.1).
pub(crate) fn is_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|c| c.is_ascii_graphic() && c != b'=')
}
