#include "crypto/encoding.h"

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

bool base64_decode(struct span text, struct buf *out)
{
    uint32_t bits = 0;
    int digits = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (is_space(c))
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

void base64_encode_lines(struct span bytes, struct buf *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;
        if (have > 1)
            bits |= (uint32_t)bytes.data[i + 1] << 8;
        if (have > 2)
            bits |= bytes.data[i + 2];
        char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], '=', '='};
        if (have > 1)
            four[2] = alphabet[bits >> 6 & 63];
        if (have > 2)
            four[3] = alphabet[bits & 63];
        buf_put(out, four, sizeof four);
        if (i % 48 == 45 || i + 3 >= bytes.len)
            buf_put_byte(out, '\n');
    }
}

/* Takes the next character off *text: its code point, or UINT32_MAX when it is no UTF-8 (RFC 3629). */
static uint32_t next_character(struct span *text)
{
    const uint8_t *at = text->data;
    uint32_t first = at[0], code;
    size_t len;
    if (first < 0x80) {
        len = 1;
        code = first;
    } else if (first >= 0xc2 && first < 0xe0) {
        len = 2;
        code = first & 0x1f;
    } else if (first >= 0xe0 && first < 0xf0) {
        len = 3;
        code = first & 0x0f;
    } else if (first >= 0xf0 && first < 0xf5) {
        len = 4;
        code = first & 0x07;
    } else {
        return UINT32_MAX;
    }
    if (text->len < len)
        return UINT32_MAX;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        code = code << 6 | (at[i] & 0x3f);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return UINT32_MAX;
    *text = span_of(at + len, text->len - len);
    return code;
}

static void put_unit(struct buf *out, uint32_t unit)
{
    buf_put(out, (uint8_t[]){(uint8_t)(unit >> 8), (uint8_t)unit}, 2);
}

bool bmp_encode(struct span utf8, struct buf *out)
{
    while (utf8.len > 0) {
        uint32_t code = next_character(&utf8);
        if (code == UINT32_MAX)
            return false;
        if (code < 0x10000) {
            put_unit(out, code);
        } else {
            put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
            put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        }
    }
    return true;
}
