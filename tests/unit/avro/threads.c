/* What threads of the pipeline do: a codec each over the set that all share. A plain program, since Criterion
   does not start under the thread sanitizer, for which this is. */
#include "avro/codec.h"
#include "avro/json.h"

#include <pthread.h>
#include <stdio.h>

static void *decode_many(void *arg)
{
    const struct schema_set *set = arg;
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf json = {0};
    struct err none = {0};
    struct store_job job = {.alias = SPAN_LITERAL("tls"),
                            .credential.plain.content = SPAN_LITERAL("content")};
    codec_encode_store_job(codec, &job, &message, &none);
    intptr_t faults = none.code != ERR_NONE;
    for (int i = 0; i < 200; i++) {
        struct err err = {0};
        struct span whole = buf_span(&message);
        faults += !codec_decode_store_job(codec, whole, arena, &job, &err);
        faults += !record_to_json(codec, whole, true, &json, &err);
        faults += codec_decode_store_job(codec, span_of(whole.data, whole.len - 1), arena, &job, &err);
        message.len = 0;
        faults +=
            !record_from_json(codec, RECORD_STORE_JOB, (const char *)json.data, json.len, &message, &none);
        arena_reset(arena);
        buf_reset(&json);
    }
    return (void *)faults;
}

int main(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    intptr_t faults = 0;
    struct err err = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &err);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, decode_many, set);
    for (int i = 0; i < THREADS; i++) {
        void *counted = NULL;
        pthread_join(threads[i], &counted);
        faults += (intptr_t)counted;
    }
    printf("%d faults\n", (int)faults);
    return faults != 0;
}
