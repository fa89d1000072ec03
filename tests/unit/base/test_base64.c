#include "base/auto.h"
#include "base/base64.h"

#include <criterion/criterion.h>

static bool decodes_to(const char *text, const char *expected)
{
    struct buf out = {0};
    bool same = base64_decode(&out, span_text(text), true) && span_equal(buf_span(&out), span_text(expected));
    buf_free(&out);
    return same;
}

static bool is_refused(const char *text)
{
    struct buf out = {0};
    bool refused = !base64_decode(&out, span_text(text), true);
    buf_free(&out);
    return refused;
}

/* RFC 4648, section 10. */
Test(base64, decodes_the_rfc_vectors)
{
    cr_assert(decodes_to("", ""));
    cr_assert(decodes_to("Zg==", "f"));
    cr_assert(decodes_to("Zm8=", "fo"));
    cr_assert(decodes_to("Zm9v", "foo"));
    cr_assert(decodes_to("Zm9vYg==", "foob"));
    cr_assert(decodes_to("Zm9v\r\nYmE=\n", "fooba"));
    cr_assert(decodes_to(" Z m 9 v Y m F y ", "foobar"));
}

Test(base64, refuses_other_text)
{
    const char *bad[] = {"Z",        "Zg",   "Zg=",  "Zm9",  "=",       "====", "Zg===",
                         "Zg==Zg==", "Zh==", "Zm9=", "Zm-_", "Z\x80g=", "Zm9v="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(is_refused(bad[i]), "%s", bad[i]);
}

Test(base64, writes_lines_that_decode)
{
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct buf text = {0}, back = {0};
        base64_put_lines(&text, span_of(bytes, len));
        cr_assert_eq(text.len, (len + 2) / 3 * 4 + (len + 47) / 48, "%zu", len);
        cr_assert(base64_decode(&back, buf_span(&text), true));
        cr_assert(span_equal(buf_span(&back), span_of(bytes, len)));
        buf_free(&text);
        buf_free(&back);
    }
}

Test(base64, both_ways_on_one_line)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}}; /* RFC 4648, section 10 */
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        AUTO(buf) struct buf text = {0};
        AUTO(buf) struct buf bytes = {0};
        size_t len = 99;
        base64_put(&text, span_text(pairs[i][0]));
        cr_assert(span_equal(buf_span(&text), span_text(pairs[i][1])));
        cr_assert(base64_length(buf_span(&text), &len));
        cr_assert_eq(len, strlen(pairs[i][0]));
        cr_assert(base64_decode(&bytes, buf_span(&text), false));
        cr_assert(span_equal(buf_span(&bytes), span_text(pairs[i][0])));
    }
    static const char *const bad[] = {
        "Zg=", "Z", "Zg==Zg==", "Zh==", "Zm9=", "====", "=AAA", "Zm 9v", "Zm9-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO(buf) struct buf bytes = {0};
        size_t len = 0;
        cr_assert_not(base64_length(span_text(bad[i]), &len) &&
                          base64_decode(&bytes, span_text(bad[i]), false),
                      "%s", bad[i]);
    }
}

Test(base64, url_digits_without_padding)
{
    static const char *const pairs[][2] = {{"", ""},           {"f", "Zg"},        {"fo", "Zm8"},
                                           {"foo", "Zm9v"},    {"foob", "Zm9vYg"}, {"\xfb\xff\xbf", "-_-_"},
                                           {"\xfb\xff", "-_8"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        AUTO(buf) struct buf bytes = {0};
        cr_assert(base64url_decode(&bytes, span_text(pairs[i][1])), "%s", pairs[i][1]);
        cr_assert(span_equal(buf_span(&bytes), span_text(pairs[i][0])), "%s", pairs[i][1]);
    }
    static const char *const bad[] = {"Z",    "Zg=", "Zg==", "Zm8=",   "Zh",    "Zm9",       "Zm9vY",
                                      "+/+/", "=",   "Zm 9", "Zm9v\n", "Zm9v=", "\303\244AA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO(buf) struct buf bytes = {0};
        cr_assert_not(base64url_decode(&bytes, span_text(bad[i])), "%s", bad[i]);
    }
}
