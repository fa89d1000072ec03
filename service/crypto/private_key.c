#include "crypto/private_key.h"

#include "base/auto.h"
#include "crypto/der.h"
#include "crypto/key_math.h"
#include "crypto/library.h"

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"

/* By the algorithm's OID, in keys and certificates alike. */
static const struct {
    struct span oid;
    key_math_fit *fit;
} kinds[] = {
    {{(const uint8_t *)OID_RSA, sizeof OID_RSA - 1}, key_math_rsa},
    {{(const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", 9}, key_math_rsa}, /* RSASSA-PSS */
    {{(const uint8_t *)OID_EC, sizeof OID_EC - 1}, key_math_ec},
    {{(const uint8_t *)"\x2b\x65\x70", 3}, key_math_ed25519},
    {{(const uint8_t *)"\x2b\x65\x71", 3}, key_math_ed448},
};

static key_math_fit *kind_of(struct span oid)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (span_equal(kinds[i].oid, oid))
            return kinds[i].fit;
    }
    return NULL;
}

static bool unreadable(struct err *err)
{
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "the private key cannot be read: export the credential again");
}

static bool unsupported(struct err *err)
{
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "the private key is of a kind that is unsupported: use RSA, EC on a named curve, Ed25519 or Ed448");
}

/* AlgorithmIdentifier's content -> OID and parameters (whole, may be empty). */
static bool read_algorithm(struct span content, struct span *oid, struct span *params)
{
    *params = content;
    if (!der_take(params, DER_OID, oid))
        return false;
    struct span rest = *params;
    uint8_t tag;
    return rest.len == 0 || (der_next(&rest, &tag, NULL, NULL) && rest.len == 0);
}

bool key_parts_of_private(struct span pkcs8, struct key_parts *parts)
{
    struct span fields, version, algorithm;
    return der_take(&pkcs8, DER_SEQUENCE, &fields) && pkcs8.len == 0 &&
           der_take(&fields, DER_INTEGER, &version) && der_take(&fields, DER_SEQUENCE, &algorithm) &&
           read_algorithm(algorithm, &parts->oid, &parts->params) &&
           der_take(&fields, DER_OCTET_STRING, &parts->key);
}

bool key_parts_of_public(struct span spki, struct key_parts *parts)
{
    struct span fields, algorithm, bits;
    if (!der_take(&spki, DER_SEQUENCE, &fields) || spki.len > 0 ||
        !der_take(&fields, DER_SEQUENCE, &algorithm) ||
        !read_algorithm(algorithm, &parts->oid, &parts->params) ||
        !der_take(&fields, DER_BIT_STRING, &bits) || fields.len > 0 || bits.len < 1 || bits.data[0] != 0)
        return false;
    parts->key = span_of(bits.data + 1, bits.len - 1);
    return true;
}

/* PrivateKeyInfo of version 1, without attributes and public key, which not every reader takes; `params` is
 * DER. */
static bool write_pkcs8(struct span oid, struct span params, struct span key, struct secret *out,
                        struct err *err)
{
    AUTO(buf) struct buf der = {0};
    size_t info = der_begin(&der, DER_SEQUENCE);
    der_put_integer(&der, 0);
    size_t algorithm = der_begin(&der, DER_SEQUENCE);
    der_put(&der, DER_OID, oid);
    buf_put(&der, params.data, params.len);
    der_end(&der, algorithm);
    der_put(&der, DER_OCTET_STRING, key);
    der_end(&der, info);
    return (!der.failed && secret_copy(out, buf_span(&der))) || crypto_no_memory(err);
}

bool private_key_normalise(struct span pkcs8, struct secret *out, struct err *err)
{
    struct key_parts parts;
    if (!key_parts_of_private(pkcs8, &parts))
        return unreadable(err);
    if (kind_of(parts.oid) == NULL)
        return unsupported(err);
    return write_pkcs8(parts.oid, parts.params, parts.key, out, err);
}

bool private_key_from_pkcs1(struct span rsa, struct secret *out, struct err *err)
{
    static const uint8_t null_params[] = {DER_NULL, 0};
    return write_pkcs8(SPAN_LITERAL(OID_RSA), span_of(null_params, sizeof null_params), rsa, out, err);
}

bool private_key_from_sec1(struct span ec, struct span curve, struct secret *out, struct err *err)
{
    struct span rest = ec, fields, ignored, named;
    if (!der_take(&rest, DER_SEQUENCE, &fields) || rest.len > 0 ||
        !der_take(&fields, DER_INTEGER, &ignored) || !der_take(&fields, DER_OCTET_STRING, &ignored))
        return unreadable(err);
    if (der_take(&fields, DER_CONTEXT_0, &named))
        curve = named;
    if (curve.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the EC private key does not say its curve: add its EC PARAMETERS block, or convert "
                       "it to PKCS#8");
    if (!der_peek(curve, DER_OID))
        return unsupported(err);
    return write_pkcs8(SPAN_LITERAL(OID_EC), curve, ec, out, err);
}

enum key_fit private_key_fit(struct span pkcs8, const struct certificate *certificate, struct err *err)
{
    struct key_parts private, public;
    if (!key_parts_of_private(pkcs8, &private)) {
        unreadable(err);
        return KEY_UNKNOWN;
    }
    key_math_fit *fit = kind_of(private.oid);
    if (fit == NULL) {
        unsupported(err);
        return KEY_UNKNOWN;
    }
    if (!key_parts_of_public(certificate->public_key, &public) || !span_equal(private.oid, public.oid))
        return KEY_DIFFERS;
    const struct key_pair pair = {
        .private_params = private.params,
        .private_key = private.key,
        .public_params = public.params,
        .public_key = public.key,
    };
    return fit(&pair, err);
}
