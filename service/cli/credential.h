/* cli/credential: a certificate with its key from a file, as flags name it. */
#pragma once

#include "cli/options.h"
#include "cli/password.h"
#include "crypto/material.h"
#include "domain/record.h"

enum { CREDENTIAL_FILE_MAX = 16 * 1024 * 1024 };

/* Rows of subcommands that take one. */
#define CREDENTIAL_ROWS                                                                                      \
    {.name = "pfx",                                                                                          \
     .kind = OPTION_FILE,                                                                                    \
     .of_record = true,                                                                                      \
     .value = "FILE",                                                                                        \
     .help = "certificate and key as PKCS#12"},                                                              \
        {.name = "pem",                                                                                      \
         .kind = OPTION_FILE,                                                                                \
         .of_record = true,                                                                                  \
         .value = "FILE",                                                                                    \
         .help = "certificate, chain and key as PEM, instead of --pfx"},                                     \
        PASSWORD_ROWS("what opens --pfx or --pem")

struct credential_file {
    struct secret content;
    struct secret password;
    struct credential credential; /* borrows from both */
};

static inline void auto_credential_file(struct credential_file *file)
{
    secret_free(&file->content);
    secret_free(&file->password);
}

/* Reads the file of --pfx or --pem, of which one must be given, and its password, if one is; into an empty
 *out, which is to be freed in any case. The file is not opened. */
bool credential_file_read(const struct options *options, struct credential_file *out, struct err *err);
/* Opens it into an empty material, as the service will. ERR_CREDENTIAL_INVALID with the reason,
   ERR_NO_MEMORY. Needs the cryptographic library started. */
bool credential_file_open(const struct credential_file *file, struct material *out, struct err *err);
