"""Recipients by key agreement, from the primitives of `cryptography`, which has none itself.

Written from the RFCs alone, so that it can disagree with ours: EnvelopedData (RFC 5652, section 6) with AES-CBC,
AuthEnvelopedData (RFC 5083, RFC 5084) with AES-GCM, ECC-CMS-SharedInfo (RFC 5753, section 7.2), X25519 (RFC 8418),
AES key wrap.
"""

import os
from collections import namedtuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import SubjectKeyIdentifier

DATA = "1.2.840.113549.1.7.1"
ENVELOPED = "1.2.840.113549.1.7.3"
AUTH_ENVELOPED = "1.2.840.113549.1.9.16.1.23"
RSA = "1.2.840.113549.1.1.1"
EC = "1.2.840.10045.2.1"
X25519 = "1.3.101.110"
AES = "2.16.840.1.101.3.4.1."
# The key's octets, and the last arc of the cipher and of the wrap that goes with it.
CIPHERS = {"aes-128-cbc": (16, 2, 5), "aes-256-cbc": (32, 42, 45), "aes-128-gcm": (16, 6, 5), "aes-256-gcm": (32, 46, 45)}
# By hash: RFC 5753, section 7.1.4, and RFC 8418, section 2.2.
X963 = {"sha1": "1.3.133.16.840.63.0.2", "sha256": "1.3.132.1.11.1", "sha384": "1.3.132.1.11.2"}
HKDFS = {"sha256": "1.2.840.113549.1.9.16.3.19", "sha384": "1.2.840.113549.1.9.16.3.20"}
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384()}
SEQUENCE, SET, INTEGER, OCTETS, BITS, OID = 0x30, 0x31, 2, 4, 3, 6


def tlv(tag, *values):
    value = b"".join(values)
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def indefinite(tag, *values):
    return bytes([tag, 0x80]) + b"".join(values) + b"\0\0"


def oid(text):
    first, second, *arcs = map(int, text.split("."))
    value = b""
    for arc in [40 * first + second, *arcs]:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        value += bytes(reversed(septets))
    return tlv(OID, value)


def number(n):
    return tlv(INTEGER, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def element(ber):
    """The first: tag, value, the whole of it, and what is behind it."""
    length, start = ber[1], 2
    if length == 0x80:
        end = start
        while ber[end : end + 2] != b"\0\0":
            end = len(ber) - len(element(ber[end:])[3])
        return ber[0], ber[start:end], ber[: end + 2], ber[end + 2 :]
    if length > 0x80:
        start += length & 0x7F
        length = int.from_bytes(ber[2:start], "big")
    if len(ber) < start + length:
        raise ValueError("truncated")
    return ber[0], ber[start : start + length], ber[: start + length], ber[start + length :]


def elements(ber):
    """The elements one behind the other: tag, value, and the whole of each."""
    found = []
    while ber:
        *first, ber = element(ber)
        found.append(tuple(first))
    return found


def octets(tag, value):
    """Of an OCTET STRING, whatever its tag, in one piece or in several."""
    return b"".join(octets(*piece[:2]) for piece in elements(value)) if tag & 0x20 else value


class Montgomery:
    """X25519: the key as it is, and no parameters."""

    algorithm = tlv(SEQUENCE, oid(X25519))
    schemes = HKDFS

    @staticmethod
    def generate(_like):
        return X25519PrivateKey.generate()

    @staticmethod
    def encode(public, _compressed):
        return public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    @staticmethod
    def exchange(secret, point):
        return secret.exchange(X25519PublicKey.from_public_bytes(point))

    @staticmethod
    def derive(digest, length, shared, ukm, info):
        return HKDF(algorithm=digest, length=length, salt=ukm, info=info).derive(shared)


class Weierstrass:
    """The NIST curves: which one is known from the recipient's key, so that there are no parameters."""

    algorithm = tlv(SEQUENCE, oid(EC))
    schemes = X963

    @staticmethod
    def generate(like):
        return ec.generate_private_key(like.curve)

    @staticmethod
    def encode(public, compressed):
        form = PublicFormat.CompressedPoint if compressed else PublicFormat.UncompressedPoint
        return public.public_bytes(Encoding.X962, form)

    @staticmethod
    def exchange(secret, point):
        return secret.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(secret.curve, point))

    @staticmethod
    def derive(digest, length, shared, _ukm, info):
        return X963KDF(algorithm=digest, length=length, sharedinfo=info).derive(shared)


