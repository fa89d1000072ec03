#include "log/log.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static _Atomic int threshold = LOG_LEVEL_INFO;
static _Atomic int chosen_format = LOG_FORMAT_JSON;
static _Atomic int target = STDERR_FILENO;

void log_init(enum log_level level, enum log_format format)
{
    atomic_store(&threshold, (int)level);
    atomic_store(&chosen_format, (int)format);
}

void log_to(int fd)
{
    atomic_store(&target, fd);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One write a record, so that the lines of several threads (and processes on one pipe, up to PIPE_BUF) stay
   whole. A record that cannot be written is lost: logging must not stop the work. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
    char line[LOG_LINE_MAX];
    enum log_format format = (enum log_format)atomic_load_explicit(&chosen_format, memory_order_relaxed);
    size_t len = log_render(line, sizeof line, format, now_ms(), level, message, fields, count);
    ssize_t written = write(atomic_load_explicit(&target, memory_order_relaxed), line, len);
    (void)written;
}
