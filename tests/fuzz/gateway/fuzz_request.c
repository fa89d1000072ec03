/* Requests of any bytes: three headers, each ended by a newline, and the body. What is read is within the
   bounds, and can be said again. */
#include "gateway/request.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The line that the text begins with, as a text of its own; the rest begins behind it. */
static char *take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    size_t len = end != NULL ? (size_t)(end - *data) : 0;
    char *line = calloc(1, len + 1);
    if (len > 0)
        memcpy(line, *data, len);
    size_t used = end != NULL ? len + 1 : 0;
    *data += used;
    *size -= used;
    return line;
}

static void check_headers(const char *type, const char *authorization, const char *key)
{
    struct span token = {0};
    struct uuid id;
    char text[UUID_TEXT_LEN + 1];
    request_is_json(type);
    request_route("/KeyfactorAPI", type);
    request_is_version_1(key);
    if (request_bearer(authorization, &token))
        assert(token.len > 0 && token.len <= REQUEST_TOKEN_MAX && memchr(token.data, ' ', token.len) == NULL);
    if (!request_idempotency_key(key, &id))
        return;
    uuid_format(&id, text);
    assert(request_idempotency_key(text, &id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *type = take_line(&data, &size);
    char *authorization = take_line(&data, &size);
    char *key = take_line(&data, &size);
    check_headers(type, authorization, key);
    free(type);
    free(authorization);
    free(key);
    AUTO(arena) struct arena *arena = arena_new(1024 * 1024);
    struct replace_command command = {0};
    struct err err = {0};
    if (!request_read(arena, span_of(data, size), &command, &err)) {
        assert(err.code == ERR_INVALID_COMMAND || err.code == ERR_NO_MEMORY);
        for (const char *at = err.text; *at != '\0'; at++)
            assert(*at >= ' ' && *at <= '~');
        return 0;
    }
    assert(command.password.len <= REQUEST_PASSWORD_MAX);
    assert(command.password_kind == (command.password.len > 0 ? PASSWORD_PLAIN : PASSWORD_NONE));
    assert(command.password.len == 0 || memchr(command.password.data, '\0', command.password.len) == NULL);
    assert(!command.has_certificate_id || command.certificate_id != 0);
    return 0;
}
