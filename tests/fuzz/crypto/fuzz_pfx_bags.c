/* The bags of a decrypted safe, and the key in them: what stands behind a MAC that no fuzzer finds. */
#include "crypto/pfx_read.h"
#include "crypto/private_key.h"
#include "fuzz/crypto/der_mutator.h"
#include "fuzz/crypto/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pfx_limits limits = {.max_iterations = 4, .max_bytes = 65536};
    struct pfx_reader reader = {.budget = pbe_budget_of(&limits)};
    struct secret key = {0};
    struct err err = {0};
    start_once();
    if (pfx_read_bags(&reader, span_of(data, size), &err) && reader.plain_key.len > 0 &&
        private_key_normalise(reader.plain_key, &key, &err)) {
        for (size_t i = 0; i < reader.cert_count; i++) {
            struct certificate certificate;
            if (certificate_read(pfx_octets(reader.certs[i].octets), &certificate))
                private_key_fit(secret_span(&key), &certificate, &err);
        }
    }
    secret_free(&key);
    pfx_reader_free(&reader);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return der_mutate(data, size, max_size, seed);
}
