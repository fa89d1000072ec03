/* crypto/pbe_read: the AlgorithmIdentifiers of encryption under a password, as tables. */
#include "base/auto.h"
#include "crypto/pbe.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

AUTO_DEFINE(pbe_param, PBEPARAM, PBEPARAM_free);
AUTO_DEFINE(pbe2_param, PBE2PARAM, PBE2PARAM_free);
AUTO_DEFINE(pbkdf2_param, PBKDF2PARAM, PBKDF2PARAM_free);
AUTO_DEFINE(scrypt_params, SCRYPT_PARAMS, SCRYPT_PARAMS_free);

static const struct {
    int nid;
    enum crypto_digest digest;
} prf_table[] = {
    {NID_hmacWithSHA1, DIGEST_SHA1},
    {NID_hmacWithSHA224, DIGEST_SHA224},
    {NID_hmacWithSHA256, DIGEST_SHA256},
    {NID_hmacWithSHA384, DIGEST_SHA384},
    {NID_hmacWithSHA512, DIGEST_SHA512},
    {NID_hmacWithSHA512_224, DIGEST_SHA512_224},
    {NID_hmacWithSHA512_256, DIGEST_SHA512_256},
};

/* PBES2's encryption schemes; the IV is as long as a block. */
static const struct {
    int nid;
    enum crypto_cipher cipher;
    size_t key_len;
    size_t iv_len;
} scheme_table[] = {
    {NID_aes_128_cbc, CIPHER_AES_128_CBC, 16, 16},
    {NID_aes_192_cbc, CIPHER_AES_192_CBC, 24, 16},
    {NID_aes_256_cbc, CIPHER_AES_256_CBC, 32, 16},
    {NID_des_ede3_cbc, CIPHER_DES_EDE3_CBC, 24, 8},
};

/* RFC 7292, appendix C; all with SHA-1. */
static const struct {
    int nid;
    enum crypto_cipher cipher;
    size_t key_len;
} pkcs12_table[] = {
    {NID_pbe_WithSHA1And3_Key_TripleDES_CBC, CIPHER_DES_EDE3_CBC, 24},
    {NID_pbe_WithSHA1And2_Key_TripleDES_CBC, CIPHER_DES_EDE_CBC, 16},
    {NID_pbe_WithSHA1And40BitRC2_CBC, CIPHER_RC2_40_CBC, 5},
    {NID_pbe_WithSHA1And128BitRC2_CBC, CIPHER_RC2_128_CBC, 16},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int algorithm_nid(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return OBJ_obj2nid(object);
}

/* The parameters' own encoding, if they are a SEQUENCE. */
static void *unpack_params(const X509_ALGOR *algorithm, const ASN1_ITEM *item)
{
    int type = V_ASN1_UNDEF;
    const void *value = NULL;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type != V_ASN1_SEQUENCE)
        return NULL;
    const ASN1_STRING *sequence = value;
    const unsigned char *at = ASN1_STRING_get0_data(sequence);
    return ASN1_item_d2i(NULL, &at, ASN1_STRING_length(sequence), item);
}

static bool unreadable(struct err *err, const char *what)
{
    return crypto_fault(err, ERR_CREDENTIAL_INVALID,
                        "%s names its encryption in a way that cannot be read: export it again", what);
}

/* Names the algorithm by its short name, or its OID in digits where OpenSSL has none. */
static bool unsupported(struct err *err, const char *what, const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    char name[80];
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2txt(name, sizeof name, object, 0) <= 0)
        return unreadable(err, what);
    ERR_clear_error();
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "%s uses %s, which is unsupported: export it again with AES-256 and SHA-256", what, name);
}

bool pbe_hmac_digest(const X509_ALGOR *algorithm, enum crypto_digest *digest)
{
    int nid = algorithm_nid(algorithm);
    for (size_t i = 0; i < COUNT(prf_table); i++) {
        if (prf_table[i].nid == nid) {
            *digest = prf_table[i].digest;
            return true;
        }
    }
    return false;
}

bool pbe_set_salt(struct pbe_kdf *kdf, struct span salt, const char *what, struct err *err)
{
    if (salt.len > PBE_SALT_MAX)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "%s has a salt of %zu bytes, more than the %d accepted: export it again", what,
                       salt.len, PBE_SALT_MAX);
    /* OpenSSL 3.0 takes an empty salt with an empty password for want of memory: it would be tried for ever.
     */
    if (salt.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID, "%s has an empty salt: export it again", what);
    memcpy(kdf->salt, salt.data, salt.len);
    kdf->salt_len = salt.len;
    return true;
}

