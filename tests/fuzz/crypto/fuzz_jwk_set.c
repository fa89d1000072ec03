/* A set that is taken has a key that verifies, and each key that does not says why. */
#include "crypto/jwk_set.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(jwk_set) struct jwk_set *set = NULL;
    struct err err = {0};
    start_once();
    if (!jwk_set_parse(span_of(data, size), &set, &err)) {
        if (err.code != ERR_CONFIG_INVALID)
            abort();
        return 0;
    }
    size_t usable = 0;
    for (size_t i = 0; i < set->count; i++) {
        usable += set->keys[i].why == NULL;
        if (set->keys[i].why == NULL && set->keys[i].key.handle == NULL)
            abort();
    }
    if (usable == 0 || usable != set->usable)
        abort();
    return 0;
}
