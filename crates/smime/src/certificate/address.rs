//! Whose mail a certificate is for (RFC 8550 §3, RFC 9598).

use std::{borrow::Cow, collections::HashSet};

use crate::{
    Certificate, Result,
    asn1::Element,
    certificate::{
        general::{GeneralName, general_names},
        name,
    },
    oid,
};

const PLACE: &str = "the subject alternative names of a certificate";

impl Certificate {
    /// The mail addresses: of the subject alternative names rfc822Name and SmtpUTF8Mailbox, of the subject
    /// emailAddress; each once. What is no address (without `@`, with control characters or invisible ones) is left out.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let alternative = self.alternative_names().unwrap_or_default().into_iter().filter_map(|name| match name {
            GeneralName::Mail(address) => Some(address.into_owned()),
            GeneralName::Utf8Mail(address) => Some(address.to_owned()),
            _ => None,
        });
        let mut known = HashSet::new();
        let is_sound = |address: &String| address.contains('@') && !address.contains(name::is_ignored);
        let all = alternative.chain(name::email_addresses(self.subject()).unwrap_or_default());
        all.filter(|address| is_sound(address) && known.insert(address.clone())).collect()
    }

    /// The subject alternative names; none if there is no such extension.
    pub(crate) fn alternative_names(&self) -> Result<Vec<GeneralName<'_>>> {
        let Some((_, value)) = self.extension(oid::SUBJECT_ALT_NAME) else { return Ok(Vec::new()) };
        general_names(Element::from_der(value, PLACE)?.value)
    }

    /// All names that name constraints are about (RFC 5280 §6.1.3 (b)). An emailAddress in the subject is one of them
    /// in any case, because it is one of the [`addresses`](Self::addresses).
    pub(crate) fn constrained_names(&self) -> Result<Vec<GeneralName<'_>>> {
        let mut names = self.alternative_names()?;
        if !name::is_empty(self.subject()) {
            names.push(GeneralName::Directory(self.subject()));
        }
        names.extend(name::email_addresses(self.subject())?.into_iter().map(|at| GeneralName::Mail(Cow::Owned(at))));
        Ok(names)
    }
}
