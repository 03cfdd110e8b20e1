"""encrypt.py PUBLIC_KEY.asc: encrypts standard input with PGPy, to an armored message on standard output."""

import sys
import warnings

# PGPy takes old ciphers from where `cryptography` will no longer have them. The pinned version has.
warnings.filterwarnings("ignore", module="pgpy")

import pgpy
from pgpy.constants import CompressionAlgorithm


def main(key_file):
    key, _ = pgpy.PGPKey.from_file(key_file)
    # By itself PGPy takes ASCII for text, and compresses for keys that don't ask for it.
    message = pgpy.PGPMessage.new(
        sys.stdin.buffer.read(), format="b", compression=CompressionAlgorithm.Uncompressed
    )
    print(key.encrypt(message), end="")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected exactly one argument: the key file")
    try:
        main(sys.argv[1])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
