/* A PKCS#12 file whose MAC and encryption are in order, whatever stands within: each part of the input is a
   safe's bags, in clear or encrypted, or a private key that is shrouded. Made here, opened by pfx_open. */
#include "crypto/library.h"
#include "crypto/pbe_write.h"
#include "crypto/pfx_open.h"
#include "fuzz/crypto/der_mutator.h"
#include "fuzz/crypto/start.h"
#include "fuzz/support/chunks.h"

enum part { SAFE_IN_CLEAR, SAFE_MODERN, SAFE_LEGACY, SHROUDED_KEY, PART_COUNT };

static const struct span oid_data = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"),
                         oid_encrypted_data = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"),
                         oid_shrouded_key_bag = SPAN_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"),
                         oid_sha1 = SPAN_LITERAL("\x2b\x0e\x03\x02\x1a");

static struct pbe_password password;
static struct pbe_writer modern, legacy;

static void start_writers(void)
{
    start_once();
    if (password.bmp.len == 0 &&
        (!pbe_password_set(&password, true, SPAN_LITERAL("changeit"), ERR_CREDENTIAL_INVALID, NULL) ||
         !pbe_writer_modern(&modern, &password, 1, NULL) || !pbe_writer_legacy(&legacy, &password, 1, NULL)))
        abort();
}

static void put_safe_in_clear(struct buf *out, struct span bags)
{
    size_t content = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_data);
    size_t tagged = der_begin(out, DER_CONTEXT_0);
    der_put(out, DER_OCTET_STRING, bags);
    der_end(out, tagged);
    der_end(out, content);
}

static void put_encrypted_safe(struct buf *out, struct pbe_writer *writer, struct span bags)
{
    size_t content = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_encrypted_data);
    size_t tagged = der_begin(out, DER_CONTEXT_0);
    size_t data = der_begin(out, DER_SEQUENCE);
    der_put_integer(out, 0);
    size_t encrypted = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_data);
    if (!pbe_write(writer, bags, DER_CONTEXT_0_PRIMITIVE, out, NULL))
        abort();
    der_end(out, encrypted);
    der_end(out, data);
    der_end(out, tagged);
    der_end(out, content);
}

/* In a safe in clear, as every writer does it. */
static void put_key(struct buf *out, struct span key)
{
    AUTO(buf) struct buf bags = {0};
    size_t list = der_begin(&bags, DER_SEQUENCE);
    size_t bag = der_begin(&bags, DER_SEQUENCE);
    der_put(&bags, DER_OID, oid_shrouded_key_bag);
    size_t value = der_begin(&bags, DER_CONTEXT_0);
    size_t shrouded = der_begin(&bags, DER_SEQUENCE);
    if (!pbe_write(&modern, key, DER_OCTET_STRING, &bags, NULL))
        abort();
    der_end(&bags, shrouded);
    der_end(&bags, value);
    der_end(&bags, bag);
    der_end(&bags, list);
    put_safe_in_clear(out, buf_span(&bags));
}

static void put_safes(struct buf *out, struct span input)
{
    struct chunk chunk;
    size_t safes = der_begin(out, DER_SEQUENCE);
    while (chunk_next(&input, &chunk)) {
        switch ((enum part)(chunk.tag % PART_COUNT)) {
        case SAFE_IN_CLEAR:
            put_safe_in_clear(out, chunk.content);
            break;
        case SHROUDED_KEY:
            put_key(out, chunk.content);
            break;
        default:
            put_encrypted_safe(out, chunk.tag % PART_COUNT == SAFE_MODERN ? &modern : &legacy, chunk.content);
        }
    }
    der_end(out, safes);
}

static void put_mac(struct buf *out, struct span safes)
{
    static const struct pbe_kdf kdf = {
        .kind = KDF_PKCS12, .digest = DIGEST_SHA1, .salt = "fuzz", .salt_len = 4, .iterations = 1};
    static uint8_t key[CRYPTO_DIGEST_MAX];
    static bool derived;
    uint8_t mac[CRYPTO_DIGEST_MAX];
    size_t size = crypto_digest_size(DIGEST_SHA1);
    derived = derived || pbe_derive(&kdf, PBE_PURPOSE_MAC, &password, key, size, NULL);
    if (!derived || !crypto_hmac(DIGEST_SHA1, span_of(key, size), safes, mac, NULL))
        abort();
    size_t data = der_begin(out, DER_SEQUENCE);
    size_t info = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid_sha1);
    der_put(out, DER_NULL, span_of(NULL, 0));
    der_end(out, algorithm);
    der_put(out, DER_OCTET_STRING, span_of(mac, size));
    der_end(out, info);
    der_put(out, DER_OCTET_STRING, span_of(kdf.salt, kdf.salt_len));
    der_end(out, data);
}

static void put_file(struct buf *out, struct span input)
{
    AUTO(buf) struct buf safes = {0};
    put_safes(&safes, input);
    size_t pfx = der_begin(out, DER_SEQUENCE);
    der_put_integer(out, 3);
    put_safe_in_clear(out, buf_span(&safes));
    put_mac(out, buf_span(&safes));
    der_end(out, pfx);
    if (out->failed || safes.failed)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pfx_limits limits = {.max_iterations = 4, .max_bytes = 65536};
    struct material material = {0};
    struct err err = {0};
    AUTO(buf) struct buf file = {0};
    AUTO(buf) struct buf packed = {0};
    start_writers();
    put_file(&file, span_of(data, size));
    if (pfx_open(&limits, buf_span(&file), true, SPAN_LITERAL("changeit"), &material, &err)) {
        if (material.key.len == 0 || !material_pack(&material, &packed))
            abort();
    } else if (err.code != ERR_CREDENTIAL_INVALID) {
        abort();
    }
    material_free(&material);
    return 0;
}

static size_t mutate_part(uint8_t tag, uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    (void)tag;
    return der_mutate(data, size, max_size, seed);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return chunks_mutate(mutate_part, data, size, max_size, seed);
}
