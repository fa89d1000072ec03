#include "base/buf.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *buf)
{
    secret_wipe(buf->data, buf->len);
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    secret_wipe(buf->data, buf->len);
    buf->len = 0;
    buf->failed = false;
}

/* Grows by copy and wipe, not realloc: the old bytes may be secret. */
static bool grow(struct buf *buf, size_t need)
{
    size_t cap = buf->cap > 0 ? buf->cap : 256;
    while (cap < need) {
        if (cap > SIZE_MAX / 2)
            return false;
        cap *= 2;
    }
    uint8_t *data = malloc(cap);
    if (data == NULL)
        return false;
    if (buf->len > 0)
        memcpy(data, buf->data, buf->len);
    secret_wipe(buf->data, buf->len);
    free(buf->data);
    buf->data = data;
    buf->cap = cap;
    return true;
}

uint8_t *buf_reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return NULL;
    if (more > SIZE_MAX - buf->len || (buf->len + more > buf->cap && !grow(buf, buf->len + more))) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void buf_put(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buf_reserve(buf, len);
    if (to == NULL)
        return;
    memcpy(to, data, len);
    buf->len += len;
}

void buf_put_byte(struct buf *buf, uint8_t byte)
{
    buf_put(buf, &byte, 1);
}

void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

void buf_put_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *to = len < 0 ? NULL : buf_reserve(buf, (size_t)len + 1);
    if (to == NULL) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)to, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}
