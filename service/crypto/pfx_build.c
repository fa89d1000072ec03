/* crypto/pfx_build: PKCS#12 (RFC 7292) for stores. MODERN derives one key for the certificates and the
   private key, each with its own IV: a third of the wrap's cost saved, and as strong, since both are under
   the same password anyway. */
#include "base/auto.h"
#include "crypto/der.h"
#include "crypto/encoding.h"
#include "crypto/library.h"
#include "crypto/pbe_write.h"
#include "crypto/store_format_row.h"

enum { MAC_SALT_LEN = 16 };

static const struct span oid_data = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"),
                         oid_encrypted_data = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"),
                         oid_shrouded_key_bag = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"),
                         oid_cert_bag = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03"),
                         oid_x509_certificate = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"),
                         oid_friendly_name = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"),
                         oid_local_key_id = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"),
                         oid_trusted_key_usage =
                             SPAN_LITERAL("\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01"),
                         oid_any_extended_key_usage = SPAN_LITERAL("\x55\x1d\x25\x00"),
                         oid_sha1 = SPAN_LITERAL("\x2b\x0e\x03\x02\x1a"),
                         oid_sha256 = SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x02\x01");

/* What the profiles differ in. */
static const struct {
    bool (*writer)(struct pbe_writer *writer, const struct pbe_password *password, int iterations,
                   struct err *err);
    bool one_key; /* for all parts */
    enum crypto_digest mac_digest;
    const struct span *mac_oid;
} profiles[] = {
    [PKCS12_MODERN] = {pbe_writer_modern, true, DIGEST_SHA256, &oid_sha256},
    [PKCS12_LEGACY] = {pbe_writer_legacy, false, DIGEST_SHA1, &oid_sha1},
};

/* What stands on the leaf's bag and on the key's. */
struct marks {
    uint8_t key_id[CRYPTO_DIGEST_MAX]; /* the leaf's SHA-1 */
    struct buf friendly_name;          /* UTF-16 */
};

static bool make_marks(const struct material *material, struct marks *marks, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    bool named = material_common_name(material, &name) && bmp_encode(buf_span(&name), &marks->friendly_name);
    if (name.failed || marks->friendly_name.failed)
        return crypto_no_memory(err);
    if (!named) {
        char thumbprint[THUMBPRINT_TEXT_LEN + 1];
        buf_reset(&marks->friendly_name);
        if (!material_thumbprint(material, thumbprint))
            return crypto_no_memory(err);
        bmp_encode(span_text(thumbprint), &marks->friendly_name);
    }
    return crypto_hash(DIGEST_SHA1, material->leaf.der, marks->key_id, err);
}

static void put_attribute(struct buf *out, struct span oid, uint8_t tag, struct span value)
{
    size_t attribute = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid);
    size_t values = der_begin(out, DER_SET);
    der_put(out, tag, value);
    der_end(out, values);
    der_end(out, attribute);
}

/* friendlyName, localKeyId and, where asked, trustedKeyUsage, in the order that DER gives a SET OF. */
static void put_attributes(struct buf *out, const struct marks *marks, bool trusted)
{
    struct span key_id = span_of(marks->key_id, 20);
    struct buf parts[3] = {{0}, {0}, {0}};
    put_attribute(&parts[0], oid_friendly_name, DER_BMP_STRING, buf_span(&marks->friendly_name));
    put_attribute(&parts[1], oid_local_key_id, DER_OCTET_STRING, key_id);
    if (trusted)
        put_attribute(&parts[2], oid_trusted_key_usage, DER_OID, oid_any_extended_key_usage);
    size_t set = der_begin(out, DER_SET);
    bool done[3] = {false, false, !trusted};
    for (int round = 0; round < 3; round++) {
        int least = -1;
        for (int i = 0; i < 3; i++) {
            if (!done[i] && (least < 0 || span_compare(buf_span(&parts[i]), buf_span(&parts[least])) < 0))
                least = i;
        }
        if (least < 0)
            break;
        done[least] = true;
        buf_put(out, parts[least].data, parts[least].len);
    }
    der_end(out, set);
    for (int i = 0; i < 3; i++) {
        out->failed = out->failed || parts[i].failed;
        buf_free(&parts[i]);
    }
}

static void put_cert_bag(struct buf *out, struct span der, const struct marks *marks, bool trusted)
{
    size_t bag = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_cert_bag);
    size_t value = der_begin(out, DER_CONTEXT_0);
    size_t cert = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_x509_certificate);
    size_t octets = der_begin(out, DER_CONTEXT_0);
    der_put(out, DER_OCTET_STRING, der);
    der_end(out, octets);
    der_end(out, cert);
    der_end(out, value);
    if (marks != NULL)
        put_attributes(out, marks, trusted);
    der_end(out, bag);
}

/* SafeContents of the leaf and its chain. */
static void put_certs(struct buf *out, const struct store_format_request *request, const struct marks *marks)
{
    const struct material *material = request->material;
    size_t bags = der_begin(out, DER_SEQUENCE);
    put_cert_bag(out, material->leaf.der, marks, !request->with_key);
    for (size_t i = 0; i < material->chain_count; i++)
        put_cert_bag(out, material->chain[i].der, NULL, false);
    der_end(out, bags);
}

