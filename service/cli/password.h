/* cli/password: passwords and tokens come from a file, from an environment variable, or (passwords) from the
   terminal; never from the command line, where every user of the machine can read them. */
#pragma once

#include "base/secret.h"
#include "cli/options.h"

enum { PASSWORD_MAX = 4096, TOKEN_MAX = 16 * 1024 };

/* Rows for a subcommand's table; its `of_record` is set. */
#define PASSWORD_ROWS(what)                                                                                  \
    {.name = "password-file",                                                                                \
     .kind = OPTION_FILE,                                                                                    \
     .of_record = true,                                                                                      \
     .value = "FILE",                                                                                        \
     .help = "a file whose first line is the password: " what},                                              \
        {.name = "password-env",                                                                             \
         .kind = OPTION_TEXT,                                                                                \
         .of_record = true,                                                                                  \
         .value = "NAME",                                                                                    \
         .help = "the environment variable that holds it"},                                                  \
    {                                                                                                        \
        .name = "password-prompt", .kind = OPTION_FLAG, .of_record = true,                                   \
        .help = "ask for it on the terminal"                                                                 \
    }

/* Reads the password that the options point to, UTF-8 without a NUL, at most PASSWORD_MAX bytes. *given is
   false when none of them was used. False with *err otherwise. */
bool password_read(const struct options *options, struct secret *password, bool *given, struct err *err);
/* Likewise the token that --token-file or --token-env points to: a line that is not empty, at most TOKEN_MAX
 * bytes. */
bool token_read(const struct options *options, struct secret *token, bool *given, struct err *err);
