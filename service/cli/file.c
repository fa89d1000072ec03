#include "cli/file.h"

#include "base/auto.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool write_all(int fd, struct span content)
{
    while (content.len > 0) {
        ssize_t len = write(fd, content.data, content.len);
        if (len < 0 && errno != EINTR)
            return false;
        size_t done = len > 0 ? (size_t)len : 0;
        content = span_of(content.data + done, content.len - done);
    }
    return true;
}

static bool fail_write(const char *path, struct err *err)
{
    return err_set(err, ERR_INPUT_UNREADABLE, "cannot write %.200s: %s", path, strerror(errno));
}

bool file_write(const char *path, struct span content, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, content) || fail_write("standard output", err);
    AUTO(buf) struct buf fresh = {0};
    buf_put_format(&fresh, "%s.XXXXXX", path);
    buf_put_byte(&fresh, '\0');
    if (fresh.failed)
        return err_set(err, ERR_NO_MEMORY, "out of memory while writing %.200s", path);
    char *name = (char *)fresh.data;
    int fd = mkostemp(name, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return fail_write(path, err);
    bool written = (write_all(fd, content) && fsync(fd) == 0) || fail_write(path, err);
    close(fd);
    if (written && rename(name, path) == 0)
        return true;
    fail_write(path, err); /* unless it is said already */
    unlink(name);
    return false;
}
