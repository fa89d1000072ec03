/* What cryptography alone takes: for each command so many wraps (a key derivation, the PKCS#12 MAC's, AES
   over the content) and so many seals (a content key to the recipient's key, AES-256-GCM over the content),
   as plain calls of OpenSSL. usage: bench_crypto THREADS COMMANDS WRAPS ITERATIONS SEALS p256|rsa2048|none
   BYTES */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct load {
    long commands, wraps, iterations, seals, bytes;
    EVP_PKEY *recipient; /* NULL: nothing is sealed */
    EVP_KDF *pbkdf2, *pkcs12;
    EVP_CIPHER *cbc, *gcm, *wrap;
    EVP_MD *sha256;
    pthread_barrier_t *barrier;
};

static void need(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "bench_crypto: %s fails\n", what);
    exit(1);
}

static void derive(EVP_KDF *kdf, int id, long iterations, unsigned char *out, size_t len)
{
    unsigned char salt[16], password[] = "a password of a store";
    char digest[] = "SHA256";
    unsigned count = (unsigned)iterations;
    need(RAND_bytes(salt, sizeof salt) == 1, "RAND_bytes");
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, password, sizeof password - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof salt),
        OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &count),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        id > 0 ? OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id) : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end()};
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    need(EVP_KDF_derive(context, out, len, params) == 1, "the key derivation");
    EVP_KDF_CTX_free(context);
}

static void encrypt(EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *in, long len,
                    unsigned char *out)
{
    unsigned char iv[16];
    int done, last;
    need(RAND_bytes(iv, sizeof iv) == 1, "RAND_bytes");
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    need(EVP_EncryptInit_ex2(context, cipher, key,
                             cipher != NULL && EVP_CIPHER_get_iv_length(cipher) > 8 ? iv : NULL, NULL) == 1 &&
             EVP_EncryptUpdate(context, out, &done, in, (int)len) == 1 &&
             EVP_EncryptFinal_ex(context, out + done, &last) == 1,
         "encryption");
    EVP_CIPHER_CTX_free(context);
}

static void wrap(const struct load *load, const unsigned char *in, unsigned char *out)
{
    unsigned char key[32];
    derive(load->pbkdf2, 0, load->iterations, key, sizeof key);
    encrypt(load->cbc, key, in, load->bytes, out);
    derive(load->pkcs12, 3, load->iterations, key, sizeof key);
}

static void seal(const struct load *load, const unsigned char *in, unsigned char *out)
{
    unsigned char content_key[32], wrapped[1024], shared[66];
    size_t len = sizeof wrapped;
    need(RAND_bytes(content_key, sizeof content_key) == 1, "RAND_bytes");
    if (EVP_PKEY_get_base_id(load->recipient) == EVP_PKEY_RSA) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, load->recipient, NULL);
        need(EVP_PKEY_encrypt_init(context) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", NULL) == 1 &&
                 EVP_PKEY_encrypt(context, wrapped, &len, content_key, sizeof content_key) == 1,
             "OAEP");
        EVP_PKEY_CTX_free(context);
    } else {
        unsigned char digest[32];
        size_t shared_len = sizeof shared;
        EVP_PKEY *own = EVP_EC_gen("P-256");
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
        need(EVP_PKEY_derive_init(context) == 1 &&
                 EVP_PKEY_derive_set_peer_ex(context, load->recipient, 0) == 1 &&
                 EVP_PKEY_derive(context, shared, &shared_len) == 1 &&
                 EVP_Digest(shared, shared_len, digest, NULL, load->sha256, NULL) == 1,
             "ECDH");
        encrypt(load->wrap, digest, content_key, sizeof content_key, wrapped);
        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(own);
    }
    encrypt(load->gcm, content_key, in, load->bytes, out);
}

static void *work(void *arg)
{
    const struct load *load = arg;
    unsigned char *in = calloc(1, (size_t)load->bytes + 64), *out = malloc((size_t)load->bytes + 64);
    pthread_barrier_wait(load->barrier);
    for (long command = 0; command < load->commands; command++) {
        for (long i = 0; i < load->wraps; i++)
            wrap(load, in, out);
        for (long i = 0; i < load->seals && load->recipient != NULL; i++)
            seal(load, in, out);
    }
    pthread_barrier_wait(load->barrier);
    free(in);
    free(out);
    return NULL;
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    need(argc == 8, "usage: THREADS COMMANDS WRAPS ITERATIONS SEALS p256|rsa2048|none BYTES: this");
    int threads = atoi(argv[1]);
    pthread_barrier_t barrier;
    pthread_t ids[64];
    struct load load = {.commands = atol(argv[2]) / threads,
                        .wraps = atol(argv[3]),
                        .iterations = atol(argv[4]),
                        .seals = atol(argv[5]),
                        .bytes = atol(argv[7]),
                        .pbkdf2 = EVP_KDF_fetch(NULL, "PBKDF2", NULL),
                        .pkcs12 = EVP_KDF_fetch(NULL, "PKCS12KDF", NULL),
                        .cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL),
                        .gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
                        .wrap = EVP_CIPHER_fetch(NULL, "AES256-WRAP", NULL),
                        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
                        .barrier = &barrier};
    if (strcmp(argv[6], "p256") == 0)
        load.recipient = EVP_EC_gen("P-256");
    else if (strcmp(argv[6], "rsa2048") == 0)
        load.recipient = EVP_RSA_gen(2048);
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, work, &load);
    pthread_barrier_wait(&barrier);
    double wall = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&barrier);
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"commands\": %ld}\n", wall, cpu,
           load.commands * threads);
    return 0;
}
