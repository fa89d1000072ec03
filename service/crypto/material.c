#include "crypto/material.h"

#include "crypto/certificate.h"
#include "crypto/library.h"
#include "crypto/private_key.h"

#include <assert.h>

enum { PACKED_VERSION = 1 };

void material_free(struct material *material)
{
    secret_free(&material->key);
    secret_free(&material->certificates);
    *material = (struct material){0};
}

/* Copies the parts into an empty material; the chain is in order already. */
static bool copy_parts(struct material *out, struct span key, struct span leaf, const struct span *chain,
                       size_t chain_count, struct err *err)
{
    assert(out->key.data == NULL && out->certificates.data == NULL);
    size_t total = leaf.len;
    for (size_t i = 0; i < chain_count; i++)
        total += chain[i].len;
    if (!secret_copy(&out->key, key) || !secret_alloc(&out->certificates, total)) {
        material_free(out);
        return crypto_no_memory(err);
    }
    uint8_t *at = out->certificates.data;
    memcpy(at, leaf.data, leaf.len);
    out->leaf.der = span_of(at, leaf.len);
    at += leaf.len;
    for (size_t i = 0; i < chain_count; i++) {
        memcpy(at, chain[i].data, chain[i].len);
        out->chain[i].der = span_of(at, chain[i].len);
        at += chain[i].len;
    }
    out->chain_count = chain_count;
    return true;
}

bool material_set(struct material *out, struct span key, struct span leaf, const struct span *others,
                  size_t other_count, struct err *err)
{
    struct span chain[MATERIAL_CHAIN_MAX];
    size_t chain_count = 0;
    return material_order_chain(leaf, others, other_count, chain, &chain_count, err) &&
           copy_parts(out, key, leaf, chain, chain_count, err);
}

/* The index in `certs` of the child's issuer; `count` when there is none. Of several with its name, the one
   that signed it, else none. A certificate alone with that name needs no proof: readers check signatures
   anyway. */
static size_t find_issuer(const struct certificate *child, const struct span *certs, size_t count,
                          struct err *err)
{
    size_t found = count;
    struct certificate first = {0};
    bool several = false;
    for (size_t i = 0; i < count; i++) {
        struct certificate candidate;
        if (span_equal(certs[i], child->der) || !certificate_read(certs[i], &candidate) ||
            !certificate_names_equal(candidate.subject, child->issuer, err))
            continue;
        if (found == count) {
            found = i;
            first = candidate;
            continue;
        }
        if (span_equal(candidate.der, first.der))
            continue;
        several = true;
        if (certificate_is_signed_by(child, &candidate, err))
            return i;
    }
    if (several && !certificate_is_signed_by(child, &first, err))
        return count;
    return found;
}

bool material_order_chain(struct span leaf, const struct span *certs, size_t count,
                          struct span chain[MATERIAL_CHAIN_MAX], size_t *chain_count, struct err *err)
{
    struct certificate current;
    struct err fault = {0};
    *chain_count = 0;
    if (!certificate_read(leaf, &current))
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the certificate cannot be read: export the credential again");
    while (!certificate_names_equal(current.subject, current.issuer, &fault)) {
        size_t at = find_issuer(&current, certs, count, &fault);
        if (at == count || fault.code != ERR_NONE)
            break;
        bool seen = span_equal(certs[at], leaf);
        for (size_t i = 0; i < *chain_count; i++)
            seen = seen || span_equal(chain[i], certs[at]);
        if (seen)
            break;
        if (*chain_count == MATERIAL_CHAIN_MAX)
            return err_set(err, ERR_CREDENTIAL_INVALID,
                           "the certificate's chain has more than %d certificates: export it with fewer",
                           MATERIAL_CHAIN_MAX);
        chain[(*chain_count)++] = certs[at];
        certificate_read(certs[at], &current);
    }
    return fault.code == ERR_NONE || err_set(err, fault.code, "%s", fault.text);
}

