/* Input made to hurt: no crash, no allocation on its word, ERR_AVRO_INVALID. */
#include "avro/encode.h"
#include "avro/framing.h"
#include "avro/wire.h"
#include "samples.h"

#include <criterion/criterion.h>

struct bytes_case {
    const char *what;
    const char *bytes;
    size_t len;
    const char *says;
};
#define BYTES(text) text, sizeof(text) - 1

static const struct bytes_case heads[] = {
    {"nothing", BYTES(""), "empty"},
    {"confluent framing", BYTES("\x00\x00\x00\x00\x01zz"), "set CERTSWAP_SCHEMA_REGISTRY_URL"},
    {"half an id", BYTES("\x00\x00\x00\x01"), "within its schema id"},
    {"JSON", BYTES("{\"a\":1}"), "C3 01"},
    {"half a marker", BYTES("\xC3"), "C3 01"},
    {"version 2", BYTES("\xC3\x02\x00\x00\x00\x00\x00\x00\x00\x00"), "C3 01"},
    {"half a fingerprint", BYTES("\xC3\x01\x01\x02\x03"), "within its schema fingerprint"},
    {"unknown fingerprint", BYTES("\xC3\x01\x08\x07\x06\x05\x04\x03\x02\x01zz"), "0102030405060708"},
};

Test(hostile, heads)
{
    struct err none = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &none);
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct err err = {0};
        cr_assert_not(
            sample_decode(codec, RECORD_STORE_JOB, span_of(heads[i].bytes, heads[i].len), arena, NULL, &err));
        cr_assert_eq(err.code, ERR_AVRO_INVALID);
        cr_assert_not_null(strstr(err.text, heads[i].says), "%s: %s", heads[i].what, err.text);
    }
}

/* Every prefix of every record, and every record with one byte more. */
Test(hostile, truncated_and_trailing)
{
    struct err none = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &none);
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    for (int kind = 0; kind <= RECORD_REPLACE_RESULT; kind++) {
        AUTO(buf) struct buf message = {0};
        sample_message((enum record_kind)kind, SAMPLE_SEALED, &message);
        for (size_t len = 0; len <= message.len; len++) {
            /* Its own allocation, so that the address sanitizer sees a read behind the end. */
            uint8_t *copy = malloc(len + 1);
            struct err err = {0};
            memcpy(copy, message.data, len);
            copy[len] = 0;
            bool whole = len == message.len;
            struct span cut = span_of(copy, whole ? len + 1 : len);
            cr_assert_not(sample_decode(codec, (enum record_kind)kind, cut, arena, NULL, &err));
            cr_assert_eq(err.code, ERR_AVRO_INVALID, "kind %d, %zu of %zu: %s", kind, len, message.len,
                         err.text);
            free(copy);
            arena_reset(arena);
        }
    }
}

/* Any single byte changed: decoded or refused, but no crash; and nothing taken from the arena out of
 * proportion. */
Test(hostile, any_byte_changed)
{
    struct err none = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &none);
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (int kind = 0; kind <= RECORD_REPLACE_RESULT; kind++) {
        AUTO(buf) struct buf message = {0};
        sample_message((enum record_kind)kind, SAMPLE_FULL, &message);
        size_t len = message.len < 400 ? message.len : 400;
        for (size_t at = 10; at < len; at++)
            for (size_t v = 0; v < sizeof values; v++) {
                struct err err = {0};
                uint8_t before = message.data[at];
                message.data[at] = values[v];
                bool done =
                    sample_decode(codec, (enum record_kind)kind, buf_span(&message), arena, NULL, &err);
                cr_assert_eq(done, err.code == ERR_NONE);
                cr_assert_leq(arena_used(arena), 48 * message.len + 256);
                message.data[at] = before;
                arena_reset(arena);
            }
    }
}

/* A schema of one field that our ReplaceCommand does not have, and the bytes of its value. */
static enum err_code skip(const char *type, const void *bytes, size_t len, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    const struct schema *schema = schema_parse(arena, span_text(type), err);
    cr_assert_not_null(schema, "%s", err->text);
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, bytes, len);
    struct wire wire = {.at = copy, .end = copy + len, .err = err};
    bool done = wire_skip(&wire, schema, 0);
    free(copy);
    cr_assert_eq(done, err->code == ERR_NONE);
    return err->code;
}

