#include "crypto/der.h"

bool der_next(struct span *in, uint8_t *tag, struct span *content, struct span *whole)
{
    const uint8_t *at = in->data;
    size_t left = in->len;
    if (left < 2 || (at[0] & 0x1f) == 0x1f)
        return false;
    size_t head = 2;
    size_t len = at[1];
    if (len >= 0x80) {
        size_t bytes = len & 0x7f;
        if (bytes == 0 || bytes > 4 || left - 2 < bytes)
            return false;
        len = 0;
        for (size_t i = 0; i < bytes; i++)
            len = len << 8 | at[2 + i];
        head += bytes;
    }
    if (len > left - head)
        return false;
    *tag = at[0];
    if (content != NULL)
        *content = span_of(at + head, len);
    if (whole != NULL)
        *whole = span_of(at, head + len);
    *in = span_of(at + head + len, left - head - len);
    return true;
}

bool der_take(struct span *in, uint8_t tag, struct span *content)
{
    uint8_t found;
    return der_peek(*in, tag) && der_next(in, &found, content, NULL);
}

bool der_take_whole(struct span *in, uint8_t tag, struct span *whole)
{
    uint8_t found;
    return der_peek(*in, tag) && der_next(in, &found, NULL, whole);
}

bool der_peek(struct span in, uint8_t tag)
{
    return in.len > 0 && in.data[0] == tag;
}

/* Writes the length's bytes in their shortest form; returns how many. */
static size_t length_bytes(size_t len, uint8_t out[1 + sizeof(size_t)])
{
    if (len < 0x80) {
        out[0] = (uint8_t)len;
        return 1;
    }
    size_t count = 0;
    for (size_t rest = len; rest > 0; rest >>= 8)
        count++;
    out[0] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        out[1 + i] = (uint8_t)(len >> (8 * (count - 1 - i)));
    return 1 + count;
}

size_t der_begin(struct buf *out, uint8_t tag)
{
    buf_put_byte(out, tag);
    return out->len;
}

void der_end(struct buf *out, size_t start)
{
    if (out->failed)
        return;
    uint8_t head[1 + sizeof(size_t)];
    size_t len = out->len - start;
    size_t head_len = length_bytes(len, head);
    if (buf_reserve(out, head_len) == NULL)
        return;
    memmove(out->data + start + head_len, out->data + start, len);
    memcpy(out->data + start, head, head_len);
    out->len += head_len;
}

void der_put(struct buf *out, uint8_t tag, struct span content)
{
    uint8_t head[1 + sizeof(size_t)];
    buf_put_byte(out, tag);
    buf_put(out, head, length_bytes(content.len, head));
    buf_put(out, content.data, content.len);
}

void der_put_integer(struct buf *out, uint32_t value)
{
    uint8_t bytes[5] = {0, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    size_t from = 1;
    while (from < 4 && bytes[from] == 0)
        from++;
    if (bytes[from] & 0x80)
        from--;
    der_put(out, DER_INTEGER, span_of(bytes + from, sizeof bytes - from));
}
