/* The front's connections, and until when each may go on as it does: libmicrohttpd only knows a time without
   a byte, and a client that sends one now and again would stay for ever. Private to the room; any thread. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct peer;

struct peers {
    pthread_mutex_t lock;
    struct peer *first;
};

bool peers_init(struct peers *peers);
/* All were removed. */
void peers_free(struct peers *peers);
/* NULL when out of memory. */
struct peer *peers_add(struct peers *peers, int fd, int64_t limit_ms);
/* Before the socket is closed; peer may be NULL. */
void peers_remove(struct peers *peers, struct peer *peer);
/* When it is cut off, monotonic; 0: not, for its request waits for a result. */
void peers_limit(struct peers *peers, struct peer *peer, int64_t limit_ms);
/* Cuts off those whose time is over: their sockets are shut down, and libmicrohttpd closes them. */
void peers_sweep(struct peers *peers, int64_t now_ms);
