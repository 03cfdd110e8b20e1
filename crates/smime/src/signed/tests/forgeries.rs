//! What is not as it should be does not count, and takes nothing with it.

use super::*;

fn attribute(id: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    write(0x30, &[&write_oid(id), &write(0x31, &[&values.concat()])])
}

fn content_type() -> Vec<u8> {
    attribute(oid::CONTENT_TYPE, &[&write_oid(oid::DATA)])
}

fn message_digest() -> Vec<u8> {
    attribute(oid::MESSAGE_DIGEST, &[&write(0x04, &[&Digest::Sha512.hash(CONTENT)])])
}

/// A SignerInfo with these signed attributes, signed over `signed`.
fn signer_info(attributes: &[u8], signed: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let (digest, signature) = SignatureScheme::Ed25519.to_cms();
    let sid = crate::CertificateIdentifier::issuer_and_serial(&CERTIFICATE).to_der();
    let value = KEY.key.sign(signed).to_bytes();
    write(0x30, &[&[2, 1, 1], &sid, &digest, attributes, &signature, &write(0x04, &[&value]), unsigned])
}

/// One that signs its attributes as they are.
fn with_attributes(attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    signer_info(&write(0xa0, &[&attributes]), &write(0x31, &[&attributes]), &[])
}

fn with_signers(signers: &[&[u8]]) -> Vec<u8> {
    let digests = write(0x31, &[&Digest::Sha512.to_der()]);
    message(&[&digests, &encapsulated(CONTENT), &write(0x31, signers)])
}

fn verdict(message: &[u8]) -> Result<(), Flaw> {
    let (read, content) = read(message).unwrap();
    assert_eq!(content, CONTENT);
    let [Ok(signer)] = &read.signers[..] else { panic!("{:?}", read.signers) };
    signer.check(&read.digests, read.content_type, &CERTIFICATE)
}

fn verdict_of(attributes: &[Vec<u8>]) -> Result<(), Flaw> {
    verdict(&with_signers(&[&with_attributes(attributes)]))
}

#[test]
fn each_attribute_stands_once_with_one_value() {
    assert_eq!(verdict_of(&[content_type(), message_digest()]), Ok(()));
    let unknown = || attribute(ObjectIdentifier::new_unwrap("1.2.3"), &[&[5, 0], &[5, 0]]);
    assert_eq!(verdict_of(&[content_type(), message_digest(), unknown()]), Ok(()));
    let repeated = |attribute: Vec<u8>| verdict_of(&[content_type(), message_digest(), attribute.clone(), attribute]);
    assert_eq!(repeated(unknown()), Err(Flaw::AttributeRepeated(ObjectIdentifier::new_unwrap("1.2.3"))));
    assert_eq!(repeated(content_type()), Err(Flaw::AttributeRepeated(oid::CONTENT_TYPE)));
    assert_eq!(verdict_of(&[content_type()]), Err(Flaw::AttributeMissing(oid::MESSAGE_DIGEST)));
    assert_eq!(verdict_of(&[message_digest()]), Err(Flaw::AttributeMissing(oid::CONTENT_TYPE)));
    assert_eq!(verdict_of(&[]), Err(Flaw::AttributeMissing(oid::CONTENT_TYPE)));
    let value = write(0x17, &[b"260101000000Z"]);
    for id in [oid::SIGNING_TIME, oid::SMIME_CAPABILITIES, oid::ENCRYPTION_KEY_PREFERENCE, oid::ALGORITHM_PROTECTION] {
        for values in [&[][..], &[&value[..], &value]] {
            let flaw = verdict_of(&[content_type(), message_digest(), attribute(id, values)]);
            assert_eq!(flaw, Err(Flaw::AttributeValues(id)));
        }
    }
}

