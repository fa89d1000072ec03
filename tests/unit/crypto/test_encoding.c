/* DER, base64 and BMPString against their definitions. */
#include "crypto/der.h"
#include "crypto/encoding.h"

#include <criterion/criterion.h>

static bool decodes_to(const char *text, const char *expected)
{
    struct buf out = {0};
    bool same = base64_decode(span_text(text), &out) && span_equal(buf_span(&out), span_text(expected));
    buf_free(&out);
    return same;
}

static bool is_refused(const char *text)
{
    struct buf out = {0};
    bool refused = !base64_decode(span_text(text), &out);
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
        base64_encode_lines(span_of(bytes, len), &text);
        cr_assert_eq(text.len, (len + 2) / 3 * 4 + (len + 47) / 48, "%zu", len);
        cr_assert(base64_decode(buf_span(&text), &back));
        cr_assert(span_equal(buf_span(&back), span_of(bytes, len)));
        buf_free(&text);
        buf_free(&back);
    }
}

Test(bmp, encodes_as_utf16)
{
    struct buf out = {0};
    cr_assert(bmp_encode(span_text("aß中🔑"), &out));
    cr_assert(span_equal(buf_span(&out), span_of("\0a\x00\xdf\x4e\x2d\xd8\x3d\xdd\x11", 10)));
    buf_free(&out);
}

Test(bmp, refuses_what_is_no_utf8)
{
    const char *bad[] = {"\x80",         "\xc0\x80",         "\xc3", "\xe4\xb8",     "\xed\xa0\x80",
                         "\xf0\x9f\x94", "\xf4\x90\x80\x80", "\xff", "\xe0\x80\x80", "\xf0\x80\x80\x80",
                         "a\xc3z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = {0};
        cr_assert_not(bmp_encode(span_text(bad[i]), &out), "%zu", i);
        buf_free(&out);
    }
}

Test(der, writes_lengths_in_their_shortest_form)
{
    static uint8_t content[70000];
    const struct {
        size_t len;
        const char *head;
        size_t head_len;
    } cases[] = {{0, "\x04\x00", 2},
                 {127, "\x04\x7f", 2},
                 {128, "\x04\x81\x80", 3},
                 {256, "\x04\x82\x01\x00", 4},
                 {65536, "\x04\x83\x01\x00\x00", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf put = {0}, nested = {0};
        der_put(&put, DER_OCTET_STRING, span_of(content, cases[i].len));
        size_t start = der_begin(&nested, DER_OCTET_STRING);
        buf_put(&nested, content, cases[i].len);
        der_end(&nested, start);
        cr_assert(span_equal(buf_span(&put), buf_span(&nested)));
        cr_assert(
            span_equal(span_of(put.data, cases[i].head_len), span_of(cases[i].head, cases[i].head_len)));
        struct span in = buf_span(&put), back;
        cr_assert(der_take(&in, DER_OCTET_STRING, &back));
        cr_assert_eq(back.len, cases[i].len);
        cr_assert_eq(in.len, 0);
        buf_free(&put);
        buf_free(&nested);
    }
}

Test(der, writes_integers)
{
    const struct {
        uint32_t value;
        const char *bytes;
        size_t len;
    } cases[] = {{0, "\x02\x01\x00", 3},
                 {127, "\x02\x01\x7f", 3},
                 {128, "\x02\x02\x00\x80", 4},
                 {10000, "\x02\x02\x27\x10", 4},
                 {65535, "\x02\x03\x00\xff\xff", 5},
                 {UINT32_MAX, "\x02\x05\x00\xff\xff\xff\xff", 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = {0};
        der_put_integer(&out, cases[i].value);
        cr_assert(span_equal(buf_span(&out), span_of(cases[i].bytes, cases[i].len)), "%u", cases[i].value);
        buf_free(&out);
    }
}

Test(der, refuses_what_does_not_fit)
{
    const struct span bad[] = {SPAN_LITERAL(""),
                               SPAN_LITERAL("\x30"),
                               SPAN_LITERAL("\x30\x01"),
                               SPAN_LITERAL("\x30\x80\x00\x00"),
                               SPAN_LITERAL("\x30\x81"),
                               SPAN_LITERAL("\x30\x84\xff\xff\xff\xff"),
                               SPAN_LITERAL("\x30\x85\x00\x00\x00\x00\x00"),
                               SPAN_LITERAL("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"),
                               SPAN_LITERAL("\x1f\x01\x00")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span in = bad[i];
        uint8_t tag;
        cr_assert_not(der_next(&in, &tag, NULL, NULL), "%zu", i);
        cr_assert_eq(in.len, bad[i].len);
    }
}
