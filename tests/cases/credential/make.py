"""Cases that neither openssl nor keytool writes: called by make.sh, which made the certificates."""

import base64
import hashlib
import hmac
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12

sys.path.insert(0, str(Path(__file__).parent.parent))
from der import NULL, der, integer, octets, oid, sequence  # noqa: E402

PKI, CASES = Path(os.environ["pki"]), Path(os.environ["cases"])
PASSWORD = "changeit"


DATA, ENCRYPTED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
BAG = "1.2.840.113549.1.12.10.1."
HASHES = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3",
          "md5": "1.2.840.113549.2.5"}
HMACS = {"sha1": "1.2.840.113549.2.7", "sha256": "1.2.840.113549.2.9", "sha512": "1.2.840.113549.2.11"}


# ---- derivation and encryption ----
def pkcs12_kdf(password, salt, iterations, purpose, length, name):
    """RFC 7292, appendix B.2."""
    block = hashlib.new(name).block_size
    text = (password + "\0").encode("utf-16-be")

    def fill(data):
        return (data * (block // len(data) + 1 + len(data)))[: block * -(-len(data) // block)] if data else b""

    state, out = fill(salt) + fill(text), b""
    while len(out) < length:
        a = bytes([purpose]) * block + state
        for _ in range(iterations):
            a = hashlib.new(name, a).digest()
        out += a
        b = int.from_bytes((a * block)[:block], "big") + 1
        state = b"".join(
            ((int.from_bytes(state[i: i + block], "big") + b) % (1 << 8 * block)).to_bytes(block, "big")
            for i in range(0, len(state), block))
    return out[:length]


def pbkdf2(salt, iterations, prf="sha256", key_len=None, tail=b""):
    length = integer(key_len) if key_len is not None else b""
    return sequence(oid("1.2.840.113549.1.5.12"), sequence(octets(salt), integer(iterations), length,
                                                           sequence(oid(HMACS[prf]), NULL)), tail)


def pbes2(plain, iterations=2, claimed=None, prf="sha256", scheme="2.16.840.1.101.3.4.1.42", key_len=None):
    """AES-256-CBC: its algorithm and the bytes; `claimed` is the count that is written."""
    salt, iv = os.urandom(16), os.urandom(16)
    key = hashlib.pbkdf2_hmac(prf, PASSWORD.encode(), salt, iterations, 32)
    pad = 16 - len(plain) % 16
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    algorithm = sequence(oid("1.2.840.113549.1.5.13"), sequence(
        pbkdf2(salt, iterations if claimed is None else claimed, prf, key_len), sequence(oid(scheme), octets(iv))))
    return algorithm, cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()


# ---- PKCS#12 ----
def attribute(name, value):
    return sequence(oid(name), der(0x31, value))


def bag(kind, value, key_id=None):
    attributes = der(0x31, attribute("1.2.840.113549.1.9.21", octets(key_id))) if key_id else b""
    return sequence(oid(BAG + str(kind)), der(0xA0, value), attributes)


def cert_bag(name, key_id=None):
    return bag(3, sequence(oid("1.2.840.113549.1.9.22.1"), der(0xA0, octets(cert(name)))), key_id)


def key_bag(name, key_id=None):
    return bag(1, key(name), key_id)


def shrouded_bag(name, key_id=None, **options):
    algorithm, body = pbes2(key(name), **options)
    return bag(2, sequence(algorithm, octets(body)), key_id)


def clear(*bags):
    return sequence(oid(DATA), der(0xA0, octets(sequence(*bags))))


def encrypted(*bags, **options):
    algorithm, body = pbes2(sequence(*bags), **options)
    return sequence(oid(ENCRYPTED), der(0xA0, sequence(
        integer(0), sequence(oid(DATA), algorithm, der(0x80, body)))))


def mac_of(safes, name="sha256", iterations=2, claimed=None, salt=b"saltsalt", flip=False):
    digest = bytearray(hmac.digest(
        pkcs12_kdf(PASSWORD, salt, iterations, 3, hashlib.new(name).digest_size, name), safes, name))
    digest[0] ^= flip
    count = iterations if claimed is None else claimed
    return sequence(sequence(sequence(oid(HASHES[name]), NULL), octets(bytes(digest))), octets(salt), integer(count))


def pbmac1(safes, prf="sha256", scheme="sha256", key_len=32, iterations=2, claimed=None):
    """RFC 9579."""
    salt = os.urandom(16)
    mac_key = hashlib.pbkdf2_hmac(prf, PASSWORD.encode(), salt, iterations, key_len)
    params = sequence(pbkdf2(salt, iterations if claimed is None else claimed, prf, key_len),
                      sequence(oid(HMACS[scheme]), NULL))
    return sequence(sequence(sequence(oid("1.2.840.113549.1.5.14"), params),
                             octets(hmac.digest(mac_key, safes, scheme))), octets(b"NOT USED"), integer(1))


def pfx(*safes, mac=mac_of, version=3, **mac_options):
    body = sequence(*safes)
    return sequence(integer(version), sequence(oid(DATA), der(0xA0, octets(body))),
                    mac(body, **mac_options) if mac else b"")


def ber(data):
    """The same with indefinite lengths, and octet strings of [0] EXPLICIT cut in two, as BouncyCastle writes."""
    out, at = b"", 0
    while at < len(data):
        tag, size, head = data[at], data[at + 1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(data[at + 2: at + head], "big")
        body = data[at + head: at + head + size]
        at += head + size
        if tag in (0x30, 0xA0, 0x31):
            out += bytes([tag, 0x80]) + ber(body) + b"\0\0"
        elif tag == 0x04 and size > 300:
            out += b"\x24\x80" + octets(body[:200]) + octets(body[200:]) + b"\0\0"
        else:
            out += der(tag, body)
    return out


# ---- the certificates and keys of make.sh ----
def cert(name):
    return load_cert(name).public_bytes(serialization.Encoding.DER)


def load_cert(name):
    return x509.load_pem_x509_certificate((PKI / f"{name}.crt").read_bytes())


def load_key(name):
    return serialization.load_pem_private_key((PKI / f"{name}.key").read_bytes(), None)


def key(name):
    return load_key(name).private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption())


def write(folder, name, description, content, lines, kind="PKCS12", password=PASSWORD):
    path = CASES / folder / name
    path.mkdir(parents=True)
    (path / ("credential.p12" if kind == "PKCS12" else "credential.pem")).write_bytes(content)
    head = [f"description: {description}", f"format: {kind}"]
    if password is not None:
        head.append(f"password: {password}")
    (path / "case.txt").write_text("\n".join(head + lines) + "\n", encoding="utf-8")


def valid(name, description, content, leaf, chain, **options):
    thumbprint = load_cert(leaf).fingerprint(hashes.SHA1()).hex().upper()
    write("valid", name, description, content, [f"thumbprint: {thumbprint}", f"chain: {chain}"], **options)


def invalid(name, description, content, error, **options):
    write("invalid", name, description, content, [f"error: {error}"], **options)


def by_cryptography():
    chain = [load_cert("issuing"), load_cert("root")]
    private = serialization.PrivateFormat.PKCS12
    builders = {
        "best": serialization.BestAvailableEncryption(PASSWORD.encode()),
        "aes-sha256": private.encryption_builder().kdf_rounds(2048).key_cert_algorithm(
            pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256()).build(PASSWORD.encode()),
        "3des-sha1": private.encryption_builder().kdf_rounds(2048).key_cert_algorithm(
            pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1()).build(PASSWORD.encode()),
        "aes-sha512-mac": private.encryption_builder().kdf_rounds(2048).key_cert_algorithm(
            pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA512()).build(PASSWORD.encode()),
    }
    for name, encryption in builders.items():
        for kind in ("rsa", "p384", "ed25519"):
            content = pkcs12.serialize_key_and_certificates(
                kind.encode(), load_key(kind), load_cert(kind), chain, encryption)
            valid(f"python-{name}-{kind}", f"Python cryptography: {name}, {kind}", content, kind, 2)
    content = pkcs12.serialize_key_and_certificates(
        b"plain", load_key("rsa"), load_cert("rsa"), None, serialization.NoEncryption())
    valid("python-no-encryption", "Python cryptography without encryption: a MAC under the empty password", content,
          "rsa", 0, password=None)


def valid_by_hand():
    leaf = cert_bag("p256", b"\1")
    rest = [cert_bag("issuing"), cert_bag("root")]
    shrouded = shrouded_bag("p256", b"\1")
    for prf in ("sha1", "sha512"):
        valid(f"pbes2-prf-{prf}", f"PBKDF2 with HMAC-{prf.upper()}",
              pfx(encrypted(leaf, *rest, prf=prf), clear(shrouded_bag("p256", b"\1", prf=prf))), "p256", 2)
    valid("key-length-said", "PBKDF2 parameters with the key's length",
          pfx(clear(leaf, *rest), clear(shrouded_bag("p256", b"\1", key_len=32))), "p256", 2)
    valid("key-in-encrypted-safe", "shrouded key inside of an encrypted safe",
          pfx(encrypted(leaf, shrouded, *rest)), "p256", 2)
    valid("plain-key-in-encrypted-safe", "plain key inside of an encrypted safe",
          pfx(encrypted(key_bag("p256", b"\1"), leaf)), "p256", 0)
    valid("nested-safe", "bags within a bag of bags", pfx(clear(bag(6, sequence(leaf, *rest)), shrouded)), "p256", 2)
    valid("no-local-key-id", "no localKeyId: the leaf is found by its key",
          pfx(clear(*rest, cert_bag("rsa"), cert_bag("p256"), shrouded_bag("p256"))), "p256", 2)
    valid("wrong-local-key-id", "localKeyId on a certificate that the key does not fit",
          pfx(clear(cert_bag("rsa", b"\1"), *rest, cert_bag("p256", b"\2"), shrouded)), "p256", 2)
    valid("same-certificate-twice", "the leaf and its issuer twice", pfx(clear(leaf, leaf, *rest, *rest, shrouded)),
          "p256", 2)
    valid("unknown-bag", "a bag that certswap does not know",
          pfx(clear(leaf, sequence(oid("1.2.3.4.5"), der(0xA0, sequence(integer(1)))), shrouded)), "p256", 0)
    valid("ber", "indefinite lengths and cut octet strings, as BouncyCastle writes",
          ber(pfx(clear(leaf, *rest), clear(shrouded))), "p256", 2)
    valid("pbmac1", "PBMAC1 (RFC 9579) with SHA-256",
          pfx(encrypted(leaf, *rest), clear(shrouded), mac=pbmac1), "p256", 2)
    valid("pbmac1-sha512", "PBMAC1 with SHA-512 in both places",
          pfx(encrypted(leaf), clear(shrouded), mac=pbmac1, prf="sha512", scheme="sha512", key_len=64), "p256", 0)
    raw = load_key("ed25519")
    seed = raw.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    public = raw.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    second = sequence(integer(1), sequence(oid("1.3.101.112")), octets(octets(seed)), der(0x81, b"\0" + public))
    valid("pkcs8-version-2", "a key of RFC 5958's second version, with its public key",
          pfx(clear(cert_bag("ed25519", b"\1"), bag(1, second, b"\1"))), "ed25519", 0)
    attributed = sequence(integer(0), sequence(oid("1.3.101.112")), octets(octets(seed)),
                          der(0xA0, attribute("2.5.29.15", der(0x03, b"\0\x80"))))
    valid("pkcs8-attributes", "a key with attributes, as Windows writes",
          pfx(clear(cert_bag("ed25519", b"\1"), bag(1, attributed, b"\1"))), "ed25519", 0)
    pem = "".join(f"-----BEGIN {label}-----\n{base64.b64encode(body).decode()}\n-----END {label}-----"
                  for label, body in (("CERTIFICATE", cert("p256")), ("PRIVATE KEY", key("p256"))))
    valid("pem-one-line", "base64 without line ends", pem.encode(), "p256", 0, kind="PEM", password=None)


def invalid_by_hand():
    leaf, other = cert_bag("p256", b"\1"), cert_bag("rsa", b"\1")
    shrouded, bomb = shrouded_bag("p256", b"\1"), 2**31 - 1
    whole = pfx(encrypted(leaf), clear(shrouded))
    invalid("altered-mac", "one bit of the MAC", pfx(encrypted(leaf), clear(shrouded), flip=True),
            "the password does not open")
    at = whole.index(cert("p256")[:4]) if cert("p256")[:4] in whole else len(whole) // 2
    altered = bytearray(whole)
    altered[at] ^= 1
    invalid("altered-content", "one bit of the encrypted certificates", bytes(altered), "")
    for claimed, name in ((bomb, "int-max"), (2**62, "2-62"), (2**80, "2-80")):
        invalid(f"bomb-mac-{name}", f"the MAC asks for {name} iterations",
                pfx(encrypted(leaf), clear(shrouded), claimed=claimed), "the MAC asks for")
    invalid("bomb-safe", "an encrypted safe asks for INT_MAX iterations",
            pfx(encrypted(leaf, claimed=bomb), clear(shrouded)), "an encrypted safe asks for")
    invalid("bomb-key", "a key bag in clear asks for INT_MAX iterations",
            pfx(encrypted(leaf), clear(shrouded_bag("p256", claimed=bomb))), "the key bag asks for")
    invalid("bomb-hidden-key", "a key bag within an encrypted safe asks for INT_MAX iterations",
            pfx(encrypted(leaf, shrouded_bag("p256", claimed=bomb))), "the key bag asks for")
    invalid("bomb-pbmac1", "PBMAC1 asks for INT_MAX iterations",
            pfx(encrypted(leaf), clear(shrouded), mac=pbmac1, claimed=bomb), "the MAC asks for")
    invalid("bomb-many-safes", "twelve safes of 4,900,000 iterations each",
            pfx(*[encrypted(leaf, claimed=4900000) for _ in range(12)], clear(shrouded)), "together")
    invalid("iterations-zero", "no iterations", pfx(encrypted(leaf, claimed=0), clear(shrouded)), "below 1")
    invalid("iterations-negative", "a negative count", pfx(clear(leaf, shrouded), claimed=-5), "below 1")
    invalid("pbmac1-short-key", "a PBMAC1 key of 8 bytes",
            pfx(clear(leaf, shrouded), mac=pbmac1, key_len=8), "PBMAC1 is unsupported")
    invalid("mac-md5", "a MAC with MD5", pfx(clear(leaf, shrouded), name="md5"), "is unsupported")
    invalid("two-keys", "two entries", pfx(clear(leaf, shrouded, cert_bag("rsa", b"\2"), shrouded_bag("rsa", b"\2"))),
            "more than one private key")
    invalid("other-key", "a key of another certificate", pfx(clear(other, shrouded)), "no certificate of the PKCS#12")
    invalid("key-alone", "a key without certificate", pfx(clear(shrouded)), "has no certificate")
    rsa = load_key("rsa").private_numbers()
    mixed = bytearray(key("rsa"))
    d = rsa.d.to_bytes(256, "big")
    at = mixed.index(d)
    mixed[at + 100] ^= 1
    invalid("damaged-rsa-key", "an RSA key with the certificate's modulus and a wrong private exponent",
            pfx(clear(cert_bag("rsa"), bag(1, bytes(mixed)))), "no certificate of the PKCS#12")
    ec = key("p256")
    scalar = load_key("p256").private_numbers().private_value.to_bytes(32, "big")
    mixed = ec.replace(scalar, scalar[:-1] + bytes([scalar[-1] ^ 1]))
    invalid("damaged-ec-key", "an EC key with the certificate's point and another number",
            pfx(clear(leaf, bag(1, mixed))), "no certificate of the PKCS#12")
    deep = leaf
    for _ in range(8):
        deep = bag(6, sequence(deep))
    invalid("nested-deep", "eight bags in bags", pfx(clear(deep, shrouded)), "nests its safes")
    for _ in range(300):
        deep = bag(6, sequence(deep))
    invalid("nested-very-deep", "three hundred bags in bags", pfx(clear(deep, shrouded)), "")
    invalid("many-bags", "a thousand empty bags",
            pfx(clear(leaf, shrouded, *[sequence(oid("1.2.3"), der(0xA0, NULL))] * 1000)), "more than 200 bags")
    invalid("many-safes", "twenty safes", pfx(*[clear(leaf)] * 20, clear(shrouded)), "more than 16 safes")
    invalid("long-salt", "a salt of 4096 bytes", pfx(clear(leaf, shrouded), salt=b"s" * 4096), "salt of 4096 bytes")
    invalid("empty-salt", "a salt of no bytes, and no password", pfx(clear(leaf, shrouded), salt=b""), "empty salt",
            password=None)
    invalid("version-2", "another version", pfx(clear(leaf, shrouded), version=2), "cannot be read")
    invalid("unknown-cipher", "PBES2 with a cipher that certswap does not know",
            pfx(clear(leaf, shrouded_bag("p256", scheme="1.2.410.200004.1.4"))), "which is unsupported")
    invalid("wrong-key-length", "PBKDF2 parameters with another key length than the cipher's",
            pfx(clear(leaf, shrouded_bag("p256", key_len=16))), "cannot be read")
    invalid("no-safes", "no safe in it", pfx(), "no private key")
    invalid("garbage-certificate", "bytes that are no certificate",
            pfx(clear(bag(3, sequence(oid("1.2.840.113549.1.9.22.1"), der(0xA0, octets(b"no certificate")))), shrouded)),
            "cannot be read")
    invalid("signed", "protected by a signature",
            sequence(integer(3), sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, sequence(integer(1))))), "signature")
    big = base64.encodebytes(sequence(sequence(oid("1.2.840.113549.1.5.13"), sequence(
        sequence(oid("1.3.6.1.4.1.11591.4.11"), sequence(octets(b"salt"), integer(2**30), integer(8), integer(1))),
        sequence(oid("2.16.840.1.101.3.4.1.42"), octets(b"i" * 16)))), octets(b"x" * 64))).decode()
    bomb_key, _ = pbes2(key("p256"), claimed=bomb)
    iterations = base64.encodebytes(sequence(bomb_key, octets(b"x" * 64))).decode()
    certificate = load_cert("p256").public_bytes(serialization.Encoding.PEM).decode()
    for name, body, error in (("scrypt", big, "scrypt with other"), ("iterations", iterations, "asks for")):
        invalid(f"pem-bomb-{name}", f"an encrypted key that asks for too much ({name})",
                (certificate + f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}-----END ENCRYPTED PRIVATE KEY-----\n").encode(),
                error, kind="PEM")
    junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    plain = base64.encodebytes(key("p256")).decode()
    invalid("pem-garbage-certificate", "base64 that is no certificate",
            (junk + f"-----BEGIN PRIVATE KEY-----\n{plain}-----END PRIVATE KEY-----\n").encode(), "cannot be read",
            kind="PEM", password=None)


by_cryptography()
valid_by_hand()
invalid_by_hand()
