#include "redis/connection.h"

#include "redis/login.h"
#include "redis/reply.h"
#include "redis/scripts.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum { ARGUMENTS_MAX = 16, SHA1_HEX_LEN = 40 };

struct redis {
    struct redis_options options;
    struct redis_login login;
    redisContext *context; /* NULL: not connected */
    bool answered;         /* on this connection */
    char sha[REDIS_SCRIPT_COUNT][SHA1_HEX_LEN + 1];
};

struct redis *redis_new(const struct redis_options *options)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis != NULL)
        redis->options = *options;
    return redis;
}

void redis_reset(struct redis *redis)
{
    if (redis->context != NULL)
        redisFree(redis->context);
    redis->context = NULL;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL)
        return;
    redis_reset(redis);
    redis_login_free(&redis->login);
    free(redis);
}

void redis_reply_free(struct redisReply *reply)
{
    freeReplyObject(reply);
}

/* Where the server is, without user and password. */
static void describe(const struct redis_options *options, char *text, size_t size)
{
    if (options->unix_path != NULL)
        snprintf(text, size, "unix socket %s", options->unix_path);
    else
        snprintf(text, size, "%s:%d", options->host, options->port);
}

static bool fail(struct redis *redis, const char *doing, const char *why, struct err *err)
{
    char where[160];
    describe(&redis->options, where, sizeof where);
    err_set(err, ERR_REDIS_UNAVAILABLE, "Redis at %s: %s: %s", where, doing, why);
    redis_reset(redis);
    return false;
}

static const char *context_error(const redisContext *context)
{
    if (context == NULL)
        return "out of memory";
    if (context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT))
        return "no answer in time";
    return context->errstr[0] != '\0' ? context->errstr : "no answer in time";
}

/* Why a server may have ended a connection before its first answer, and what to do. Under TLS 1.3 it judges
   our certificate when we have sent a command already, and then its alert may be lost. */
static const char *suspicion(const struct redis *redis)
{
    const struct redis_tls *tls = redis->options.tls;
    if (tls == NULL)
        return "if it wants TLS, write rediss:// in CERTSWAP_REDIS_URL";
    return tls->certificate == NULL
               ? "it may want a client certificate: set CERTSWAP_REDIS_TLS_CERTIFICATE and _KEY"
               : "it may refuse the client certificate: see its log, and CERTSWAP_REDIS_TLS_CERTIFICATE";
}

/* Of a connection that stands. */
static bool fail_io(struct redis *redis, const char *doing, struct err *err)
{
    char told[256];
    bool tls = redis->options.tls != NULL;
    int kind = redis->context->err;
    int error = errno;
    const char *why = context_error(redis->context);
    if (tls && redis_tls_told(told, sizeof told))
        return fail(redis, doing, told, err);
    /* hiredis_ssl has no text for an end without TLS' own */
    bool silent = tls && kind == REDIS_ERR_IO && error == 0;
    bool closed =
        silent || kind == REDIS_ERR_EOF || (kind == REDIS_ERR_IO && (error == ECONNRESET || error == EPIPE));
    if (silent)
        why = "Server closed the connection";
    if (redis->answered || redis->options.unix_path != NULL || (!closed && kind != REDIS_ERR_PROTOCOL))
        return fail(redis, doing, why, err);
    snprintf(told, sizeof told, "%.120s (%s)", why, suspicion(redis));
    return fail(redis, doing, told, err);
}

static bool is_login_refusal(const char *answer)
{
    return strncmp(answer, "NOAUTH", strlen("NOAUTH")) == 0 ||
           strncmp(answer, "WRONGPASS", strlen("WRONGPASS")) == 0;
}

/* What an operator does about the error answers that a server in trouble gives. */
static const char *remedy(const struct redis *redis, const char *answer)
{
    static const struct {
        const char *prefix;
        const char *remedy;
    } known[] = {
        {"NOAUTH", "set user and password in CERTSWAP_REDIS_URL"},
        {"WRONGPASS", "correct user and password in CERTSWAP_REDIS_URL"},
        {"NOPERM", "give the user the rights that docs/security.md lists"},
        {"ERR The user executing the script can't", "give the user the rights that docs/security.md lists"},
        {"ERR ACL failure", "give the user the rights that docs/security.md lists"},
        {"LOADING", "it is reading its data set; this passes"},
        {"READONLY", "this is a replica: point CERTSWAP_REDIS_URL at the primary"},
        {"OOM", "raise maxmemory, with maxmemory-policy noeviction"},
        {"MISCONF", "it cannot write its snapshot: see the server's log"},
    };
    if (redis->options.url_file != NULL && is_login_refusal(answer))
        return redis->login.wrong == NULL
                   ? "correct the file of CERTSWAP_REDIS_URL_FILE, which is read at each try"
                   : redis->login.wrong;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(answer, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].remedy;
    return "see the server's log";
}

bool redis_take_reply(struct redis *redis, struct redisReply **reply, struct err *err)
{
    *reply = NULL;
    void *raw = NULL;
    if (redis->context == NULL)
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the connection was lost; the call is repeated");
    if (redis->options.tls != NULL)
        redis_tls_before_io();
    if (redisGetReply(redis->context, &raw) != REDIS_OK || raw == NULL)
        return fail_io(redis, "reading the answer", err);
    redisReply *answer = raw;
    redis->answered = true;
    if (answer->type == REDIS_REPLY_ERROR) {
        char why[256];
        snprintf(why, sizeof why, "%.120s (%s)", answer->str, remedy(redis, answer->str));
        freeReplyObject(answer);
        return fail(redis, "it answers", why, err);
    }
    *reply = answer;
    return true;
}

