#include "redis/login.h"

#include "config/source.h"
#include "config/values.h"
#include "redis/connection.h"

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_of(const struct redis_address *address, const struct redis_options *options)
{
    if (address->db != options->database || (address->scheme == REDIS_SCHEME_TLS) != (options->tls != NULL) ||
        !is_same(address->path, options->unix_path))
        return false;
    return address->path != NULL || (is_same(address->host, options->host) && address->port == options->port);
}

void redis_login_read(struct redis_login *login, const struct redis_options *options)
{
    if (options->url_file == NULL)
        return;
    AUTO(secret) struct secret url = {0};
    struct redis_address address = {0};
    bool no_memory = false;
    login->wrong = source_read_value(options->url_file, &url);
    if (login->wrong == NULL)
        login->wrong = redis_address_parse(&address, (const char *)url.data, &no_memory);
    if (login->wrong == NULL && !is_of(&address, options))
        login->wrong = "names another server or database, which counts from the next start";
    if (login->wrong != NULL) {
        redis_address_free(&address);
        return;
    }
    redis_address_free(&login->file);
    login->file = address;
}

static bool has_file(const struct redis_login *login)
{
    return login->file.host != NULL || login->file.path != NULL;
}

const char *redis_login_user(const struct redis_login *login, const struct redis_options *options)
{
    return has_file(login) ? login->file.user : options->user;
}

const char *redis_login_password(const struct redis_login *login, const struct redis_options *options)
{
    if (!has_file(login))
        return options->password;
    return login->file.password.len > 0 ? (const char *)login->file.password.data : NULL;
}

void redis_login_free(struct redis_login *login)
{
    redis_address_free(&login->file);
}
