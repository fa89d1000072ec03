/* base/span: bytes or UTF-8 text that somebody else owns. A span borrows: it is good as long as its owner is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t len;
};

/* For printf("%.*s"): SPAN_ARG(s) gives both arguments. */
#define SPAN_ARG(s) (int)(s).len, (const char *)((s).data ? (s).data : (const uint8_t *)"")
#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})

static inline struct span span_of(const void *data, size_t len)
{
    return (struct span){data, len};
}

/* The text without its NUL; NULL gives the empty span. */
static inline struct span span_text(const char *text)
{
    return (struct span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Byte order, the shorter first where one begins with the other: <0, 0, >0 as memcmp. */
static inline int span_compare(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}
