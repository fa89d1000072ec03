/* DER and BMPString against their definitions. */
#include "crypto/der.h"
#include "crypto/encoding.h"

#include <criterion/criterion.h>

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
