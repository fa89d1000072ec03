/* Where to connect and what to listen on: the first byte says which. What is taken can be written again and
   then is taken as the same. */
#include "base/auto.h"
#include "base/buf.h"
#include "config/keys.h"
#include "config/values.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void host_port(struct span text)
{
    char *host = NULL, *host_again = NULL;
    int port = -1, port_again = -1;
    bool no_memory = false;
    AUTO(buf) struct buf written = {0};
    const char *wrong = host_port_parse(&host, &port, 1, 9092, text, &no_memory);
    assert((wrong == NULL) == (host != NULL) && !no_memory);
    if (wrong == NULL) {
        assert(port >= 1 && port <= 65535 && host[0] != '\0' && !has_control(span_text(host)));
        buf_put_format(&written, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
        assert(host_port_parse(&host_again, &port_again, 1, -1, buf_span(&written), &no_memory) == NULL);
        assert(strcmp(host, host_again) == 0 && port == port_again);
    }
    free(host);
    free(host_again);
}

static void put_escaped(struct buf *out, const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_put_format(out, "%%%02x", text[i]);
}

static void write_redis(struct buf *out, const struct redis_address *address)
{
    static const char *const schemes[] = {"redis", "rediss", "unix"};
    buf_put_format(out, "%s://", schemes[address->scheme]);
    if (address->password.len > 0) {
        if (address->user != NULL)
            put_escaped(out, (const uint8_t *)address->user, strlen(address->user));
        buf_put_byte(out, ':');
        put_escaped(out, address->password.data, address->password.len);
        buf_put_byte(out, '@');
    }
    if (address->scheme == REDIS_SCHEME_UNIX)
        buf_put_format(out, "%s?db=%d", address->path, address->db);
    else
        buf_put_format(out, strchr(address->host, ':') != NULL ? "[%s]:%d/%d" : "%s:%d/%d", address->host,
                       address->port, address->db);
    buf_put_byte(out, 0);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void redis(const char *text)
{
    struct redis_address address = {0}, again = {0};
    bool no_memory = false;
    AUTO(buf) struct buf written = {0};
    if (redis_address_parse(&address, text, &no_memory) == NULL) {
        write_redis(&written, &address);
        assert(redis_address_parse(&again, (const char *)written.data, &no_memory) == NULL);
        assert(again.scheme == address.scheme && again.port == address.port && again.db == address.db);
        assert(same_text(again.host, address.host) && same_text(again.path, address.path) &&
               same_text(again.user, address.user) &&
               span_equal(secret_span(&again.password), secret_span(&address.password)));
    }
    assert(!no_memory);
    redis_address_free(&address);
    redis_address_free(&again);
}

static void staging_keys(struct span text)
{
    struct secret keys = {0}, again = {0};
    struct key_fault fault = {0};
    if (staging_keys_normalise(&keys, text, &fault)) {
        assert(staging_keys_normalise(&again, secret_span(&keys), &fault));
        assert(span_equal(secret_span(&keys), secret_span(&again)));
    } else {
        assert(fault.line > 0 && fault.wrong != NULL);
    }
    secret_free(&keys);
    secret_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    AUTO(buf) struct buf ended = {0};
    buf_put(&ended, text.data, text.len);
    buf_put_byte(&ended, 0);
    switch (data[0] % 3) {
    case 0:
        host_port(text);
        break;
    case 1:
        redis((const char *)ended.data);
        break;
    default:
        staging_keys(text);
    }
    return 0;
}
