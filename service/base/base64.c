#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *out, struct span bytes)
{
    size_t i = 0;
    uint8_t *at = buf_reserve(out, bytes.len / 3 * 4 + 4);
    if (at == NULL)
        return;
    const uint8_t *start = at;
    for (; bytes.len - i >= 3; i += 3) {
        uint32_t three = (uint32_t)bytes.data[i] << 16 | (uint32_t)bytes.data[i + 1] << 8 | bytes.data[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *at++ = (uint8_t)alphabet[three >> shift & 63];
    }
    if (i < bytes.len) {
        bool two = bytes.len - i == 2;
        uint32_t rest = (uint32_t)bytes.data[i] << 16 | (two ? (uint32_t)bytes.data[i + 1] << 8 : 0);
        *at++ = (uint8_t)alphabet[rest >> 18 & 63];
        *at++ = (uint8_t)alphabet[rest >> 12 & 63];
        *at++ = two ? (uint8_t)alphabet[rest >> 6 & 63] : '=';
        *at++ = '=';
    }
    out->len += (size_t)(at - start);
}

void base64_put_lines(struct buf *out, struct span bytes)
{
    enum { LINE_BYTES = 48 };
    for (size_t i = 0; i < bytes.len; i += LINE_BYTES) {
        size_t have = bytes.len - i < LINE_BYTES ? bytes.len - i : LINE_BYTES;
        base64_put(out, span_of(bytes.data + i, have));
        buf_put_byte(out, '\n');
    }
}

static size_t padding(struct span text)
{
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

bool base64_length(struct span text, size_t *len)
{
    if (text.len % 4 != 0)
        return false;
    *len = text.len / 4 * 3 - padding(text);
    return true;
}

/* 1 when low <= c <= high, without a branch: key material passes here. */
static unsigned in_range(unsigned c, unsigned low, unsigned high)
{
    return ((c - low) >> 31 ^ 1) & ((high - c) >> 31 ^ 1);
}

/* The digit's value, or 64 for what is none. */
static unsigned digit_value(unsigned c)
{
    unsigned upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z'), digit = in_range(c, '0', '9');
    unsigned plus = in_range(c, '+', '+'), slash = in_range(c, '/', '/');
    unsigned found = upper | lower | digit | plus | slash;
    return upper * (c - 'A') + lower * (c - 'a' + 26) + digit * (c - '0' + 52) + plus * 62 + slash * 63 +
           (found ^ 1) * 64;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool base64_decode(struct buf *out, struct span text, bool skip_space)
{
    uint32_t bits = 0;
    int digits = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (skip_space && is_space(c))
            continue;
        if (c == '=') {
            if (digits + padding < 2 || digits + padding >= 4)
                return false;
            padding++;
            continue;
        }
        unsigned value = digit_value(c);
        if (value == 64 || padding > 0)
            return false;
        bits = bits << 6 | value;
        if (++digits == 4) {
            buf_put(out, (uint8_t[]){(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits}, 3);
            bits = 0;
            digits = 0;
        }
    }
    if (digits == 0)
        return padding == 0;
    if (digits + padding != 4 || (bits & (digits == 2 ? 0xfu : 0x3u)) != 0)
        return false;
    if (digits == 2)
        buf_put_byte(out, (uint8_t)(bits >> 4));
    else
        buf_put(out, (uint8_t[]){(uint8_t)(bits >> 10), (uint8_t)(bits >> 2)}, 2);
    return true;
}

static unsigned url_digit_value(unsigned c)
{
    return c == '-' ? 62 : c == '_' ? 63 : c == '+' || c == '/' ? 64 : digit_value(c);
}

bool base64url_decode(struct buf *out, struct span text)
{
    uint32_t bits = 0;
    int digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned value = url_digit_value(text.data[i]);
        if (value == 64)
            return false;
        bits = bits << 6 | value;
        if (++digits == 4) {
            buf_put(out, (uint8_t[]){(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits}, 3);
            bits = 0;
            digits = 0;
        }
    }
    switch (digits) {
    case 0:
        return true;
    case 2:
        buf_put_byte(out, (uint8_t)(bits >> 4));
        return (bits & 0xf) == 0;
    case 3:
        buf_put(out, (uint8_t[]){(uint8_t)(bits >> 10), (uint8_t)(bits >> 2)}, 2);
        return (bits & 0x3) == 0;
    default:
        return false;
    }
}
