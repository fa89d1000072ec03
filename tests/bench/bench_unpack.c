/* Prints what opening a PKCS#12 file costs beside OpenSSL's bare derivations of the same keys, in the same
   run, and how many wraps for stores a second one thread makes. */
#include "crypto/library.h"
#include "crypto/memory.h"
#include "crypto/pfx_open.h"
#include "crypto/store_format.h"

#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct pfx_limits limits = {.max_iterations = 5000000, .max_bytes = 1 << 20};
static const char password[] = "a command's password";

static double now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void check(bool done, const struct err *err)
{
    if (done)
        return;
    fprintf(stderr, "%s: %s\n", err_name(err->code), err->text);
    exit(1);
}

static void load(struct material *out)
{
    static uint8_t der[1 << 16];
    struct err err = {0};
    FILE *file = fopen(CERTSWAP_SOURCE_DIR "/tests/cases/credential/valid/openssl3-rsa/credential.p12", "rb");
    size_t len = file != NULL ? fread(der, 1, sizeof der, file) : 0;
    if (file != NULL)
        fclose(file);
    check(pfx_open(&limits, span_of(der, len), true, SPAN_LITERAL("changeit"), out, &err), &err);
}

/* The certificates' key, the private key's and the MAC's. */
static double derive_us(int iterations, enum pkcs12_profile profile, int runs)
{
    uint8_t salt[16] = "0123456789abcde", out[32];
    double start = now_us();
    for (int run = 0; run < runs; run++) {
        for (int part = 0; part < 2; part++) {
            if (profile == PKCS12_MODERN) {
                PKCS5_PBKDF2_HMAC(password, sizeof password - 1, salt, 16, iterations, EVP_sha256(), 32, out);
            } else {
                PKCS12_key_gen_utf8(password, sizeof password - 1, salt, 16, 1, iterations, 24, out,
                                    EVP_sha1());
                PKCS12_key_gen_utf8(password, sizeof password - 1, salt, 16, 2, iterations, 8, out,
                                    EVP_sha1());
            }
        }
        const EVP_MD *digest = profile == PKCS12_MODERN ? EVP_sha256() : EVP_sha1();
        PKCS12_key_gen_utf8(password, sizeof password - 1, salt, 16, 3, iterations, EVP_MD_get_size(digest),
                            out, digest);
    }
    return (now_us() - start) / runs;
}

static double unpack_us(struct span der, int runs)
{
    struct err err = {0};
    double start = now_us();
    for (int run = 0; run < runs; run++) {
        struct material material = {0};
        check(pfx_open(&limits, der, true, SPAN_LITERAL(password), &material, &err), &err);
        material_free(&material);
    }
    return (now_us() - start) / runs;
}

static void measure(const struct material *material, enum pkcs12_profile profile, int iterations, int runs)
{
    struct store_format_request request = {CREDENTIAL_PKCS12,      profile,   material, true,
                                           SPAN_LITERAL(password), iterations};
    struct buf der = {0};
    struct err err = {0};
    bool encrypted;
    double start = now_us();
    for (int run = 0; run < runs; run++) {
        buf_reset(&der);
        check(store_format_build(&request, &der, &encrypted, &err), &err);
    }
    double wrap = (now_us() - start) / runs;
    /* In turns, so that a machine that changes its pace changes it for both. */
    double unpack = 0, derive = 0;
    for (int turn = 0; turn < 5; turn++) {
        unpack += unpack_us(buf_span(&der), runs / 5) / 5;
        derive += derive_us(iterations, profile, runs / 5) / 5;
    }
    printf(
        "%s %5d iterations: unpack %8.1f us, derivations alone %8.1f us, ratio %.3f; wrap %8.1f us, %.0f/s\n",
        pkcs12_profile_name(profile), iterations, unpack, derive, unpack / derive, wrap, 1e6 / wrap);
    buf_free(&der);
}

int main(void)
{
    struct err err = {0};
    struct material material = {0};
    wipe_openssl_memory(); /* as the service does */
    check(crypto_library_start(&err), &err);
    load(&material);
    measure(&material, PKCS12_MODERN, 1, 1000);
    measure(&material, PKCS12_MODERN, 2048, 250);
    measure(&material, PKCS12_MODERN, 10000, 50);
    measure(&material, PKCS12_LEGACY, 2048, 100);
    measure(&material, PKCS12_LEGACY, 10000, 25);
    material_free(&material);
    crypto_library_stop();
    return 0;
}
