/* Confluent's framing: a codec that gets schemas and ids from a registry. */
#include "avro/json.h"
#include "samples.h"

#include <criterion/criterion.h>

enum { OWN = 0x01020304, EVOLVED = 7, AWAY = 8 };

/* A registry of two schemas that counts its questions and can be away. */
struct book {
    const struct schema *own;
    const struct schema *evolved;
    bool away;
    int found;
};

static struct schema_set *set;
static struct codec *codec;
static struct arena *arena;
static struct book book;

static const struct schema *find(void *self, uint32_t id, struct err *err)
{
    struct book *of = self;
    of->found++;
    if (of->away || id == AWAY) {
        err_set(err, ERR_REGISTRY_UNAVAILABLE, "away");
        return NULL;
    }
    if (id == OWN || id == EVOLVED)
        return id == OWN ? of->own : of->evolved;
    err_set(err, ERR_AVRO_INVALID, "no schema %u", id);
    return NULL;
}

static bool own(void *self, enum record_kind kind, uint32_t *id, struct err *err)
{
    struct book *of = self;
    *id = OWN;
    if (of->away || kind != RECORD_REPLACE_RESULT)
        return err_set(err, ERR_REGISTRY_REFUSED, "no id");
    return true;
}

static const struct schema_ids ids = {&book, find, own};

static void start(void)
{
    struct err err = {0};
    set = schema_set_new(NULL, &err);
    codec = codec_new(set);
    arena = arena_new(0);
    book = (struct book){.own = schema_set_find(set, record_fingerprint(RECORD_REPLACE_RESULT), &err)};
    codec_use_ids(codec, &ids, true);
}

static void stop(void)
{
    arena_free(arena);
    codec_free(codec);
    schema_set_free(set);
}

TestSuite(ids, .init = start, .fini = stop);

Test(ids, what_is_written_begins_with_the_id_and_is_read_again)
{
    struct replace_result result = sample_result(SAMPLE_FULL);
    struct replace_result again;
    struct err err = {0};
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf json = {0};
    AUTO(buf) struct buf from_json = {0};
    cr_assert(codec_encode_replace_result(codec, &result, &message, &err));
    cr_assert_eq(memcmp(message.data, "\x00\x01\x02\x03\x04", 5), 0);
    for (int i = 0; i < 3; i++)
        cr_assert(codec_decode_replace_result(codec, buf_span(&message), arena, &again, &err), "%s",
                  err.text);
    cr_assert_eq(book.found, 1, "the latest id is remembered");
    cr_assert_eq(again.completed_at_ms, result.completed_at_ms);
    cr_assert(record_to_json(codec, buf_span(&message), true, &json, &err));
    cr_assert(record_from_json(codec, RECORD_REPLACE_RESULT, (char *)json.data, json.len, &from_json, &err));
    cr_assert(span_equal(buf_span(&message), buf_span(&from_json)));
}

Test(ids, a_codec_that_only_reads_ids_writes_single_objects)
{
    struct replace_result result = sample_result(SAMPLE_FULL);
    struct err err = {0};
    AUTO(buf) struct buf message = {0};
    codec_use_ids(codec, &ids, false);
    cr_assert(codec_can_write(codec, RECORD_STORE_JOB, &err));
    cr_assert(codec_encode_replace_result(codec, &result, &message, &err));
    cr_assert_eq(message.data[0], 0xC3);
    cr_assert(codec_decode_replace_result(codec, buf_span(&message), arena, &result, &err),
              "input is told apart by its first bytes");
    cr_assert_eq(book.found, 0);
    memcpy(message.data + 5, "\x00\x01\x02\x03\x04", 5);
    cr_assert(
        codec_decode_replace_result(codec, span_of(message.data + 5, message.len - 5), arena, &result, &err),
        "%s", err.text);
}

Test(ids, without_an_id_nothing_is_written)
{
    struct store_job job = sample_job(SAMPLE_FULL);
    struct err err = {0};
    struct err why = {0};
    struct err text = {0};
    AUTO(buf) struct buf message = {0};
    buf_put_text(&message, "before");
    cr_assert_not(codec_can_write(codec, RECORD_STORE_JOB, &err));
    cr_assert_eq(err.code, ERR_REGISTRY_REFUSED);
    cr_assert_not(codec_encode_store_job(codec, &job, &message, &why));
    cr_assert_eq(why.code, ERR_REGISTRY_REFUSED);
    cr_assert_eq(message.len, 6);
    cr_assert_not(record_from_json(codec, RECORD_SEALED_PASSWORD, "{}", 2, &message, &text));
    cr_assert_eq(text.code, ERR_REGISTRY_REFUSED);
    cr_assert_eq(message.len, 6);
    cr_assert(codec_can_write(codec, RECORD_REPLACE_RESULT, NULL));
}

Test(ids, what_keeps_an_answer_away_is_no_fault_of_the_message)
{
    static const struct {
        const char *message;
        enum err_code code;
        bool of_message;
    } cases[] = {
        {"\x00\x00\x00\x00\x08zz", ERR_REGISTRY_UNAVAILABLE, false},
        {"\x00\x00\x00\x00\x09zz", ERR_AVRO_INVALID, true},
        {"\x00\x00\x00\x00", ERR_AVRO_INVALID, true},
    };
    struct replace_result result;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct span message = span_of(cases[i].message, i == 2 ? 4 : 7);
        cr_assert_not(codec_decode_replace_result(codec, message, arena, &result, &err));
        cr_assert_eq(err.code, cases[i].code, "%s", err.text);
        cr_assert_eq(codec_error_is_of_message(err.code), cases[i].of_message);
    }
    struct err err = {0};
    cr_assert_not(
        codec_decode_replace_result(codec, SPAN_LITERAL("\x00\x00\x00\x00\x08zz"), arena, &result, &err));
    cr_assert_eq(err.code, ERR_REGISTRY_UNAVAILABLE, "it is asked again");
    cr_assert_eq(book.found, 3);
}
