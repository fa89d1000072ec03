"""Sealing as an independent client does it, with the openssl command alone: CMS AuthEnvelopedData to a certificate, and
back with its key."""
import hashlib
import os
import subprocess
import tempfile

from certs import DER, PEM
from cryptography.hazmat.primitives.asymmetric import rsa

OAEP = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256")
ECDH = ("-keyopt", "ecdh_kdf_md:sha256")


class CannotOpen(Exception):
    pass


def recipient(certificate):
    """What SealedCredential.recipient and SealedPassword.recipient say."""
    return hashlib.sha256(certificate.public_bytes(DER)).hexdigest()


def _openssl(arguments, files, data):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        return subprocess.run(["openssl", "cms", *arguments], cwd=folder, input=data, capture_output=True, timeout=60,
                              check=False)


def seal(certificate, content, cipher="-aes-256-gcm", options=None):
    """The content as CMS in DER; `options` in place of the contract's key transport or agreement."""
    if options is None:
        options = OAEP if isinstance(certificate.public_key(), rsa.RSAPublicKey) else ECDH
    done = _openssl(["-encrypt", "-binary", "-outform", "DER", cipher, "-recip", "recipient.pem", *options],
                    {"recipient.pem": certificate.public_bytes(PEM)}, content)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def unseal(identity, cms):
    """The content, opened with the identity's key; CannotOpen where openssl refuses."""
    done = _openssl(["-decrypt", "-binary", "-inform", "DER", "-recip", "recipient.pem", "-inkey", "key.pem"],
                    {"recipient.pem": identity.certificate.public_bytes(PEM), "key.pem": identity.key_pem()}, cms)
    if done.returncode != 0:
        raise CannotOpen(done.stderr.decode())
    return done.stdout


def structure(cms):
    """openssl's description of a CMS."""
    done = _openssl(["-cmsout", "-print", "-inform", "DER"], {}, cms)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout.decode()


def flipped(cms, at):
    """The CMS with one bit of byte `at` changed."""
    changed = bytearray(cms)
    changed[at] ^= 1
    return bytes(changed)
