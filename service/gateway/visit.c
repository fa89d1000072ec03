#include "gateway/visit.h"

#include "crypto/library.h"
#include "domain/command.h"
#include "log/log.h"

#include <time.h>

enum { ARENA_MAX = 1024 * 1024 };

static const char *header(const struct visit *visit, const char *name)
{
    return MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, name);
}

/* Fills the answer. Returns false. */
static bool refuse(struct visit *visit, enum gateway_fault fault, const char *message)
{
    answer_fault(&visit->waiter.answer, fault, NULL, message);
    return false;
}

static bool check_user(struct visit *visit, const struct principal *principal)
{
    struct span token;
    if (principal->user.len == 0)
        return request_bearer(header(visit, MHD_HTTP_HEADER_AUTHORIZATION), &token) ||
               refuse(visit, FAULT_UNAUTHENTICATED, "send the header Authorization: Bearer, with your token");
    /* A page of any origin can have a browser send it; with a token it could not. */
    return header(visit, MHD_HTTP_HEADER_ORIGIN) == NULL ||
           refuse(visit, FAULT_FORBIDDEN, "with --insecure-principal browsers are not served");
}

bool visit_check_headers(struct visit *visit, const struct principal *principal, bool stopping)
{
    struct uuid id;
    const char *key = header(visit, "Idempotency-Key");
    if (stopping)
        return refuse(visit, FAULT_STOPPING, "the gateway is being stopped; nothing was sent, try again");
    if (visit->route == ROUTE_NONE)
        return refuse(visit, FAULT_NOT_FOUND,
                      "there is nothing under this path; there is POST .../Enrollment/PFX/Replace");
    if (strcmp(visit->method, request_method(visit->route)) != 0)
        return refuse(visit, FAULT_METHOD_NOT_ALLOWED, "this path has another method, see the header Allow");
    if (!check_user(visit, principal))
        return false;
    if (!request_is_version_1(header(visit, "x-keyfactor-api-version")))
        return refuse(visit, FAULT_INVALID_COMMAND,
                      "x-keyfactor-api-version is not 1; there is version 1 alone");
    if (visit->route != ROUTE_REPLACE)
        return true;
    if (!request_is_json(header(visit, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return refuse(visit, FAULT_UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json, in UTF-8");
    return key == NULL || request_idempotency_key(key, &id) ||
           refuse(visit, FAULT_INVALID_COMMAND,
                  "Idempotency-Key is no GUID of the form 8-4-4-4-12; send one, or none");
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Judges the command as the service does. Who sends it is not known to the gateway where a token says it. */
static bool check_command(struct arena *arena, const struct replace_command *command, struct err *err)
{
    struct replace_command judged = *command;
    struct command_view view;
    if (judged.principal.user.len == 0)
        judged.principal.user = SPAN_LITERAL("the token's");
    return command_read(arena, &judged, wall_clock_ms(), &view, err);
}

/* What tells this request from others with the same Idempotency-Key: its body and its token. */
static bool make_digest(const struct visit *visit, struct span token, uint8_t digest[CRYPTO_DIGEST_MAX],
                        struct err *err)
{
    AUTO(buf) struct buf all = {0};
    buf_put(&all, token.data, token.len);
    buf_put_byte(&all, '\n'); /* in no token */
    buf_put(&all, visit->body.data, visit->body.len);
    return all.failed ? err_set(err, ERR_NO_MEMORY, "out of memory")
                      : crypto_hash(DIGEST_SHA256, buf_span(&all), digest, err);
}

static bool send_command(struct visit *visit, const struct principal *principal, struct exchange *exchange,
                         struct arena *arena, struct err *err)
{
    struct replace_command command = {.principal = *principal};
    uint8_t digest[CRYPTO_DIGEST_MAX];
    if (principal->user.len == 0)
        command.has_authorization =
            request_bearer(header(visit, MHD_HTTP_HEADER_AUTHORIZATION), &command.authorization);
    const char *key = header(visit, "Idempotency-Key");
    bool has_id = key != NULL && request_idempotency_key(key, &command.command_id);
    return request_read(arena, buf_span(&visit->body), &command, err) &&
           check_command(arena, &command, err) && make_digest(visit, command.authorization, digest, err) &&
           exchange_send(exchange, &command, has_id, digest, &visit->waiter);
}

bool visit_send(struct visit *visit, const struct principal *principal, struct exchange *exchange)
{
    struct err err = {0};
    AUTO(arena) struct arena *arena = arena_new(ARENA_MAX);
    if (visit->body.failed || arena == NULL)
        return refuse(visit, FAULT_INTERNAL, "out of memory; try again later");
    if (send_command(visit, principal, exchange, arena, &err))
        return true;
    if (err.code == ERR_INVALID_COMMAND)
        return refuse(visit, FAULT_INVALID_COMMAND, err.text);
    if (err.code == ERR_NONE) /* the exchange has answered */
        return false;
    log_error("a request cannot be judged", log_err(&err));
    return refuse(visit, FAULT_INTERNAL, "the gateway cannot judge the request; try again later");
}
