#include "avro/base64.h"

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

static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct span text)
{
    size_t digits = text.len - padding(text);
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = digit(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_put_byte(out, (uint8_t)(bits >> held));
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0;
}
