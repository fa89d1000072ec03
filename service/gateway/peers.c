#include "gateway/peers.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

struct peer {
    int fd;
    int64_t limit_ms;
    struct peer *before, *after;
};

bool peers_init(struct peers *peers)
{
    peers->first = NULL;
    return pthread_mutex_init(&peers->lock, NULL) == 0;
}

void peers_free(struct peers *peers)
{
    assert(peers->first == NULL);
    pthread_mutex_destroy(&peers->lock);
}

struct peer *peers_add(struct peers *peers, int fd, int64_t limit_ms)
{
    struct peer *peer = malloc(sizeof *peer);
    if (peer == NULL)
        return NULL;
    pthread_mutex_lock(&peers->lock);
    *peer = (struct peer){.fd = fd, .limit_ms = limit_ms, .after = peers->first};
    if (peers->first != NULL)
        peers->first->before = peer;
    peers->first = peer;
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void peers_remove(struct peers *peers, struct peer *peer)
{
    if (peer == NULL)
        return;
    pthread_mutex_lock(&peers->lock);
    *(peer->before != NULL ? &peer->before->after : &peers->first) = peer->after;
    if (peer->after != NULL)
        peer->after->before = peer->before;
    pthread_mutex_unlock(&peers->lock);
    free(peer);
}

void peers_limit(struct peers *peers, struct peer *peer, int64_t limit_ms)
{
    pthread_mutex_lock(&peers->lock);
    peer->limit_ms = limit_ms;
    pthread_mutex_unlock(&peers->lock);
}

void peers_sweep(struct peers *peers, int64_t now_ms)
{
    pthread_mutex_lock(&peers->lock);
    for (const struct peer *peer = peers->first; peer != NULL; peer = peer->after)
        if (peer->limit_ms != 0 && peer->limit_ms <= now_ms)
            shutdown(peer->fd, SHUT_RDWR);
    pthread_mutex_unlock(&peers->lock);
}
