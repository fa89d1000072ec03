/* redis/connection: one connection of one thread, made when it is needed, thrown away after any error: a late
   reply would answer the wrong command. Every failure is ERR_REDIS_UNAVAILABLE: wait, then the same call
   again. */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"
#include "redis/tls.h"

struct redisReply;
struct redis;

struct redis_options {
    const char *unix_path; /* NULL: TCP */
    const char *host;
    int port;
    int database;
    const char *user;            /* NULL: the default user */
    const char *password;        /* NULL: no AUTH */
    const char *url_file;        /* read at each connection for another user and password; NULL: they stay */
    const struct redis_tls *tls; /* NULL: no TLS */
    int timeout_ms;              /* of the connect and of each answer */
};

/* Does not connect. What the options point to is borrowed and must outlive it. NULL when out of memory. */
struct redis *redis_new(const struct redis_options *options);
void redis_free(struct redis *redis);
AUTO_DEFINE(redis, struct redis, redis_free);

/* The scripts that each connection loads before its first use. */
enum redis_script {
    REDIS_SCRIPT_STAGE,
    REDIS_SCRIPT_LOOKUP,
    REDIS_SCRIPT_DEAD,
    REDIS_SCRIPT_CLAIM,
    REDIS_SCRIPT_DECIDE,
    REDIS_SCRIPT_ADVANCE,
    REDIS_SCRIPT_COUNT
};

/* Queues a script's call; arguments are keys first (`key_count` of them). Connects if need be. */
bool redis_append_script(struct redis *redis, enum redis_script script, size_t key_count, size_t count,
                         const struct span *arguments, struct err *err);
/* Queues a plain command; arguments[0] is its name. */
bool redis_append(struct redis *redis, size_t count, const struct span *arguments, struct err *err);
/* The next answer, in the order of the calls; an error answer is a failure too. The caller frees it. */
bool redis_take_reply(struct redis *redis, struct redisReply **reply, struct err *err);
/* Throws the connection away: to be called by whoever gives up while answers are outstanding. */
void redis_reset(struct redis *redis);
/* Whether the server answers: one round trip. */
bool redis_ping(struct redis *redis, struct err *err);

void redis_reply_free(struct redisReply *reply);
AUTO_DEFINE(redis_reply, struct redisReply, redis_reply_free);
