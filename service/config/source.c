#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

/* Up to SETTINGS_FILE_MAX + 1 bytes, so that a longer file is seen to be longer. */
static int read_all(int fd, struct secret *buffer)
{
    size_t len = 0;
    while (len < buffer->len) {
        ssize_t got = read(fd, buffer->data + len, buffer->len - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    if (len > SETTINGS_FILE_MAX)
        return EFBIG;
    buffer->data[len] = '\0';
    buffer->len = len;
    return 0;
}

int source_read_file(void *arg, const char *path, struct secret *content)
{
    (void)arg;
    /* O_NONBLOCK: a pipe without a writer must not hold the start up */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno;
    struct stat status;
    int wrong = fstat(fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (wrong == 0 && !secret_alloc(content, SETTINGS_FILE_MAX + 1))
        wrong = ENOMEM;
    if (wrong == 0)
        wrong = read_all(fd, content);
    if (wrong != 0)
        secret_free(content);
    close(fd);
    return wrong;
}

void source_strip_newline(struct secret *content)
{
    if (content->len > 0 && content->data[content->len - 1] == '\n')
        content->data[--content->len] = '\0';
    if (content->len > 0 && content->data[content->len - 1] == '\r')
        content->data[--content->len] = '\0';
}

const char *source_read_value(const char *path, struct secret *value)
{
    int wrong = source_read_file(NULL, path, value);
    if (wrong != 0)
        return strerror(wrong);
    source_strip_newline(value);
    if (value->len > 0 && memchr(value->data, '\0', value->len) == NULL)
        return NULL;
    const char *why = value->len == 0 ? "is empty" : "has a NUL byte in it";
    secret_free(value);
    return why;
}

bool source_host_name(char *host_name, size_t size)
{
    if (gethostname(host_name, size) != 0)
        return false;
    host_name[size - 1] = '\0';
    return host_name[0] != '\0';
}

int source_cpu_count(void)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0)
        return CPU_COUNT(&cpus);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
