#include "cli/send.h"

#include "cli/output.h"
#include "cli/subcommands.h"

#include <stdlib.h>

/* One encoded record that waits to be sent. */
struct outgoing {
    char key[RECORD_KEY_MAX];
    struct buf message;
};

static void free_all(struct outgoing *list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++)
        buf_free(&list[i].message);
    free(list);
}

static int encode_all(const struct options *options, struct codec *codec, const struct send_plan *plan,
                      const json_t *objects, struct outgoing *list)
{
    size_t count = json_array_size(objects);
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        const json_t *object = json_array_get(objects, i);
        if (record_input_encode(codec, plan->kind, object, &list[i].message, &err)) {
            record_input_key(object, plan->key_field, list[i].key);
            continue;
        }
        int status = output_fail_err(options, &err);
        if (count > 1)
            output_fail(options, status, "that was record %zu of %zu; nothing was sent", i + 1, count);
        return status;
    }
    return STATUS_DONE;
}

static json_t *receipt(const struct send_plan *plan, const json_t *object, const char *key,
                       const struct kafka_place *place)
{
    json_t *line = json_pack("{s:s, s:i, s:I, s:s}", "topic", plan->topic, "partition", (int)place->partition,
                             "offset", (json_int_t)place->offset, "key", key);
    if (line == NULL)
        return NULL;
    if (plan->id_field != NULL)
        json_object_set(line, plan->id_field, json_object_get(object, plan->id_field));
    for (size_t i = 0; plan->extra != NULL && plan->extra[i] != NULL; i++)
        if (json_object_get(object, plan->extra[i]) != NULL)
            json_object_set(line, plan->extra[i], json_object_get(object, plan->extra[i]));
    return line;
}

static bool print_receipt(const struct options *options, size_t count, json_t *line)
{
    if (line == NULL) {
        output_fail(options, STATUS_FAILED, "out of memory; the record was sent");
        return false;
    }
    bool as_fields = !output_is_json(options) && count == 1;
    bool ok = as_fields ? output_fields(options, line) : output_json(options, line);
    json_decref(line);
    return ok;
}

static int send_all(const struct options *options, const struct session *session,
                    const struct send_plan *plan, const json_t *objects, const struct outgoing *list,
                    bool quiet)
{
    struct err err = {0};
    AUTO(producer) struct producer *producer = session_producer(session, &err);
    if (producer == NULL)
        return output_fail_err(options, &err);
    size_t count = json_array_size(objects);
    for (size_t i = 0; i < count; i++) {
        struct kafka_place place = {0};
        struct kafka_record record = {
            .topic = plan->topic, .key = span_text(list[i].key), .value = buf_span(&list[i].message)};
        if (!producer_send_wait(producer, &record, SESSION_KAFKA_TIMEOUT_MS, &place, &err)) {
            int status = output_fail_err(options, &err);
            status = status == STATUS_FAILED ? STATUS_UNAVAILABLE : status;
            if (count > 1)
                output_fail(options, status, "%zu of %zu records were sent before", i, count);
            return status;
        }
        json_t *line = quiet ? NULL : receipt(plan, json_array_get(objects, i), list[i].key, &place);
        if (!quiet && !print_receipt(options, count, line))
            return STATUS_FAILED;
    }
    return STATUS_DONE;
}

int send_records(const struct options *options, const struct session *session, const struct send_plan *plan,
                 const json_t *objects, bool quiet)
{
    size_t count = json_array_size(objects);
    struct outgoing *list = calloc(count, sizeof *list);
    if (list == NULL)
        return output_fail(options, STATUS_FAILED, "out of memory");
    int status = encode_all(options, session_codec(session), plan, objects, list);
    if (status == STATUS_DONE)
        status = send_all(options, session, plan, objects, list, quiet);
    free_all(list, count);
    return status;
}

int send_tombstone(const struct options *options, const struct session *session, const char *topic,
                   const char *key)
{
    struct err err = {0};
    AUTO(producer) struct producer *producer = session_producer(session, &err);
    if (producer == NULL)
        return output_fail_err(options, &err);
    struct kafka_place place = {0};
    struct kafka_record record = {.topic = topic, .key = span_text(key)};
    if (!producer_send_wait(producer, &record, SESSION_KAFKA_TIMEOUT_MS, &place, &err))
        return output_fail_err(options, &err);
    json_t *line = json_pack("{s:s, s:i, s:I, s:s, s:b}", "topic", topic, "partition", (int)place.partition,
                             "offset", (json_int_t)place.offset, "key", key, "removed", 1);
    return print_receipt(options, 1, line) ? STATUS_DONE : STATUS_FAILED;
}
