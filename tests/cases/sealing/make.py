"""Makes the cases of this folder anew: pairs/ (keys with certificates), certificates/ (that can be sealed to or not),
valid/ and invalid/ (messages; each case is in cases.txt: folder, name, the words that an invalid one is refused with).
All messages hold "sealed to you". valid/openssl-* are by `openssl cms`, the others by the few lines of DER below. Kept in
the repository, so that tests need neither. Needs python3 with cryptography 42 or later, and openssl 3."""

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

sys.path.insert(0, str(Path(__file__).parent.parent))
from der import NULL, der, integer, octets, oid, sequence  # noqa: E402

HERE = Path(__file__).parent
CONTENT = b"sealed to you"
CEK = bytes(range(32))
NONCE = bytes(range(12))


ENVELOPED, AUTH_ENVELOPED = "1.2.840.113549.1.7.3", "1.2.840.113549.1.9.16.1.23"
AES_256_GCM = "2.16.840.1.101.3.4.1.46"
HASHES = {"sha1": ("1.3.14.3.2.26", hashes.SHA1), "sha224": ("2.16.840.1.101.3.4.2.4", hashes.SHA224),
          "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256), "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384),
          "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512)}
SCHEMES = {"sha1": "1.3.133.16.840.63.0.2", "sha224": "1.3.132.1.11.0", "sha256": "1.3.132.1.11.1",
           "sha384": "1.3.132.1.11.2", "sha512": "1.3.132.1.11.3", "cofactor": "1.3.133.16.840.63.0.3"}
WRAPS = {128: "2.16.840.1.101.3.4.1.5", 192: "2.16.840.1.101.3.4.1.25", 256: "2.16.840.1.101.3.4.1.45"}


# ---- keys and certificates ----
def certify(key, name, usage=None, serial=None, signer=None):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example"),
                         x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
               .serial_number(serial or x509.random_serial_number())
               .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2120, 1, 1)))
    if usage is not None:
        bits = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                              "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"], False)
        builder = builder.add_extension(x509.KeyUsage(**(bits | dict.fromkeys(usage, True))), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    signer = signer or key
    hash_of = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, hash_of)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def write_certificate(folder, name, certificate):
    (HERE / folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


# ---- messages ----
def algorithm(of, *params):
    return sequence(oid(of), *params)


def issuer_and_serial(certificate):
    return sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))


def key_id(certificate):
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def oaep(hash_name="sha256", mask="sha256", label=None, null=True):
    rest = [NULL] if null else []
    params = [der(0xA0, algorithm(HASHES[hash_name][0], *rest)),
              der(0xA1, algorithm("1.2.840.113549.1.1.8", algorithm(HASHES[mask][0], *rest)))]
    if label is not None:
        params.append(der(0xA2, algorithm("1.2.840.113549.1.1.9", octets(label))))
    return algorithm("1.2.840.113549.1.1.7", sequence(*params))


def transport(pair, how="oaep", by_key_id=False, version=None, params=None, cek=CEK, encrypted=None, **kind):
    certificate, key = pair
    if how == "oaep":
        hash_name, mask, label = kind.get("hash_name", "sha256"), kind.get("mask", "sha256"), kind.get("label")
        scheme = padding.OAEP(padding.MGF1(HASHES[mask][1]()), HASHES[hash_name][1](), label or None)
        name = params or oaep(**kind)
    else:
        scheme, name = padding.PKCS1v15(), params or algorithm("1.2.840.113549.1.1.1", NULL)
    rid = der(0x80, key_id(certificate)) if by_key_id else issuer_and_serial(certificate)
    if encrypted is None:
        encrypted = key.public_key().encrypt(cek, scheme)
    return sequence(integer((2 if by_key_id else 0) if version is None else version), rid, name, octets(encrypted))


def agreement(pair, hash_name="sha256", bits=256, by_key_id=False, ukm=None, version=3, point=None, public_params=(),
              null=False, also=(), originator=None, scheme=None):
    certificate, key = pair
    ephemeral = ec.generate_private_key(key.curve)
    wrap = algorithm(WRAPS[bits], *([NULL] if null else []))
    info = [wrap] + ([der(0xA0, octets(ukm))] if ukm is not None else []) + [der(0xA2, octets(bits.to_bytes(4, "big")))]
    keys = []
    for cert, private in ((certificate, key), *also):
        kek = X963KDF(HASHES[hash_name][1](), bits // 8, sequence(*info)).derive(
            ephemeral.exchange(ec.ECDH(), private.public_key()))
        rid = der(0xA0, octets(key_id(cert))) if by_key_id else issuer_and_serial(cert)
        keys.append(sequence(rid, octets(keywrap.aes_key_wrap(kek, CEK))))
    form = serialization.PublicFormat.CompressedPoint if point == "compressed" else \
        serialization.PublicFormat.UncompressedPoint
    encoded = ephemeral.public_key().public_bytes(serialization.Encoding.X962, form)
    if point == "hybrid":
        encoded = bytes([6 + (encoded[-1] & 1)]) + encoded[1:]
    if isinstance(point, bytes):
        encoded = point
    public = algorithm("1.2.840.10045.2.1", *public_params)
    origin = originator or der(0xA1, public, der(0x03, b"\x00", encoded))
    return der(0xA1, integer(version), der(0xA0, origin), *([der(0xA1, octets(ukm))] if ukm is not None else []),
               algorithm(scheme or SCHEMES[hash_name], wrap), sequence(*keys))


