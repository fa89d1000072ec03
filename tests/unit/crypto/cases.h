/* The credentials under tests/cases/credential, one folder a case. */
#pragma once

#include "base/buf.h"
#include "crypto/pfx_open.h"
#include "domain/record.h"

enum { CASE_TEXT_MAX = 512 };

struct credential_case {
    char name[128];
    struct credential credential; /* borrows from the case */
    struct buf content;
    char password[CASE_TEXT_MAX];
    char thumbprint[CASE_TEXT_MAX];
    char error[CASE_TEXT_MAX];
    size_t chain_count;
};

/* What the tests accept. */
extern const struct pfx_limits case_limits;

/* Calls `check` with each case of the folder ("valid", "invalid"); returns how many there were. Fails the
   test when a case cannot be read. */
size_t for_each_case(const char *folder, void (*check)(const struct credential_case *, void *), void *arg);
/* Reads one case. Free with case_free. */
void case_load(struct credential_case *out, const char *folder, const char *name);
void case_free(struct credential_case *one);

/* Suite hooks. */
void start_library(void);
