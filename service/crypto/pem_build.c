/* crypto/pem_build: PEM (RFC 7468) for stores: the leaf, its chain, and the key as encrypted PKCS#8. */
#include "base/auto.h"

#include "base/base64.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/pbe_write.h"
#include "crypto/store_format_row.h"

static void put_block(struct buf *out, const char *label, struct span der)
{
    buf_put_format(out, "-----BEGIN %s-----\n", label);
    base64_put_lines(out, der);
    buf_put_format(out, "-----END %s-----\n", label);
}

bool pem_build(const struct store_format_request *request, const struct pbe_password *password,
               struct buf *out, struct err *err)
{
    const struct material *material = request->material;
    put_block(out, "CERTIFICATE", material->leaf.der);
    for (size_t i = 0; i < material->chain_count; i++)
        put_block(out, "CERTIFICATE", material->chain[i].der);
    if (request->with_key) {
        AUTO(pbe_writer) struct pbe_writer writer = {0};
        AUTO(buf) struct buf key = {0};
        size_t info = der_begin(&key, DER_SEQUENCE);
        if (!pbe_writer_modern(&writer, password, request->iterations, err) ||
            !pbe_write(&writer, secret_span(&material->key), DER_OCTET_STRING, &key, err))
            return false;
        der_end(&key, info);
        if (key.failed)
            return crypto_no_memory(err);
        put_block(out, "ENCRYPTED PRIVATE KEY", buf_span(&key));
    }
    return !out->failed || crypto_no_memory(err);
}
