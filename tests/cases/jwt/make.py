#!/usr/bin/env python3
"""Makes the tokens and key sets of this folder anew, with keys that nobody keeps: needs Python's cryptography.

tokens.txt has a line for each: name, key set, token, expected, with tabs between them. Expected is "valid" with the
number of permissions, "unknown key" and part of the message, or part of the message of a token that is refused. All
are judged at MOMENT, for the issuer and the audience below."""
import base64
import hashlib
import hmac
import json
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

FOLDER = os.path.dirname(os.path.abspath(__file__))
MOMENT = 1795105381  # 2026-11-19T16:23:01Z
ISSUER, AUDIENCE, USER = "https://issuer.example", "certswap", "CORP\\ada"
PERMISSIONS = ["/certificates/enrollment/pfx/", "/certificate_stores/schedule/"]
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": ("P-256", ec.SECP256R1(), 32), "ES384": ("P-384", ec.SECP384R1(), 48),
          "ES512": ("P-521", ec.SECP521R1(), 66)}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key, kid=None, **more):
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = public.public_numbers()
        members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        members = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    else:
        name, _, size = next(c for c in CURVES.values() if c[1].name == key.curve.name)
        numbers = public.public_numbers()
        members = {"kty": "EC", "crv": name, "x": number(numbers.x, size), "y": number(numbers.y, size)}
    return members | ({"kid": kid} if kid else {}) | more


