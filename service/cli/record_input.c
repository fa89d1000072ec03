#include "cli/record_input.h"

#include "avro/json.h"
#include "avro/wire.h"
#include "base/json_text.h"
#include "cli/file.h"
#include "cli/output.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

/* With `flags`; *used is set to how much of the text it was. */
static json_t *parse(const char *path, struct span text, size_t flags, size_t *used, struct err *err)
{
    json_error_t fault;
    bool out_of_memory;
    json_t *root = json_text_load(text, JSON_REJECT_DUPLICATES | flags, &fault, &out_of_memory);
    *used = root != NULL ? (size_t)fault.position : 0;
    if (root == NULL && out_of_memory)
        err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
    else if (root == NULL) /* jansson's own text quotes what it read, which may be a password */
        err_set(err, ERR_AVRO_INVALID, "%.200s is no JSON: look at line %d, column %d", path, fault.line,
                fault.column);
    return root;
}

/* Takes the object. */
static json_t *list_of_one(json_t *object, struct err *err)
{
    json_t *list = json_array();
    if (json_array_append_new(list, object) == 0)
        return list;
    json_decref(list);
    err_set(err, ERR_NO_MEMORY, "out of memory while reading the record");
    return NULL;
}

/* An array of the objects in the root, which is taken; NULL stays NULL. */
static json_t *list_of(const char *path, json_t *root, struct err *err)
{
    if (root == NULL)
        return NULL;
    if (json_is_object(root))
        return list_of_one(root, err);
    size_t index;
    json_t *item;
    json_array_foreach(root, index, item)
    {
        if (json_is_object(item))
            continue;
        err_set(err, ERR_AVRO_INVALID, "%.200s[%zu] is no object", path, index);
        json_decref(root);
        return NULL;
    }
    if (json_array_size(root) == 0) {
        err_set(err, ERR_AVRO_INVALID, "%.200s holds no record", path);
        json_decref(root);
        return NULL;
    }
    return root;
}

static struct span skip_blanks(struct span text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL)
        text = span_of(text.data + 1, text.len - 1);
    return text;
}

json_t *record_input_load(const char *path, struct err *err)
{
    AUTO(secret) struct secret content = {0};
    return file_read(path, RECORD_INPUT_MAX, &content, err)
               ? record_input_parse(path, secret_span(&content), err)
               : NULL;
}

json_t *record_input_parse(const char *path, struct span text, struct err *err)
{
    size_t used;
    return list_of(path, parse(path, text, 0, &used, err), err);
}

json_t *record_input_parse_all(const char *path, struct span text, struct err *err)
{
    AUTO(json) json_t *all = json_array();
    do {
        size_t used;
        AUTO(json)
        json_t *list =
            list_of(path, parse(path, text, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &used, err), err);
        if (list == NULL)
            return NULL;
        if (json_array_extend(all, list) != 0) {
            err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
            return NULL;
        }
        text = skip_blanks(span_of(text.data + used, text.len - used));
    } while (text.len > 0);
    return json_incref(all);
}

bool record_input_set(json_t *object, const char *field, json_t *value, struct err *err)
{
    if (value == NULL || json_object_set_new(object, field, value) != 0)
        return err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    return true;
}

bool record_input_set_text(json_t *object, const char *field, struct span text, struct err *err)
{
    if (!utf8_valid(text))
        return err_set(err, ERR_AVRO_INVALID, "%s: the text is no UTF-8", field);
    return record_input_set(object, field,
                            json_stringn(text.data != NULL ? (const char *)text.data : "", text.len), err);
}

bool record_input_set_bytes(json_t *object, const char *field, struct span bytes, struct err *err)
{
    AUTO(secret) struct secret text = {0};
    if (bytes.len > RECORD_INPUT_MAX || !secret_alloc(&text, (bytes.len + 2) / 3 * 4))
        return err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    int len = EVP_EncodeBlock(text.data, bytes.data, (int)bytes.len);
    return record_input_set_text(object, field, span_of(text.data, (size_t)len), err);
}

bool record_input_fill_uuid(json_t *object, const char *field, struct err *err)
{
    if (json_object_get(object, field) != NULL)
        return true;
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(err, ERR_INTERNAL, "the system gives no random bytes");
    struct uuid uuid = uuid_v4(random);
    char text[UUID_TEXT_LEN + 1];
    uuid_format(&uuid, text);
    return record_input_set_text(object, field, span_text(text), err);
}

bool record_input_fill_time(json_t *object, const char *field, int64_t now_ms, struct err *err)
{
    if (json_object_get(object, field) != NULL)
        return true;
    return record_input_set(object, field, json_integer(now_ms), err);
}

int64_t record_input_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool record_input_encode(struct codec *codec, enum record_kind kind, const json_t *object,
                         struct buf *message, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    output_put_json(&text, object, JSON_COMPACT);
    if (text.failed)
        return err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    return record_from_json(codec, kind, (const char *)text.data, text.len, message, err);
}

void record_input_key(const json_t *object, const char *field, char key[RECORD_KEY_MAX])
{
    const json_t *value = json_object_get(object, field);
    struct uuid uuid;
    if (json_is_integer(value))
        snprintf(key, RECORD_KEY_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (uuid_parse(&uuid, span_of(json_string_value(value), json_string_length(value))))
        uuid_format(&uuid, key);
    else
        key[0] = '\0';
}