static struct span octets_of(const ASN1_STRING *string)
{
    return span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* What does not fit an int64_t counts as INT64_MAX, over every limit; negative as 0, under every one. */
static int64_t saturated(const ASN1_INTEGER *integer)
{
    int64_t value = 0;
    if (ASN1_INTEGER_get_int64(&value, integer) == 1)
        return value < 0 ? 0 : value;
    ERR_clear_error();
    return ASN1_STRING_type(integer) == V_ASN1_NEG_INTEGER ? 0 : INT64_MAX;
}

static bool read_pbkdf2(const X509_ALGOR *algorithm, const char *what, struct pbe_kdf *kdf, struct err *err)
{
    AUTO(pbkdf2_param) PBKDF2PARAM *params = unpack_params(algorithm, ASN1_ITEM_rptr(PBKDF2PARAM));
    if (params == NULL || params->salt->type != V_ASN1_OCTET_STRING)
        return unreadable(err, what);
    kdf->kind = KDF_PBKDF2;
    kdf->digest = DIGEST_SHA1;
    if (params->prf != NULL && !pbe_hmac_digest(params->prf, &kdf->digest))
        return unsupported(err, what, params->prf);
    kdf->iterations = saturated(params->iter);
    kdf->key_len = params->keylength != NULL ? (size_t)saturated(params->keylength) : 0;
    return pbe_set_salt(kdf, octets_of(params->salt->value.octet_string), what, err);
}

static bool read_scrypt(const X509_ALGOR *algorithm, const char *what, struct pbe_kdf *kdf, struct err *err)
{
    AUTO(scrypt_params) SCRYPT_PARAMS *params = unpack_params(algorithm, ASN1_ITEM_rptr(SCRYPT_PARAMS));
    if (params == NULL)
        return unreadable(err, what);
    kdf->kind = KDF_SCRYPT;
    kdf->scrypt_n = (uint64_t)saturated(params->costParameter);
    kdf->scrypt_r = (uint64_t)saturated(params->blockSize);
    kdf->scrypt_p = (uint64_t)saturated(params->parallelizationParameter);
    kdf->key_len = params->keyLength != NULL ? (size_t)saturated(params->keyLength) : 0;
    return pbe_set_salt(kdf, octets_of(params->salt), what, err);
}

bool pbe_read_kdf(const X509_ALGOR *algorithm, const char *what, struct pbe_kdf *kdf, struct err *err)
{
    *kdf = (struct pbe_kdf){0};
    switch (algorithm_nid(algorithm)) {
    case NID_id_pbkdf2:
        return read_pbkdf2(algorithm, what, kdf, err);
    case NID_id_scrypt:
        return read_scrypt(algorithm, what, kdf, err);
    default:
        return unsupported(err, what, algorithm);
    }
}

static bool read_pbes2(const X509_ALGOR *algorithm, const char *what, struct pbe *pbe, struct err *err)
{
    AUTO(pbe2_param) PBE2PARAM *params = unpack_params(algorithm, ASN1_ITEM_rptr(PBE2PARAM));
    if (params == NULL)
        return unreadable(err, what);
    if (!pbe_read_kdf(params->keyfunc, what, &pbe->kdf, err))
        return false;
    int nid = algorithm_nid(params->encryption);
    for (size_t i = 0; i < COUNT(scheme_table); i++) {
        if (scheme_table[i].nid != nid)
            continue;
        int type = V_ASN1_UNDEF;
        const void *value = NULL;
        X509_ALGOR_get0(NULL, &type, &value, params->encryption);
        pbe->cipher = scheme_table[i].cipher;
        pbe->key_len = scheme_table[i].key_len;
        pbe->iv_len = scheme_table[i].iv_len;
        if (type != V_ASN1_OCTET_STRING || octets_of(value).len != pbe->iv_len ||
            (pbe->kdf.key_len != 0 && pbe->kdf.key_len != pbe->key_len))
            return unreadable(err, what);
        memcpy(pbe->iv, octets_of(value).data, pbe->iv_len);
        return true;
    }
    return unsupported(err, what, params->encryption);
}

bool pbe_read(const X509_ALGOR *algorithm, const char *what, struct pbe *pbe, struct err *err)
{
    *pbe = (struct pbe){0};
    int nid = algorithm_nid(algorithm);
    if (nid == NID_pbes2)
        return read_pbes2(algorithm, what, pbe, err);
    for (size_t i = 0; i < COUNT(pkcs12_table); i++) {
        if (pkcs12_table[i].nid != nid)
            continue;
        pbe->cipher = pkcs12_table[i].cipher;
        if (crypto_library()->ciphers[pbe->cipher] == NULL)
            return err_set(err, ERR_CREDENTIAL_INVALID,
                           "%s is encrypted with RC2, which needs OpenSSL's legacy provider, and that is not "
                           "installed here: install it, or export with AES-256 or 3DES",
                           what);
        AUTO(pbe_param) PBEPARAM *params = unpack_params(algorithm, ASN1_ITEM_rptr(PBEPARAM));
        if (params == NULL)
            return unreadable(err, what);
        pbe->key_len = pkcs12_table[i].key_len;
        pbe->iv_len = 8;
        pbe->kdf.kind = KDF_PKCS12;
        pbe->kdf.digest = DIGEST_SHA1;
        pbe->kdf.iterations = saturated(params->iter);
        return pbe_set_salt(&pbe->kdf, octets_of(params->salt), what, err);
    }
    return unsupported(err, what, algorithm);
}
