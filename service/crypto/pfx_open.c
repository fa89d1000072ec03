#include "crypto/pfx_open.h"

#include "base/auto.h"
#include "crypto/certificate.h"
#include "crypto/library.h"
#include "crypto/pfx_read.h"
#include "crypto/private_key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>

/* How the file's MAC is made. */
struct mac {
    struct pbe_kdf kdf;
    enum crypto_digest digest; /* of the HMAC */
    size_t key_len;
    struct span expected;
};

static struct span string_octets(const ASN1_OCTET_STRING *string)
{
    return span_of(string->data, (size_t)string->length);
}

/* PBMAC1-params (RFC 9579, section 3): the derivation, then the HMAC. */
static bool read_pbmac1(const X509_ALGOR *algorithm, struct mac *mac, struct err *err)
{
    int type = V_ASN1_UNDEF;
    const void *value = NULL;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    PBE2PARAM *params = NULL; /* of the same shape: two AlgorithmIdentifiers */
    if (type == V_ASN1_SEQUENCE) {
        const ASN1_STRING *sequence = value;
        const unsigned char *at = ASN1_STRING_get0_data(sequence);
        params = d2i_PBE2PARAM(NULL, &at, ASN1_STRING_length(sequence));
    }
    bool read = params != NULL && pbe_read_kdf(params->keyfunc, "the MAC", &mac->kdf, err) &&
                mac->kdf.kind == KDF_PBKDF2 && pbe_hmac_digest(params->encryption, &mac->digest);
    PBE2PARAM_free(params);
    mac->key_len = mac->kdf.key_len;
    /* RFC 9579, section 5: the key's length must be said, and one under 20 bytes protects nothing. */
    if (read && mac->key_len >= 20 && mac->key_len <= CRYPTO_DIGEST_MAX)
        return true;
    return crypto_fault(
        err, ERR_CREDENTIAL_INVALID,
        "the PKCS#12 file's PBMAC1 is unsupported: export it again with PBKDF2 and HMAC-SHA-256");
}

static bool read_mac(struct pfx_reader *reader, struct mac *mac, struct err *err)
{
    static const struct {
        int nid;
        enum crypto_digest digest;
    } digests[] = {
        {NID_sha1, DIGEST_SHA1},
        {NID_sha224, DIGEST_SHA224},
        {NID_sha256, DIGEST_SHA256},
        {NID_sha384, DIGEST_SHA384},
        {NID_sha512, DIGEST_SHA512},
        {NID_sha512_224, DIGEST_SHA512_224},
        {NID_sha512_256, DIGEST_SHA512_256},
    };
    const PFX_MAC *data = reader->file->mac;
    if (data == NULL)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PKCS#12 file has no MAC, so nothing says that it is whole: export it with one");
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OCTET_STRING *expected = NULL;
    const ASN1_OBJECT *object = NULL;
    X509_SIG_get0(data->digest, &algorithm, &expected);
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    mac->expected = string_octets(expected);
    char name[64] = "";
    OBJ_obj2txt(name, sizeof name, object, 1);
    if (strcmp(name, "1.2.840.113549.1.5.14") == 0)
        return read_pbmac1(algorithm, mac, err) && pbe_spend(&reader->budget, &mac->kdf, "the MAC", err);
    int64_t iterations = 1;
    if (data->iterations != NULL && ASN1_INTEGER_get_int64(&iterations, data->iterations) != 1)
        iterations = INT64_MAX;
    ERR_clear_error();
    mac->kdf = (struct pbe_kdf){.kind = KDF_PKCS12, .iterations = iterations};
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        if (digests[i].nid != OBJ_obj2nid(object))
            continue;
        mac->digest = mac->kdf.digest = digests[i].digest;
        mac->key_len = crypto_digest_size(mac->digest);
        return pbe_set_salt(&mac->kdf, string_octets(data->salt), "the MAC", err) &&
               pbe_spend(&reader->budget, &mac->kdf, "the MAC", err);
    }
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "the PKCS#12 file's MAC (%s) is unsupported: export it again with HMAC-SHA-256", name);
}

/* Whether the MAC fits under this password. False with *err untouched when it does not. */
static bool mac_fits(const struct pfx_reader *reader, const struct mac *mac,
                     const struct pbe_password *password, struct err *err)
{
    uint8_t key[CRYPTO_DIGEST_MAX], actual[CRYPTO_DIGEST_MAX];
    size_t size = crypto_digest_size(mac->digest);
    bool fits = pbe_derive(&mac->kdf, PBE_PURPOSE_MAC, password, key, mac->key_len, err) &&
                crypto_hmac(mac->digest, span_of(key, mac->key_len), pfx_mac_input(reader), actual, err) &&
                mac->expected.len == size && CRYPTO_memcmp(actual, mac->expected.data, size) == 0;
    secret_wipe(key, sizeof key);
    secret_wipe(actual, sizeof actual);
    return fits;
}

