#include "crypto/jws.h"

#include "base/auto.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

AUTO_DEFINE(evp_md_ctx, EVP_MD_CTX, EVP_MD_CTX_free);
AUTO_DEFINE(ecdsa_sig, ECDSA_SIG, ECDSA_SIG_free);

static const struct jws_algorithm algorithms[] = {
    {"RS256", SEALING_RSA, DIGEST_SHA256, false, 0}, {"RS384", SEALING_RSA, DIGEST_SHA384, false, 0},
    {"RS512", SEALING_RSA, DIGEST_SHA512, false, 0}, {"PS256", SEALING_RSA, DIGEST_SHA256, true, 0},
    {"PS384", SEALING_RSA, DIGEST_SHA384, true, 0},  {"PS512", SEALING_RSA, DIGEST_SHA512, true, 0},
    {"ES256", SEALING_EC, DIGEST_SHA256, false, 32}, {"ES384", SEALING_EC, DIGEST_SHA384, false, 48},
    {"ES512", SEALING_EC, DIGEST_SHA512, false, 66},
};

const struct jws_algorithm *jws_algorithm_find(struct span name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (span_equal(name, span_text(algorithms[i].name)))
            return &algorithms[i];
    return NULL;
}

bool jws_algorithm_fits(const struct jws_algorithm *algorithm, const struct sealing_key *key)
{
    return algorithm->kind == key->kind && (algorithm->kind == SEALING_RSA || algorithm->size == key->size);
}

/* R and S of ECDSA, which JOSE writes side by side, in the DER that OpenSSL takes. NULL when out of memory;
   freed with OPENSSL_free. */
static unsigned char *ecdsa_der(struct span signature, int *len)
{
    int half = (int)(signature.len / 2);
    AUTO(ecdsa_sig) ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, half, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + half, half, NULL);
    unsigned char *der = NULL;
    if (both == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(both, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return NULL;
    }
    *len = i2d_ECDSA_SIG(both, &der);
    return *len > 0 ? der : NULL;
}

static bool set_padding(const struct jws_algorithm *algorithm, EVP_PKEY_CTX *context)
{
    return !algorithm->is_pss || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                                  EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

enum outcome { OUTCOME_GOOD, OUTCOME_OTHER, OUTCOME_NO_MEMORY };

static enum outcome verify_once(const struct jws_algorithm *algorithm, const struct sealing_key *key,
                                struct span text, struct span signature)
{
    EVP_PKEY_CTX *borrowed = NULL;
    AUTO(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL ||
        EVP_DigestVerifyInit_ex(context, &borrowed, crypto_digest_name(algorithm->digest),
                                crypto_library()->context, NULL, key->handle, NULL) != 1 ||
        !set_padding(algorithm, borrowed)) {
        crypto_ran_out_of_memory();
        return OUTCOME_NO_MEMORY;
    }
    int good = EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len);
    bool memory = crypto_ran_out_of_memory();
    return good == 1 ? OUTCOME_GOOD : memory ? OUTCOME_NO_MEMORY : OUTCOME_OTHER;
}

/* OpenSSL 3.0 does not always say that it gave up for want of memory. A signature that is refused for ever
   must not have been good: it is judged again, with as much memory at hand as a judgement takes. */
static enum outcome verify_surely(const struct jws_algorithm *algorithm, const struct sealing_key *key,
                                  struct span text, struct span signature)
{
    enum outcome outcome = OUTCOME_OTHER;
    for (int i = 0; i < 2 && outcome == OUTCOME_OTHER; i++)
        outcome = crypto_memory_at_hand() ? verify_once(algorithm, key, text, signature) : OUTCOME_NO_MEMORY;
    return outcome;
}

bool jws_verify(const struct jws_algorithm *algorithm, const struct sealing_key *key, struct span text,
                struct span signature, struct err *err)
{
    enum outcome outcome = OUTCOME_OTHER;
    assert(jws_algorithm_fits(algorithm, key));
    if (algorithm->kind == SEALING_RSA) {
        if (signature.len == key->size)
            outcome = verify_surely(algorithm, key, text, signature);
    } else if (signature.len == 2 * key->size) {
        int len = 0;
        unsigned char *der = ecdsa_der(signature, &len);
        outcome =
            der != NULL ? verify_surely(algorithm, key, text, span_of(der, (size_t)len)) : OUTCOME_NO_MEMORY;
        OPENSSL_free(der);
    }
    if (outcome == OUTCOME_NO_MEMORY)
        return crypto_no_memory(err);
    return outcome == OUTCOME_GOOD || err_set(err, ERR_UNAUTHENTICATED,
                                              "the token's signature is not by the key that it names; get a "
                                              "new token from the issuer, and send "
                                              "the command under a new id");
}
