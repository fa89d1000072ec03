/* An environment and files that exist only in the test. */
#pragma once

#include "config/settings.h"

/* Enough for a start, as "NAME=value". */
#define GOOD_KEY "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define REQUIRED                                                                                             \
    "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b1:9092,b2:9093", "CERTSWAP_STAGING_KEYS=" GOOD_KEY,                   \
        "CERTSWAP_REQUIRE_SEALED=false"

/* Files: /keys, /redis, /password, /empty, /nul; others do not exist. Host name "host7", 4 CPUs. */
struct settings_source source_of(const char *const *environ);
struct settings *load(const char *const *environ, struct faults *faults);
/* The same with REQUIRED and one variable more. */
struct settings *load_with(const char *variable, struct faults *faults);
/* Whether one of the faults is about the variable and has the words in it. */
bool has_fault(const struct faults *faults, const char *variable, const char *words);