#[test]
fn attributes_must_say_what_is_so() {
    let with = |attribute| verdict_of(&[content_type(), message_digest(), attribute]);
    let other_type = attribute(oid::CONTENT_TYPE, &[&write_oid(oid::SIGNED_DATA)]);
    assert_eq!(verdict_of(&[other_type, message_digest()]), Err(Flaw::ContentType));
    let other_digest = attribute(oid::MESSAGE_DIGEST, &[&write(0x04, &[&[7; 64]])]);
    assert_eq!(verdict_of(&[content_type(), other_digest]), Err(Flaw::ContentChanged));
    let bad_time = attribute(oid::SIGNING_TIME, &[&write(0x17, &[b"2601010000Z"])]);
    assert_eq!(with(bad_time), Err(Flaw::AttributeMalformed(oid::SIGNING_TIME)));
    let malformed = attribute(oid::MESSAGE_DIGEST, &[&[5, 0]]);
    assert_eq!(verdict_of(&[content_type(), malformed]), Err(Flaw::AttributeMalformed(oid::MESSAGE_DIGEST)));
    // What is of no use does no harm.
    assert_eq!(with(attribute(oid::SMIME_CAPABILITIES, &[&[5, 0]])), Ok(()));
    assert!(matches!(with(write(0x30, &[])), Err(Flaw::Malformed { place: "signedAttrs", .. })));
    let many: Vec<_> =
        (0..200_u32).map(|arc| attribute(ObjectIdentifier::from_arcs([1, 2, arc]).unwrap(), &[])).collect();
    assert!(matches!(verdict_of(&many), Err(Flaw::Malformed { place: "signedAttrs", .. })));
}

#[test]
fn algorithms_are_those_that_were_signed() {
    let protection = |digest: &[u8], signature: ObjectIdentifier, tag| {
        let signature = write(tag, &[&write_oid(signature)]);
        let value = write(0x30, &[digest, &signature]);
        verdict_of(&[content_type(), message_digest(), attribute(oid::ALGORITHM_PROTECTION, &[&value])])
    };
    let (sha256, sha512) = (Digest::Sha256.to_der(), Digest::Sha512.to_der());
    let with_null = write(0x30, &[&write_oid(oid::SHA512), &[5, 0]]);
    assert_eq!(protection(&sha512, oid::ED25519, 0xa1), Ok(()));
    assert_eq!(protection(&with_null, oid::ED25519, 0xa1), Ok(()));
    assert_eq!(protection(&sha256, oid::ED25519, 0xa1), Err(Flaw::AlgorithmProtection));
    assert_eq!(protection(&sha512, oid::ML_DSA_44, 0xa1), Err(Flaw::AlgorithmProtection));
    // Of a MAC.
    assert_eq!(protection(&sha512, oid::ED25519, 0xa2), Err(Flaw::AttributeMalformed(oid::ALGORITHM_PROTECTION)));
}

#[test]
fn the_certificate_is_the_one_that_was_signed() {
    let with = |id, certificate: Vec<u8>| {
        let value = write(0x30, &[&write(0x30, &[&certificate])]);
        verdict_of(&[content_type(), message_digest(), attribute(id, &[&value])])
    };
    let hash = |digest: Digest, certificate: &Certificate| write(0x04, &[&digest.hash(certificate.as_der())]);
    let name = |issuer: &[u8], serial: u8| {
        write(0x30, &[&write(0x30, &[&write(0xa4, &[issuer])]), &write(0x02, &[&[serial]])])
    };
    let (v1, v2) = (oid::SIGNING_CERTIFICATE, oid::SIGNING_CERTIFICATE_V2);
    let wrong = Err(Flaw::SigningCertificate);
    let (own, other) = (&*CERTIFICATE, &*OTHER_CERTIFICATE);
    assert_eq!(with(v1, write(0x30, &[&hash(Digest::Sha1, own)])), Ok(()));
    assert_eq!(with(v1, write(0x30, &[&hash(Digest::Sha1, other)])), wrong);
    assert_eq!(with(v1, write(0x30, &[&hash(Digest::Sha256, own)])), wrong);
    assert_eq!(with(v2, write(0x30, &[&hash(Digest::Sha256, own)])), Ok(()));
    assert_eq!(with(v2, write(0x30, &[&hash(Digest::Sha256, other)])), wrong);
    assert_eq!(with(v2, write(0x30, &[&hash(Digest::Sha256, own), &name(own.issuer(), 7)])), Ok(()));
    assert_eq!(with(v2, write(0x30, &[&hash(Digest::Sha256, own), &name(own.issuer(), 8)])), wrong);
    assert_eq!(with(v2, write(0x30, &[&hash(Digest::Sha256, own), &name(own.subject(), 7)])), wrong);
    let sha384 = Digest::Sha384.to_der();
    assert_eq!(with(v2, write(0x30, &[&sha384, &hash(Digest::Sha384, own)])), Ok(()));
    let unknown = write(0x30, &[&write_oid(oid::MGF1)]);
    assert_eq!(with(v2, write(0x30, &[&unknown, &hash(Digest::Sha384, own)])), Err(Flaw::Algorithm(oid::MGF1)));
    assert_eq!(with(v2, vec![]), Err(Flaw::AttributeMalformed(v2)));
}

