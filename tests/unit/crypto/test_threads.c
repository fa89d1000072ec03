/* Threads use the room at once, without locks of ours. */
#include "crypto/at_rest.h"
#include "crypto/credential_open.h"
#include "crypto/store_format.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <pthread.h>

TestSuite(threads, .init = start_library);

struct shared {
    struct credential_case one;
    struct keyring *ring;
};

static bool do_all(const struct shared *shared)
{
    struct material material = {0}, back = {0};
    struct buf packed = {0}, sealed = {0}, content = {0};
    struct secret plain = {0};
    bool encrypted;
    struct store_format_request request = {
        CREDENTIAL_PKCS12, PKCS12_MODERN, &material, true, SPAN_LITERAL("p"), 2};
    bool done = credential_open(&case_limits, &shared->one.credential, &material, NULL) &&
                material_check(&material, span_text(shared->one.thumbprint), NULL) &&
                material_pack(&material, &packed) &&
                at_rest_seal(shared->ring, SPAN_LITERAL("7"), buf_span(&packed), &sealed, NULL) &&
                at_rest_open(shared->ring, SPAN_LITERAL("7"), buf_span(&sealed), &plain, NULL) &&
                material_unpack(secret_span(&plain), &back, NULL) &&
                store_format_build(&request, &content, &encrypted, NULL);
    material_free(&material);
    material_free(&back);
    buf_free(&packed);
    buf_free(&sealed);
    buf_free(&content);
    secret_free(&plain);
    return done;
}

static void *work(void *arg)
{
    for (int i = 0; i < 20; i++) {
        if (!do_all(arg))
            return NULL;
    }
    return arg;
}

Test(threads, open_check_seal_and_build_at_once)
{
    struct shared shared = {0};
    pthread_t threads[4];
    case_load(&shared.one, "valid", "one-iteration-rsa");
    shared.ring = keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, work, &shared), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        cr_assert_not_null(result, "thread %d", i);
    }
    keyring_free(shared.ring);
    case_free(&shared.one);
}