def message(*infos, content=CONTENT, nonce=NONCE, tag_len=16, icv=16, attributes=None, cipher=AES_256_GCM,
            envelope=AUTH_ENVELOPED, version=0, originator=b"", unauthenticated=b"", content_type="1.2.840.113549.1.7.1",
            detached=False, behind=b"", constructed=False):
    aad = der(0x31, attributes) if attributes else None
    sealed = AESGCM(CEK).encrypt(nonce, content, aad)
    body, tag = sealed[:-16], sealed[-16:][:tag_len]
    params = sequence(octets(nonce), *([integer(icv)] if icv else []))
    carried = b"" if detached else der(0xA0, octets(body)) if constructed else der(0x80, body)
    return sequence(oid(envelope), der(0xA0, sequence(
        integer(version), originator, der(0x31, *infos),
        sequence(oid(content_type), algorithm(cipher, params), carried),
        der(0xA1, attributes) if attributes else b"", octets(tag), unauthenticated))) + behind


def cbc(pair):
    aes = Cipher(algorithms.AES(CEK), modes.CBC(bytes(16))).encryptor()
    body = aes.update(CONTENT + bytes([3] * 3)) + aes.finalize()
    info = sequence(oid("1.2.840.113549.1.7.1"), algorithm("2.16.840.1.101.3.4.1.42", octets(bytes(16))),
                    der(0x80, body))
    return sequence(oid(ENVELOPED), der(0xA0, sequence(integer(0), der(0x31, transport(pair)), info)))


def openssl(*arguments):
    done = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", *map(str, arguments)],
                          input=CONTENT, capture_output=True, check=True)
    return done.stdout


def main():
    for folder in ("pairs", "certificates", "valid", "invalid"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    pairs, lines = {}, []
    keys = {"rsa": rsa.generate_private_key(65537, 2048), "rsa-other": rsa.generate_private_key(65537, 3072),
            "p256": ec.generate_private_key(ec.SECP256R1()), "p256-other": ec.generate_private_key(ec.SECP256R1()),
            "p384": ec.generate_private_key(ec.SECP384R1()), "p521": ec.generate_private_key(ec.SECP521R1())}
    for name, key in keys.items():
        pairs[name] = (certify(key, name), key)
        write_certificate("pairs", name, pairs[name][0])
        (HERE / "pairs" / f"{name}.key").write_bytes(pem(key))
    one, two, p256 = pairs["rsa"], pairs["rsa-other"], pairs["p256"]

    def put(folder, name, data, words=""):
        (HERE / folder / f"{name}.cms").write_bytes(data)
        lines.append(f"{folder}\t{name}\t{words}\n")

    certificates(keys)
    valid(put, pairs, one, two, p256)
    invalid(put, pairs, one, two, p256)
    (HERE / "cases.txt").write_text("".join(lines))


def certificates(keys):
    a_rsa, an_ec = keys["rsa"], keys["p256"]
    pss = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
                         capture_output=True, check=True).stdout
    made = subprocess.run(["openssl", "req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=pss", "-days", "36500"],
                          input=pss, capture_output=True, check=True).stdout
    (HERE / "certificates" / "refused-pss.crt").write_bytes(made)
    for name, key, usage in (("accepted-rsa-key-encipherment", a_rsa, ["key_encipherment"]),
                             ("accepted-rsa-data-encipherment", a_rsa, ["data_encipherment", "digital_signature"]),
                             ("accepted-ec-key-agreement", an_ec, ["key_agreement", "encipher_only"]),
                             ("refused-rsa-usage", a_rsa, ["digital_signature", "key_agreement"]),
                             ("refused-ec-usage", an_ec, ["digital_signature", "key_encipherment"]),
                             ("refused-ed25519", ed25519.Ed25519PrivateKey.generate(), None),
                             ("refused-short", rsa.generate_private_key(65537, 1024), None),
                             ("refused-curve", ec.generate_private_key(ec.SECP256K1()), None)):
        write_certificate("certificates", name, certify(key, name, usage))


