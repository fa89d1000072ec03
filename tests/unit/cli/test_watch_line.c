/* What certswap watch shows of a record, whatever is in it. */
#include "avro/codec.h"
#include "cli/watch_line.h"
#include "support/consumed_message.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct schema_set *schemas;
static struct codec *codec; /* of the set */

static void start(void)
{
    schemas = schema_set_new(NULL, NULL);
    codec = codec_new(schemas);
    consumed_topic("certstore.inventory");
}

static void stop(void)
{
    codec_free(codec);
    schema_set_free(schemas);
}

TestSuite(watch_line, .init = start, .fini = stop);

static json_t *line_of(struct span alias, struct buf *value, rd_kafka_message_t *message)
{
    struct store_entry entries[] = {{.alias = alias}};
    const struct store_inventory store = {.entries = entries, .entry_count = 1};
    cr_assert(codec_encode_store_inventory(codec, &store, value, NULL));
    *message = (rd_kafka_message_t){.payload = value->data, .len = value->len, .partition = 3, .offset = 41};
    return watch_line(codec, message, 1790000000000, false);
}

Test(watch_line, a_text_with_a_nul_is_shown)
{
    AUTO(buf) struct buf value = {0};
    rd_kafka_message_t message;
    json_t *line = line_of(SPAN_LITERAL("tls\0x"), &value, &message);
    cr_assert_not_null(line);
    const json_t *entry = json_array_get(json_object_get(json_object_get(line, "value"), "entries"), 0);
    const json_t *alias = json_object_get(entry, "alias");
    cr_assert(
        span_equal(span_of(json_string_value(alias), json_string_length(alias)), SPAN_LITERAL("tls\0x")));
    json_decref(line);
}

Test(watch_line, a_terminal_gets_nothing_to_obey)
{
    AUTO(buf) struct buf value = {0};
    AUTO(buf) struct buf out = {0};
    rd_kafka_message_t message;
    char key[] = "\x1B]0;title\x07";
    json_t *line = line_of(SPAN_LITERAL("\xC2\x9B"
                                        "2J\x7F j\xC3\xB6rg"),
                           &value, &message);
    json_object_set_new(line, "key", json_string(key));
    watch_put_text(&out, line);
    buf_put_byte(&out, 0);
    const char *text = (const char *)out.data;
    cr_assert_not_null(strstr(text, "certstore.inventory 3/41 at 2026-09-21T14:13:20.000Z, key ?]0;title?\n"),
                       "%s", text);
    cr_assert_not_null(strstr(text, "\n      \"alias\": \"?2J? j\xC3\xB6rg\",\n"), "%s", text);
    json_decref(line);
}
