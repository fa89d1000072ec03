/* The messages and keys under tests/cases/sealing. */
#pragma once

#include "base/buf.h"
#include "crypto/sealing.h"

#define SEALING_CASES CERTSWAP_SOURCE_DIR "/tests/cases/sealing"
#define SEALING_CONTENT "sealed to you"

/* A moment at which the certificates are valid (2030), in milliseconds since 1970. */
#define SEALING_NOW_MS INT64_C(1900000000000)

/* Reads SEALING_CASES/path into an empty buffer; fails the test when it cannot be read. */
void sealing_file(const char *path, struct buf *out);
/* The DER of the certificate SEALING_CASES/path, which is PEM. */
void sealing_certificate(const char *path, struct buf *der);
/* All pairs of the cases; free with sealing_pairs_free. */
struct sealing_pairs *sealing_all_pairs(void);
/* Calls `check` with each line of cases.txt whose folder it is; returns how many there were. */
size_t sealing_each_case(const char *folder,
                         void (*check)(const char *name, struct span cms, const char *words));
