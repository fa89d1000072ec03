#include "avro/json.h"

#include "avro/encode.h"
#include "avro/framing.h"
#include "avro/wire.h"
#include "base/base64.h"
#include "base/iso8601.h"
#include "base/json_text.h"
#include "base/secret.h"
#include "domain/record.h"

#include <stdio.h>

enum { PATH_MAX_LEN = 128 };

struct reader {
    struct buf *out;
    struct err *err;
    char path[PATH_MAX_LEN]; /* of the field at hand, for errors: credential.content */
};

static bool read_record(struct reader *r, const struct record_layout *layout, const json_t *json);
static bool read_value(struct reader *r, enum field_type type, const struct field_layout *field,
                       const json_t *json);

static bool wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct reader *r, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->path[0] == '\0')
        return err_set(r->err, ERR_AVRO_INVALID, "%s", text);
    return err_set(r->err, ERR_AVRO_INVALID, "%s: %s", r->path, text);
}

/* Steps of single edits between two names; both are short. */
static size_t distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    size_t row[MAX + 1];
    size_t len = strnlen(b, MAX);
    for (size_t k = 0; k <= len; k++)
        row[k] = k;
    for (size_t i = 0; i < MAX && a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 1; k <= len; k++) {
            size_t change = diagonal + (a[i] != b[k - 1]);
            size_t shift = 1 + (row[k] < row[k - 1] ? row[k] : row[k - 1]);
            diagonal = row[k];
            row[k] = change < shift ? change : shift;
        }
    }
    return row[len];
}

static bool check_known(struct reader *r, const struct record_layout *layout, const json_t *json)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        const char *nearest = layout->fields[0].name;
        bool known = false;
        for (size_t i = 0; i < layout->count && !known; i++) {
            known = strcmp(layout->fields[i].name, name) == 0;
            if (distance(name, layout->fields[i].name) < distance(name, nearest))
                nearest = layout->fields[i].name;
        }
        if (!known)
            return wrong(r, "%s has no field \"%.60s\"; the nearest is %s", layout->name, name, nearest);
    }
    return true;
}

static struct span string_span(const json_t *json)
{
    return span_of(json_string_value(json), json_string_length(json));
}

static bool read_int(struct reader *r, const json_t *json)
{
    if (!json_is_integer(json))
        return wrong(r, "write a whole number");
    json_int_t value = json_integer_value(json);
    if (value < INT32_MIN || value > INT32_MAX)
        return wrong(r, "the number is out of the range of 32 bits");
    encode_long(r->out, value);
    return true;
}

static bool read_timestamp(struct reader *r, const json_t *json)
{
    int64_t ms = 0;
    if (json_is_integer(json))
        ms = json_integer_value(json);
    else if (!json_is_string(json) || !iso8601_parse(&ms, string_span(json)))
        return wrong(
            r, "write milliseconds since 1970, or ISO 8601 with a zone such as \"2026-11-19T16:23:01Z\"");
    encode_long(r->out, ms);
    return true;
}

static bool read_bytes(struct reader *r, const json_t *json)
{
    size_t len = 0;
    if (!json_is_string(json) || !base64_length(string_span(json), &len))
        return wrong(r, "write the bytes in base64, padded with =");
    encode_long(r->out, (int64_t)len);
    return base64_decode(r->out, string_span(json), false) || wrong(r, "the text is no base64");
}

static bool read_uuid(struct reader *r, const json_t *json)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    if (!json_is_string(json) || !uuid_parse(&uuid, string_span(json)))
        return wrong(r, "write a GUID as 8-4-4-4-12 hexadecimal digits");
    uuid_format(&uuid, text);
    encode_bytes(r->out, span_text(text));
    return true;
}

static bool read_enum(struct reader *r, const struct enum_layout *symbols, const json_t *json)
{
    const char *text = json_string_value(json);
    char all[ERR_TEXT_MAX] = "";
    for (size_t i = 0; i < symbols->count; i++) {
        if (text != NULL && strcmp(text, symbols->symbols[i]) == 0) {
            encode_long(r->out, (int64_t)i);
            return true;
        }
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", symbols->symbols[i]);
    }
    return wrong(r, "write one of %s", all);
}

static bool has_any(const json_t *json, const struct record_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++)
        if (json_object_get(json, layout->fields[i].name) != NULL)
            return true;
    return false;
}

static bool read_credential(struct reader *r, const json_t *json)
{
    const struct record_layout *plain = record_layout(RECORD_CREDENTIAL);
    const struct record_layout *sealed = record_layout(RECORD_SEALED_CREDENTIAL);
    bool is_sealed = has_any(json, sealed);
    if (is_sealed && has_any(json, plain))
        return wrong(r, "fields of Credential and of SealedCredential together: write one of the two");
    encode_long(r->out, is_sealed ? 1 : 0);
    return read_record(r, is_sealed ? sealed : plain, json);
}

