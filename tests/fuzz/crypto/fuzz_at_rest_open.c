#include "crypto/at_rest.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *ring;
    struct secret plain = {0};
    start_once();
    if (ring == NULL)
        ring = keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    at_rest_open(ring, SPAN_LITERAL("aad"), span_of(data, size), &plain, NULL);
    secret_free(&plain);
    return 0;
}