def valid(put, pairs, one, two, p256):
    put("valid", "oaep-sha256", message(transport(one)))
    put("valid", "oaep-sha256-without-null", message(transport(one, null=False)))
    put("valid", "oaep-sha1", message(transport(one, hash_name="sha1", mask="sha1")))
    put("valid", "oaep-defaults", message(transport(one, hash_name="sha1", mask="sha1", params=algorithm(
        "1.2.840.113549.1.1.7", sequence()))))
    put("valid", "oaep-sha256-mgf-sha1", message(transport(one, hash_name="sha256", mask="sha1")))
    put("valid", "oaep-sha512", message(transport(one, hash_name="sha512", mask="sha512")))
    put("valid", "oaep-empty-label", message(transport(one, label=b"")))
    put("valid", "pkcs1", message(transport(one, "pkcs1")))
    put("valid", "pkcs1-without-null", message(transport(one, "pkcs1", params=algorithm("1.2.840.113549.1.1.1"))))
    put("valid", "rsa-by-key-id", message(transport(one, by_key_id=True)))
    put("valid", "empty", message(transport(one), content=b""))
    for name in ("p256", "p384", "p521"):
        put("valid", name, message(agreement(pairs[name])))
    for hash_name in ("sha1", "sha224", "sha384", "sha512"):
        put("valid", f"p256-{hash_name}", message(agreement(p256, hash_name)))
    put("valid", "p256-wrap-128", message(agreement(p256, bits=128)))
    put("valid", "p256-wrap-192-null", message(agreement(p256, bits=192, null=True)))
    put("valid", "p256-ukm", message(agreement(p256, ukm=b"material")))
    put("valid", "p256-by-key-id", message(agreement(p256, by_key_id=True)))
    put("valid", "p256-compressed", message(agreement(p256, point="compressed")))
    put("valid", "p256-named", message(agreement(p256, public_params=(oid("1.2.840.10045.3.1.7"),))))
    put("valid", "p256-params-null", message(agreement(p256, public_params=(NULL,))))
    put("valid", "attributes", message(transport(one), attributes=sequence(
        oid("1.2.840.113549.1.9.3"), der(0x31, oid("1.2.840.113549.1.7.1")))))
    stranger = (certify(two[1], "stranger"), two[1])
    put("valid", "second-of-two", message(transport(stranger), transport(one)))
    put("valid", "second-of-both-kinds", message(transport(stranger), agreement(p256)))
    put("valid", "one-of-two-keys", message(agreement((certify(pairs["p256-other"][1], "stranger"),
                                                       pairs["p256-other"][1]), also=(p256,))))
    put("valid", "first-does-not-open", message(transport(one, cek=bytes(32)), agreement(p256)))
    put("valid", "first-unsupported", message(transport(one, hash_name="sha224", mask="sha224"), agreement(p256)))
    put("valid", "with-password-too", message(der(0xA3, integer(0)), transport(one)))
    crt = {name: HERE / "pairs" / f"{name}.crt" for name in pairs}
    gcm = "-aes-256-gcm"
    put("valid", "openssl-oaep", openssl(gcm, "-recip", crt["rsa"], "-keyopt", "rsa_padding_mode:oaep", "-keyopt",
                                         "rsa_oaep_md:sha256"))
    put("valid", "openssl-pkcs1", openssl(gcm, "-keyid", crt["rsa"]))
    for name in ("p256", "p384", "p521"):
        put("valid", f"openssl-{name}", openssl(gcm, crt[name]))
    put("valid", "openssl-p384-sha384", openssl(gcm, "-recip", crt["p384"], "-keyopt", "ecdh_kdf_md:sha384"))