def kind_of(key):
    return Montgomery if isinstance(key, (X25519PrivateKey, X25519PublicKey)) else Weierstrass


def key_encryption_key(secret, point, digest, wrap, ukm, length):
    kind = kind_of(secret)
    info = tlv(
        SEQUENCE,
        wrap,
        tlv(0xA0, tlv(OCTETS, ukm)) if ukm is not None else b"",
        tlv(0xA2, tlv(OCTETS, (8 * length).to_bytes(4, "big"))),
    )
    return kind.derive(HASHES[digest], length, kind.exchange(secret, point), ukm, info)


def key_id(certificate):
    return certificate.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest


def issuer_and_serial(certificate):
    return tlv(SEQUENCE, certificate.issuer.public_bytes(), number(certificate.serial_number))


def encrypted_key(certificate, by_key_id, wrapped, frame):
    """RecipientEncryptedKey, in which a key identifier is in RecipientKeyIdentifier."""
    identifier = tlv(0xA0, tlv(OCTETS, key_id(certificate))) if by_key_id else issuer_and_serial(certificate)
    return frame(SEQUENCE, identifier, tlv(OCTETS, wrapped))


def agreed(certificates, key, length, wrap_arc, digest, options, frame):
    """One KeyAgreeRecipientInfo for all."""
    keys = [certificate.public_key() for certificate in certificates]
    kind, ukm = kind_of(keys[0]), os.urandom(32) if "ukm" in options else None
    ephemeral, scheme = kind.generate(keys[0]), kind.schemes[digest]
    wrap = tlv(SEQUENCE, oid(AES + str(wrap_arc)))
    encrypted_keys = []
    for certificate, public in zip(certificates, keys):
        kek = key_encryption_key(ephemeral, kind.encode(public, False), digest, wrap, ukm, length)
        encrypted_keys.append(encrypted_key(certificate, "key-id" in options, aes_key_wrap(kek, key), frame))
    point = kind.encode(ephemeral.public_key(), "compressed" in options)
    return frame(
        0xA1,
        number(3),
        frame(0xA0, frame(0xA1, kind.algorithm, tlv(BITS, b"\0", point))),
        frame(0xA1, tlv(OCTETS, ukm)) if ukm is not None else b"",
        tlv(SEQUENCE, oid(scheme), wrap),
        frame(SEQUENCE, *encrypted_keys),
    )


def transported(certificate, key, options, frame):
    """A KeyTransRecipientInfo."""
    by_key_id = "key-id" in options
    identifier = tlv(0x80, key_id(certificate)) if by_key_id else issuer_and_serial(certificate)
    encrypted = certificate.public_key().encrypt(key, padding.PKCS1v15())
    algorithm = tlv(SEQUENCE, oid(RSA), b"\5\0")
    return frame(SEQUENCE, number(2 if by_key_id else 0), identifier, algorithm, tlv(OCTETS, encrypted))


def encrypt(cipher, digest, options, certificates, content):
    length, content_arc, wrap_arc = CIPHERS[cipher]
    gcm, frame = cipher.endswith("gcm"), indefinite if "streamed" in options else tlv
    key, iv = os.urandom(length), os.urandom(12 if gcm else 16)
    rsa = [certificate for certificate in certificates if isinstance(certificate.public_key(), RSAPublicKey)]
    others = [certificate for certificate in certificates if certificate not in rsa]
    recipients = [agreed(others, key, length, wrap_arc, digest, options, frame)]
    recipients += [transported(certificate, key, options, frame) for certificate in rsa]
    if gcm:
        parameters = tlv(SEQUENCE, tlv(OCTETS, iv), number(16))
        encryptor = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
        encrypted = encryptor.update(content) + encryptor.finalize()
        mac = tlv(OCTETS, encryptor.tag)
    else:
        parameters, padder = tlv(OCTETS, iv), PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        encrypted = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
        mac = b""
    if frame is indefinite:
        pieces = [tlv(OCTETS, encrypted[start : start + 100]) for start in range(0, len(encrypted), 100)]
        encrypted = indefinite(0xA0, *pieces)
    else:
        encrypted = tlv(0x80, encrypted)
    algorithm = tlv(SEQUENCE, oid(AES + str(content_arc)), parameters)
    body = frame(SEQUENCE, oid(DATA), algorithm, encrypted)
    message = frame(SEQUENCE, number(0 if gcm else 2), frame(SET, *sorted(recipients)), body, mac)
    return frame(SEQUENCE, oid(AUTH_ENVELOPED if gcm else ENVELOPED), frame(0xA0, message))


