/* config/faults: what is wrong with the settings. A start reports all of it at once and is refused: rooms
   above that find more (an unknown librdkafka property, for one) add to the same list. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct fault {
    char *variable; /* "CERTSWAP_STAGING_TTL_S" */
    char *text;     /* what is wrong; what to do */
};

struct faults {
    struct fault *items;
    size_t count;
    bool failed; /* out of memory: there were more */
};

/* Adds one: "<what is wrong>; <what to do>", without the value of anything secret. The variable is copied. */
void faults_add(struct faults *faults, const char *variable, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing wrong, and no fault lost for want of memory. */
bool faults_none(const struct faults *faults);
/* A line each: "<variable>: <text>". */
void faults_print(FILE *out, const struct faults *faults);
void faults_free(struct faults *faults);
static inline void auto_faults(struct faults *faults)
{
    faults_free(faults);
}
