#include "crypto/key_math.h"

#include "base/auto.h"
#include "crypto/der.h"
#include "crypto/library.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

AUTO_DEFINE(bn_ctx, BN_CTX, BN_CTX_free);
AUTO_DEFINE(ec_group, EC_GROUP, EC_GROUP_free);
AUTO_DEFINE(ec_point, EC_POINT, EC_POINT_clear_free);
AUTO_DEFINE(asn1_object, ASN1_OBJECT, ASN1_OBJECT_free);
AUTO_DEFINE(evp_pkey, EVP_PKEY, EVP_PKEY_free);

static enum key_fit fault(struct err *err)
{
    crypto_fault(err, ERR_CREDENTIAL_INVALID, "the private key cannot be read: export the credential again");
    return KEY_UNKNOWN;
}

/* After a comparison: OpenSSL may have failed for want of memory on the way. */
static enum key_fit fit_if(bool fits, struct err *err)
{
    if (crypto_ran_out_of_memory()) {
        crypto_no_memory(err);
        return KEY_UNKNOWN;
    }
    return fits ? KEY_FITS : KEY_DIFFERS;
}

/* A number of 16384 bits at most: larger ones are no key that anybody uses, and slow. */
static BIGNUM *take_number(struct span *in, BN_CTX *numbers)
{
    struct span bytes;
    BIGNUM *number = BN_CTX_get(numbers);
    if (number == NULL || !der_take(in, DER_INTEGER, &bytes) || bytes.len == 0 || bytes.len > 2049 ||
        (bytes.data[0] & 0x80) != 0)
        return NULL;
    return BN_bin2bn(bytes.data, (int)bytes.len, number);
}

enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QINV, RSA_NUMBERS };

/* Whether exponent = d mod (prime - 1) and e * d = 1 mod (prime - 1). -1 when out of memory. */
static int exponent_fits(BIGNUM *const *key, const BIGNUM *prime, const BIGNUM *exponent, BN_CTX *numbers)
{
    BIGNUM *less = BN_CTX_get(numbers), *reduced = BN_CTX_get(numbers), *product = BN_CTX_get(numbers);
    if (product == NULL || BN_copy(less, prime) == NULL || !BN_sub_word(less, 1) ||
        !BN_mod(reduced, key[RSA_D], less, numbers) ||
        !BN_mod_mul(product, key[RSA_E], reduced, less, numbers))
        return -1;
    return BN_is_one(product) && BN_cmp(reduced, exponent) == 0;
}

/* Whether the private numbers belong together; 1, 0, or -1 when out of memory. */
static int rsa_is_consistent(BIGNUM *const *key, BN_CTX *numbers)
{
    const BIGNUM *p = key[RSA_P], *q = key[RSA_Q];
    if (BN_num_bits(p) < 2 || BN_num_bits(q) < 2 || !BN_is_odd(p) || !BN_is_odd(q))
        return 0;
    BIGNUM *product = BN_CTX_get(numbers), *inverse = BN_CTX_get(numbers);
    if (inverse == NULL || !BN_mul(product, p, q, numbers) ||
        !BN_mod_mul(inverse, key[RSA_QINV], q, p, numbers))
        return -1;
    if (BN_cmp(product, key[RSA_N]) != 0 || !BN_is_one(inverse))
        return 0;
    int by_p = exponent_fits(key, p, key[RSA_DP], numbers);
    return by_p == 1 ? exponent_fits(key, q, key[RSA_DQ], numbers) : by_p;
}

/* The numbers live in the context, which wipes them when it goes. */
static enum key_fit rsa_fit(const struct key_pair *pair, BN_CTX *numbers, struct err *err)
{
    struct span rest = pair->private_key, fields, version;
    if (!der_take(&rest, DER_SEQUENCE, &fields) || rest.len > 0 ||
        !der_take(&fields, DER_INTEGER, &version) || !span_equal(version, span_of("", 1)))
        return fault(err);
    BIGNUM *key[RSA_NUMBERS];
    for (int i = 0; i < RSA_NUMBERS; i++) {
        key[i] = take_number(&fields, numbers);
        if (key[i] == NULL)
            return fault(err);
    }
    struct span public = pair->public_key, public_fields;
    if (!der_take(&public, DER_SEQUENCE, &public_fields))
        return fit_if(false, err);
    BIGNUM *n = take_number(&public_fields, numbers);
    BIGNUM *e = n != NULL ? take_number(&public_fields, numbers) : NULL;
    if (e == NULL) {
        crypto_fault(err, ERR_CREDENTIAL_INVALID,
                     "the certificate's RSA key cannot be read: export the credential again");
        return KEY_UNKNOWN;
    }
    if (BN_cmp(n, key[RSA_N]) != 0 || BN_cmp(e, key[RSA_E]) != 0)
        return fit_if(false, err);
    int consistent = rsa_is_consistent(key, numbers);
    return consistent < 0 ? fault(err) : fit_if(consistent == 1, err);
}

