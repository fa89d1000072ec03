/* A keyring that is accepted seals and opens. */
#include "crypto/at_rest.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf sealed = {0};
    struct secret plain = {0};
    start_once();
    struct keyring *ring = keyring_parse(span_of(data, size), NULL);
    if (ring != NULL && (!at_rest_seal(ring, span_of(NULL, 0), SPAN_LITERAL("x"), &sealed, NULL) ||
                         !at_rest_open(ring, span_of(NULL, 0), buf_span(&sealed), &plain, NULL)))
        abort();
    secret_free(&plain);
    buf_free(&sealed);
    keyring_free(ring);
    return 0;
}
