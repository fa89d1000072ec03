#include "crypto/pbe_write.h"

#include "crypto/der.h"

enum { SALT_LEN = 16 };

static const struct span oid_pbes2 = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"),
                         oid_pbkdf2 = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"),
                         oid_hmac_sha256 = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x02\x09"),
                         oid_aes_256_cbc = SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x01\x2a"),
                         oid_pbe_3des = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03");

bool pbe_writer_modern(struct pbe_writer *writer, const struct pbe_password *password, int iterations,
                       struct err *err)
{
    struct pbe *pbe = &writer->pbe;
    *pbe = (struct pbe){
        .kdf = {.kind = KDF_PBKDF2, .digest = DIGEST_SHA256, .salt_len = SALT_LEN, .iterations = iterations},
        .cipher = CIPHER_AES_256_CBC,
        .key_len = 32,
        .iv_len = 16};
    return crypto_random(pbe->kdf.salt, SALT_LEN, err) &&
           pbe_derive(&pbe->kdf, PBE_PURPOSE_KEY, password, writer->key, pbe->key_len, err);
}

bool pbe_writer_legacy(struct pbe_writer *writer, const struct pbe_password *password, int iterations,
                       struct err *err)
{
    struct pbe *pbe = &writer->pbe;
    *pbe = (struct pbe){
        .kdf = {.kind = KDF_PKCS12, .digest = DIGEST_SHA1, .salt_len = SALT_LEN, .iterations = iterations},
        .cipher = CIPHER_DES_EDE3_CBC,
        .key_len = 24,
        .iv_len = 8};
    return crypto_random(pbe->kdf.salt, SALT_LEN, err) &&
           pbe_derive(&pbe->kdf, PBE_PURPOSE_KEY, password, writer->key, pbe->key_len, err) &&
           pbe_derive(&pbe->kdf, PBE_PURPOSE_IV, password, pbe->iv, pbe->iv_len, err);
}

/* RFC 8018, appendix A.4 and A.2. */
static void write_pbes2(const struct pbe *pbe, struct buf *out)
{
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_pbes2);
    size_t params = der_begin(out, DER_SEQUENCE);
    size_t kdf = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_pbkdf2);
    size_t kdf_params = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OCTET_STRING, span_of(pbe->kdf.salt, pbe->kdf.salt_len));
    der_put_integer(out, (uint32_t)pbe->kdf.iterations);
    size_t prf = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_hmac_sha256);
    der_put(out, DER_NULL, span_of(NULL, 0));
    der_end(out, prf);
    der_end(out, kdf_params);
    der_end(out, kdf);
    size_t scheme = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_aes_256_cbc);
    der_put(out, DER_OCTET_STRING, span_of(pbe->iv, pbe->iv_len));
    der_end(out, scheme);
    der_end(out, params);
    der_end(out, algorithm);
}

/* RFC 7292, appendix C. */
static void write_pkcs12_pbe(const struct pbe *pbe, struct buf *out)
{
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_pbe_3des);
    size_t params = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OCTET_STRING, span_of(pbe->kdf.salt, pbe->kdf.salt_len));
    der_put_integer(out, (uint32_t)pbe->kdf.iterations);
    der_end(out, params);
    der_end(out, algorithm);
}

bool pbe_write(struct pbe_writer *writer, struct span plain, uint8_t tag, struct buf *out, struct err *err)
{
    struct pbe *pbe = &writer->pbe;
    if (pbe->kdf.kind == KDF_PBKDF2) {
        if (!crypto_random(pbe->iv, pbe->iv_len, err))
            return false;
        write_pbes2(pbe, out);
    } else {
        write_pkcs12_pbe(pbe, out);
    }
    size_t encrypted = der_begin(out, tag);
    if (!pbe_encrypt(pbe->cipher, writer->key, pbe->iv, plain, out, err))
        return false;
    der_end(out, encrypted);
    return !out->failed || crypto_no_memory(err);
}
