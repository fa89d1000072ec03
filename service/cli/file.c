#include "cli/file.h"

#include "base/auto.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static bool read_all(int fd, const char *path, size_t most, struct buf *out, struct err *err)
{
    for (;;) {
        uint8_t *room = buf_reserve(out, CHUNK);
        if (room == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
        ssize_t len = read(fd, room, CHUNK);
        if (len == 0)
            return true;
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return err_set(err, ERR_INPUT_UNREADABLE, "cannot read %.200s: %s", path, strerror(errno));
        out->len += (size_t)len;
        if (out->len > most)
            return err_set(err, ERR_INPUT_UNREADABLE,
                           "%.200s is larger than %zu bytes; is it the right file?", path, most);
    }
}

bool file_read(const char *path, size_t most, struct secret *content, struct err *err)
{
    *content = (struct secret){0};
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_INPUT_UNREADABLE, "cannot open %.200s: %s", path, strerror(errno));
    AUTO(buf) struct buf bytes = {0};
    bool ok = read_all(fd, standard_input ? "standard input" : path, most, &bytes, err);
    if (!standard_input)
        close(fd);
    if (ok && !secret_copy(content, buf_span(&bytes)))
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
    return ok;
}
