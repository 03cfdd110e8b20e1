"""X25519 recipients (RFC 8418), which none of the peers has, from the primitives of `cryptography`.

Written from the RFCs alone, so that it can disagree with ours: EnvelopedData (RFC 5652, section 6) with AES-CBC,
AuthEnvelopedData (RFC 5083, RFC 5084) with AES-GCM, ECC-CMS-SharedInfo (RFC 5753, section 7.2), AES key wrap.
"""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DATA = "1.2.840.113549.1.7.1"
ENVELOPED = "1.2.840.113549.1.7.3"
AUTH_ENVELOPED = "1.2.840.113549.1.9.16.1.23"
X25519 = "1.3.101.110"
AES = "2.16.840.1.101.3.4.1."
# The key's octets, and the last arc of the cipher and of the wrap that goes with it.
CIPHERS = {"aes-128-cbc": (16, 2, 5), "aes-256-cbc": (32, 42, 45), "aes-128-gcm": (16, 6, 5), "aes-256-gcm": (32, 46, 45)}
SCHEMES = {
    "1.2.840.113549.1.9.16.3.19": hashes.SHA256(),
    "1.2.840.113549.1.9.16.3.20": hashes.SHA384(),
    "1.2.840.113549.1.9.16.3.21": hashes.SHA512(),
}
SEQUENCE, SET, INTEGER, OCTETS, BITS, OID = 0x30, 0x31, 2, 4, 3, 6


def tlv(tag, *values):
    value = b"".join(values)
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


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


def elements(der):
    """The elements one behind the other: tag, value, and the whole of each."""
    found = []
    while der:
        length, start = der[1], 2
        if length == 0x80:
            raise ValueError("indefinite length")
        if length > 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("truncated")
        found.append((der[0], der[start : start + length], der[: start + length]))
        der = der[start + length :]
    return found


def key_encryption_key(secret, public, scheme, wrap, ukm, length):
    shared = secret.exchange(X25519PublicKey.from_public_bytes(public))
    info = tlv(
        SEQUENCE,
        wrap,
        tlv(0xA0, tlv(OCTETS, ukm)) if ukm is not None else b"",
        tlv(0xA2, tlv(OCTETS, (8 * length).to_bytes(4, "big"))),
    )
    return HKDF(algorithm=SCHEMES[scheme], length=length, salt=ukm, info=info).derive(shared)


def encrypt(cipher, certificate, content):
    length, content_arc, wrap_arc = CIPHERS[cipher]
    gcm = cipher.endswith("gcm")
    key, iv, ukm = os.urandom(length), os.urandom(12 if gcm else 16), os.urandom(32)
    ephemeral, scheme = X25519PrivateKey.generate(), next(iter(SCHEMES))
    recipient = certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    own = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    wrap = tlv(SEQUENCE, oid(AES + str(wrap_arc)))
    wrapped = aes_key_wrap(key_encryption_key(ephemeral, recipient, scheme, wrap, ukm, length), key)
    identifier = tlv(SEQUENCE, certificate.issuer.public_bytes(), number(certificate.serial_number))
    agreed = tlv(
        0xA1,
        number(3),
        tlv(0xA0, tlv(0xA1, tlv(SEQUENCE, oid(X25519)), tlv(BITS, b"\0", own))),
        tlv(0xA1, tlv(OCTETS, ukm)),
        tlv(SEQUENCE, oid(scheme), wrap),
        tlv(SEQUENCE, tlv(SEQUENCE, identifier, tlv(OCTETS, wrapped))),
    )
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
    algorithm = tlv(SEQUENCE, oid(AES + str(content_arc)), parameters)
    body = tlv(SEQUENCE, oid(DATA), algorithm, tlv(0x80, encrypted))
    message = tlv(SEQUENCE, number(0 if gcm else 2), tlv(SET, agreed), body, mac)
    return tlv(SEQUENCE, oid(AUTH_ENVELOPED if gcm else ENVELOPED), tlv(0xA0, message))


def decrypt(secret, message):
    """For the first recipient that agrees on a key: the mail is to nobody else."""
    (_, info, _), = elements(message)
    (_, _, kind), (_, explicit, _) = elements(info)
    (_, fields, _), = elements(explicit)
    version, recipients, (_, body, _), *rest = elements(fields)
    gcm = kind == oid(AUTH_ENVELOPED)
    if version[2] != number(0 if gcm else 2):
        raise ValueError("the version of the message")
    (_, _, kind_of_content), (_, algorithm, _), (tag, encrypted, _) = elements(body)
    if kind_of_content != oid(DATA) or tag != 0x80:
        raise ValueError("the encrypted content")
    (_, _, content_cipher), parameters = elements(algorithm)
    length, _, wrap_arc = next(c for c in CIPHERS.values() if oid(AES + str(c[1])) == content_cipher)
    agreed = next(value for tag, value, _ in elements(recipients[1]) if tag == 0xA1)
    key = unwrap(secret, agreed, tlv(SEQUENCE, oid(AES + str(wrap_arc))), length)
    if gcm:
        (_, nonce, _), (_, _, tag_length) = elements(parameters[1])
        if tag_length != number(16):
            raise ValueError("the length of the tag")
        mode = modes.GCM(nonce, rest[-1][1])
        decryptor = Cipher(algorithms.AES(key), mode).decryptor()
        return decryptor.update(encrypted) + decryptor.finalize()
    decryptor, unpadder = Cipher(algorithms.AES(key), modes.CBC(parameters[1])).decryptor(), PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(encrypted) + decryptor.finalize()) + unpadder.finalize()


def unwrap(secret, agreed, wrap, length):
    fields = elements(agreed)
    if fields.pop(0)[2] != number(3):
        raise ValueError("the version of the recipient")
    (_, public_key, _), = elements(fields.pop(0)[1])
    (_, _, curve), (_, public, _) = elements(public_key)
    if curve != tlv(SEQUENCE, oid(X25519)) or public[0] != 0:
        raise ValueError("the sender's key")
    ukm = elements(fields.pop(0)[1])[0][1] if fields[0][0] == 0xA1 else None
    (_, _, scheme), (_, _, wrapping) = elements(fields.pop(0)[1])
    if wrapping != wrap:
        raise ValueError("the key wrap")
    scheme = next(text for text in SCHEMES if oid(text) == scheme)
    (_, entry, _), *_ = elements(fields.pop(0)[1])
    wrapped = elements(entry)[1][1]
    return aes_key_unwrap(key_encryption_key(secret, public[1:], scheme, wrap, ukm, length), wrapped)
