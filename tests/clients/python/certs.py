"""Certificates for tests: a small private CA, keys of several kinds, PKCS#12 and PEM made and opened by tools that
have nothing to do with certswap: Python cryptography, openssl, Java's keytool."""
import datetime
import ipaddress
import os
import re
import subprocess
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


def thumbprint(certificate):
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def make_key(kind="P-256"):
    curves = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
           "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


class Identity:
    """A key, its certificate and the chain above it, leaf's issuer first. `days`: for how long from now it holds, below
    0 that it ended so long ago; `usage`: the names of x509.KeyUsage that it is restricted to; `names`: the host names
    and IP addresses that it is for."""

    def __init__(self, common_name, issuer=None, kind="P-256", ca=False, days=30, usage=None, names=()):
        self.common_name = common_name
        self.key = make_key(kind)
        self.chain = [issuer.certificate] + issuer.chain if issuer else []
        now = datetime.datetime.now(datetime.timezone.utc)
        signer = issuer.key if issuer else self.key
        builder = (x509.CertificateBuilder().subject_name(_name(common_name))
                   .issuer_name(issuer.certificate.subject if issuer else _name(common_name))
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=abs(min(days, 0)), hours=1))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .add_extension(x509.BasicConstraints(ca, None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(name) for name in names]), critical=False)
        if usage is not None:
            builder = builder.add_extension(x509.KeyUsage(**{name: name in usage for name in _USAGES}), critical=True)
        self.certificate = builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey)
                                        else hashes.SHA256())

    @classmethod
    def of(cls, common_name, opened):
        """The identity that somebody else made."""
        identity = cls.__new__(cls)
        identity.common_name, identity.key = common_name, opened.key
        identity.certificate, identity.chain = opened.leaf, opened.chain
        return identity

    @property
    def thumbprint(self):
        return thumbprint(self.certificate)

    def key_pkcs8(self):
        return self.key.private_bytes(DER, PKCS8, serialization.NoEncryption())

    def key_pem(self):
        return self.key.private_bytes(PEM, PKCS8, serialization.NoEncryption())

    def secret_bytes(self):
        """The private number itself: what must be readable nowhere."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.private_numbers().private_value.to_bytes((self.key.key_size + 7) // 8, "big")
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.private_bytes_raw()
        d = self.key.private_numbers().d
        return d.to_bytes((d.bit_length() + 7) // 8, "big")

    def pfx(self, password, legacy=False, key=None):
        """PKCS#12 with chain; `legacy`: 3DES and a SHA-1 MAC; `key`: another key than the certificate's."""
        algorithm = serialization.BestAvailableEncryption(password.encode())
        if legacy:
            algorithm = (serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048)
                         .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
                         .hmac_hash(hashes.SHA1()).build(password.encode()))
        if key is not None:
            return pkcs12.serialize_key_and_certificates(b"mismatch", key, None, [self.certificate] + self.chain,
                                                         algorithm)
        return pkcs12.serialize_key_and_certificates(self.common_name.encode(), self.key, self.certificate,
                                                     self.chain or None, algorithm)

    def pem(self, password=None):
        """Leaf, chain, key (encrypted PKCS#8 under the password) in one text."""
        encryption = (serialization.BestAvailableEncryption(password.encode()) if password
                      else serialization.NoEncryption())
        return (b"".join(c.public_bytes(PEM) for c in [self.certificate] + self.chain)
                + self.key.private_bytes(PEM, PKCS8, encryption))


class Opened:
    """What a credential's content holds: key (None where there is none), leaf, chain."""

    def __init__(self, key, leaf, chain):
        self.key, self.leaf, self.chain = key, leaf, chain


def open_pkcs12(content, password):
    key, leaf, others = pkcs12.load_key_and_certificates(content, password.encode())
    if leaf is None and others:
        leaf, others = others[0], others[1:]
    return Opened(key, leaf, others)


def open_pem(content, password):
    """Leaf, chain, key in this order; any other content is an error."""
    blocks = re.findall(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", content, re.DOTALL)
    certificates = x509.load_pem_x509_certificates(content)
    key = None
    if b"ENCRYPTED PRIVATE KEY" in blocks:
        key = serialization.load_pem_private_key(content[content.index(b"-----BEGIN ENCRYPTED"):],
                                                 password.encode())
    expected = [b"CERTIFICATE"] * len(certificates) + ([b"ENCRYPTED PRIVATE KEY"] if key else [])
    if blocks != expected:
        raise ValueError(f"the PEM holds {blocks}")
    return Opened(key, certificates[0], certificates[1:])


def _run(command, secrets, content, suffix):
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(content)
        file.flush()
        done = subprocess.run([part.replace("FILE", file.name) for part in command], capture_output=True,
                              env=dict(os.environ, LC_ALL="C", **secrets), timeout=60, check=False)
    if done.returncode != 0:
        raise ValueError(f"{command[0]}: {done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout.decode() + done.stderr.decode()


def openssl_pkcs12_algorithms(content, password):
    """What `openssl pkcs12 -info` says of the algorithms: MAC, key bag, certificate bags, iterations."""
    return _run(["openssl", "pkcs12", "-in", "FILE", "-info", "-noout", "-passin", "env:PFX_PASSWORD"],
                {"PFX_PASSWORD": password}, content, ".p12")


def openssl_pkcs12(content, password):
    """The PEM text of all that openssl finds in a PKCS#12."""
    return _run(["openssl", "pkcs12", "-in", "FILE", "-nodes", "-passin", "env:PFX_PASSWORD"],
                {"PFX_PASSWORD": password}, content, ".p12")


def keytool_list(content, password):
    """What keytool lists of a PKCS#12 keystore."""
    return _run(["keytool", "-J-XX:TieredStopAtLevel=1", "-list", "-v", "-storetype", "PKCS12", "-keystore", "FILE",
                 "-storepass:env", "PFX_PASSWORD"], {"PFX_PASSWORD": password}, content, ".p12")


def keytool_pfx(common_name, password):
    """A PKCS#12 made by keytool, with a self-signed certificate."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.p12")
        done = subprocess.run(
            ["keytool", "-J-XX:TieredStopAtLevel=1", "-genkeypair", "-storetype", "PKCS12", "-keystore", path,
             "-storepass:env", "PFX_PASSWORD", "-keyalg", "EC", "-groupname", "secp256r1", "-alias", "made",
             "-dname", f"CN={common_name}"],
            capture_output=True, env=dict(os.environ, PFX_PASSWORD=password), timeout=60, check=False)
        if done.returncode != 0:
            raise ValueError(f"keytool: {done.stdout.decode()}{done.stderr.decode()}")
        with open(path, "rb") as file:
            return file.read()
