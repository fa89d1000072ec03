/* What is unpacked packs again to the same bytes. */
#include "crypto/material.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct material material = {0};
    struct buf packed = {0}, name = {0};
    start_once();
    if (material_unpack(span_of(data, size), &material, NULL)) {
        if (!material_pack(&material, &packed) || !span_equal(buf_span(&packed), span_of(data, size)))
            abort();
        material_check(&material, span_of(NULL, 0), NULL);
        material_common_name(&material, &name);
    }
    material_free(&material);
    buf_free(&packed);
    buf_free(&name);
    return 0;
}
