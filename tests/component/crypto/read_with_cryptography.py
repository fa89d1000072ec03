"""Opens what wrap_for_stores wrote, with Python's cryptography."""

import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

PASSWORD = os.environ["password"].encode()


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check_pkcs12(path, kind, with_key):
    store = pkcs12.load_pkcs12(path.read_bytes(), PASSWORD)
    if with_key:
        leaf, chain = store.cert, store.additional_certs
        assert public_bytes(store.key.public_key()) == public_bytes(leaf.certificate.public_key())
    else:
        assert store.key is None and store.cert is None
        leaf, *chain = sorted(store.additional_certs, key=lambda c: c.friendly_name is None)
    assert leaf.friendly_name == f"{kind}.shop.example".encode(), leaf.friendly_name
    assert len(chain) == 2
    try:
        pkcs12.load_pkcs12(path.read_bytes(), PASSWORD + b"x")
    except ValueError:
        return
    raise AssertionError("another password opens it")


def check_pem(path, with_key):
    text = path.read_bytes()
    begin = b"-----BEGIN CERTIFICATE"
    certificates = [x509.load_pem_x509_certificate(begin + part) for part in text.split(begin)[1:]]
    for child, issuer in zip(certificates, certificates[1:]):
        assert child.issuer == issuer.subject
        if hasattr(child, "verify_directly_issued_by"):  # cryptography 40 and later
            child.verify_directly_issued_by(issuer)
    assert len(certificates) == 3
    if with_key:
        key = serialization.load_pem_private_key(text[text.index(b"-----BEGIN ENCRYPTED"):], PASSWORD)
        assert public_bytes(key.public_key()) == public_bytes(certificates[0].public_key())


files = sorted(Path(sys.argv[1]).glob("*-*.p*"))
assert len(files) == 18, files
for file in files:
    kind, profile, content = file.stem.split("-")
    print(file.name)
    if profile == "pem":
        check_pem(file, content == "key")
    else:
        check_pkcs12(file, kind, content == "key")
print("cryptography opens all")
