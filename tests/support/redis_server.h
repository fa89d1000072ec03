/* A redis-server of the test's own: on a unix socket in a folder of its own, ended by pid. Header only. */
#pragma once

#include "redis/connection.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct redis_server {
    char folder[64];
    char socket[96];
    pid_t pid;
};

static inline struct redis_options redis_server_options(const struct redis_server *server)
{
    return (struct redis_options){.unix_path = server->socket, .timeout_ms = 2000};
}

/* Waits until the server answers; a test's time limit ends a wait that is in vain. */
static inline void redis_server_run(struct redis_server *server)
{
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(126);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", server->socket, "--save", "",
               "--dir", server->folder, (char *)NULL);
        _exit(127);
    }
    struct redis_options options = redis_server_options(server);
    for (bool up = false; !up;) {
        int status;
        cr_assert_eq(waitpid(server->pid, &status, WNOHANG), 0, "redis-server ended: is it installed?");
        struct redis *redis = redis_new(&options);
        struct err err = {0};
        up = redis_ping(redis, &err);
        redis_free(redis);
        if (!up)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static inline void redis_server_start(struct redis_server *server)
{
    snprintf(server->folder, sizeof server->folder, "/tmp/certswap-redis-XXXXXX");
    cr_assert_not_null(mkdtemp(server->folder));
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->folder);
    redis_server_run(server);
}

static inline void redis_server_end(struct redis_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static inline void redis_server_stop(struct redis_server *server)
{
    redis_server_end(server);
    unlink(server->socket);
    rmdir(server->folder);
}