static bool read_password(struct reader *r, const json_t *json)
{
    if (json == NULL || json_is_null(json)) {
        encode_long(r->out, PASSWORD_NONE);
        return true;
    }
    if (json_is_string(json)) {
        encode_long(r->out, PASSWORD_PLAIN);
        encode_bytes(r->out, string_span(json));
        return true;
    }
    if (!json_is_object(json))
        return wrong(r, "write null, a string or a SealedPassword");
    encode_long(r->out, PASSWORD_SEALED);
    return read_record(r, record_layout(RECORD_SEALED_PASSWORD), json);
}

static bool read_array(struct reader *r, const struct field_layout *field, const json_t *json)
{
    size_t path_len = strlen(r->path);
    if (!json_is_array(json))
        return wrong(r, "write an array");
    size_t count = json_array_size(json);
    if (count > 0)
        encode_long(r->out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        snprintf(r->path + path_len, sizeof r->path - path_len, "[%zu]", i);
        if (!read_value(r, field->item, field, json_array_get(json, i)))
            return false;
    }
    r->path[path_len] = '\0';
    encode_long(r->out, 0);
    return true;
}

static bool read_value(struct reader *r, enum field_type type, const struct field_layout *field,
                       const json_t *json)
{
    switch (type) {
    case FIELD_BOOLEAN:
        if (!json_is_boolean(json))
            return wrong(r, "write true or false");
        encode_boolean(r->out, json_is_true(json));
        return true;
    case FIELD_INT:
        return read_int(r, json);
    case FIELD_TIMESTAMP:
        return read_timestamp(r, json);
    case FIELD_STRING:
        if (!json_is_string(json))
            return wrong(r, "write a string");
        encode_bytes(r->out, string_span(json));
        return true;
    case FIELD_BYTES:
        return read_bytes(r, json);
    case FIELD_UUID:
    case FIELD_UUID_TEXT:
        return read_uuid(r, json);
    case FIELD_ENUM:
        return read_enum(r, field->enumeration, json);
    case FIELD_RECORD:
        return read_record(r, field->record, json);
    case FIELD_CREDENTIAL:
        return read_credential(r, json);
    case FIELD_PASSWORD:
        return read_password(r, json);
    case FIELD_ARRAY:
        return read_array(r, field, json);
    }
    return false;
}

/* The value may be absent: NULL. */
static bool read_field(struct reader *r, const struct field_layout *field, const json_t *json)
{
    if (field->type == FIELD_PASSWORD)
        return read_password(r, json);
    if (field->nullable) {
        bool has = json != NULL && !json_is_null(json);
        encode_long(r->out, has ? 1 : 0);
        return !has || read_value(r, field->type, field, json);
    }
    if (json == NULL && field->has_default) {
        encode_long(r->out, 0); /* false, or the first symbol */
        return true;
    }
    return json != NULL ? read_value(r, field->type, field, json) : wrong(r, "the field is missing");
}

static bool read_record(struct reader *r, const struct record_layout *layout, const json_t *json)
{
    size_t path_len = strlen(r->path);
    if (!json_is_object(json))
        return wrong(r, "write an object with the fields of %s", layout->name);
    if (!check_known(r, layout, json))
        return false;
    for (size_t i = 0; i < layout->count; i++) {
        const struct field_layout *field = &layout->fields[i];
        snprintf(r->path + path_len, sizeof r->path - path_len, "%s%s", path_len > 0 ? "." : "", field->name);
        if (!read_field(r, field, json_object_get(json, field->name)))
            return false;
    }
    r->path[path_len] = '\0';
    return true;
}

/* The tree holds passwords and keys. */
static void wipe(const json_t *json)
{
    const char *name;
    const json_t *value;
    size_t index;
    if (json_is_string(json))
        secret_wipe((char *)(uintptr_t)json_string_value(json), json_string_length(json));
    json_object_foreach((json_t *)(uintptr_t)json, name, value) wipe(value);
    json_array_foreach(json, index, value) wipe(value);
}

bool record_from_json(struct codec *codec, enum record_kind kind, const char *json_text, size_t len,
                      struct buf *out, struct err *err)
{
    struct reader r = {.out = out, .err = err};
    size_t len_before = out->len;
    json_error_t where;
    bool out_of_memory = false;
    json_t *json = json_text_load(span_of(json_text, len), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where,
                                  &out_of_memory);
    if (json == NULL && out_of_memory)
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading JSON");
    if (json == NULL && json_error_code(&where) == json_error_duplicate_key)
        return wrong(&r, "a field stands twice, the second time at line %d, column %d", where.line,
                     where.column);
    if (json == NULL) /* without where.text, which repeats what stands there */
        return wrong(&r, "no JSON object: see line %d, column %d", where.line, where.column);
    if (codec == NULL)
        framing_put_single_object(out, record_fingerprint(kind));
    bool done = (codec == NULL || codec_put_head(codec, kind, out, err)) &&
                read_record(&r, record_layout(kind), json);
    wipe(json);
    json_decref(json);
    if (done && !out->failed)
        return true;
    secret_wipe(out->data + len_before, out->len - len_before);
    out->len = len_before;
    if (out->failed)
        err_set(err, ERR_NO_MEMORY, "out of memory for a record");
    out->failed = false;
    return false;
}
