#include "cli/suggest.h"

#include <string.h>

enum { WORD_MAX = 48 };

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance of words of at most WORD_MAX characters. */
static size_t edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min_of(changed, min_of(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_of(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

const char *suggest_nearest(const char *word, const char *const *words, size_t count)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX)
        return NULL;
    size_t most = len / 3 < 1 ? 1 : min_of(len / 3, 3);
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > WORD_MAX)
            continue;
        size_t distance = edits(word, len, words[i], other);
        if (distance <= most) {
            nearest = words[i];
            if (distance == 0)
                return nearest;
            most = distance - 1;
        } else if (nearest == NULL && len >= 3 && strncmp(words[i], word, len) == 0) {
            nearest = words[i];
        }
    }
    return nearest;
}
