/* base/hex: hexadecimal digits, by a table: thumbprints and GUIDs are read by the million. */
#pragma once

#include <stdint.h>

/* The digit's value, in either case; -1 for any other character. */
static inline int hex_value(uint8_t digit)
{
    static const int8_t above[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return above[digit] - 1;
}
