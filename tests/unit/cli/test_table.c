/* Tables for people: widths in characters, nothing that could drive a terminal. */
#include "cli/table.h"

#include <criterion/criterion.h>

static const char *const TITLES[] = {"STORE", "OUTCOME", "REASON"};

static void add(struct table *table, const char *a, const char *b, const char *c)
{
    table_add(table, (const struct span[]){span_text(a), span_text(b), span_text(c)});
}

static void expect(const struct buf *out, const char *text)
{
    cr_assert(span_equal(buf_span(out), span_text(text)), "got:\n%.*s\nwanted:\n%s", SPAN_ARG(buf_span(out)),
              text);
}

Test(table, columns_are_as_wide_as_their_widest_cell)
{
    AUTO(table) struct table *table = table_new(TITLES, 3);
    AUTO(buf) struct buf out = {0};
    add(table, "a", "jobs created", "");
    add(table, "long name", "x", "why");
    cr_assert_eq(table_rows(table), 2);
    table_print(table, &out);
    expect(&out, "STORE      OUTCOME       REASON\n"
                 "a          jobs created\n"
                 "long name  x             why\n");
}

Test(table, widths_count_characters)
{
    AUTO(table) struct table *table = table_new(TITLES, 3);
    AUTO(buf) struct buf out = {0};
    add(table, "Übergröße", "ok", "");
    add(table, "123456789", "ok", "");
    table_print(table, &out);
    expect(&out, "STORE      OUTCOME  REASON\n"
                 "Übergröße  ok\n"
                 "123456789  ok\n");
}

Test(table, without_rows_has_its_titles)
{
    AUTO(table) struct table *table = table_new(TITLES, 3);
    AUTO(buf) struct buf out = {0};
    table_print(table, &out);
    expect(&out, "STORE  OUTCOME  REASON\n");
}

Test(table, text_of_others_cannot_drive_the_terminal)
{
    const struct {
        const char *text;
        size_t len;
        const char *clean;
    } cases[] = {
        {"plain", 5, "plain"},
        {"\x1b[2Jgone", 8, "?[2Jgone"},
        {"two\nlines", 9, "two?lines"},
        {"nul\0byte", 8, "nul?byte"},
        {"del\x7f", 4, "del?"},
        {"c1 \xc2\x9b", 5, "c1 ?"},
        {"nbsp\xc2\xa0", 6, "nbsp\xc2\xa0"},
        {"cut \xe2\x82", 6, "cut ??"},
        {"overlong \xc0\xaf", 11, "overlong ??"},
        {"surrogate \xed\xa0\x80", 13, "surrogate ???"},
        {"\xf0\x9f\x94\x91", 4, "\xf0\x9f\x94\x91"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf) struct buf out = {0};
        table_put_clean(&out, span_of(cases[i].text, cases[i].len));
        cr_assert(span_equal(buf_span(&out), span_text(cases[i].clean)), "%s: %.*s", cases[i].clean,
                  SPAN_ARG(buf_span(&out)));
    }
}
