/* redis/login: the user and password of a connection, read again from the file that CERTSWAP_REDIS_URL_FILE
   names: a password that was rotated there counts from the next connection. */
#pragma once

#include "config/settings.h"

struct redis_options;

struct redis_login {
    struct redis_address file; /* what the file said last; empty: nothing that could be used */
    const char *wrong;         /* with the file now; NULL: nothing */
};

/* Looks into the file again, where there is one. One that cannot be used leaves what was read before in
   force; so does one that names another server than the options: a password is for one server, and the ledger
   of another would not know what is decided. */
void redis_login_read(struct redis_login *login, const struct redis_options *options);
/* NULL: the default user, or no password. */
const char *redis_login_user(const struct redis_login *login, const struct redis_options *options);
const char *redis_login_password(const struct redis_login *login, const struct redis_options *options);
void redis_login_free(struct redis_login *login);