static bool append(struct redis *redis, size_t count, const struct span *arguments, struct err *err)
{
    assert(count <= ARGUMENTS_MAX + 3);
    const char *texts[ARGUMENTS_MAX + 3];
    size_t lengths[ARGUMENTS_MAX + 3];
    for (size_t i = 0; i < count; i++) {
        texts[i] = arguments[i].len > 0 ? (const char *)arguments[i].data : "";
        lengths[i] = arguments[i].len;
    }
    if (redisAppendCommandArgv(redis->context, (int)count, texts, lengths) != REDIS_OK)
        return fail(redis, "queueing a command", context_error(redis->context), err);
    return true;
}

/* One command and its answer, while connecting. */
static bool handshake(struct redis *redis, size_t count, const struct span *arguments, redisReply **reply,
                      struct err *err)
{
    return append(redis, count, arguments, err) && redis_take_reply(redis, reply, err);
}

static bool authenticate(struct redis *redis, struct err *err)
{
    redis_login_read(&redis->login, &redis->options);
    const char *user = redis_login_user(&redis->login, &redis->options);
    const char *password = redis_login_password(&redis->login, &redis->options);
    AUTO(redis_reply) redisReply *reply = NULL;
    if (password == NULL)
        return true;
    struct span with_user[] = {SPAN_LITERAL("AUTH"), span_text(user), span_text(password)};
    struct span without[] = {with_user[0], with_user[2]};
    return user != NULL ? handshake(redis, 3, with_user, &reply, err)
                        : handshake(redis, 2, without, &reply, err);
}

static bool select_database(struct redis *redis, struct err *err)
{
    if (redis->options.database == 0)
        return true;
    AUTO(redis_reply) redisReply *reply = NULL;
    char number[16];
    snprintf(number, sizeof number, "%d", redis->options.database);
    struct span select[] = {SPAN_LITERAL("SELECT"), span_text(number)};
    return handshake(redis, 2, select, &reply, err);
}

static bool load_scripts(struct redis *redis, struct err *err)
{
    for (int i = 0; i < REDIS_SCRIPT_COUNT; i++) {
        AUTO(redis_reply) redisReply *reply = NULL;
        struct span load[] = {SPAN_LITERAL("SCRIPT"), SPAN_LITERAL("LOAD"), span_text(redis_script_text(i))};
        if (!handshake(redis, 3, load, &reply, err))
            return false;
        if (reply->type != REDIS_REPLY_STRING || reply->len != SHA1_HEX_LEN)
            return fail(redis, "loading a script", "the answer is no digest", err);
        memcpy(redis->sha[i], reply->str, SHA1_HEX_LEN + 1);
    }
    return true;
}

static bool connect_if_needed(struct redis *redis, struct err *err)
{
    if (redis->context != NULL)
        return true;
    const struct redis_options *options = &redis->options;
    redis->answered = false;
    struct timeval timeout = {options->timeout_ms / 1000, options->timeout_ms % 1000 * 1000};
    redis->context = options->unix_path != NULL
                         ? redisConnectUnixWithTimeout(options->unix_path, timeout)
                         : redisConnectWithTimeout(options->host, options->port, timeout);
    if (redis->context == NULL || redis->context->err != 0)
        return fail(redis, "connecting", context_error(redis->context), err);
    reply_bound(redis->context->reader);
    if (redisSetTimeout(redis->context, timeout) != REDIS_OK)
        return fail(redis, "setting the time limit", context_error(redis->context), err);
    if (options->unix_path == NULL && redisEnableKeepAlive(redis->context) != REDIS_OK)
        return fail(redis, "keeping it alive", context_error(redis->context), err);
    char why[ERR_TEXT_MAX];
    if (options->tls != NULL &&
        !redis_tls_start(redis->context, options->tls, options->host, why, sizeof why))
        return fail(redis, "securing the connection", why, err);
    return authenticate(redis, err) && select_database(redis, err) && load_scripts(redis, err);
}

bool redis_append(struct redis *redis, size_t count, const struct span *arguments, struct err *err)
{
    return connect_if_needed(redis, err) && append(redis, count, arguments, err);
}

bool redis_append_script(struct redis *redis, enum redis_script script, size_t key_count, size_t count,
                         const struct span *arguments, struct err *err)
{
    assert(count <= ARGUMENTS_MAX && key_count <= count);
    if (!connect_if_needed(redis, err))
        return false;
    char keys[16];
    snprintf(keys, sizeof keys, "%zu", key_count);
    struct span all[ARGUMENTS_MAX + 3] = {SPAN_LITERAL("EVALSHA"), span_of(redis->sha[script], SHA1_HEX_LEN),
                                          span_text(keys)};
    memcpy(all + 3, arguments, count * sizeof *arguments);
    return append(redis, count + 3, all, err);
}

bool redis_ping(struct redis *redis, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    struct span ping[] = {SPAN_LITERAL("PING")};
    return redis_append(redis, 1, ping, err) && redis_take_reply(redis, &reply, err);
}
