/* A CMS to one of the pairs in tests/cases/sealing. It opens, or it is SEAL_INVALID; and what opens has the
   content of the corpus' messages: nothing else can be made without their keys. */
#include "crypto/sealing.h"
#include "fuzz/crypto/der_mutator.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sealing_pairs *pairs;
    struct buf content = {0};
    struct err err = {0};
    start_once();
    if (pairs == NULL && !sealing_pairs_load(CERTSWAP_SOURCE_DIR "/tests/cases/sealing/pairs", &pairs, &err))
        abort();
    if (!sealing_open(pairs, span_of(data, size), &content, &err)) {
        if (err.code != ERR_SEAL_INVALID || content.len != 0)
            abort();
    } else if (content.len > 0 && !span_equal(buf_span(&content), SPAN_LITERAL("sealed to you"))) {
        abort();
    }
    buf_free(&content);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return der_mutate(data, size, max_size, seed);
}