enum key_fit key_math_rsa(const struct key_pair *pair, struct err *err)
{
    AUTO(bn_ctx) BN_CTX *numbers = BN_CTX_new_ex(crypto_library()->context);
    if (numbers == NULL)
        return fault(err);
    BN_CTX_start(numbers);
    enum key_fit fit = rsa_fit(pair, numbers, err);
    BN_CTX_end(numbers);
    return fit;
}

static EC_GROUP *named_group(struct span params)
{
    const unsigned char *at = params.data;
    if (!der_peek(params, DER_OID))
        return NULL;
    AUTO(asn1_object) ASN1_OBJECT *curve = d2i_ASN1_OBJECT(NULL, &at, (long)params.len);
    int nid = curve != NULL ? OBJ_obj2nid(curve) : NID_undef;
    return nid != NID_undef ? EC_GROUP_new_by_curve_name_ex(crypto_library()->context, NULL, nid) : NULL;
}

enum key_fit key_math_ec(const struct key_pair *pair, struct err *err)
{
    struct span rest = pair->private_key, fields, ignored, octets;
    if (!span_equal(pair->private_params, pair->public_params))
        return fit_if(false, err);
    if (!der_take(&rest, DER_SEQUENCE, &fields) || rest.len > 0 ||
        !der_take(&fields, DER_INTEGER, &ignored) || !der_take(&fields, DER_OCTET_STRING, &octets) ||
        octets.len > 128)
        return fault(err);
    AUTO(ec_group) EC_GROUP *group = named_group(pair->private_params);
    AUTO(bn_ctx) BN_CTX *numbers = BN_CTX_new_ex(crypto_library()->context);
    if (group == NULL || numbers == NULL)
        return fault(err);
    AUTO(ec_point) EC_POINT *derived = EC_POINT_new(group);
    AUTO(ec_point) EC_POINT *stated = EC_POINT_new(group);
    BN_CTX_start(numbers);
    BIGNUM *number = BN_CTX_get(numbers);
    enum key_fit fit = KEY_UNKNOWN;
    if (derived == NULL || stated == NULL || number == NULL ||
        BN_bin2bn(octets.data, (int)octets.len, number) == NULL) {
        fault(err);
    } else if (BN_is_zero(number) || BN_cmp(number, EC_GROUP_get0_order(group)) >= 0 ||
               EC_POINT_oct2point(group, stated, pair->public_key.data, pair->public_key.len, numbers) != 1) {
        fit = fit_if(false, err);
    } else {
        BN_set_flags(number, BN_FLG_CONSTTIME);
        if (EC_POINT_mul(group, derived, number, NULL, NULL, numbers) != 1)
            fault(err);
        else
            fit = fit_if(EC_POINT_cmp(group, derived, stated, numbers) == 0, err);
    }
    BN_CTX_end(numbers);
    return fit;
}

static enum key_fit edwards_fit(const struct key_pair *pair, const char *name, size_t seed_len,
                                struct err *err)
{
    struct span rest = pair->private_key, seed;
    uint8_t derived[64];
    size_t len = sizeof derived;
    if (!der_take(&rest, DER_OCTET_STRING, &seed) || rest.len > 0 || seed.len != seed_len)
        return fault(err);
    AUTO(evp_pkey)
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key_ex(crypto_library()->context, name, NULL, seed.data, seed.len);
    if (key == NULL || EVP_PKEY_get_raw_public_key(key, derived, &len) != 1) {
        crypto_no_memory(err); /* any seed of the right length is a key */
        return KEY_UNKNOWN;
    }
    return fit_if(span_equal(span_of(derived, len), pair->public_key), err);
}

enum key_fit key_math_ed25519(const struct key_pair *pair, struct err *err)
{
    return edwards_fit(pair, "ED25519", 32, err);
}

enum key_fit key_math_ed448(const struct key_pair *pair, struct err *err)
{
    return edwards_fit(pair, "ED448", 57, err);
}