/* ContentInfo of encrypted bags. */
static bool put_encrypted_safe(struct buf *out, struct pbe_writer *writer, struct span bags, struct err *err)
{
    size_t content = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_encrypted_data);
    size_t tagged = der_begin(out, DER_CONTEXT_0);
    size_t data = der_begin(out, DER_SEQUENCE);
    der_put_integer(out, 0);
    size_t encrypted = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_data);
    if (!pbe_write(writer, bags, DER_CONTEXT_0_PRIMITIVE, out, err))
        return false;
    der_end(out, encrypted);
    der_end(out, data);
    der_end(out, tagged);
    der_end(out, content);
    return true;
}

/* ContentInfo of one shrouded key bag. */
static bool put_key_safe(struct buf *out, struct pbe_writer *writer, struct span key,
                         const struct marks *marks, struct err *err)
{
    size_t content = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_data);
    size_t tagged = der_begin(out, DER_CONTEXT_0);
    size_t octets = der_begin(out, DER_OCTET_STRING);
    size_t bags = der_begin(out, DER_SEQUENCE);
    size_t bag = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_shrouded_key_bag);
    size_t value = der_begin(out, DER_CONTEXT_0);
    size_t shrouded = der_begin(out, DER_SEQUENCE);
    if (!pbe_write(writer, key, DER_OCTET_STRING, out, err))
        return false;
    der_end(out, shrouded);
    der_end(out, value);
    put_attributes(out, marks, false);
    der_end(out, bag);
    der_end(out, bags);
    der_end(out, octets);
    der_end(out, tagged);
    der_end(out, content);
    return true;
}

/* AuthenticatedSafe: what the MAC is over. */
static bool put_safes(struct buf *out, const struct store_format_request *request,
                      const struct pbe_password *password, const struct marks *marks, struct err *err)
{
    AUTO(pbe_writer) struct pbe_writer writer = {0};
    AUTO(buf) struct buf certs = {0};
    bool (*start)(struct pbe_writer *, const struct pbe_password *, int, struct err *) =
        profiles[request->profile].writer;
    put_certs(&certs, request, marks);
    if (certs.failed)
        return crypto_no_memory(err);
    size_t safes = der_begin(out, DER_SEQUENCE);
    if (!start(&writer, password, request->iterations, err) ||
        !put_encrypted_safe(out, &writer, buf_span(&certs), err))
        return false;
    if (request->with_key) {
        if (!profiles[request->profile].one_key && !start(&writer, password, request->iterations, err))
            return false;
        if (!put_key_safe(out, &writer, secret_span(&request->material->key), marks, err))
            return false;
    }
    der_end(out, safes);
    return !out->failed || crypto_no_memory(err);
}

static bool put_mac(struct buf *out, const struct store_format_request *request,
                    const struct pbe_password *password, struct span safes, struct err *err)
{
    enum crypto_digest digest = profiles[request->profile].mac_digest;
    size_t size = crypto_digest_size(digest);
    struct pbe_kdf kdf = {
        .kind = KDF_PKCS12, .digest = digest, .salt_len = MAC_SALT_LEN, .iterations = request->iterations};
    uint8_t key[CRYPTO_DIGEST_MAX], mac[CRYPTO_DIGEST_MAX];
    bool made = crypto_random(kdf.salt, MAC_SALT_LEN, err) &&
                pbe_derive(&kdf, PBE_PURPOSE_MAC, password, key, size, err) &&
                crypto_hmac(digest, span_of(key, size), safes, mac, err);
    secret_wipe(key, sizeof key);
    if (!made)
        return false;
    size_t data = der_begin(out, DER_SEQUENCE);
    size_t info = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, *profiles[request->profile].mac_oid);
    der_put(out, DER_NULL, span_of(NULL, 0));
    der_end(out, algorithm);
    der_put(out, DER_OCTET_STRING, span_of(mac, size));
    der_end(out, info);
    der_put(out, DER_OCTET_STRING, span_of(kdf.salt, kdf.salt_len));
    if (kdf.iterations != 1) /* the default, which DER leaves out */
        der_put_integer(out, (uint32_t)kdf.iterations);
    der_end(out, data);
    return true;
}

bool pfx_build(const struct store_format_request *request, const struct pbe_password *password,
               struct buf *out, struct err *err)
{
    AUTO(buf) struct buf safes = {0};
    struct marks marks = {0};
    bool built =
        make_marks(request->material, &marks, err) && put_safes(&safes, request, password, &marks, err);
    buf_free(&marks.friendly_name);
    if (!built)
        return false;
    size_t pfx = der_begin(out, DER_SEQUENCE);
    der_put_integer(out, 3);
    size_t content = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_data);
    size_t tagged = der_begin(out, DER_CONTEXT_0);
    der_put(out, DER_OCTET_STRING, buf_span(&safes));
    der_end(out, tagged);
    der_end(out, content);
    if (!put_mac(out, request, password, buf_span(&safes), err))
        return false;
    der_end(out, pfx);
    return !out->failed || crypto_no_memory(err);
}