/* Finds the password's form by the MAC: no password may be written as nothing or as the empty text. */
static bool verify_mac(const struct pfx_reader *reader, const struct mac *mac, bool empty, struct span utf8,
                       struct pbe_password *password, struct err *err)
{
    struct err fault = {0};
    if (!pbe_password_set(password, true, utf8, ERR_CREDENTIAL_INVALID, err))
        return false;
    if (mac_fits(reader, mac, password, &fault))
        return true;
    if (empty && fault.code == ERR_NONE) {
        pbe_password_free(password);
        if (!pbe_password_set(password, false, utf8, ERR_CREDENTIAL_INVALID, err))
            return false;
        if (mac_fits(reader, mac, password, &fault))
            return true;
    }
    if (fault.code != ERR_NONE)
        return err_set(err, fault.code, "%s", fault.text);
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        empty ? "the PKCS#12 file does not open without a password, or was altered: send its password"
              : "the password does not open the PKCS#12 file, or the file was altered: check the "
                "password, or export it again");
}

static bool open_safes(struct pfx_reader *reader, const struct pbe_password *password, struct err *err)
{
    for (size_t i = 0; i < reader->encrypted_count; i++) {
        const struct pfx_safe *safe = &reader->encrypted[i];
        AUTO(secret) struct secret plain = {0};
        if (!pbe_decrypt(&safe->pbe, "an encrypted safe", password, string_octets(safe->data->content->bytes),
                         &plain, err) ||
            !pfx_read_bags(reader, secret_span(&plain), err))
            return false;
    }
    return true;
}

/* The key as normalised PKCS#8. */
static bool open_key(struct pfx_reader *reader, const struct pbe_password *password, struct secret *key,
                     struct err *err)
{
    if (reader->key_count == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PKCS#12 file has no private key: export the certificate together with its key");
    if (reader->shrouded_key == NULL)
        return private_key_normalise(reader->plain_key, key, err);
    AUTO(secret) struct secret plain = {0};
    const ASN1_OCTET_STRING *bytes = NULL;
    X509_SIG_get0(reader->shrouded_key, NULL, &bytes);
    return pbe_decrypt(&reader->key_pbe, "the key bag", password, string_octets(bytes), &plain, err) &&
           private_key_normalise(secret_span(&plain), key, err);
}

/* The index of the key's certificate: first those with its localKeyId, then all others. */
static bool find_leaf(const struct pfx_reader *reader, struct span key, size_t *leaf, struct err *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < reader->cert_count; i++) {
            bool named = reader->key_id.len > 0 && span_equal(reader->certs[i].key_id, reader->key_id);
            struct certificate certificate;
            if (named != (pass == 0))
                continue;
            if (!certificate_read(pfx_octets(reader->certs[i].octets), &certificate))
                return err_set(err, ERR_CREDENTIAL_INVALID,
                               "a certificate of the PKCS#12 file cannot be read: export it again");
            enum key_fit fit = private_key_fit(key, &certificate, err);
            if (fit == KEY_UNKNOWN)
                return false;
            *leaf = i;
            if (fit == KEY_FITS)
                return true;
        }
    }
    if (reader->cert_count == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PKCS#12 file has no certificate: export the key together with its certificate");
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "no certificate of the PKCS#12 file belongs to its private key: export both from the same "
                   "enrollment");
}

bool pfx_open(const struct pfx_limits *limits, struct span der, bool has_password, struct span password,
              struct material *out, struct err *err)
{
    if (der.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID, "the PKCS#12 file is empty: send its content");
    if (der.len > limits->max_bytes)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the PKCS#12 file has %zu bytes, more than the %zu accepted: export the certificate, its key "
            "and its chain alone",
            der.len, limits->max_bytes);
    AUTO(pfx_reader) struct pfx_reader reader = {.budget = pbe_budget_of(limits)};
    AUTO(pbe_password) struct pbe_password form = {0};
    AUTO(secret) struct secret key = {0};
    struct mac mac = {0};
    size_t leaf = 0;
    struct span utf8 = has_password ? password : span_of(NULL, 0);
    if (!pfx_read_file(&reader, der, err) || !read_mac(&reader, &mac, err) ||
        !verify_mac(&reader, &mac, utf8.len == 0, utf8, &form, err) || !open_safes(&reader, &form, err) ||
        !open_key(&reader, &form, &key, err) || !find_leaf(&reader, secret_span(&key), &leaf, err))
        return false;
    struct span others[PFX_CERTS_MAX];
    for (size_t i = 0; i < reader.cert_count; i++)
        others[i] = pfx_octets(reader.certs[i].octets);
    return material_set(out, secret_span(&key), others[leaf], others, reader.cert_count, err);
}
