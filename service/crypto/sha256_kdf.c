/* SHA-256's own functions are called deprecated since OpenSSL 3.0, in favour of EVP's. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha256_kdf.h"

#include "base/secret.h"

#include <openssl/sha.h>
#include <string.h>

/* The one block that is hashed again and again: a hash, with SHA-256's padding behind it. */
struct block {
    uint8_t bytes[SHA256_CBLOCK];
};

/* `hashed`: bytes that the whole message has, this block's hash included. */
static void pad(struct block *block, size_t hashed)
{
    memset(block->bytes + SHA256_LEN, 0, SHA256_CBLOCK - SHA256_LEN);
    block->bytes[SHA256_LEN] = 0x80;
    block->bytes[SHA256_CBLOCK - 2] = (uint8_t)(hashed * 8 >> 8);
    block->bytes[SHA256_CBLOCK - 1] = (uint8_t)(hashed * 8);
}

/* Hashes the block behind what `start` has hashed, and leaves the hash in its first half. */
static void hash_again(struct block *block, const SHA256_CTX *start, SHA256_CTX *scratch)
{
    memcpy(scratch->h, start->h, sizeof scratch->h);
    SHA256_Transform(scratch, block->bytes);
    for (size_t i = 0; i < sizeof scratch->h / sizeof scratch->h[0]; i++)
        for (size_t at = 0; at < 4; at++)
            block->bytes[4 * i + at] = (uint8_t)(scratch->h[i] >> (24 - 8 * at));
}

/* HMAC's two keys (RFC 2104), each hashed already. */
struct hmac {
    SHA256_CTX inner, outer, scratch;
};

static void hmac_begin(struct hmac *hmac, struct span key)
{
    uint8_t padded[SHA256_CBLOCK] = {0};
    if (key.len > sizeof padded)
        SHA256(key.data, key.len, padded);
    else if (key.len > 0)
        memcpy(padded, key.data, key.len);
    for (size_t i = 0; i < sizeof padded; i++)
        padded[i] ^= 0x36;
    SHA256_Init(&hmac->inner);
    SHA256_Update(&hmac->inner, padded, sizeof padded);
    for (size_t i = 0; i < sizeof padded; i++)
        padded[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&hmac->outer);
    SHA256_Update(&hmac->outer, padded, sizeof padded);
    memset(&hmac->scratch, 0, sizeof hmac->scratch);
    secret_wipe(padded, sizeof padded);
}

/* The first of a block's HMACs: of the salt and the block's number. */
static void hmac_first(struct hmac *hmac, struct span salt, uint32_t number, struct block *block)
{
    const uint8_t big_endian[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                                   (uint8_t)number};
    SHA256_CTX context = hmac->inner;
    if (salt.len > 0)
        SHA256_Update(&context, salt.data, salt.len);
    SHA256_Update(&context, big_endian, sizeof big_endian);
    SHA256_Final(block->bytes, &context);
    pad(block, SHA256_CBLOCK + SHA256_LEN);
    hash_again(block, &hmac->outer, &hmac->scratch);
    secret_wipe(&context, sizeof context);
}

void sha256_pbkdf2(struct span password, struct span salt, int64_t iterations, uint8_t *out, size_t len)
{
    struct hmac hmac;
    struct block block;
    uint8_t sum[SHA256_LEN];
    hmac_begin(&hmac, password);
    for (uint32_t number = 1; len > 0; number++) {
        hmac_first(&hmac, salt, number, &block);
        memcpy(sum, block.bytes, sizeof sum);
        for (int64_t i = 1; i < iterations; i++) {
            hash_again(&block, &hmac.inner, &hmac.scratch);
            hash_again(&block, &hmac.outer, &hmac.scratch);
            for (size_t at = 0; at < sizeof sum; at++)
                sum[at] ^= block.bytes[at];
        }
        size_t taken = len < sizeof sum ? len : sizeof sum;
        memcpy(out, sum, taken);
        out += taken;
        len -= taken;
    }
    secret_wipe(&hmac, sizeof hmac);
    secret_wipe(&block, sizeof block);
    secret_wipe(sum, sizeof sum);
}

/* The bytes repeated to a whole number of blocks. */
static void hash_repeated(SHA256_CTX *context, struct span bytes)
{
    size_t whole = (bytes.len + SHA256_CBLOCK - 1) / SHA256_CBLOCK * SHA256_CBLOCK;
    while (whole > 0) {
        size_t taken = whole < bytes.len ? whole : bytes.len;
        SHA256_Update(context, bytes.data, taken);
        whole -= taken;
    }
}

void sha256_pkcs12(uint8_t id, struct span password, struct span salt, int64_t iterations, uint8_t *out,
                   size_t len)
{
    uint8_t diversifier[SHA256_CBLOCK];
    struct block block;
    SHA256_CTX start, context;
    memset(diversifier, id, sizeof diversifier);
    SHA256_Init(&start);
    context = start;
    SHA256_Update(&context, diversifier, sizeof diversifier);
    hash_repeated(&context, salt);
    hash_repeated(&context, password);
    SHA256_Final(block.bytes, &context);
    pad(&block, SHA256_LEN);
    for (int64_t i = 1; i < iterations; i++)
        hash_again(&block, &start, &context);
    memcpy(out, block.bytes, len);
    secret_wipe(&block, sizeof block);
    secret_wipe(&context, sizeof context);
}
