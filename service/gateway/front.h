/* gateway/front: the HTTP side: connections, headers and bodies within bounds, and one line in the log for
   each request. It knows what a request is, and leaves to the exchange what becomes of its command. */
#pragma once

#include "base/secret.h"
#include "config/settings.h"
#include "gateway/exchange.h"

struct front_options {
    const struct listen_address
        *listen;                 /* borrowed for the call of front_start, as are certificate and key */
    const char *prefix;          /* of the paths: "/KeyfactorAPI"; may be empty */
    struct span tls_certificate; /* PEM, with its chain, ended by a NUL; empty: no TLS */
    struct span tls_key;         /* PEM, ended by a NUL */
    bool plain_http;             /* without TLS, listen on more than loopback too */
    struct principal principal;  /* in whose name all requests are sent; an empty user: their tokens say it */
    int most_connections;
    int client_timeout_ms; /* for a request to come, and for an answer to be taken */
};

struct front;

/* Listens and answers from now on. Everything else pointed to must stay. NULL and *err: ERR_CONFIG_INVALID
   for the address, certificate and key. */
struct front *front_start(const struct front_options *options, struct exchange *exchange, struct err *err);
/* The port that it listens on, also where port 0 was asked for. */
int front_port(const struct front *front);
/* Cuts off clients that take too long. Any thread. */
void front_sweep(struct front *front, int64_t now_ms);
/* Takes no new connections, and refuses new requests. */
void front_refuse(struct front *front);
/* Requests that are not answered to their end. */
int front_open_requests(const struct front *front);
/* Closes all connections and frees. Nothing may wait in the exchange. */
void front_stop(struct front *front);
