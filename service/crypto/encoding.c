#include "crypto/encoding.h"

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
