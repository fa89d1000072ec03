/* A recipient for tests: a self-signed P-256 certificate, and a folder with its pair as CERTSWAP_SEALING_DIR
 * has it. */
#pragma once

#include "base/arena.h"

enum { IDENTITY_FOLDER_MAX = 64 };

struct identity {
    struct span certificate; /* DER, in the arena */
    char folder[IDENTITY_FOLDER_MAX];
};

/* Good from `begin_s` to `end_s`, seconds since 1970. Asserts that it could be made. */
void identity_make(struct arena *arena, int64_t begin_s, int64_t end_s, struct identity *identity);
/* Removes the folder. */
void identity_free(struct identity *identity);
