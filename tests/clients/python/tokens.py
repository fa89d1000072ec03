"""Signed tokens and key sets, made without certswap's code: what an identity provider issues."""
import base64
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

_CURVES = {"secp256r1": ("P-256", "ES256", hashes.SHA256(), 32), "secp384r1": ("P-384", "ES384", hashes.SHA384(), 48)}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key, kid=None, **more):
    """The public part of a key as a JWK."""
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        members = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    else:
        name, _, _, size = _CURVES[key.curve.name]
        members = {"kty": "EC", "crv": name, "x": _number(numbers.x, size), "y": _number(numbers.y, size)}
    return members | ({"kid": kid} if kid else {}) | more


def jwks(keys):
    """A JWK Set of keys by kid, as text."""
    return json.dumps({"keys": [jwk(key, kid) for kid, key in keys.items()]})


def _sign(key, text):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    _, _, digest, size = _CURVES[key.curve.name]
    return b"".join(part.to_bytes(size, "big") for part in utils.decode_dss_signature(key.sign(text, ec.ECDSA(digest))))


def token(key, kid=None, header=None, **claims):
    """A token of an RSA (RS256) or EC key, valid for five minutes unless the claims say otherwise."""
    alg = "RS256" if isinstance(key, rsa.RSAPrivateKey) else _CURVES[key.curve.name][1]
    head = {"alg": alg, "typ": "JWT"} | ({"kid": kid} if kid else {}) | (header or {})
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, {"exp": int(time.time()) + 300} | claims))
    return f"{text}.{b64(_sign(key, text.encode()))}"
