/* cli/table: columns of text for people. Cells may hold what others wrote: control characters, which could
   drive the terminal, are shown as '?'. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/span.h"

struct table;

/* A table with these column titles (count of them, borrowed for its life). NULL when out of memory. */
struct table *table_new(const char *const *titles, size_t count);
void table_free(struct table *table);
AUTO_DEFINE(table, struct table, table_free);

/* One more row: a copy of as many cells as there are titles. Out of memory marks the table as failed. */
void table_add(struct table *table, const struct span *cells);
size_t table_rows(const struct table *table);
/* Writes titles and rows, columns as wide as their widest cell (in characters), two spaces apart, no space at
   a line's end. Marks *out as failed when a row was lost for want of memory. */
void table_print(const struct table *table, struct buf *out);

/* A copy of the text for a terminal: control characters (C0, DEL, C1) and bytes that are no UTF-8 as '?'. */
void table_put_clean(struct buf *out, struct span text);
