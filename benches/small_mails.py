"""Signs small mails with Python's `cryptography`, that is with OpenSSL's libcrypto in process.

small_mails.py KEY CERTIFICATE CHAIN MAIL: for each line with a number signs the mail so many times, to a
multipart/signed, and answers with the seconds of CPU time that this took. MAIL is an entity.
"""

import base64
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

OPTIONS = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]
HEAD = b"""From: alice@example.org\r
MIME-Version: 1.0\r
Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="=_signed"\r
\r
--=_signed\r
"""
PART = b"""\r
--=_signed\r
Content-Type: application/pkcs7-signature; name=smime.p7s\r
Content-Transfer-Encoding: base64\r
\r
"""


def main(key, certificate, chain, mail):
    key = load_pem_private_key(Path(key).read_bytes(), None)
    certificate, chain = (x509.load_pem_x509_certificate(Path(name).read_bytes()) for name in (certificate, chain))
    mail = Path(mail).read_bytes()
    for line in sys.stdin:
        start = time.process_time()
        for _ in range(int(line)):
            builder = pkcs7.PKCS7SignatureBuilder().set_data(mail).add_signer(certificate, key, hashes.SHA256())
            made = builder.add_certificate(chain).sign(Encoding.DER, OPTIONS)
            b"".join([HEAD, mail, PART, base64.encodebytes(made), b"\r\n--=_signed--\r\n"])
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
