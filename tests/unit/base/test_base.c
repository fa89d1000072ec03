#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/uuid.h"

#include <criterion/criterion.h>

Test(err, the_first_error_wins)
{
    struct err err = {0};
    cr_assert_not(err_set(&err, ERR_NOT_STAGED, "certificate %d", 4));
    err_set(&err, ERR_FORBIDDEN, "later");
    cr_assert_eq(err.code, ERR_NOT_STAGED);
    cr_assert_str_eq(err.text, "certificate 4");
    cr_assert_str_eq(err_name(err.code), "NOT_STAGED");
    cr_assert_eq(err_class(ERR_AVRO_INVALID), ERR_CLASS_CONVERSION);
    cr_assert(err_is_retryable(ERR_NO_AGENT));
    cr_assert_not(err_is_retryable(ERR_NOT_AUTHORIZED));
}

Test(err, a_long_text_is_cut_between_characters)
{
    for (int pad = 0; pad < 4; pad++) {
        char long_text[3 * ERR_TEXT_MAX] = "xxx";
        long_text[pad] = '\0';
        for (int i = 0; i < 300; i++)
            strcat(long_text, "€");
        struct err err = {0};
        err_set(&err, ERR_INTERNAL, "%s", long_text);
        size_t len = strlen(err.text);
        cr_assert_eq((len - (size_t)pad) % 3, 0);
        cr_assert_geq(len, ERR_TEXT_MAX - 4);
    }
}

Test(uuid, reads_either_case_and_writes_lower)
{
    struct uuid uuid;
    cr_assert(uuid_parse(&uuid, span_text("6BA7B810-9DAD-11D1-80B4-00c04fd430c8")));
    char text[UUID_TEXT_LEN + 1];
    uuid_format(&uuid, text);
    cr_assert_str_eq(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    static const char *const bad[] = {
        "", "6ba7b8109dad11d180b400c04fd430c8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
        "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b8109-dad-11d1-80b4-00c04fd430c8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(uuid_parse(&uuid, span_text(bad[i])), "%s was taken", bad[i]);
}

/* RFC 9562, appendix A.4 */
Test(uuid, version_4_keeps_the_other_bits)
{
    uint8_t random[16];
    char text[UUID_TEXT_LEN + 1];
    memset(random, 0xFF, sizeof random);
    struct uuid uuid = uuid_v4(random);
    uuid_format(&uuid, text);
    cr_assert_str_eq(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    memset(random, 0, sizeof random);
    uuid = uuid_v4(random);
    uuid_format(&uuid, text);
    cr_assert_str_eq(text, "00000000-0000-4000-8000-000000000000");
}

Test(uuid, version_5_is_that_of_the_rfc)
{
    struct uuid dns;
    cr_assert(uuid_parse(&dns, span_text("6ba7b810-9dad-11d1-80b4-00c04fd430c8")));
    struct uuid uuid = uuid_v5(&dns, span_text("www.example.com"));
    char text[UUID_TEXT_LEN + 1];
    uuid_format(&uuid, text);
    cr_assert_str_eq(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

Test(arena, keeps_to_its_limit_and_gives_zeroed_memory_again)
{
    AUTO(arena) struct arena *arena = arena_new(1000);
    uint8_t *first = arena_alloc(arena, 500);
    cr_assert_not_null(first);
    memset(first, 0xAA, 500);
    cr_assert_null(arena_alloc(arena, 600));
    arena_reset(arena);
    cr_assert_eq(arena_used(arena), 0);
    uint8_t *again = arena_alloc(arena, 500);
    cr_assert_eq(again, first);
    for (int i = 0; i < 500; i++)
        cr_assert_eq(again[i], 0);
    cr_assert_null(arena_array(arena, SIZE_MAX / 2, 4));
}

Test(arena, grows_past_a_chunk)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    for (int i = 0; i < 100; i++)
        cr_assert_not_null(arena_alloc(arena, 30000));
    struct span text = arena_format(arena, "%s-%d", "x", 7);
    cr_assert(span_equal(text, SPAN_LITERAL("x-7")));
    cr_assert_eq(text.data[text.len], 0);
    arena_reset(arena);
    cr_assert_not_null(arena_alloc(arena, 1 << 20));
}

Test(buf, appends_and_formats)
{
    AUTO(buf) struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_put_format(&buf, "%03d,", i % 1000);
    cr_assert_not(buf.failed);
    cr_assert_eq(buf.len, 4000);
    cr_assert_eq(memcmp(buf.data + 3996, "999,", 4), 0);
    buf_reset(&buf);
    buf_put_text(&buf, "ab");
    buf_put_byte(&buf, 'c');
    cr_assert(span_equal(buf_span(&buf), SPAN_LITERAL("abc")));
    cr_assert_null(buf_reserve(&buf, SIZE_MAX - 1));
    cr_assert(buf.failed);
}

Test(secret, copies_with_a_nul_behind)
{
    AUTO(secret) struct secret secret = {0};
    cr_assert(secret_copy(&secret, SPAN_LITERAL("hunter2")));
    cr_assert_str_eq((char *)secret.data, "hunter2");
    secret_free(&secret);
    cr_assert_null(secret.data);
}
