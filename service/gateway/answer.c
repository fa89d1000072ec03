#include "gateway/answer.h"

#include <assert.h>
#include <jansson.h>

static const struct {
    const char *name;
    unsigned status;
    const char *meaning;
} faults[FAULT_COUNT] = {
#define FAULT(name, status, meaning) [FAULT_##name] = {#name, status, meaning},
#include "gateway/fault.def"
#undef FAULT
};

const char *fault_name(enum gateway_fault fault)
{
    assert(fault < FAULT_COUNT);
    return faults[fault].name;
}

unsigned fault_status(enum gateway_fault fault)
{
    assert(fault < FAULT_COUNT);
    return faults[fault].status;
}

const char *fault_meaning(enum gateway_fault fault)
{
    assert(fault < FAULT_COUNT);
    return faults[fault].meaning;
}

void answer_free(struct answer *answer)
{
    buf_free(&answer->body);
    *answer = (struct answer){0};
}

/* What needs no memory but the body's own. */
static void answer_no_memory(struct answer *answer)
{
    buf_free(&answer->body);
    buf_put_text(&answer->body,
                 "{\"ErrorCode\":\"INTERNAL\",\"Message\":\"out of memory; try again later\"}");
    answer->fault = FAULT_INTERNAL;
    answer->status = fault_status(FAULT_INTERNAL);
}

static int append(const char *text, size_t len, void *body)
{
    buf_put(body, text, len);
    return ((struct buf *)body)->failed ? -1 : 0;
}

/* Takes the object, which may be NULL. */
static void finish(struct answer *answer, unsigned status, json_t *object)
{
    answer->status = status;
    if (object == NULL || json_dump_callback(object, append, &answer->body, JSON_COMPACT) != 0)
        answer_no_memory(answer);
    json_decref(object);
}

void answer_fault(struct answer *answer, enum gateway_fault fault, const struct uuid *command_id,
                  const char *message)
{
    answer_free(answer);
    answer->fault = fault;
    char id[UUID_TEXT_LEN + 1];
    json_t *object = json_pack("{s:s, s:s}", "ErrorCode", fault_name(fault), "Message", message);
    if (command_id != NULL) {
        answer->has_command_id = true;
        answer->command_id = *command_id;
        uuid_format(command_id, id);
        if (object != NULL && json_object_set_new(object, "CommandId", json_string(id)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    finish(answer, fault_status(fault), object);
}

static enum gateway_fault fault_of(struct span code)
{
    for (enum gateway_fault fault = 0; fault < FAULT_COUNT; fault++)
        if (span_equal(code, span_text(faults[fault].name)))
            return fault;
    return FAULT_COUNT;
}

static void answer_rejection(struct answer *answer, const struct replace_result *result)
{
    char message[2 * ERR_TEXT_MAX];
    enum gateway_fault fault = fault_of(result->rejection_code);
    bool known = fault < FAULT_COUNT;
    struct span text = result->rejection_message;
    int most = (int)(text.len < sizeof message / 2 ? text.len : sizeof message / 2);
    /* not in the middle of a character */
    while (most > 0 && (size_t)most < text.len && (text.data[most] & 0xC0) == 0x80)
        most--;
    snprintf(message, sizeof message, "%.*s%s%.*s", known ? 0 : (int)(result->rejection_code.len % 64),
             (const char *)result->rejection_code.data, known ? "" : ": ", most, (const char *)text.data);
    answer_fault(answer, known ? fault : FAULT_INVALID_COMMAND, &result->command_id, message);
}

static json_t *store_list(const struct uuid *stores, size_t count)
{
    json_t *list = json_array();
    char text[UUID_TEXT_LEN + 1];
    for (size_t i = 0; i < count && list != NULL; i++) {
        uuid_format(&stores[i], text);
        if (json_array_append_new(list, json_string(text)) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

void answer_result(struct answer *answer, const struct replace_result *result)
{
    answer_free(answer);
    if (result->status == REPLACE_REJECTED) {
        answer_rejection(answer, result);
        return;
    }
    json_t *object = json_object();
    bool whole = object != NULL &&
                 json_object_set_new(object, "SuccessfulStores",
                                     store_list(result->successful_stores, result->successful_count)) == 0 &&
                 json_object_set_new(object, "FailedStores",
                                     store_list(result->failed_stores, result->failed_count)) == 0;
    if (!whole) {
        json_decref(object);
        object = NULL;
    }
    answer->has_command_id = true;
    answer->command_id = result->command_id;
    finish(answer, 200, object);
}

void answer_copy(struct answer *to, const struct answer *from)
{
    answer_free(to);
    *to = (struct answer){.status = from->status,
                          .fault = from->fault,
                          .has_command_id = from->has_command_id,
                          .command_id = from->command_id};
    buf_put(&to->body, from->body.data, from->body.len);
    if (to->body.failed)
        answer_no_memory(to);
}
