#include "config/file_watch.h"

#include <string.h>
#include <sys/stat.h>

enum { LOOK_INTERVAL_MS = 5000, READ_ATTEMPTS = 3 };

/* FNV-1a. */
static uint64_t mix(uint64_t state, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        state = (state ^ bytes[i]) * 0x100000001b3;
    return state;
}

uint64_t file_state_add(uint64_t state, const char *path)
{
    struct stat file;
    state = mix(state, path, strlen(path) + 1);
    if (stat(path, &file) != 0)
        return state;
    const int64_t parts[] = {(int64_t)file.st_dev, (int64_t)file.st_ino, file.st_size,
                             file.st_mtim.tv_sec,  file.st_mtim.tv_nsec, file.st_ctim.tv_sec,
                             file.st_ctim.tv_nsec};
    return mix(state, parts, sizeof parts);
}

bool file_watch_read(struct file_watch *watch, const struct watched *what, struct err *err)
{
    for (int i = 1;; i++) {
        struct err fault = {0};
        uint64_t after;
        if (!what->state(what->self, &watch->state, err))
            return false;
        bool done = what->read(what->self, &fault);
        if (!what->state(what->self, &after, err)) {
            what->drop(what->self);
            return false;
        }
        bool changed = after != watch->state;
        if (done && !changed)
            return true;
        what->drop(what->self);
        if (!changed || i == READ_ATTEMPTS)
            return err_set(err, done ? ERR_CONFIG_INVALID : fault.code, "%s",
                           done ? "the files change all the time: write them elsewhere and move them"
                                : fault.text);
    }
}

bool file_watch_look(struct file_watch *watch, const struct watched *what, int64_t clock_ms, bool *changed,
                     struct err *err)
{
    uint64_t state;
    *changed = false;
    if (watch->looked && clock_ms - watch->looked_at_ms < LOOK_INTERVAL_MS)
        return true;
    watch->looked = true;
    watch->looked_at_ms = clock_ms;
    if (!what->state(what->self, &state, err))
        return false;
    *changed = state != watch->state;
    return true;
}