Agreement = namedtuple("Agreement", "point ukm algorithm keys")


def agreements(recipients):
    """Each KeyAgreeRecipientInfo of them."""
    for tag, value, _ in elements(recipients):
        if tag != 0xA1:
            continue
        fields = elements(value)
        if fields.pop(0)[2] != number(3):
            raise ValueError("the version of the recipient")
        (_, public_key, _), = elements(fields.pop(0)[1])
        _, (_, bits, _) = elements(public_key)
        ukm = octets(*elements(fields.pop(0)[1])[0][:2]) if fields[0][0] == 0xA1 else None
        (_, algorithm, _), (_, keys, _) = fields
        yield Agreement(bits[1:], ukm, elements(algorithm), elements(keys))


def is_named(certificate, identifier):
    tag, value, whole = identifier
    if tag == 0xA0:
        return octets(*elements(value)[0][:2]) == key_id(certificate)
    return whole == issuer_and_serial(certificate)


def content_key(secret, certificate, recipients):
    for agreement in agreements(recipients):
        for _, encrypted_key, _ in agreement.keys:
            identifier, wrapped = elements(encrypted_key)
            if is_named(certificate, identifier):
                (_, _, scheme), (_, wrap_fields, wrap) = agreement.algorithm
                digest = next(name for name, id in kind_of(secret).schemes.items() if oid(id) == scheme)
                length = next(c[0] for c in CIPHERS.values() if oid(AES + str(c[2])) == elements(wrap_fields)[0][2])
                kek = key_encryption_key(secret, agreement.point, digest, wrap, agreement.ukm, length)
                return aes_key_unwrap(kek, octets(*wrapped[:2]))
    raise ValueError("no such recipient")


def decrypt(secret, certificate, message):
    (_, info, _), = elements(message)
    (_, _, kind), (_, explicit, _) = elements(info)
    (_, fields, _), = elements(explicit)
    version, (_, recipients, _), (_, body, _), *rest = elements(fields)
    gcm = kind == oid(AUTH_ENVELOPED)
    if version[2] != number(0 if gcm else 2):
        raise ValueError("the version of the message")
    (_, _, kind_of_content), (_, algorithm, _), (tag, encrypted, _) = elements(body)
    if kind_of_content != oid(DATA) or tag & ~0x20 != 0x80:
        raise ValueError("the encrypted content")
    encrypted = octets(tag, encrypted)
    (_, _, cipher), parameters = elements(algorithm)
    if not any(oid(AES + str(c[1])) == cipher for name, c in CIPHERS.items() if name.endswith("gcm") == gcm):
        raise ValueError("the cipher")
    key = content_key(secret, certificate, recipients)
    if gcm:
        nonce, *tag_length = elements(parameters[1])
        mac = octets(*rest[-1][:2])
        if len(mac) != (tag_length[0][1][0] if tag_length else 12):
            raise ValueError("the length of the tag")
        decryptor = Cipher(algorithms.AES(key), modes.GCM(nonce[1], mac, len(mac))).decryptor()
        return decryptor.update(encrypted) + decryptor.finalize()
    decryptor, unpadder = Cipher(algorithms.AES(key), modes.CBC(parameters[1])).decryptor(), PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(encrypted) + decryptor.finalize()) + unpadder.finalize()
