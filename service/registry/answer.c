#include "registry/answer.h"

#include "base/json_text.h"

static void auto_json(json_t **value)
{
    json_decref(*value);
}

/* Confluent's error codes of what is not there: subject, version, schema. */
enum { SUBJECT_UNKNOWN = 40401, VERSION_UNKNOWN = 40402, SCHEMA_UNKNOWN = 40403, SAID_MAX = 100 };

/* What the registry says, fit for one line of a log. */
struct said {
    char text[SAID_MAX];
};

static struct said said_of(const json_t *answer)
{
    struct said said = {0};
    const char *message = json_string_value(json_object_get(answer, "message"));
    if (message == NULL)
        return said;
    strcpy(said.text, ": ");
    strncat(said.text, message, SAID_MAX - 3);
    for (char *c = said.text; *c != '\0'; c++)
        *c = *c >= 0x20 && *c < 0x7F ? *c : ' ';
    return said;
}

static enum answer_kind no_memory(struct err *err)
{
    err_set(err, ERR_NO_MEMORY, "out of memory for an answer of the schema registry");
    return ANSWER_FAILED;
}

static json_t *load(struct span body, bool *out_of_memory)
{
    json_error_t where;
    return json_text_load(body, 0, &where, out_of_memory);
}

static enum answer_kind refused(struct err *err, const char *question, int status, const char *remedy,
                                const json_t *answer)
{
    err_set(err, ERR_REGISTRY_REFUSED, "schema registry, %s: it answers %d%s; %s", question, status,
            said_of(answer).text, remedy);
    return ANSWER_REFUSED;
}

static enum answer_kind not_found(struct err *err, const char *question, const json_t *answer)
{
    json_int_t code = json_integer_value(json_object_get(answer, "error_code"));
    if (code != SUBJECT_UNKNOWN && code != VERSION_UNKNOWN && code != SCHEMA_UNKNOWN)
        return refused(err, question, 404,
                       "there is no registry at this path: correct CERTSWAP_SCHEMA_REGISTRY_URL", answer);
    err_set(err, ERR_REGISTRY_REFUSED, "schema registry, %s: it has none%s", question, said_of(answer).text);
    return ANSWER_UNKNOWN;
}

enum answer_kind answer_judge(int status, struct span body, const char *question, struct err *err)
{
    bool out_of_memory = false;
    __attribute__((cleanup(auto_json))) json_t *answer = load(body, &out_of_memory);
    if (out_of_memory)
        return no_memory(err);
    if (status == 200 && json_is_object(answer))
        return ANSWER_OK;
    if (status == 404)
        return not_found(err, question, answer);
    if (status == 401 || status == 403)
        return refused(
            err, question, status,
            "let the user of CERTSWAP_SCHEMA_REGISTRY_URL do this, or, if it is the registering, register "
            "the schema and set CERTSWAP_SCHEMA_AUTO_REGISTER=false",
            answer);
    if (status == 409)
        return refused(
            err, question, status,
            "the subject has a schema that this one is not compatible with: see which, and either remove "
            "it or change the subject's compatibility",
            answer);
    if (status == 422)
        return refused(err, question, status, "look at the registry's rules for this subject", answer);
    if (status >= 300 && status < 400)
        return refused(
            err, question, status,
            "it sends elsewhere, which is not followed: set CERTSWAP_SCHEMA_REGISTRY_URL to that place",
            answer);
    if (status == 200) {
        err_set(err, ERR_REGISTRY_UNAVAILABLE,
                "schema registry, %s: its answer is no JSON object; is CERTSWAP_SCHEMA_REGISTRY_URL right?",
                question);
        return ANSWER_FAILED;
    }
    if (status >= 400 && status < 500 && status != 408 && status != 429)
        return refused(err, question, status, "look at the registry's log", answer);
    err_set(err, ERR_REGISTRY_UNAVAILABLE, "schema registry, %s: it answers %d%s", question, status,
            said_of(answer).text);
    return ANSWER_FAILED;
}

enum answer_kind answer_id(struct span body, const char *question, uint32_t *id, struct err *err)
{
    bool out_of_memory = false;
    __attribute__((cleanup(auto_json))) json_t *answer = load(body, &out_of_memory);
    const json_t *value = json_object_get(answer, "id");
    json_int_t number = json_integer_value(value);
    if (out_of_memory)
        return no_memory(err);
    *id = (uint32_t)number;
    if (json_is_integer(value) && number >= 0 && number <= UINT32_MAX)
        return ANSWER_OK;
    err_set(err, ERR_REGISTRY_UNAVAILABLE, "schema registry, %s: its answer has no id", question);
    return ANSWER_FAILED;
}

static enum answer_kind no_avro(struct err *err, const char *question, const char *why)
{
    err_set(err, ERR_AVRO_INVALID, "schema registry, %s: %s", question, why);
    return ANSWER_REFUSED;
}

enum answer_kind answer_schema(struct span body, const char *question, struct buf *text, struct err *err)
{
    bool out_of_memory = false;
    __attribute__((cleanup(auto_json))) json_t *answer = load(body, &out_of_memory);
    const json_t *schema = json_object_get(answer, "schema");
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    if (out_of_memory)
        return no_memory(err);
    if (type != NULL && strcmp(type, "AVRO") != 0)
        return no_avro(err, question, "it is no Avro schema; write the record in Avro");
    if (json_array_size(json_object_get(answer, "references")) > 0)
        return no_avro(err, question,
                       "it refers to other schemas, which this version does not follow; register it whole");
    if (!json_is_string(schema)) {
        err_set(err, ERR_REGISTRY_UNAVAILABLE, "schema registry, %s: its answer has no schema", question);
        return ANSWER_FAILED;
    }
    buf_put(text, json_string_value(schema), json_string_length(schema));
    return text->failed ? no_memory(err) : ANSWER_OK;
}