#[test]
fn signed_attributes_are_no_content() {
    // A signature of content without attributes.
    let bare = with_signers(&[&signer_info(&[], CONTENT, &[])]);
    assert_eq!(verdict(&bare), Err(Flaw::NoSignedAttributes));
    // What must be signed and is not.
    let attributes = [content_type(), message_digest()].concat();
    let unsigned = |attribute: &[u8]| {
        let signed = write(0x31, &[&attributes]);
        with_signers(&[&signer_info(&write(0xa0, &[&attributes]), &signed, &write(0xa1, &[attribute]))])
    };
    let time = attribute(oid::SIGNING_TIME, &[b"\x17\x0d260101000000Z"]);
    assert_eq!(verdict(&unsigned(&time)), Err(Flaw::AttributeUnsigned(oid::SIGNING_TIME)));
    assert!(matches!(verdict(&unsigned(&[5, 0])), Err(Flaw::Malformed { place: "unsignedAttrs", .. })));
    assert_eq!(verdict(&unsigned(&attribute(oid::MGF1, &[&[5, 0]]))), Ok(()));
    assert_eq!(verdict(&unsigned(&[])), Ok(()));
}

#[test]
fn the_order_may_be_that_of_the_sender_or_of_der() {
    let (a, b) = ([content_type(), message_digest()].concat(), [message_digest(), content_type()].concat());
    for (sent, signed, expected) in
        [(&a, &a, Ok(())), (&b, &b, Ok(())), (&b, &a, Ok(())), (&a, &b, Err(Flaw::Signature))]
    {
        let signer = signer_info(&write(0xa0, &[sent]), &write(0x31, &[signed]), &[]);
        assert_eq!(verdict(&with_signers(&[&signer])), expected);
    }
}

/// Everything constructed gets an indefinite length, the content comes in pieces.
fn indefinite(der: &[u8]) -> Vec<u8> {
    let each = |element: Element<'_>| match element.raw[0] {
        tag if tag & 0x20 != 0 => [&[tag, 0x80], &indefinite(element.value)[..], &[0, 0]].concat(),
        4 if element.value == CONTENT => {
            let pieces: Vec<u8> = CONTENT.chunks(5).flat_map(|piece| write(4, &[piece])).collect();
            [&[0x24, 0x80], &pieces[..], &[0, 0]].concat()
        }
        _ => element.raw.to_vec(),
    };
    crate::asn1::elements(der, PLACE).unwrap().into_iter().flat_map(each).collect()
}

#[test]
fn ber_is_as_good_as_der() {
    let der = with_signers(&[&with_attributes(&[content_type(), message_digest()])]);
    assert_eq!(verdict(&der), Ok(()));
    assert_eq!(verdict(&indefinite(&der)), Ok(()));
}

#[test]
fn no_changed_octet_changes_what_is_verified() {
    let protection = write(0x30, &[&Digest::Sha512.to_der(), &write(0xa1, &[&write_oid(oid::ED25519)])]);
    let protection = attribute(oid::ALGORITHM_PROTECTION, &[&protection]);
    let message = with_signers(&[&with_attributes(&[content_type(), message_digest(), protection])]);
    for at in 0..message.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = message.clone();
            changed[at] ^= bit;
            let Ok((read, content)) = read(&changed) else { continue };
            for signer in read.signers.iter().flatten() {
                if signer.check(&read.digests, read.content_type, &CERTIFICATE).is_ok() {
                    assert_eq!((&content[..], read.content_type), (CONTENT, oid::DATA), "{at}");
                }
            }
        }
        assert!(read(&message[..at]).is_err());
    }
}

