/* Starts the library once a fuzz process. */
#pragma once

#include "crypto/library.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void start_once(void)
{
    static bool started;
    if (!started && !crypto_library_start(NULL))
        abort();
    started = true;
}
