/* config/address: host:port pairs, Redis and HTTP URLs (RFC 3986, section 3, as far as they need it). */
#include "base/hex.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

bool integer_parse(int *value, struct span text, int min, int max)
{
    if (text.len == 0 || text.len > 10)
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    if (number < min || number > max)
        return false;
    *value = (int)number;
    return true;
}

bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return true;
    return false;
}

static struct span part(struct span text, size_t from, size_t to)
{
    return span_of(text.data + from, to - from);
}

/* Where the byte stands first, or text.len. */
static size_t find(struct span text, char byte)
{
    const uint8_t *at = text.len > 0 ? memchr(text.data, byte, text.len) : NULL;
    return at != NULL ? (size_t)(at - text.data) : text.len;
}

static bool is_host(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' &&
            c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && text.len <= 253;
}

static bool is_ipv6(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, text, &address) == 1;
}

static char *copy_text(struct span text, bool *no_memory)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        *no_memory = true;
        return NULL;
    }
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

const char *host_port_parse(char **host, int *port, int min_port, int fallback_port, struct span text,
                            bool *no_memory)
{
    bool bracketed = text.len > 0 && text.data[0] == '[';
    size_t host_end = find(text, bracketed ? ']' : ':');
    if (bracketed && host_end == text.len)
        return "has a [ without its ]";
    struct span name = bracketed ? part(text, 1, host_end) : part(text, 0, host_end);
    size_t colon = bracketed ? host_end + 1 : host_end;
    if (!bracketed && !is_host(name))
        return name.len == 0 ? "has no host"
                             : "has a host name of other characters than a-z, 0-9, '.', '-' and '_'";
    if (colon < text.len && text.data[colon] != ':')
        return "has something else than :port behind its ]";
    if (colon == text.len) {
        if (fallback_port < 0)
            return "has no port";
        *port = fallback_port;
    } else if (!integer_parse(port, part(text, colon + 1, text.len), min_port, 65535)) {
        return "has no usable port (an IPv6 address stands in brackets)";
    }
    char *copy = copy_text(name, no_memory);
    if (copy == NULL)
        return "cannot be kept: out of memory";
    if (bracketed && !is_ipv6(copy)) {
        free(copy);
        return "has no IPv6 address in its brackets";
    }
    *host = copy;
    return NULL;
}

/* Undoes percent-encoding. False for a broken escape, a control character, or out of memory. */
static bool percent_decode(struct secret *out, struct span text, bool *no_memory)
{
    if (!secret_alloc(out, text.len)) {
        *no_memory = true;
        return false;
    }
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7F)
            return false;
        out->data[len++] = c;
    }
    out->data[len] = '\0';
    out->len = len;
    return true;
}

/* "user:password" into two. An empty user stays NULL. */
static const char *parse_user_info(char **user, struct secret *password, struct span text, bool *no_memory)
{
    size_t colon = find(text, ':');
    if (colon == text.len)
        return "has a user without a password (write user:password@)";
    AUTO(secret) struct secret name = {0};
    if (!percent_decode(&name, part(text, 0, colon), no_memory) ||
        !percent_decode(password, part(text, colon + 1, text.len), no_memory))
        return "has a user or password that is not percent-encoded";
    if (name.len == 0)
        return NULL;
    *user = copy_text(secret_span(&name), no_memory);
    return *user != NULL ? NULL : "cannot be kept: out of memory";
}

/* Takes "user:password@" off the authority's beginning. */
static const char *take_user_info(char **user, struct secret *password, struct span *authority,
                                  bool *no_memory)
{
    size_t at = authority->len;
    while (at > 0 && authority->data[at - 1] != '@')
        at--;
    if (at == 0)
        return NULL;
    const char *wrong = parse_user_info(user, password, part(*authority, 0, at - 1), no_memory);
    *authority = part(*authority, at, authority->len);
    return wrong == NULL && password->len == 0 ? "has an empty password" : wrong;
}

