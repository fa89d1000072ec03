/* Every allocation fails in turn: each function says ERR_NO_MEMORY, leaks nothing, leaves its buffer as it
   was, and succeeds once nothing fails. Linked with --wrap for the allocator. */
#include "avro/canonical.h"
#include "avro/json.h"
#include "samples.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

/* How many allocations may still succeed; below zero: any number. */
static long left = -1;
static bool only_one; /* after the failed one the others succeed */

static bool fails(void)
{
    if (left < 0)
        return false;
    if (left > 0) {
        left--;
        return false;
    }
    if (only_one)
        left = -1;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(memory, count, size);
}

struct work {
    enum record_kind kind;
    enum sample sample;
    struct schema_set *set;
    struct codec *codec; /* of the set */
    struct buf message;
    struct buf json;
    char dir[64];
};

/* Runs the work until it does not fail, with every stride-th allocation failing; `step` is false with an
 * error. */
static void in_turn(const char *what, long stride, bool (*step)(struct work *, struct err *),
                    struct work *work)
{
    for (int one = 0; one < 2; one++)
        for (long n = 0;; n += stride) {
            struct err err = {0};
            cr_assert_lt(n, 100000, "%s does not end", what);
            only_one = one == 1;
            left = n;
            bool done = step(work, &err);
            bool failed = left == 0 || only_one;
            left = -1;
            if (done)
                break;
            cr_assert(failed, "%s failed without need: %s", what, err.text);
            cr_assert_eq(err.code, ERR_NO_MEMORY, "%s, allocation %ld: %s %s", what, n, err_name(err.code),
                         err.text);
        }
}

static bool make_set(struct work *work, struct err *err)
{
    struct schema_set *set = schema_set_new(work->dir[0] != '\0' ? work->dir : NULL, err);
    schema_set_free(set);
    return set != NULL;
}

static bool decode(struct work *work, struct err *err)
{
    AUTO(codec) struct codec *codec = codec_new(work->set);
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(buf) struct buf out = {0};
    if (codec == NULL || arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "%s", "");
    bool done = sample_decode(codec, work->kind, buf_span(&work->message), arena, &out, err);
    cr_assert_eq(out.len, done ? work->message.len : 0);
    return done;
}

static bool to_json(struct work *work, struct err *err)
{
    AUTO(buf) struct buf out = {0};
    bool done = record_to_json(work->codec, buf_span(&work->message), true, &out, err);
    cr_assert_eq(out.len, done ? work->json.len : 0);
    return done;
}

static bool from_json(struct work *work, struct err *err)
{
    AUTO(buf) struct buf out = {0};
    bool done =
        record_from_json(work->codec, work->kind, (const char *)work->json.data, work->json.len, &out, err);
    cr_assert_eq(out.len, done ? work->message.len : 0);
    return done;
}

static bool canonical(struct work *work, struct err *err)
{
    AUTO(buf) struct buf out = {0};
    return canonical_form(span_text(record_schema_text(work->kind)), &out, err);
}

Test(allocation, every_record)
{
    struct err err = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &err);
    AUTO(codec) struct codec *codec = codec_new(set);
    for (int kind = 0; kind <= RECORD_REPLACE_RESULT; kind++)
        for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
            struct work work = {
                .kind = (enum record_kind)kind, .sample = (enum sample)sample, .set = set, .codec = codec};
            sample_message(work.kind, work.sample, &work.message);
            cr_assert(record_to_json(codec, buf_span(&work.message), true, &work.json, &err));
            in_turn("decode", 1, decode, &work);
            if (sample == SAMPLE_FULL) {
                in_turn("to_json", 1, to_json, &work);
                in_turn("from_json", 1, from_json, &work);
                in_turn("canonical", 1, canonical, &work);
            }
            buf_free(&work.message);
            buf_free(&work.json);
        }
}

Test(allocation, the_set_of_schemas)
{
    struct work work = {0};
    in_turn("own schemas", 13, make_set, &work);
    snprintf(work.dir, sizeof work.dir, "/tmp/certswap-schemas-XXXXXX");
    cr_assert_not_null(mkdtemp(work.dir));
    char path[128];
    snprintf(path, sizeof path, "%s/other.avsc", work.dir);
    FILE *file = fopen(path, "w");
    fputs("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", file);
    fclose(file);
    in_turn("a folder of schemas", 17, make_set, &work);
    unlink(path);
    rmdir(work.dir);
}
