/* log/log: structured records on stderr, one line and one write(2) each, as JSON or as text for people. Any
   thread may log. A record over LOG_LINE_MAX bytes is cut, stays well-formed, and says so. Nothing here takes
   a struct secret. */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "base/uuid.h"

enum { LOG_LINE_MAX = 8192 };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

enum log_field_type {
    LOG_FIELD_NONE,
    LOG_FIELD_TEXT,
    LOG_FIELD_INTEGER,
    LOG_FIELD_BOOLEAN,
    LOG_FIELD_UUID,
    LOG_FIELD_ERR
};

/* Borrows what it points to, for the call that it is an argument of. */
struct log_field {
    const char *name; /* a plain word: not escaped */
    enum log_field_type type;
    union {
        struct span text;
        int64_t integer;
        bool boolean;
        const struct uuid *uuid;
        const struct err *err;
    };
};

static inline struct log_field log_span(const char *name, struct span text)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_TEXT, .text = text};
}
/* NULL is left out. */
static inline struct log_field log_str(const char *name, const char *text)
{
    return text != NULL ? log_span(name, span_text(text)) : (struct log_field){.name = name};
}
static inline struct log_field log_int(const char *name, int64_t integer)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_INTEGER, .integer = integer};
}
static inline struct log_field log_bool(const char *name, bool boolean)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_BOOLEAN, .boolean = boolean};
}
static inline struct log_field log_uuid(const char *name, const struct uuid *uuid)
{
    return (struct log_field){.name = name, .type = LOG_FIELD_UUID, .uuid = uuid};
}
/* Two fields: "error", the code's name, and "reason", the text. Left out where there is no error. */
static inline struct log_field log_err(const struct err *err)
{
    return (struct log_field){.name = "error", .type = LOG_FIELD_ERR, .err = err};
}

/* Before any other thread starts. Until then: info and JSON. */
void log_init(enum log_level level, enum log_format format);
/* Where records go instead of stderr; for tests and tools. */
void log_to(int fd);
/* Whether a record of this level would be written. */
bool log_enabled(enum log_level level);

/* log_info("ready", log_str("listen", address), log_int("pipelines", 4)); the fields may be none. */
#define log_error(message, ...) LOG_CALL(LOG_LEVEL_ERROR, message, __VA_ARGS__)
#define log_warn(message, ...) LOG_CALL(LOG_LEVEL_WARN, message, __VA_ARGS__)
#define log_info(message, ...) LOG_CALL(LOG_LEVEL_INFO, message, __VA_ARGS__)
#define log_debug(message, ...) LOG_CALL(LOG_LEVEL_DEBUG, message, __VA_ARGS__)

/* The first element keeps the array from being empty. */
#define LOG_CALL(level, message, ...)                                                                        \
    (log_enabled(level) ? log_write(level, message, (const struct log_field[]){{.name = ""}, __VA_ARGS__},   \
                                    sizeof((const struct log_field[]){{.name = ""}, __VA_ARGS__}) /          \
                                        sizeof(struct log_field))                                            \
                        : (void)0)

/* Fields of type LOG_FIELD_NONE are left out. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count);

/* The record's line with its newline, as log_write writes it; `size` is at least 256. Returns its length. */
size_t log_render(char *line, size_t size, enum log_format format, int64_t now_ms, enum log_level level,
                  const char *message, const struct log_field *fields, size_t count);