static const struct {
    const char *what;
    const char *type;
    const char *bytes;
    size_t len;
    bool valid;
} values[] = {
    {"claims 1 GiB", "\"string\"", BYTES("\x80\x80\x80\x80\x08"), false},
    {"claims 2^62 bytes", "\"bytes\"", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"), false},
    {"negative length", "\"bytes\"", BYTES("\x01"), false},
    {"number without end", "\"long\"", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false},
    {"65 bits", "\"long\"", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false},
    {"64 bits", "\"long\"", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true},
    {"not the fewest bytes", "\"long\"", BYTES("\x80\x80\x80\x00"), true},
    {"33 bits in an int", "\"int\"", BYTES("\xff\xff\xff\xff\x1f"), false},
    {"32 bits in an int", "\"int\"", BYTES("\xff\xff\xff\xff\x0f"), true},
    {"an int of 6 bytes", "\"int\"", BYTES("\x80\x80\x80\x80\x80\x00"), false},
    {"boolean 2", "\"boolean\"", BYTES("\x02"), false},
    {"branch 2 of 2", "[\"null\",\"int\"]", BYTES("\x04"), false},
    {"branch -1", "[\"null\",\"int\"]", BYTES("\x01"), false},
    {"branch of an empty union", "[]", BYTES("\x00"), false},
    {"symbol 1 of 1", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", BYTES("\x02"), false},
    {"2^62 elements", "{\"type\":\"array\",\"items\":\"int\"}", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
     false},
    {"2^62 nulls", "{\"type\":\"array\",\"items\":\"null\"}",
     BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\x00"), true},
    {"-2^63 elements", "{\"type\":\"array\",\"items\":\"int\"}",
     BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"), false},
    {"block with its length", "{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x03\x04\x02\x02\x00"), true},
    {"block longer than the message", "{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x03\x7e\x02\x02\x00"),
     false},
    {"block of negative length", "{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x03\x01\x02\x02\x00"),
     false},
    {"map", "{\"type\":\"map\",\"values\":\"null\"}", BYTES("\x04\x02k\x02l\x00"), true},
    {"map of more than there is", "{\"type\":\"map\",\"values\":\"null\"}", BYTES("\x20\x02k\x00"), false},
    {"no end of an array", "{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x02\x02"), false},
    {"fixed", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", BYTES("abc"), true},
    {"fixed cut", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", BYTES("abc"), false},
    {"double", "\"double\"", BYTES("12345678"), true},
    {"float cut", "\"float\"", BYTES("123"), false},
};

Test(hostile, single_values)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct err err = {0};
        enum err_code code = skip(values[i].type, values[i].bytes, values[i].len, &err);
        cr_assert_eq(code, values[i].valid ? ERR_NONE : ERR_AVRO_INVALID, "%s: %s", values[i].what, err.text);
    }
}

Test(hostile, deep_nesting_ends)
{
    static const char list[] =
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}";
    static const char endless[] =
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":\"L\"}]}";
    uint8_t deep[100000];
    memset(deep, 2, sizeof deep);
    struct err err = {0};
    cr_assert_eq(skip(list, deep, sizeof deep, &err), ERR_AVRO_INVALID);
    cr_assert_not_null(strstr(err.text, "nested"), "%s", err.text);
    struct err shallow = {0};
    cr_assert_eq(skip(list, "\x02\x02\x00", 3, &shallow), ERR_NONE);
    struct err without_end = {0};
    cr_assert_eq(skip(endless, "", 0, &without_end), ERR_AVRO_INVALID);
}

Test(hostile, utf8)
{
    static const struct {
        const char *text;
        bool valid;
    } texts[] = {
        {"", true},
        {"plain ascii of some length", true},
        {"\xC3\xA4", true},
        {"\xE2\x82\xAC", true},
        {"\xF0\x9D\x84\x9E", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\x80", false},
        {"\xC3", false},
        {"\xC0\xAF", false},
        {"\xE0\x80\xAF", false},
        {"\xED\xA0\x80", false},
        {"\xF4\x90\x80\x80", false},
        {"\xF5\x80\x80\x80", false},
        {"\xE2\x82", false},
        {"1234567\xFF", false},
        {"12345678\xFF", false},
        {"\xE2\x28\xA1", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert_eq(utf8_valid(span_text(texts[i].text)), texts[i].valid, "text %zu", i);
}

Test(hostile, text_that_is_no_utf8_is_named)
{
    struct err err = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &err);
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(buf) struct buf message = {0};
    struct store_job job = sample_job(SAMPLE_FULL);
    job.alias = SPAN_LITERAL("caf\xE9");
    cr_assert(codec_encode_store_job(codec, &job, &message, &err));
    cr_assert_not(codec_decode_store_job(codec, buf_span(&message), arena, &job, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
    cr_assert_str_eq(err.text, "field alias of StoreJob: the text is no UTF-8");
}