#[test]
fn what_is_odd_concerns_nothing_else() {
    let good = with_attributes(&[content_type(), message_digest()]);
    let unreadable = write(0x30, &[&[2, 1, 1]]);
    let long = write(0x30, &[&vec![0; 300 << 10]]);
    let dsa = write(0x30, &[&write_oid(ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"))]);
    let sid = crate::CertificateIdentifier::issuer_and_serial(&CERTIFICATE).to_der();
    let other = write(0x30, &[&[2, 1, 1], &sid, &dsa, &write(0xa0, &[&content_type()]), &dsa, &write(4, &[])]);
    let digests = write(0x31, &[&dsa, &Digest::Sha512.to_der(), &Digest::Sha512.to_der()]);
    let attribute_certificate = write(0xa2, &[&[5, 0]]);
    let certificates = [&attribute_certificate, &unreadable, &long, CERTIFICATE.as_der(), &[4, 0]];
    let message = message(&[
        &digests,
        &encapsulated(CONTENT),
        &write(0xa0, &certificates.map(<[u8]>::as_ref)),
        &write(0xa1, &[&write(0x30, &[b"a CRL"]), &write(0xa1, &[b"\x05\x00"])]),
        &write(0x31, &[&unreadable, &good, &long, &other]),
    ]);
    let (read, _) = read(&message).unwrap();
    assert_eq!((read.certificates.len(), read.unreadable_certificates, read.other_certificates), (1, 2, 2));
    assert_eq!(read.crls, [write(0x30, &[b"a CRL"])]);
    let [Err(Error::Structure { .. }), Ok(signer), Err(Error::Limit { .. }), Ok(other)] = &read.signers[..] else {
        panic!("{:?}", read.signers)
    };
    assert_eq!(signer.check(&read.digests, read.content_type, &CERTIFICATE), Ok(()));
    let flaw = Flaw::AttributeMissing(oid::MESSAGE_DIGEST);
    assert_eq!(other.check(&read.digests, read.content_type, &CERTIFICATE), Err(flaw));
    assert_eq!((other.digest(), other.scheme()), (None, None));
}

#[test]
fn a_digest_must_be_announced() {
    let signer = with_attributes(&[content_type(), message_digest()]);
    let digests = write(0x31, &[&Digest::Sha256.to_der()]);
    let message = message(&[&digests, &encapsulated(CONTENT), &write(0x31, &[&signer])]);
    assert_eq!(verdict(&message), Err(Flaw::DigestNotAnnounced));
}

#[test]
fn there_are_limits() {
    let good = with_attributes(&[content_type(), message_digest()]);
    let digests = write(0x31, &[]);
    let many = |count: usize, certificates: usize, crls: usize| {
        let certificates = write(0xa0, &[&CERTIFICATE.as_der().repeat(certificates)]);
        let crls = write(0xa1, &[&[0x30, 0].repeat(crls)]);
        let fields = [&digests[..], &encapsulated(b""), &certificates, &crls, &write(0x31, &[&good.repeat(count)])];
        read(&message(&fields)).map(drop)
    };
    assert!(many(32, 100, 100).is_ok());
    for (count, certificates, crls, what) in [(33, 1, 0, "signers"), (1, 101, 0, "certificates"), (1, 1, 101, "CRLs")] {
        assert!(matches!(many(count, certificates, crls), Err(Error::Limit { what: found, .. }) if found == what));
    }
}

#[test]
fn key_identifiers_come_in_pieces_too() {
    let id = CERTIFICATE.subject_key_id().unwrap();
    let (first, second) = id.split_at(5);
    for sid in [write(0x80, &[id]), write(0xa0, &[&write(4, &[first]), &write(4, &[second])])] {
        let element = Element::from_der(&sid, PLACE).unwrap();
        assert!(crate::CertificateIdentifier::read(&element, PLACE).unwrap().matches(&CERTIFICATE));
    }
    let pieces = write(0xa0, &[&write(4, &[first]), &[5, 0]]);
    assert!(crate::CertificateIdentifier::read(&Element::from_der(&pieces, PLACE).unwrap(), PLACE).is_err());
}

#[test]
fn other_messages_are_named() {
    let data = write(0x30, &[&write_oid(oid::DATA), &write(0xa0, &[&write(4, &[b"x"])])]);
    assert!(matches!(read(&data), Err(Error::NotThis { .. })));
    let mut message = with_signers(&[]);
    assert!(read(&message).unwrap().0.signers.is_empty());
    message.extend(b"\r\n");
    assert!(read(&message).is_ok());
    message.extend(b"x");
    assert!(matches!(read(&message), Err(Error::Encoding { what: "there is something behind its end", .. })));
}
