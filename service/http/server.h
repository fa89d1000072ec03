/* http/server: GET and HEAD of /livez, /readyz and /metrics, for probes and Prometheus. One thread of its
   own, few and short-lived connections; everything else is 404 or 405. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/settings.h"

/* Asked on the server's thread, for every request. */
struct http_probe {
    /* Whether all is well; if not, one line a reason, each ended by a newline. Must not block. NULL: always
     * well. */
    bool (*check)(void *arg, struct buf *reasons);
    void *arg;
};

struct http_options {
    const struct listen_address *listen; /* borrowed for the call of http_server_start */
    const char *setting;                 /* what the address was read from, for errors */
    struct http_probe live;              /* /livez: 200 "live" or 503 and the reasons */
    struct http_probe ready;             /* /readyz: 200 "ready" or 503 and the reasons */
};

struct http_server;

/* Listens and answers from now on. NULL and *err (CONFIG_INVALID: the address cannot be listened on). */
struct http_server *http_server_start(const struct http_options *options, struct err *err);
/* The port that it listens on, also where port 0 was asked for. */
int http_server_port(const struct http_server *server);
/* Closes all connections and frees. */
void http_server_stop(struct http_server *server);
AUTO_DEFINE(http_server, struct http_server, http_server_stop);