static bool thumbprint(struct span der, char out[THUMBPRINT_TEXT_LEN + 1], struct err *err)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t hash[CRYPTO_DIGEST_MAX];
    if (!crypto_hash(DIGEST_SHA1, der, hash, err))
        return false;
    for (int i = 0; i < THUMBPRINT_TEXT_LEN / 2; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[THUMBPRINT_TEXT_LEN] = '\0';
    return true;
}

/* Upper-case hex against hex in either case. */
static bool same_hex(const char *upper, struct span text)
{
    if (text.len != THUMBPRINT_TEXT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 'a' && c <= 'f')
            c = (uint8_t)(c - 'a' + 'A');
        if (c != (uint8_t)upper[i])
            return false;
    }
    return true;
}

bool material_check(const struct material *material, struct span expected, struct err *err)
{
    struct certificate leaf;
    if (material->key.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the credential has no private key: export it together with its key");
    if (!certificate_read(material->leaf.der, &leaf))
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the certificate cannot be read: export the credential again");
    enum key_fit fit = private_key_fit(secret_span(&material->key), &leaf, err);
    if (fit == KEY_UNKNOWN)
        return false;
    if (fit == KEY_DIFFERS)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the private key does not belong to the certificate: export both from the same enrollment");
    char actual[THUMBPRINT_TEXT_LEN + 1];
    if (!thumbprint(material->leaf.der, actual, err))
        return false;
    if (!same_hex(actual, expected))
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the credential holds the certificate with thumbprint %s, not the event's: send the one that "
            "the event is about",
            actual);
    return true;
}

bool material_thumbprint(const struct material *material, char out[THUMBPRINT_TEXT_LEN + 1])
{
    return thumbprint(material->leaf.der, out, NULL);
}

bool material_common_name(const struct material *material, struct buf *out)
{
    struct certificate leaf;
    return certificate_read(material->leaf.der, &leaf) && certificate_common_name(&leaf, out);
}

static void pack_part(struct buf *out, struct span part)
{
    assert(part.len <= UINT32_MAX);
    uint32_t len = (uint32_t)part.len;
    buf_put(out, (uint8_t[]){(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len},
            4);
    buf_put(out, part.data, part.len);
}

bool material_pack(const struct material *material, struct buf *out)
{
    buf_put_byte(out, PACKED_VERSION);
    pack_part(out, secret_span(&material->key));
    pack_part(out, material->leaf.der);
    buf_put_byte(out, (uint8_t)material->chain_count);
    for (size_t i = 0; i < material->chain_count; i++)
        pack_part(out, material->chain[i].der);
    return !out->failed;
}

static bool unpack_byte(struct span *in, uint8_t *byte)
{
    if (in->len < 1)
        return false;
    *byte = in->data[0];
    *in = span_of(in->data + 1, in->len - 1);
    return true;
}

static bool unpack_part(struct span *in, struct span *part)
{
    if (in->len < 4)
        return false;
    size_t len =
        (size_t)in->data[0] << 24 | (size_t)in->data[1] << 16 | (size_t)in->data[2] << 8 | in->data[3];
    if (len > in->len - 4)
        return false;
    *part = span_of(in->data + 4, len);
    *in = span_of(in->data + 4 + len, in->len - 4 - len);
    return true;
}

bool material_unpack(struct span packed, struct material *out, struct err *err)
{
    uint8_t version = 0, count = 0;
    struct span key, leaf, chain[MATERIAL_CHAIN_MAX];
    bool whole = unpack_byte(&packed, &version) && version == PACKED_VERSION && unpack_part(&packed, &key) &&
                 unpack_part(&packed, &leaf) && leaf.len > 0 && unpack_byte(&packed, &count) &&
                 count <= MATERIAL_CHAIN_MAX;
    for (size_t i = 0; whole && i < count; i++)
        whole = unpack_part(&packed, &chain[i]) && chain[i].len > 0;
    if (!whole || packed.len > 0)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the staged material is not as this version writes it: enroll or renew the certificate again");
    return copy_parts(out, key, leaf, chain, count, err);
}