def invalid(put, pairs, one, two, p256):
    again, tag = "does not open", "authentication tag"
    put("invalid", "empty", b"", "well-formed")
    put("invalid", "text", b"-----BEGIN CMS-----\n", "well-formed")
    put("invalid", "behind", message(transport(one), behind=b"\x00"), "well-formed")
    put("invalid", "cbc", cbc(one), "EnvelopedData, which can be altered")
    put("invalid", "signed", sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, sequence(integer(1)))), "another type")
    put("invalid", "indefinite", b"\x30\x80" + message(transport(one))[4:] + b"\x00\x00", "indefinite")
    put("invalid", "tag-12", message(transport(one), tag_len=12, icv=12), tag)
    put("invalid", "tag-12-by-default", message(transport(one), tag_len=12, icv=0), tag)
    put("invalid", "tag-4", message(transport(one), tag_len=4, icv=4), tag)
    put("invalid", "tag-cut", message(transport(one), tag_len=4), tag)
    put("invalid", "tag-none", message(transport(one), tag_len=0), tag)
    put("invalid", "tag-said-shorter", message(transport(one), icv=12), tag)
    put("invalid", "nonce-16", message(transport(one), nonce=bytes(16)), "nonce")
    put("invalid", "cipher", message(transport(one), cipher="2.16.840.1.101.3.4.1.6"), "content cipher")
    put("invalid", "chacha", message(transport(one), cipher="1.2.840.113549.1.9.16.3.18"), "content cipher")
    put("invalid", "detached", message(transport(one), detached=True), "detached")
    put("invalid", "constructed", message(transport(one), constructed=True), "well-formed")
    put("invalid", "content-type", message(transport(one), content_type="1.2.840.113549.1.7.2"), "than data")
    put("invalid", "version", message(transport(one), version=1), "well-formed")
    put("invalid", "info-version", message(transport(one, version=2)), "well-formed")
    put("invalid", "agreement-version", message(agreement(p256, version=2)), "well-formed")
    put("invalid", "originator-info", message(transport(one), originator=der(0xA0)), "originator")
    put("invalid", "unauthenticated", message(transport(one), unauthenticated=der(0xA2)), "not authenticated")
    put("invalid", "no-recipient", message(), "well-formed")
    put("invalid", "password-only", message(der(0xA3, integer(0))), "password or a shared key")
    put("invalid", "shared-key-only", message(der(0xA2, integer(4))), "password or a shared key")
    put("invalid", "unknown-recipient-kind", message(der(0xA5, integer(0)), transport(one)), "well-formed")
    stranger = (certify(one[1], "stranger"), one[1])
    put("invalid", "not-ours", message(transport(stranger)), "none of our certificates")
    put("invalid", "many", message(*[transport(stranger)] * 33), "more than 32 recipients")
    put("invalid", "another-key", message(transport((one[0], rsa.generate_private_key(65537, 2048)))), again)
    put("invalid", "pkcs1-another-key", message(transport((one[0], rsa.generate_private_key(65537, 2048)), "pkcs1")),
        again)
    put("invalid", "pkcs1-short-key", message(transport(one, "pkcs1", cek=bytes(16))), again)
    put("invalid", "pkcs1-long-key", message(transport(one, "pkcs1", cek=bytes(33))), again)
    numbers = one[1].private_numbers().public_numbers

    def raw(block):
        size = (numbers.n.bit_length() + 7) // 8
        assert len(block) == size
        return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(size, "big")

    filler = b"\x55" * (256 - 3 - 32)
    for name, block in (("zero-in-padding", b"\x00\x02" + b"\x55\x00" + filler[2:] + b"\x00" + CEK),
                        ("type-1", b"\x00\x01" + filler + b"\x00" + CEK),
                        ("first-byte", b"\x01\x02" + filler + b"\x00" + CEK),
                        ("no-separator", b"\x00\x02" + filler + b"\x55" + CEK)):
        put("invalid", f"pkcs1-{name}", message(transport(one, "pkcs1", encrypted=raw(block))), again)
    put("invalid", "rsa-too-large", message(transport(one, "pkcs1", encrypted=b"\xff" * 256)), again)
    put("invalid", "rsa-short", message(transport(one, encrypted=bytes(255))), again)
    put("invalid", "rsa-empty", message(transport(one, encrypted=b"")), again)
    put("invalid", "oaep-label", message(transport(one, label=b"us")), "unsupported way")
    put("invalid", "oaep-sha224", message(transport(one, hash_name="sha224", mask="sha224")), "unsupported way")
    put("invalid", "oaep-other-mask-said", message(transport(one, mask="sha1", params=oaep())), again)
    put("invalid", "oaep-no-params", message(transport(one, params=algorithm("1.2.840.113549.1.1.7"))), "unsupported way")
    put("invalid", "oaep-cek-16", message(transport(one, cek=bytes(16))), again)
    put("invalid", "rsa-to-ec", message(transport((p256[0], one[1]))), "none of our certificates")
    put("invalid", "cofactor", message(agreement(p256, "sha1", scheme=SCHEMES["cofactor"])), "unsupported way")
    put("invalid", "hybrid-point", message(agreement(p256, point="hybrid")), "ephemeral")
    put("invalid", "infinity", message(agreement(p256, point=b"\x00")), "ephemeral")
    put("invalid", "not-on-curve", message(agreement(p256, point=b"\x04" + b"\x01" * 64)), again)
    put("invalid", "other-curve", message(agreement(p256, point=b"\x04" + b"\x01" * 96)), "ephemeral")
    put("invalid", "other-curve-named", message(agreement(p256, public_params=(oid("1.3.132.0.34"),))), "ephemeral")
    put("invalid", "static-originator", message(agreement(p256, originator=issuer_and_serial(p256[0]))), "ephemeral")
    put("invalid", "ec-another-key", message(agreement((p256[0], pairs["p256-other"][1]))), again)


if __name__ == "__main__":
    os.chdir(HERE)
    main()
