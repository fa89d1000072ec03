/* base/buf: bytes that grow. An append that finds no memory marks the buffer as failed and drops what
   follows, so that a writer checks once, at its end. */
#pragma once

#include "base/span.h"

#include <stdarg.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed; /* out of memory: what the buffer holds is not whole */
};

/* Frees the bytes (wiped first) and leaves an empty buffer. */
void buf_free(struct buf *buf);
static inline void auto_buf(struct buf *buf)
{
    buf_free(buf);
}
/* Empties the buffer, wipes what it held, keeps its memory, clears `failed`. */
void buf_reset(struct buf *buf);
/* Room for `more` bytes behind the end: where to write them, NULL when out of memory. Does not move `len`. */
uint8_t *buf_reserve(struct buf *buf, size_t more);
void buf_put(struct buf *buf, const void *data, size_t len);
void buf_put_byte(struct buf *buf, uint8_t byte);
void buf_put_text(struct buf *buf, const char *text);
void buf_put_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline struct span buf_span(const struct buf *buf)
{
    return span_of(buf->data, buf->len);
}
