#include "base/uuid.h"

#include "base/hex.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

static const uint8_t dash_before[16] = {[4] = 1, [6] = 1, [8] = 1, [10] = 1};

bool uuid_parse(struct uuid *uuid, struct span text)
{
    if (text.len != UUID_TEXT_LEN)
        return false;
    const uint8_t *at = text.data;
    for (int i = 0; i < 16; i++) {
        if (dash_before[i] && *at++ != '-')
            return false;
        int high = hex_value(at[0]);
        int low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        uuid->bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return true;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (dash_before[i])
            *text++ = '-';
        *text++ = digits[uuid->bytes[i] >> 4];
        *text++ = digits[uuid->bytes[i] & 15];
    }
    *text = '\0';
}

/* Version and variant (RFC 9562, sections 4.1 and 4.2) over the bits that are theirs. */
static void set_version(struct uuid *uuid, int version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0F) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3F) | 0x80);
}

struct uuid uuid_v4(const uint8_t random[16])
{
    struct uuid uuid;
    memcpy(uuid.bytes, random, sizeof uuid.bytes);
    set_version(&uuid, 4);
    return uuid;
}

/* Fetched once a process: a fetch costs more than the digest. */
static const EVP_MD *sha1(void)
{
    static EVP_MD *md;
    EVP_MD *known = __atomic_load_n(&md, __ATOMIC_ACQUIRE);
    if (known != NULL)
        return known;
    EVP_MD *fetched = EVP_MD_fetch(NULL, "SHA1", NULL);
    assert(fetched != NULL);
    EVP_MD *expected = NULL;
    if (__atomic_compare_exchange_n(&md, &expected, fetched, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fetched;
    EVP_MD_free(fetched);
    return expected;
}

struct uuid uuid_v5(const struct uuid *namespace, struct span name)
{
    uint8_t digest[SHA_DIGEST_LENGTH];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestInit_ex(ctx, sha1(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, namespace->bytes, sizeof namespace->bytes) == 1 &&
                EVP_DigestUpdate(ctx, name.data, name.len) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    assert(done);
    struct uuid uuid;
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    set_version(&uuid, 5);
    return uuid;
}
