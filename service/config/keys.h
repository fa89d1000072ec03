/* config/keys: the form of CERTSWAP_STAGING_KEYS. What the keys are for is crypto's business. */
#pragma once

#include "base/secret.h"

enum { STAGING_KID_MAX = 64 };

struct key_fault {
    size_t line;       /* from 1; 0: out of memory */
    const char *wrong; /* without anything of the line */
};

/* Checks lines "<kid>:<base64 of 32 bytes>": a kid is 1 to STAGING_KID_MAX characters of a-z, A-Z, 0-9, '.',
   '_' and
   '-', each once; at least one line. *keys gets them one a line, each ended by '\n', without empty lines and
   blanks around them; the caller frees. False: *fault says why. */
bool staging_keys_normalise(struct secret *keys, struct span text, struct key_fault *fault);
