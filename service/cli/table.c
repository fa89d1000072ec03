#include "cli/table.h"

#include <stdlib.h>

struct table {
    const char *const *titles;
    size_t columns;
    struct buf text; /* all cells, cleaned, one behind the other */
    struct buf ends; /* size_t each: where the cell ends in `text` */
};

/* Length of the UTF-8 sequence at the start of text when it is whole and shortest, else 0 (RFC 3629, section
 * 4). */
static size_t utf8_length(struct span text)
{
    uint8_t first = text.data[0];
    size_t len = first < 0x80   ? 1
                 : first < 0xC2 ? 0
                 : first < 0xE0 ? 2
                 : first < 0xF0 ? 3
                 : first < 0xF5 ? 4
                                : 0;
    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text.data[i] & 0xC0) != 0x80)
            return 0;
    uint8_t second = len > 1 ? text.data[1] : 0;
    bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return overlong || no_character ? 0 : len;
}

void table_put_clean(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t len = utf8_length(text);
        bool control = len == 0 || text.data[0] < 0x20 || text.data[0] == 0x7F ||
                       (text.data[0] == 0xC2 && text.data[1] < 0xA0);
        if (control)
            buf_put_byte(out, '?');
        else
            buf_put(out, text.data, len);
        size_t used = len > 0 ? len : 1;
        text = span_of(text.data + used, text.len - used);
    }
}

static size_t characters(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.data[i] & 0xC0) != 0x80;
    return count;
}

struct table *table_new(const char *const *titles, size_t count)
{
    struct table *table = calloc(1, sizeof *table);
    if (table != NULL) {
        table->titles = titles;
        table->columns = count;
    }
    return table;
}

void table_free(struct table *table)
{
    buf_free(&table->text);
    buf_free(&table->ends);
    free(table);
}

void table_add(struct table *table, const struct span *cells)
{
    for (size_t i = 0; i < table->columns; i++) {
        table_put_clean(&table->text, cells[i]);
        size_t end = table->text.len;
        buf_put(&table->ends, &end, sizeof end);
    }
}

size_t table_rows(const struct table *table)
{
    return table->columns > 0 ? table->ends.len / sizeof(size_t) / table->columns : 0;
}

static size_t cell_end(const struct table *table, size_t index)
{
    size_t end;
    memcpy(&end, table->ends.data + index * sizeof end, sizeof end);
    return end;
}

static struct span cell(const struct table *table, size_t row, size_t column)
{
    size_t index = row * table->columns + column;
    size_t start = index > 0 ? cell_end(table, index - 1) : 0;
    return span_of(table->text.data + start, cell_end(table, index) - start);
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = strlen(table->titles[column]);
    for (size_t row = 0; row < table_rows(table); row++) {
        size_t len = characters(cell(table, row, column));
        width = len > width ? len : width;
    }
    return width;
}

static void put_spaces(struct buf *out, size_t count)
{
    while (count-- > 0)
        buf_put_byte(out, ' ');
}

static void put_line(struct buf *out, const struct span *cells, const size_t *widths, size_t columns)
{
    size_t owed = 0; /* spaces that are written only when text follows */
    for (size_t i = 0; i < columns; i++) {
        if (cells[i].len > 0) {
            put_spaces(out, owed);
            buf_put(out, cells[i].data, cells[i].len);
            owed = 0;
        }
        owed += widths[i] - characters(cells[i]) + 2;
    }
    buf_put_byte(out, '\n');
}

void table_print(const struct table *table, struct buf *out)
{
    size_t *widths = calloc(table->columns + 1, sizeof *widths);
    struct span *cells = calloc(table->columns + 1, sizeof *cells);
    if (widths == NULL || cells == NULL || table->text.failed || table->ends.failed) {
        out->failed = true;
    } else {
        for (size_t i = 0; i < table->columns; i++) {
            widths[i] = column_width(table, i);
            cells[i] = span_text(table->titles[i]);
        }
        put_line(out, cells, widths, table->columns);
        for (size_t row = 0; row < table_rows(table); row++) {
            for (size_t i = 0; i < table->columns; i++)
                cells[i] = cell(table, row, i);
            put_line(out, cells, widths, table->columns);
        }
    }
    free(widths);
    free(cells);
}
