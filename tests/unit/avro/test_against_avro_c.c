/* Our messages read and written again by Apache Avro's C library: an opinion of its own on the wire format.
 */
#include "avro/schema_set.h"
#include "samples.h"

#include <avro.h>
#include <criterion/criterion.h>

static void check(enum record_kind kind, enum sample sample)
{
    AUTO(buf) struct buf message = {0};
    avro_schema_t schema;
    avro_value_t value;
    const char *text = record_schema_text(kind);
    sample_message(kind, sample, &message);
    const char *body = (const char *)message.data + 10;
    size_t len = message.len - 10;
    cr_assert_eq(avro_schema_from_json_length(text, strlen(text), &schema), 0, "%s", avro_strerror());
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    cr_assert_eq(avro_generic_value_new(class, &value), 0);
    avro_reader_t reader = avro_reader_memory(body, (int64_t)len);
    cr_assert_eq(avro_value_read(reader, &value), 0, "%s: %s", record_full_name(kind), avro_strerror());

    char *again = malloc(len + 1);
    avro_writer_t writer = avro_writer_memory(again, (int64_t)len + 1);
    cr_assert_eq(avro_value_write(writer, &value), 0, "%s", avro_strerror());
    cr_assert_eq(avro_writer_tell(writer), (int64_t)len, "%s: bytes were left", record_full_name(kind));
    cr_assert_eq(memcmp(again, body, len), 0, "%s %d", record_full_name(kind), sample);

    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    free(again);
}

Test(against_avro_c, every_record_reads_and_writes_alike)
{
    for (int kind = 0; kind <= RECORD_REPLACE_RESULT; kind++)
        for (int sample = 0; sample < SAMPLE_COUNT; sample++)
            check((enum record_kind)kind, (enum sample)sample);
}
