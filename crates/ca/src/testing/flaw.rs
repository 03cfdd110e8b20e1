//! Ways in which certificates are wrong, and some in which they are odd but right.

use der::oid::ObjectIdentifier;
use sealpost_rollover::Span;

use crate::{
    Profile,
    address::distinguished,
    certificate::Template,
    check::{LONGEST, Rule, SKEW},
    keys, oid,
    profile::{self, Extension, Weight, usage as bit},
    write,
};

macro_rules! flaws {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What is changed in a certificate before it is signed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Flaw {
            $($(#[$doc])* $name,)*
        }

        impl Flaw {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

flaws! {
    /// A second longer than is allowed.
    SecondTooLong,
    /// As long as is allowed: right.
    Longest,
    /// It ends before it starts.
    EndsFirst,
    /// It starts later than clocks may differ.
    StartsLater,
    /// It starts a little later: right.
    StartsSoon,
    /// It has ended.
    Ended,
    /// No key usage.
    NoUsage,
    /// A key usage without a bit.
    EmptyUsage,
    /// nonRepudiation alone.
    OnlyNonRepudiation,
    /// nonRepudiation beside digitalSignature: right where there is that.
    NonRepudiation,
    /// dataEncipherment: right for RSA, multipurpose, encryption.
    DataEncipherment,
    /// keyCertSign.
    SignsCertificates,
    /// keyAgreement with RSA, keyEncipherment with EC.
    OthersUsage,
    /// encipherOnly: right for EC, encryption.
    EncipherOnly,
    /// encipherOnly and decipherOnly.
    NeitherWay,
    /// No extended key usage.
    NoPurpose,
    /// clientAuth: right for multipurpose.
    LogsIn,
    /// serverAuth.
    Serves,
    /// anyExtendedKeyUsage.
    AnyPurpose,
    /// clientAuth alone.
    NotForMail,
    /// No policies.
    NoPolicy,
    /// A policy that is not reserved.
    OwnPolicyOnly,
    /// One beside the reserved one: right.
    OwnPolicyToo,
    /// anyPolicy too.
    AnyPolicy,
    /// The legacy policy.
    LegacyPolicy,
    /// Two reserved policies.
    TwoPolicies,
    /// No alternative names.
    NoName,
    /// A DNS name too.
    DnsName,
    /// A directory name too, which says something else.
    DirectoryName,
    /// A directory name alone.
    OnlyDirectoryName,
    /// Another address too.
    SecondAddress,
    /// SmtpUTF8Mailbox with ASCII only.
    AsciiMailbox,
    /// rfc822Name without a domain.
    NoDomain,
    /// An organization in the subject.
    Organization,
    /// A serial number in the subject: right.
    SubjectSerial,
    /// A common name that is no address of it.
    OtherCommonName,
    /// emailAddress in the subject that is no address of it.
    OtherEmail,
    /// No subject, and names that are not critical.
    NoSubject,
    /// No subject, and names that are critical: right.
    NoSubjectCritical,
    /// No address of a revocation list.
    NoList,
    /// One of HTTPS.
    ListByHttps,
    /// One of HTTP and one of LDAP.
    ListByLdapToo,
    /// A critical one.
    ListCritical,
    /// No word of its authority: right.
    NoAccess,
    /// A word of its authority by HTTPS.
    AccessByHttps,
    /// A critical one.
    AccessCritical,
    /// An authority's.
    Authority,
    /// Not an authority's, with a path length like one.
    PathLength,
    /// Explicitly not an authority's: right.
    NoAuthority,
    /// No authority key identifier.
    NoAuthorityKey,
    /// One by issuer and serial number too.
    AuthorityCertificate,
    /// Serial number 0.
    SerialZero,
    /// A negative one.
    SerialNegative,
    /// One of 21 octets.
    SerialLong,
    /// One of 4 octets.
    SerialShort,
    /// The key usage twice.
    Twice,
    /// Version 2.
    VersionTwo,
    /// Another algorithm inside than outside.
    OtherAlgorithm,
    /// A key of 1024 bits.
    ShortKey,
    /// A key whose exponent is 2^16.
    EvenExponent,
    /// X25519.
    MontgomeryKey,
}

/// A private policy.
const OWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
const LEGACY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.140.1.5.1.1");

impl Flaw {
    pub(super) fn apply(self, template: &mut Template) {
        match self {
            Self::SecondTooLong => template.not_after = template.not_before + LONGEST,
            Self::Longest => template.not_after = template.not_before + LONGEST - Span::seconds(1),
            Self::EndsFirst => template.not_after = template.not_before - Span::hours(2),
            Self::StartsLater => shift(template, SKEW + Span::seconds(1)),
            Self::StartsSoon => shift(template, SKEW),
            Self::Ended => shift(template, Span::days(-826)),
            Self::SerialZero => template.serial = write::unsigned(&[0]),
            Self::SerialNegative => template.serial = write::element(2, &[&[0x80; 16]]),
            Self::SerialLong => template.serial = write::element(2, &[&[0x7f; 21]]),
            Self::SerialShort => template.serial = write::element(2, &[&[0x7f; 4]]),
            Self::VersionTwo => template.version = 1,
            Self::OtherAlgorithm => {
                template.algorithm = Some(write::sequence(&[&write::oid(oid::ECDSA_WITH_SHA384)]));
            }
            Self::ShortKey => template.spki = rsa(&[0xc5; 128], &[1, 0, 1]),
            Self::EvenExponent => template.spki = rsa(&[0xc5; 256], &[1, 0, 0]),
            Self::MontgomeryKey => template.spki = montgomery(),
            _ => self.apply_to_usage(template),
        }
    }

    fn apply_to_usage(self, template: &mut Template) {
        match self {
            Self::NoUsage => drop_extension(template, oid::KEY_USAGE),
            Self::EmptyUsage => usage(template, 0, 0),
            Self::OnlyNonRepudiation => usage(template, 0, bit::NON_REPUDIATION),
            Self::NonRepudiation => usage(template, u16::MAX, bit::NON_REPUDIATION),
            Self::DataEncipherment => usage(template, u16::MAX, bit::DATA_ENCIPHERMENT),
            Self::SignsCertificates => usage(template, u16::MAX, bit::CERT_SIGN),
            Self::EncipherOnly => usage(template, u16::MAX, bit::ENCIPHER_ONLY),
            Self::NeitherWay => usage(template, u16::MAX, bit::ENCIPHER_ONLY | bit::DECIPHER_ONLY),
            Self::OthersUsage => match profile::encryption_usage(&template.spki) {
                Some(bit::KEY_AGREEMENT) => usage(template, u16::MAX, bit::KEY_ENCIPHERMENT),
                _ => usage(template, u16::MAX, bit::KEY_AGREEMENT),
            },
            Self::Twice => template.extensions.extend(extension(template, oid::KEY_USAGE)),
            Self::NoPurpose => drop_extension(template, oid::EXTENDED_KEY_USAGE),
            Self::LogsIn => purposes(template, &[oid::EMAIL_PROTECTION, oid::CLIENT_AUTH]),
            Self::Serves => purposes(template, &[oid::EMAIL_PROTECTION, oid::SERVER_AUTH]),
            Self::AnyPurpose => purposes(template, &[oid::EMAIL_PROTECTION, oid::ANY_EXTENDED_KEY_USAGE]),
            Self::NotForMail => purposes(template, &[oid::CLIENT_AUTH]),
            Self::NoPolicy => drop_extension(template, oid::CERTIFICATE_POLICIES),
            Self::OwnPolicyOnly => policies(template, &[OWN]),
            Self::OwnPolicyToo => policies(template, &[reserved(template), OWN]),
            Self::AnyPolicy => policies(template, &[reserved(template), oid::ANY_POLICY]),
            Self::LegacyPolicy => policies(template, &[LEGACY]),
            Self::TwoPolicies => policies(template, &[Profile::Strict.policy(), Profile::Multipurpose.policy()]),
            _ => self.apply_to_names(template),
        }
    }

    fn apply_to_names(self, template: &mut Template) {
        let directory = || write::tagged(4, &[&distinguished(&[(oid::COMMON_NAME, write::utf8("x"))])]);
        match self {
            Self::NoName => drop_extension(template, oid::SUBJECT_ALT_NAME),
            Self::DnsName => name(template, &write::implicit(2, b"example.org")),
            Self::DirectoryName => name(template, &directory()),
            Self::OnlyDirectoryName => {
                set(template, Extension::plain(oid::SUBJECT_ALT_NAME, write::sequence(&[&directory()])));
            }
            Self::SecondAddress => name(template, &write::implicit(1, b"eve@example.org")),
            Self::AsciiMailbox => {
                let mailbox = write::tagged(0, &[&write::utf8("ascii@example.org")]);
                name(template, &write::tagged(0, &[&write::oid(oid::SMTP_UTF8_MAILBOX), &mailbox]));
            }
            Self::NoDomain => name(template, &write::implicit(1, b"nobody")),
            Self::Organization => attribute(template, oid::ORGANIZATION, &write::utf8("Example")),
            Self::SubjectSerial => attribute(template, oid::SERIAL_NUMBER, &write::text("1234")),
            Self::OtherCommonName => {
                template.subject = distinguished(&[(oid::COMMON_NAME, write::utf8("Somebody Else"))]);
            }
            Self::OtherEmail => {
                attribute(template, oid::EMAIL_ADDRESS, &write::element(0x16, &[b"eve@example.com"]));
            }
            Self::NoSubject => empty_subject(template, Weight::Plain),
            Self::NoSubjectCritical => empty_subject(template, Weight::Critical),
            _ => self.apply_to_places(template),
        }
    }

    fn apply_to_places(self, template: &mut Template) {
        let list = |uris: &[&str]| Extension::plain(oid::CRL_DISTRIBUTION_POINTS, profile::distribution_point(uris));
        match self {
            Self::NoList => drop_extension(template, oid::CRL_DISTRIBUTION_POINTS),
            Self::ListByHttps => set(template, list(&["https://ca.example.com/x.crl"])),
            Self::ListByLdapToo => {
                set(template, list(&["http://ca.example.com/x.crl", "ldap://ca.example.com/cn=x"]));
            }
            Self::ListCritical => weigh(template, oid::CRL_DISTRIBUTION_POINTS, Weight::Critical),
            Self::NoAccess => drop_extension(template, oid::AUTHORITY_INFO_ACCESS),
            Self::AccessByHttps => {
                let access = profile::information_access(&[(oid::CA_ISSUERS, "https://ca.example.com/x.cer")]);
                set(template, Extension::plain(oid::AUTHORITY_INFO_ACCESS, access));
            }
            Self::AccessCritical => weigh(template, oid::AUTHORITY_INFO_ACCESS, Weight::Critical),
            Self::Authority => set(template, constraints(&[&write::truth()])),
            Self::PathLength => set(template, constraints(&[&write::unsigned(&[0])])),
            Self::NoAuthority => set(template, constraints(&[])),
            Self::NoAuthorityKey => drop_extension(template, oid::AUTHORITY_KEY_ID),
            Self::AuthorityCertificate => {
                let key = write::implicit(0, &keys::key_id(&template.spki));
                // Not its name: pkilint takes any name for one of a subject.
                let issuer = write::tagged(1, &[&write::implicit(6, b"http://ca.example.com/")]);
                let id = write::sequence(&[&key, &issuer, &write::implicit(2, &[1])]);
                set(template, Extension::plain(oid::AUTHORITY_KEY_ID, id));
            }
            _ => {}
        }
    }

    /// The rule that the certificate breaks by this alone; `None` if it breaks none, or that depends on what it is.
    #[must_use]
    pub const fn breaks(self) -> Option<Rule> {
        Some(match self {
            Self::SecondTooLong => Rule::Lifetime,
            Self::EndsFirst => Rule::Validity,
            Self::StartsLater => Rule::NotYetValid,
            Self::Ended => Rule::Expired,
            Self::NoUsage
            | Self::EmptyUsage
            | Self::OnlyNonRepudiation
            | Self::SignsCertificates
            | Self::NeitherWay
            | Self::OthersUsage => Rule::KeyUsage,
            Self::NoPurpose | Self::Serves | Self::AnyPurpose | Self::NotForMail => Rule::Purpose,
            Self::NoPolicy | Self::OwnPolicyOnly | Self::AnyPolicy | Self::LegacyPolicy | Self::TwoPolicies => {
                Rule::Policy
            }
            Self::NoName | Self::OnlyDirectoryName => Rule::Address,
            Self::DnsName => Rule::NameKind,
            Self::SecondAddress => Rule::AskedAddress,
            Self::AsciiMailbox | Self::NoDomain => Rule::NameForm,
            Self::DirectoryName | Self::Organization | Self::OtherCommonName | Self::OtherEmail => Rule::Subject,
            Self::NoSubject => Rule::EmptySubject,
            Self::NoList => Rule::RevocationList,
            Self::ListByHttps | Self::ListByLdapToo | Self::ListCritical => Rule::RevocationPlace,
            Self::AccessByHttps | Self::AccessCritical => Rule::AuthorityPlace,
            Self::Authority | Self::PathLength => Rule::NoAuthority,
            Self::NoAuthorityKey | Self::AuthorityCertificate => Rule::AuthorityKey,
            Self::SerialZero | Self::SerialNegative | Self::SerialLong | Self::SerialShort => Rule::Serial,
            Self::Twice => Rule::Repeated,
            Self::VersionTwo => Rule::Version,
            Self::OtherAlgorithm => Rule::SignatureKind,
            Self::ShortKey | Self::EvenExponent => Rule::KeySize,
            Self::MontgomeryKey => Rule::KeyKind,
            _ => return None,
        })
    }
}

fn shift(template: &mut Template, by: Span) {
    template.not_before = template.not_before + by;
    template.not_after = template.not_after + by;
}

fn extension(template: &Template, id: ObjectIdentifier) -> Option<Extension> {
    template.extensions.iter().find(|extension| extension.id == id).cloned()
}

fn drop_extension(template: &mut Template, id: ObjectIdentifier) {
    template.extensions.retain(|extension| extension.id != id);
}

/// In the place of the one there is.
fn set(template: &mut Template, new: Extension) {
    drop_extension(template, new.id);
    template.extensions.push(new);
}

fn weigh(template: &mut Template, id: ObjectIdentifier, weight: Weight) {
    template.extensions.iter_mut().filter(|extension| extension.id == id).for_each(|found| found.weight = weight);
}

fn usage(template: &mut Template, keep: u16, add: u16) {
    use der::Decode;
    let value = extension(template, oid::KEY_USAGE).map(|found| found.value).unwrap_or_default();
    let bits = x509_cert::ext::pkix::KeyUsage::from_der(&value).map(|usage| usage.0.bits()).unwrap_or_default();
    set(template, Extension::critical(oid::KEY_USAGE, write::named_bits(bits & keep | add)));
}

fn purposes(template: &mut Template, ids: &[ObjectIdentifier]) {
    set(template, Extension::plain(oid::EXTENDED_KEY_USAGE, profile::extended_key_usage(ids)));
}

fn policies(template: &mut Template, ids: &[ObjectIdentifier]) {
    set(template, Extension::plain(oid::CERTIFICATE_POLICIES, profile::policies(ids)));
}

/// The reserved policy that it has, or the strict one.
fn reserved(template: &Template) -> ObjectIdentifier {
    let multipurpose = profile::policies(&[Profile::Multipurpose.policy()]);
    match extension(template, oid::CERTIFICATE_POLICIES) {
        Some(found) if found.value == multipurpose => Profile::Multipurpose.policy(),
        _ => Profile::Strict.policy(),
    }
}

/// One more alternative name: GeneralName in DER.
fn name(template: &mut Template, name: &[u8]) {
    let Some(found) = template.extensions.iter_mut().find(|extension| extension.id == oid::SUBJECT_ALT_NAME) else {
        return;
    };
    let names = der::asn1::AnyRef::try_from(found.value.as_slice()).map(|names| names.value().to_vec());
    found.value = write::sequence(&[&names.unwrap_or_default(), name]);
}

fn attribute(template: &mut Template, id: ObjectIdentifier, value: &[u8]) {
    let parts = der::asn1::AnyRef::try_from(template.subject.as_slice()).map(|parts| parts.value().to_vec());
    let part = write::set(vec![write::sequence(&[&write::oid(id), value])]);
    template.subject = write::sequence(&[&parts.unwrap_or_default(), &part]);
}

fn empty_subject(template: &mut Template, weight: Weight) {
    template.subject = write::sequence(&[]);
    weigh(template, oid::SUBJECT_ALT_NAME, weight);
}

fn constraints(parts: &[&[u8]]) -> Extension {
    Extension::critical(oid::BASIC_CONSTRAINTS, write::sequence(parts))
}

/// Octets that look like an RSA key. Nobody knows its factors.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = write::sequence(&[&write::unsigned(modulus), &write::unsigned(exponent)]);
    let algorithm = write::sequence(&[&write::oid(oid::RSA_ENCRYPTION), &write::null()]);
    write::sequence(&[&algorithm, &write::bits(&key)])
}

fn montgomery() -> Vec<u8> {
    let x25519 = ObjectIdentifier::new_unwrap("1.3.101.110");
    write::sequence(&[&write::sequence(&[&write::oid(x25519)]), &write::bits(&[9; 32])])
}
