#include "crypto/pem_open.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pfx_limits limits = {.max_iterations = 4, .max_bytes = 65536};
    struct material material = {0};
    start_once();
    if (pem_open(&limits, span_of(data, size), true, SPAN_LITERAL("changeit"), &material, NULL)) {
        struct buf name = {0};
        if (!material_check(&material, span_of(NULL, 0), NULL))
            material_common_name(&material, &name);
        buf_free(&name);
    }
    material_free(&material);
    return 0;
}
