/* cli/suggest: the nearest of the words there are, for a word that is none of them. */
#pragma once

#include <stddef.h>

/* The word of `words` (`count` of them) with the least edits (insert, delete, replace, swap of two
   neighbours) from `word`, when that is at most a third of its length (at least 1, at most 3), or that begins
   with it; else NULL. */
const char *suggest_nearest(const char *word, const char *const *words, size_t count);
