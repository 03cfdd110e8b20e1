"""S/MIME by Python's `cryptography` for the tests: one process for many mails.

Reads commands, a line each, with tabs between the words, and answers each with a line: "ok", or "no" and why.

  sign FORM HASH PADDING KEY CERTIFICATE CHAIN IN OUT   an entity; FORM is multipart or opaque; a mail, or DER if opaque
  verify TRUST CHAIN SIGNATURE CONTENT             DER; CONTENT is "-" if it is inside
  encrypt CIPHER TRANSPORT CERTIFICATE IN OUT      an entity; a mail comes out
  decrypt KEY CERTIFICATE IN OUT                   a mail; the entity comes out
  agree CIPHER KDF OPTIONS CERTIFICATES IN OUT     an entity, by `agreement.py`; BER comes out; KDF is sha1, sha256 or
                                                   sha384; OPTIONS are of "ukm", "key-id", "streamed" and "compressed",
                                                   with commas between them, as between the certificates
  disagree KEY CERTIFICATE IN OUT                  the other way
  version                                          answers with "ok" and the version
"""

import sys
from pathlib import Path

import cryptography
from cryptography import x509
from cryptography.hazmat.backends.openssl import backend
# The only way in to its PKCS#7 verification, which is OpenSSL's: its own tests use it.
from cryptography.hazmat.bindings._rust import test_support
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

import agreement

BINARY = pkcs7.PKCS7Options.Binary
CIPHERS = {"aes-128-cbc": algorithms.AES128, "aes-256-cbc": algorithms.AES256}

HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


def read(name):
    return Path(name).read_bytes()


def certificate(name):
    return x509.load_pem_x509_certificate(read(name))


def secret(name):
    return load_pem_private_key(read(name), None)


def sign(form, digest, scheme, key, signer, chain, name, out):
    key, digest = secret(key), HASHES[digest]()
    pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH) if scheme == "pss" else None
    builder = pkcs7.PKCS7SignatureBuilder().set_data(read(name))
    builder = builder.add_signer(certificate(signer), key, digest, rsa_padding=pss)
    builder = builder.add_certificate(certificate(chain))
    if form == "opaque":
        made = builder.sign(Encoding.DER, [BINARY])
    else:
        made = builder.sign(Encoding.SMIME, [BINARY, pkcs7.PKCS7Options.DetachedSignature])
    Path(out).write_bytes(made)


def verify(trust, chain, signature, content):
    content = None if content == "-" else read(content)
    known = [certificate(trust), certificate(chain)]
    test_support.pkcs7_verify(Encoding.DER, read(signature), content, known, [BINARY])


def encrypt(cipher, transport, recipient, name, out):
    digest = hashes.SHA256()
    # A version that has OAEP will name it as its signature builder does.
    oaep = {"rsa_padding": padding.OAEP(padding.MGF1(digest), digest, None)} if transport == "oaep" else {}
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(read(name)).add_recipient(certificate(recipient), **oaep)
    builder = builder.set_content_encryption_algorithm(CIPHERS.get(cipher, algorithms.ChaCha20))
    Path(out).write_bytes(builder.encrypt(Encoding.SMIME, [BINARY]))


def decrypt(key, recipient, name, out):
    Path(out).write_bytes(pkcs7.pkcs7_decrypt_smime(read(name), certificate(recipient), secret(key), []))


def agree(cipher, kdf, options, recipients, name, out):
    recipients = [certificate(recipient) for recipient in recipients.split(",")]
    Path(out).write_bytes(agreement.encrypt(cipher, kdf, options.split(","), recipients, read(name)))


def disagree(key, recipient, name, out):
    Path(out).write_bytes(agreement.decrypt(secret(key), certificate(recipient), read(name)))


COMMANDS = {
    "sign": sign,
    "verify": verify,
    "encrypt": encrypt,
    "decrypt": decrypt,
    "agree": agree,
    "disagree": disagree,
}


def answer(words):
    if words == ["version"]:
        return f"ok {cryptography.__version__} ({backend.openssl_version_text()})"
    try:
        COMMANDS[words[0]](*words[1:])
        return "ok"
    # A panic in its Rust part is none of the usual exceptions.
    except BaseException as error:
        return f"no {type(error).__name__}: {error}".replace("\n", " ")


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer(line.rstrip("\n").split("\t")), flush=True)
