/* The fixture of a test file on a real redis-server: a server, a connection and an arena, made and ended with
   each test. Header only. */
#pragma once

#include "base/arena.h"
#include "support/redis_server.h"

static struct redis_server server;
static struct redis_options options;
static struct redis *redis;
static struct arena *arena;

static inline void redis_fixture_start(void)
{
    signal(SIGPIPE, SIG_IGN);
    redis_server_start(&server);
    options = redis_server_options(&server);
    redis = redis_new(&options);
    arena = arena_new(0);
}

static inline void redis_fixture_stop(void)
{
    redis_free(redis);
    arena_free(arena);
    redis_server_stop(&server);
}