def sign(alg, key, text, der=False):
    digest = HASHES.get(alg[2:])
    if alg[:2] == "RS":
        return key.sign(text, padding.PKCS1v15(), digest)
    if alg[:2] == "PS":
        return key.sign(text, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    signature = key.sign(text, ec.ECDSA(digest))
    if der:
        return signature
    size = (key.curve.key_size + 7) // 8
    return b"".join(part.to_bytes(size, "big") for part in utils.decode_dss_signature(signature))


def claims(without=(), **more):
    all_of = {"iss": ISSUER, "aud": AUDIENCE, "sub": USER, "exp": MOMENT + 300, "iat": MOMENT - 10,
              "permissions": PERMISSIONS} | more
    return {name: value for name, value in all_of.items() if name not in without}


def as_bytes(part):
    return part if isinstance(part, bytes) else (part if isinstance(part, str) else json.dumps(part)).encode()


def assemble(header, payload, make_signature):
    text = f"{b64(as_bytes(header))}.{b64(as_bytes(payload))}"
    return f"{text}.{b64(make_signature(text.encode()))}"


RSA = rsa.generate_private_key(65537, 2048)
RSA_3072 = rsa.generate_private_key(65537, 3072)
RSA_1024 = rsa.generate_private_key(65537, 1024)
RSA_PSS = rsa.generate_private_key(65537, 2048)
ATTACKER = rsa.generate_private_key(65537, 2048)
EC = {alg: ec.generate_private_key(curve) for alg, (_, curve, _) in CURVES.items()}
TWIN = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = b"0123456789abcdef0123456789abcdef"
KIDS = {"RS": "rsa", "PS": "rsa"}
KEYS = {"rsa": RSA, "large": RSA_3072, "small": RSA_1024, "pss": RSA_PSS, "ES256": EC["ES256"], "ES384": EC["ES384"],
        "ES512": EC["ES512"], "enc": RSA, "ops": RSA, "ed": ED}

SEVERAL = {"keys": [
    jwk(RSA, "rsa", use="sig", x5t="ignored"), jwk(RSA_3072, "large", key_ops=["verify"]),
    jwk(RSA_1024, "small"), jwk(RSA_PSS, "pss", alg="PS256"),
    *(jwk(key, alg) for alg, key in EC.items()),
    jwk(RSA, "enc", use="enc"), jwk(RSA, "ops", key_ops=["encrypt", "wrapKey"]), jwk(ED, "ed"),
    {"kty": "oct", "kid": "oct", "k": b64(SECRET)}, {"kty": "future", "kid": "future"},
    jwk(RSA, "twins"), jwk(EC["ES256"], "twins"), jwk(TWIN, "twins"),
    jwk(EC["ES256"], "wrong-alg", alg="RS256"), jwk(RSA, "unknown-alg", alg="RSA-OAEP"), "no object",
]}
ONE = {"keys": [jwk(RSA), {"kty": "oct", "k": b64(SECRET)}]}
TOKENS = []


def add(name, expected, token, key_set="several"):
    assert "\t" not in token and "\n" not in token, name
    TOKENS.append(f"{name}\t{key_set}\t{token}\t{expected}\n")


def token(payload=None, alg="RS256", kid="rsa", key=None, header=None, **options):
    key = key or KEYS[kid]
    head = {"alg": alg, "typ": "JWT", "kid": kid} if header is None else header
    return assemble(head, claims() if payload is None else payload, lambda text: sign(alg, key, text, **options))


def good():
    for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"):
        kid = KIDS.get(alg[:2], alg)
        add(alg, "valid 2", token(alg=alg, kid=kid))
    add("Bearer before it", "valid 2", "Bearer " + token())
    add("3072 bits, key_ops", "valid 2", token(kid="large"))
    add("key of one alg", "valid 2", token(alg="PS256", kid="pss"))
    add("the only usable key, no kid", "valid 2", token(header={"alg": "RS256"}), "one")
    add("twin of another kind", "valid 2", token(alg="RS256", kid="twins", key=RSA))
    add("first of two twins", "valid 2", token(alg="ES256", kid="twins", key=EC["ES256"]))
    add("second of two twins", "valid 2", token(alg="ES256", kid="twins", key=TWIN))
    add("header members that say nothing to us", "valid 2",
        token(header={"alg": "RS256", "kid": "rsa", "typ": "at+jwt", "x5t": "abc", "cty": "json", "jku": "https://x"}))
    add("aud among others", "valid 2", token(claims(aud=["other", AUDIENCE])))
    add("aud in an array of one", "valid 2", token(claims(aud=[AUDIENCE])))
    add("permissions in a text", "valid 2", token(claims(permissions=" ".join(PERMISSIONS))))
    add("permissions in a text with more spaces", "valid 2", token(claims(permissions="  a   b ")))
    add("permissions empty", "valid 0", token(claims(permissions="")))
    add("no permissions", "valid 0", token(claims(["permissions"])))
    add("one permission", "valid 1", token(claims(permissions=["x y"])))
    add("exp with a fraction, in the leeway", "valid 2", token(claims(exp=MOMENT - 59.5)))
    add("exp in the leeway", "valid 2", token(claims(exp=MOMENT - 59)))
    add("exp in powers of ten", "valid 2", token(json.dumps(claims()).replace(str(MOMENT + 300), "1.9e9")))
    add("exp in the year 9999", "valid 2", token(claims(exp=253402300799)))
    add("nbf now", "valid 2", token(claims(nbf=MOMENT)))
    add("nbf in the leeway", "valid 2", token(claims(nbf=MOMENT + 60)))
    add("white space in the JSON", "valid 2", token(json.dumps(claims(), indent=2)))


def algorithms():
    refused = "is signed by none of"
    for alg in ("none", "None", "NONE", "nOnE", ""):
        add(f"alg {alg or 'empty'}", refused, assemble({"alg": alg, "kid": "rsa"}, claims(), lambda text: b""))
    add("no alg", refused, assemble({"kid": "rsa"}, claims(), lambda text: b""))
    add("alg is null", refused, token(header={"alg": None, "kid": "rsa"}))
    add("alg is an array", refused, token(header={"alg": ["RS256"], "kid": "rsa"}))
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    n = RSA.public_key().public_numbers().n.to_bytes(256, "big")
    for name, secret, kid in (("the public key in PEM", pem, "rsa"), ("the modulus", n, "rsa"), ("an oct key", SECRET, "oct")):
        for bits in ("256", "384", "512"):
            add(f"HMAC with {name}, {bits}", refused, assemble(
                {"alg": "HS" + bits, "kid": kid}, claims(),
                lambda text, s=secret, b=bits: hmac.new(s, text, getattr(hashlib, "sha" + b)).digest()))
    add("HMAC said to be RS256", "signature is not by the key", assemble(
        {"alg": "RS256", "kid": "rsa"}, claims(), lambda text: hmac.new(pem, text, hashlib.sha256).digest()))
    for alg in ("ES256K", "EdDSA", "RS1", "rs256", "RS256 ", "PS256X", "HS256", "dir", "RSA-OAEP"):
        add(f"alg {alg}", refused, token(header={"alg": alg, "kid": "rsa"}))
    add("EdDSA by a key of the set", refused, assemble({"alg": "EdDSA", "kid": "ed"}, claims(), ED.sign))
    other = "of another kind than the token's alg"
    add("RS256 with an EC key", other, token(kid="ES256", key=RSA))
    add("ES256 with an RSA key", other, token(alg="ES256", kid="rsa", key=EC["ES256"]))
    add("ES256 with a P-384 key", other, token(alg="ES256", kid="ES384", key=EC["ES384"]))
    add("ES384 with a P-256 key", other, token(alg="ES384", kid="ES256", key=EC["ES256"]))
    add("ES512 with a P-256 key", other, token(alg="ES512", kid="ES256", key=EC["ES256"]))
    add("RS256 with a key for PS256", "for another alg than the token's", token(alg="RS256", kid="pss"))
    add("PS512 with a key for PS256", "for another alg than the token's", token(alg="PS512", kid="pss"))


def keys():
    add("unknown kid", "unknown key is not in the key set", token(kid="other", key=ATTACKER))
    add("unknown kid, which is shown", "unknown key \"caf?\" (kid)", token(kid="caf\x7f", key=ATTACKER))
    add("empty kid", "unknown key is not in the key set", token(header={"alg": "RS256", "kid": ""}))
    add("a kid is no pattern", "unknown key is not in the key set", token(header={"alg": "RS256", "kid": "rs*"}))
    add("no kid, several keys", "does not name its key", token(header={"alg": "RS256"}))
    add("no kid, another than the only key", "unknown key by the only key there is",
        token(header={"alg": "RS256"}, key=ATTACKER), "one")
    add("no kid, the only key of another kind", "of another kind", token(alg="ES256", kid="ES256", header={"alg": "ES256"}),
        "one")
    add("kid, and keys without", "unknown key is not in the key set", token(), "one")
    for kid in (7, None, ["rsa"], {"a": 1}):
        add(f"kid {kid!r}", "by something else than a text", token(header={"alg": "RS256", "kid": kid}))
    add("key of another", "signature is not by the key", token(key=ATTACKER))
    add("key that it brings itself", "signature is not by the key",
        token(key=ATTACKER, header={"alg": "RS256", "kid": "rsa", "jwk": jwk(ATTACKER, "rsa")}))
    add("key that it brings itself, unknown kid", "unknown key is not in the key set",
        token(key=ATTACKER, header={"alg": "RS256", "kid": "mine", "jwk": jwk(ATTACKER, "mine"), "jku": "https://x/"}))
    add("RSA key of 1024 bits", "shorter than 2048 bits", token(kid="small"))
    add("key for encryption", "it is not for signatures (use)", token(kid="enc"))
    add("key for other operations", "it is not for verifying (key_ops)", token(kid="ops"))
    add("key that is a secret", "it is neither RSA nor EC (kty)", token(kid="oct", key=RSA))
    add("key of an unknown kind", "it is neither RSA nor EC (kty)", token(kid="future", key=RSA))
    add("key with an alg of another kind", "it does not fit its own alg", token(alg="ES256", kid="wrong-alg", key=EC["ES256"]))
    add("key with an alg for encryption", "it is for another algorithm", token(kid="unknown-alg", key=RSA))
    add("neither of two twins", "signature is not by the key",
        token(alg="ES256", kid="twins", key=ec.generate_private_key(ec.SECP256R1())))


def signatures():
    bad = "signature is not by the key"
    whole = token()
    head, body, signature = whole.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    add("no signature", bad, f"{head}.{body}.")
    add("signature cut", bad, f"{head}.{body}.{b64(raw[:-1])}")
    add("signature with a zero before it", bad, f"{head}.{body}.{b64(bytes(1) + raw)}")
    add("signature with a byte behind it", bad, f"{head}.{body}.{b64(raw + bytes(1))}")
    add("signature of ones", bad, f"{head}.{body}.{b64(bytes([255]) * 256)}")
    add("signature of zeros", bad, f"{head}.{body}.{b64(bytes(256))}")
    for at in (0, 100, 255):
        flipped = bytearray(raw)
        flipped[at] ^= 1
        add(f"signature with byte {at} changed", bad, f"{head}.{body}.{b64(flipped)}")
    other = token(claims(sub="CORP\\eve"))
    add("claims of another token", bad, f"{head}.{other.split('.')[1]}.{signature}")
    add("header of another token", bad, f"{token(header={'alg': 'RS256', 'kid': 'rsa'}).split('.')[0]}.{body}.{signature}")
    add("RS256 said to be PS256", bad, assemble({"alg": "PS256", "kid": "rsa"}, claims(), lambda t: sign("RS256", RSA, t)))
    add("PS256 said to be RS256", bad, assemble({"alg": "RS256", "kid": "rsa"}, claims(), lambda t: sign("PS256", RSA, t)))
    add("RS512 said to be RS256", bad, assemble({"alg": "RS256", "kid": "rsa"}, claims(), lambda t: sign("RS512", RSA, t)))
    add("PS256 with another salt", bad, assemble({"alg": "PS256", "kid": "rsa"}, claims(), lambda t: RSA.sign(
        t, padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())))
    add("ES256 in DER", bad, token(alg="ES256", kid="ES256", der=True))
    for name, value in (("zeros", bytes(64)), ("r alone", bytes(31) + b"\x01" + bytes(32)), ("ones", b"\xff" * 64),
                        ("nothing", b""), ("one byte", b"\x01")):
        add(f"ES256 of {name}", bad, assemble({"alg": "ES256", "kid": "ES256"}, claims(), lambda t, v=value: v))

    def widened(text):
        good_one = sign("ES256", EC["ES256"], text)
        return bytes(1) + good_one[:32] + bytes(1) + good_one[32:]
    add("ES256 in wider numbers", bad, assemble({"alg": "ES256", "kid": "ES256"}, claims(), widened))


def forms():
    whole = token()
    head, body, signature = whole.split(".")
    form, none = "is no signed JWT", "carries no token"
    add("nothing", none, "")
    add("Bearer alone", none, "Bearer ")
    add("bearer", "header that cannot be read", "bearer " + whole)
    add("two spaces", "header that cannot be read", "Bearer  " + whole)
    add("Bearer twice", "header that cannot be read", "Bearer Bearer " + whole)
    add("Basic", form, "Basic YWxpY2U6c2VjcmV0")
    add("space before", "header that cannot be read", " " + whole)
    add("space behind", "no base64url", whole + " ")
    for name, text in (("one part", head), ("two parts", f"{head}.{body}"), ("four parts", whole + ".x"),
                       ("six parts", whole + ".a.b.c"), ("dots", ".."), ("no header", f".{body}.{signature}"),
                       ("no claims", f"{head}..{signature}")):
        add(name, form, text)
    add("five parts", "is encrypted (JWE)", f"{head}.{body}.{signature}.x.y")
    add("enc in the header", "is encrypted (JWE)", token(header={"alg": "RS256", "kid": "rsa", "enc": "A256GCM"}))
    for cty in ("JWT", "jwt", "Jwt", "application/jwt", "application/JWT"):
        add(f"cty {cty}", "holds another token", token(whole, header={"alg": "RS256", "kid": "rsa", "cty": cty}))
    add("a token for claims", "claims that cannot be read", token(whole))
    for crit in (["exp"], ["b64"], [], "exp", None):
        add(f"crit {crit!r}", "must be understood", token(header={"alg": "RS256", "kid": "rsa", "crit": crit, "b64": False}))
    add("longer than 16 KiB", "longer than 16 KiB", token(claims(more="x" * 16384)))
    add("almost 16 KiB", "valid 2", token(claims(more="x" * 11000)))
    add("padding in the signature", "no base64url", whole + "==")
    add("padding in the header", "header that cannot be read", f"{head}==.{body}.{signature}")
    add("digits of base64", "no base64url", f"{head}.{body}.+/{signature[2:]}")

    def loose(part):
        """The same bytes by another last digit."""
        digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        assert len(part) % 4 in (2, 3)
        return part[:-1] + digits[digits.index(part[-1]) + 1]
    add("signature written otherwise", "no base64url", f"{head}.{body}.{loose(signature)}")
    for name, header, payload in (("header", b'{"alg":"RS256","kid":"rsa"}  ', json.dumps(claims())),
                                  ("claims", {"alg": "RS256", "kid": "rsa"}, None)):
        text = as_bytes(payload if payload is not None else json.dumps(claims()))
        while len(text) % 3 == 0:
            text += b" "
        header = as_bytes(header)
        while len(header) % 3 == 0:
            header += b" "
        parts = [b64(header), b64(text)]
        parts[0 if name == "header" else 1] = loose(parts[0 if name == "header" else 1])
        add(f"{name} written otherwise", f"{name.removesuffix('s')}", ".".join(parts + [b64(
            sign("RS256", RSA, ".".join(parts).encode()))]))
    add("one digit too many", "no base64url", f"{head}.{body}.{signature[:-1]}")


def texts():
    header, payload = "header that cannot be read", "claims that cannot be read"
    for name, text in (("array", "[]"), ("text", '"x"'), ("number", "1"), ("null", "null"), ("empty object", "{}"),
                       ("no JSON", "{alg}"), ("bytes behind", '{"alg":"RS256","kid":"rsa"}x'),
                       ("two objects", '{"alg":"RS256","kid":"rsa"}{}'), ("alg twice", '{"alg":"none","alg":"RS256","kid":"rsa"}'),
                       ("kid twice", '{"alg":"RS256","kid":"x","kid":"rsa"}'), ("NUL", '{"alg":"RS256","kid":"rsa\\u0000"}'),
                       ("no UTF-8", b'{"alg":"RS256","kid":"rsa\xff"}'), ("half a pair", '{"alg":"RS256","kid":"\\ud800"}'),
                       ("byte order mark", '\ufeff{"alg":"RS256","kid":"rsa"}'), ("NUL behind", b'{"alg":"RS256","kid":"rsa"}\0'),
                       ("deep", '{"alg":"RS256","kid":"rsa","x":' + "[" * 5000), ("comment", '{"alg":"RS256",/**/"kid":"rsa"}')):
        add(f"header: {name}", "is signed by none of" if name == "empty object" else header, token(header=text))
    good_claims = json.dumps(claims())
    for name, text in (("array", "[]"), ("text", '"x"'), ("no JSON", "iss=x"), ("bytes behind", good_claims + "x"),
                       ("sub twice", good_claims[:-1] + ', "sub": "CORP\\\\eve"}'),
                       ("twice further in", good_claims[:-1] + ', "x": {"a": 1, "a": 2}}'),
                       ("NUL", json.dumps(claims(sub="CORP\\ada\0"))), ("no UTF-8", as_bytes(good_claims).replace(b"ada", b"\xff")),
                       ("deep", good_claims[:-1] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}"),
                       ("NaN", good_claims.replace(str(MOMENT + 300), "NaN")),
                       ("number beyond all", good_claims.replace(str(MOMENT + 300), "1e999")),
                       ("integer beyond 64 bits", good_claims.replace(str(MOMENT + 300), "9" * 30))):
        add(f"claims: {name}", payload, token(text))
    add("claims: empty object", "another issuer", token("{}"))


def judged():
    issuer, audience, user = "another issuer", "another audience", "names no user"
    for name, value in (("other", "https://other.example"), ("a slash more", ISSUER + "/"), ("upper case", ISSUER.upper()),
                        ("its beginning", ISSUER[:-1]), ("empty", ""), ("array", [ISSUER]), ("null", None), ("number", 1)):
        add(f"iss: {name}", issuer, token(claims(iss=value)))
    add("iss: none", issuer, token(claims(["iss"])))
    for name, value in (("other", "other"), ("upper case", "CERTSWAP"), ("more", AUDIENCE + "-test"), ("empty", ""),
                        ("empty array", []), ("array of others", ["a", "b"]), ("array with a number", [AUDIENCE, 1]),
                        ("array in an array", [[AUDIENCE]]), ("object", {AUDIENCE: 1}), ("null", None),
                        ("with a space", AUDIENCE + " other")):
        add(f"aud: {name}", audience, token(claims(aud=value)))
    add("aud: none", audience, token(claims(["aud"])))
    moment, expired = "exp that is no moment", "had expired"
    for name, value in (("text", str(MOMENT + 300)), ("null", None), ("true", True), ("array", [MOMENT + 300]),
                        ("below 0", -1), ("in milliseconds", (MOMENT + 300) * 1000), ("year 10000", 253402300800),
                        ("largest integer", 2 ** 63 - 1), ("1e300", 1e300)):
        add(f"exp: {name}", moment, token(claims(exp=value)))
    for name, value in (("leeway over", MOMENT - 60), ("leeway over, with a fraction", MOMENT - 60.25), ("long ago", 1), ("0", 0)):
        add(f"exp: {name}", expired, token(claims(exp=value)))
    add("exp: none", "does not say when it expires", token(claims(["exp"])))
    for name, value in (("beyond the leeway", MOMENT + 61), ("beyond it by a fraction", MOMENT + 60.5)):
        add(f"nbf: {name}", "was not valid yet", token(claims(nbf=value)))
    for name, value in (("text", "0"), ("null", None), ("below 0", -5), ("1e300", 1e300)):
        add(f"nbf: {name}", "nbf that is no moment", token(claims(nbf=value)))
    for name, value in (("empty", ""), ("null", None), ("number", 7), ("array", [USER]), ("object", {})):
        add(f"user: {name}", user, token(claims(sub=value)))
    add("user: none", user, token(claims(["sub"])))
    for name, value in (("number", 1), ("null", None), ("object", {}), ("true", True)):
        add(f"permissions: {name}", "neither an array nor a text", token(claims(permissions=value)))
    add("permissions: array with a number", "permission that is no text", token(claims(permissions=["a", 1])))


def main():
    for part in (good, algorithms, keys, signatures, forms, texts, judged):
        part()
    with open(os.path.join(FOLDER, "tokens.txt"), "w", encoding="ascii") as file:
        file.writelines(TOKENS)
    for name, keys_of in (("several", SEVERAL), ("one", ONE)):
        with open(os.path.join(FOLDER, name + ".jwks.json"), "w", encoding="ascii") as file:
            json.dump(keys_of, file, indent=1)


if __name__ == "__main__":
    main()
