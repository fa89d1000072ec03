/* A whole PKCS#12 file, with few iterations allowed so that runs are fast. */
#include "crypto/pfx_open.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pfx_limits limits = {.max_iterations = 4, .max_bytes = 65536};
    struct material material = {0};
    start_once();
    if (pfx_open(&limits, span_of(data, size), true, SPAN_LITERAL("changeit"), &material, NULL) &&
        material.key.len == 0)
        abort();
    material_free(&material);
    return 0;
}
