"""What pkilint finds wrong with certificates for mail, by the S/MIME Baseline Requirements.

Reads a JSON list of [type, certificate in hexadecimal DER]; a type is MAILBOX-STRICT or the like, or null to take the
one that the certificate's policy says. Writes the list of what was found in each at ERROR or above: [code, text].
One process for many certificates: starting it takes longer than linting.
"""

import binascii
import functools
import json
import sys

from pkilint import loader
from pkilint.cabf import smime
from pkilint.cabf.smime import smime_constants
from pkilint.pkix import certificate
from pkilint.validation import ValidationFindingSeverity


@functools.cache
def validator(level, generation):
    """Made once: it reads lists of names."""
    return certificate.create_pkix_certificate_validator_container(
        smime.create_decoding_validators(),
        smime.create_subscriber_validators(level, generation),
    )


def findings(kind, der):
    try:
        document = loader.RFC5280CertificateDocumentLoader().load_der_document(der, "certificate")
    except ValueError as error:
        return [["unreadable", str(error)]]
    if kind is None:
        level_and_generation = smime.determine_validation_level_and_generation(document)
        if level_and_generation is None:
            return [["no type", ""]]
    else:
        level, generation = kind.split("-")
        level_and_generation = (
            smime_constants.ValidationLevel[level],
            smime_constants.Generation[generation],
        )
    results = validator(*level_and_generation).validate(document.root)
    return [
        [description.finding.code, description.message or ""]
        for result in results
        for description in result.finding_descriptions
        if description.finding.severity <= ValidationFindingSeverity.ERROR
    ]


asked = json.load(sys.stdin)
json.dump([findings(kind, binascii.a2b_hex(der)) for kind, der in asked], sys.stdout)
