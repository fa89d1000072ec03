/* config/file_watch: files that are read again when they change: looked at every few seconds, by what stat(2)
   says of them, and read whole or not at all. */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct file_watch {
    uint64_t state; /* of the files when they were read */
    bool looked;
    int64_t looked_at_ms;
};

/* What is watched, and how it is read. */
struct watched {
    void *self;
    /* Mixes file_state_add() of every file. */
    bool (*state)(void *self, uint64_t *state, struct err *err);
    /* Reads into what is new or was dropped. */
    bool (*read)(void *self, struct err *err);
    void (*drop)(void *self);
};

enum { FILE_STATE_START = 1 };

/* Mixes in which file stands behind the path, links followed; also that there is none. */
uint64_t file_state_add(uint64_t state, const char *path);

/* Reads, anew when the files changed meanwhile, as when a mounted secret is swapped. False: nothing is left
   of what was read; what `read` or `state` gives, or CONFIG_INVALID where they change all the time. */
bool file_watch_read(struct file_watch *watch, const struct watched *what, struct err *err);

/* Whether the files are other ones than those that were read; *changed is false, too, when they were looked
   at less than 5 seconds ago, by the monotonic clock_ms. False with what `state` gives. */
bool file_watch_look(struct file_watch *watch, const struct watched *what, int64_t clock_ms, bool *changed,
                     struct err *err);
