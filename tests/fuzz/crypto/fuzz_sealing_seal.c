/* A recipient's certificate. It is sealed to, or it is SEALING_FAILED. */
#include "crypto/sealing.h"
#include "fuzz/crypto/der_mutator.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf cms = {0};
    struct err err = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    start_once();
    if (!sealing_seal(span_of(data, size), SPAN_LITERAL("x"), INT64_C(1900000000000), &cms, recipient,
                      &err) &&
        (err.code != ERR_SEALING_FAILED || cms.len != 0))
        abort();
    buf_free(&cms);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return der_mutate(data, size, max_size, seed);
}