static const char *parse_unix(struct redis_address *address, struct span rest, bool *no_memory)
{
    size_t query = find(rest, '?');
    static const char key[] = "db=";
    if (query < rest.len) {
        struct span db = part(rest, query + 1, rest.len);
        if (db.len <= strlen(key) || memcmp(db.data, key, strlen(key)) != 0 ||
            !integer_parse(&address->db, part(db, strlen(key), db.len), 0, 65535))
            return "has another query than ?db=<number>";
    }
    struct span path = part(rest, 0, query);
    /* sizeof sun_path, with its NUL */
    if (path.len < 2 || path.data[0] != '/' || path.len > 107 || has_control(path))
        return "has no absolute path of at most 107 bytes without control characters";
    address->path = copy_text(path, no_memory);
    return address->path != NULL ? NULL : "cannot be kept: out of memory";
}

static const char *parse_tcp(struct redis_address *address, struct span authority, struct span path,
                             bool *no_memory)
{
    if (path.len > 1 && !integer_parse(&address->db, part(path, 1, path.len), 0, 65535))
        return "has another path than /<database number>";
    return host_port_parse(&address->host, &address->port, 1, 6379, authority, no_memory);
}

static bool has_prefix(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

const char *redis_address_parse(struct redis_address *address, const char *url, bool *no_memory)
{
    static const char *const schemes[] = {
        [REDIS_SCHEME_TCP] = "redis://", [REDIS_SCHEME_TLS] = "rediss://", [REDIS_SCHEME_UNIX] = "unix://"};
    struct span text = span_text(url);
    size_t scheme = 0;
    while (scheme < sizeof schemes / sizeof *schemes && !has_prefix(text, schemes[scheme]))
        scheme++;
    if (scheme == sizeof schemes / sizeof *schemes)
        return "begins with none of redis://, rediss:// and unix://";
    address->scheme = (enum redis_scheme)scheme;
    text = part(text, strlen(schemes[scheme]), text.len);

    size_t authority_end = find(text, '/');
    struct span authority = part(text, 0, authority_end);
    const char *wrong = take_user_info(&address->user, &address->password, &authority, no_memory);
    if (wrong != NULL)
        return wrong;
    struct span rest = part(text, authority_end, text.len);
    if (scheme != REDIS_SCHEME_UNIX)
        return parse_tcp(address, authority, rest, no_memory);
    return authority.len > 0 ? "has a host, which a socket has not (write unix:///path)"
                             : parse_unix(address, rest, no_memory);
}

void redis_address_free(struct redis_address *address)
{
    free(address->host);
    free(address->path);
    free(address->user);
    secret_free(&address->password);
    *address = (struct redis_address){0};
}

static bool is_graphic(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F)
            return false;
    return true;
}

const char *http_address_parse(struct http_address *address, const char *url, bool *no_memory)
{
    enum { MOST = 2048 };
    struct span text = span_text(url);
    size_t scheme = has_prefix(text, "https://") ? 8 : has_prefix(text, "http://") ? 7 : 0;
    if (scheme == 0)
        return "begins with neither http:// nor https://";
    if (text.len > MOST || !is_graphic(text))
        return "is longer than 2048 bytes, or has something else in it than printable ASCII characters";
    struct span rest = part(text, scheme, text.len);
    size_t authority_end = find(rest, '/');
    struct span authority = part(rest, 0, authority_end);
    struct span path = part(rest, authority_end, rest.len);
    if (find(rest, '?') < rest.len || find(rest, '#') < rest.len)
        return "has a query or a fragment (a ? or # in a password is percent-encoded)";
    const char *wrong = take_user_info(&address->user, &address->password, &authority, no_memory);
    if (wrong != NULL)
        return wrong;
    if (address->password.len > 0 && address->user == NULL)
        return "has a password without a user";
    char *host = NULL;
    int port;
    wrong = host_port_parse(&host, &port, 1, 80, authority, no_memory);
    free(host);
    if (wrong != NULL)
        return wrong;
    while (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    if (asprintf(&address->url, "%.*s%.*s%.*s", (int)scheme, url, SPAN_ARG(authority), SPAN_ARG(path)) >= 0)
        return NULL;
    address->url = NULL;
    *no_memory = true;
    return "cannot be kept: out of memory";
}

void http_address_free(struct http_address *address)
{
    free(address->url);
    free(address->user);
    secret_free(&address->password);
    *address = (struct http_address){0};
}
