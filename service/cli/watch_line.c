#include "cli/watch_line.h"

#include "avro/json.h"
#include "base/iso8601.h"
#include "base/json_text.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "kafka/dead_letter.h"

/* Text where the bytes are UTF-8, else their base64 under a name that says so; null for none. */
static json_t *bytes_json(const void *data, size_t len)
{
    if (data == NULL)
        return json_null();
    json_t *text = json_stringn(data, len);
    if (text != NULL)
        return text;
    struct err err = {0};
    json_t *object = json_object();
    if (object != NULL)
        record_input_set_bytes(object, "base64", span_of(data, len), &err);
    return object;
}

/* Headers by name; one that stands there several times has an array. */
static json_t *headers_json(const rd_kafka_message_t *message)
{
    json_t *object = json_object();
    rd_kafka_headers_t *headers = NULL;
    if (object == NULL || rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return object;
    const char *name;
    const void *data;
    size_t len;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &data, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        json_t *value = bytes_json(data, len);
        json_t *before = json_object_get(object, name);
        if (json_is_array(before)) {
            json_array_append_new(before, value);
        } else if (before != NULL) {
            json_t *list = json_pack("[O, o]", before, value);
            json_object_set_new(object, name, list);
        } else {
            json_object_set_new(object, name, value);
        }
    }
    return object;
}

json_t *watch_value(struct codec *codec, struct span value, bool show_secrets)
{
    AUTO(buf) struct buf text = {0};
    struct err err = {0};
    json_error_t where;
    bool out_of_memory;
    if (record_to_json(codec, value, show_secrets, &text, &err))
        return json_text_load(buf_span(&text), JSON_DECODE_ANY | JSON_ALLOW_NUL, &where, &out_of_memory);
    json_t *object = json_pack("{s:s, s:I}", "undecoded", err.text, "bytes", (json_int_t)value.len);
    if (object != NULL && show_secrets)
        record_input_set_bytes(object, "base64", value, &err);
    return object;
}

static json_t *encrypted_json(struct span kid, struct span value)
{
    struct err err = {0};
    json_t *object =
        json_pack("{s:o, s:I}", "encrypted", bytes_json(kid.data, kid.len), "bytes", (json_int_t)value.len);
    if (object != NULL)
        record_input_set_bytes(object, "base64", value, &err);
    return object;
}

static json_t *value_json(struct codec *codec, const rd_kafka_message_t *message, bool show_secrets)
{
    struct span value = span_of(message->payload, message->len);
    struct span kid;
    if (value.data == NULL)
        return json_null();
    return message_header(message, DEAD_LETTER_ENCRYPTED, &kid) ? encrypted_json(kid, value)
                                                                : watch_value(codec, value, show_secrets);
}

json_t *watch_line(struct codec *codec, const rd_kafka_message_t *message, int64_t timestamp_ms,
                   bool show_secrets)
{
    char when[ISO8601_TEXT_MAX];
    iso8601_format(timestamp_ms, when);
    json_t *line =
        json_pack("{s:s, s:i, s:I, s:s}", "topic", rd_kafka_topic_name(message->rkt), "partition",
                  (int)message->partition, "offset", (json_int_t)message->offset, "timestamp", when);
    if (line != NULL && json_object_set_new(line, "key", bytes_json(message->key, message->key_len)) == 0 &&
        json_object_set_new(line, "headers", headers_json(message)) == 0 &&
        json_object_set_new(line, "value", value_json(codec, message, show_secrets)) == 0)
        return line;
    json_decref(line);
    return NULL;
}

/* The field's text; a key of other bytes as the line has it. */
static void put_field(struct buf *out, const json_t *line, const char *field)
{
    AUTO(buf) struct buf cell = {0};
    const json_t *value = json_object_get(line, field);
    if (json_is_object(value))
        output_put_json(&cell, value, JSON_COMPACT);
    else if (value != NULL)
        output_put_cell(&cell, value);
    table_put_clean(out, buf_span(&cell));
    out->failed |= cell.failed;
}

void watch_put_text(struct buf *out, const json_t *line)
{
    static const char *const before[] = {"", " ", "/", " at ", ", key "};
    static const char *const fields[] = {"topic", "partition", "offset", "timestamp", "key"};
    AUTO(buf) struct buf value = {0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_put_text(out, before[i]);
        put_field(out, line, fields[i]);
    }
    output_put_json(&value, json_object_get(line, "value"), JSON_INDENT(2));
    buf_put_byte(out, '\n');
    output_put_lines(out, buf_span(&value));
    out->failed |= value.failed;
}
