/* One thread's client: asks what is not known yet. */
#include "avro/schema.h"
#include "fetch/fetch.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "registry/answer.h"
#include "registry/registry_private.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    BUDGET_US = 10 * 1000 * 1000, /* of questions in one go: their thread has more to do */
    REPLY_MAX = 1024 * 1024,
    URL_MAX = 2600,
    QUESTION_MAX = 320,
};

/* An id that the registry does not have, or whose schema cannot be used. */
struct unknown {
    uint32_t id;
    struct err why;
};

struct registry_client {
    struct registry *registry;
    struct fetcher *fetcher;
    struct schema_ids ids;
    struct buf body; /* of the latest answer */
    struct unknown *unknown;
    size_t unknown_count;
    size_t unknown_cap;
    int64_t spent_us;
};

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Asks; the answer's body is client->body. `content_type` NULL: a GET. */
static enum answer_kind ask(struct registry_client *client, const char *url, struct span content,
                            const char *question, struct err *err)
{
    static const enum metric_registry_outcome outcomes[] = {
        [ANSWER_OK] = METRIC_REGISTRY_OK,
        [ANSWER_UNKNOWN] = METRIC_REGISTRY_UNKNOWN,
        [ANSWER_REFUSED] = METRIC_REGISTRY_REFUSED,
        [ANSWER_FAILED] = METRIC_REGISTRY_FAILED,
    };
    struct fetch_request request = {
        .url = url,
        .accept = "application/vnd.schemaregistry.v1+json, application/json",
        .content_type = content.data != NULL ? "application/vnd.schemaregistry.v1+json" : NULL,
        .body = content,
    };
    if (client->spent_us > BUDGET_US) {
        client->spent_us = 0;
        err_set(err, ERR_REGISTRY_UNAVAILABLE, "schema registry: it is slow; more schemas are asked for");
        return ANSWER_FAILED;
    }
    int status = 0;
    int64_t begin_us = monotonic_us();
    buf_reset(&client->body);
    enum answer_kind kind = ANSWER_FAILED;
    if (fetch(client->fetcher, &request, &status, &client->body, err))
        kind = answer_judge(status, buf_span(&client->body), question, err);
    else if (err->code == ERR_AVRO_INVALID)
        kind = ANSWER_REFUSED;
    client->spent_us += monotonic_us() - begin_us;
    metric_add(METRIC_REGISTRY_REQUESTS, 1, outcomes[kind]);
    return kind;
}

static const struct unknown *find_unknown(const struct registry_client *client, uint32_t id)
{
    for (size_t i = 0; i < client->unknown_count; i++)
        if (client->unknown[i].id == id)
            return &client->unknown[i];
    return NULL;
}

/* Without memory it is asked for again. */
static void remember_unknown(struct registry_client *client, uint32_t id, const struct err *why)
{
    if (client->unknown_count == client->unknown_cap) {
        size_t cap = client->unknown_cap > 0 ? 2 * client->unknown_cap : 16;
        struct unknown *wider = reallocarray(client->unknown, cap, sizeof *wider);
        if (wider == NULL)
            return;
        client->unknown = wider;
        client->unknown_cap = cap;
    }
    client->unknown[client->unknown_count++] = (struct unknown){id, *why};
}

void registry_client_forget(struct registry_client *client)
{
    if (client == NULL)
        return;
    client->unknown_count = 0;
    client->spent_us = 0;
}

static const struct schema *parse(struct registry_client *client, uint32_t id, struct span text,
                                  struct err *err)
{
    struct err why = {0};
    struct arena *arena = arena_new(0);
    const struct schema *parsed = arena != NULL ? schema_parse(arena, text, &why) : NULL;
    if (parsed == NULL)
        arena_free(arena);
    const struct schema *kept =
        parsed != NULL ? registry_keep_take(client->registry, id, parsed, arena) : NULL;
    if (kept == NULL && why.code == ERR_CONFIG_INVALID)
        err_set(err, ERR_AVRO_INVALID, "the schema %u of the registry cannot be used: %s", id, why.text);
    else if (kept == NULL)
        err_set(err, ERR_NO_MEMORY, "out of memory for the schema %u of the registry", id);
    return kept;
}

static const struct schema *fetch_schema(struct registry_client *client, uint32_t id, struct err *err)
{
    char url[URL_MAX];
    char question[QUESTION_MAX];
    AUTO(buf) struct buf text = {0};
    snprintf(url, sizeof url, "%s/schemas/ids/%u", registry_options_of(client->registry)->url, id);
    snprintf(question, sizeof question, "asking for the schema %u", id);
    enum answer_kind kind = ask(client, url, (struct span){0}, question, err);
    if (kind == ANSWER_OK)
        kind = answer_schema(buf_span(&client->body), question, &text, err);
    if (kind == ANSWER_UNKNOWN) {
        *err = (struct err){0};
        err_set(err, ERR_AVRO_INVALID,
                "the schema registry has no schema %u: register the writer's, or write to the registry that "
                "CERTSWAP_SCHEMA_REGISTRY_URL names",
                id);
    }
    return kind == ANSWER_OK ? parse(client, id, buf_span(&text), err) : NULL;
}

static const struct schema *find(void *self, uint32_t id, struct err *err)
{
    struct registry_client *client = self;
    const struct schema *schema = registry_find(client->registry, id);
    if (schema != NULL)
        return schema;
    const struct unknown *unknown = find_unknown(client, id);
    if (unknown != NULL) {
        err_set(err, unknown->why.code, "%s", unknown->why.text);
        return NULL;
    }
    struct err why = {0};
    schema = fetch_schema(client, id, &why);
    if (schema == NULL && why.code == ERR_AVRO_INVALID)
        remember_unknown(client, id, &why);
    if (schema == NULL)
        err_set(err, why.code, "%s", why.text);
    return schema;
}

/* {"schema": "<the schema's file as it is>"} */
static bool put_schema(struct buf *content, enum record_kind kind)
{
    json_t *object = json_pack("{s:s}", "schema", record_schema_text(kind));
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (text != NULL)
        buf_put_text(content, text);
    json_decref(object);
    free(text);
    return text != NULL && !content->failed;
}

static bool ask_own(struct registry_client *client, enum record_kind kind, uint32_t *id, struct err *err)
{
    const struct registry_options *options = registry_options_of(client->registry);
    const char *topic = options->topics[kind];
    char url[URL_MAX];
    char question[QUESTION_MAX];
    AUTO(buf) struct buf content = {0};
    assert(topic != NULL);
    snprintf(url, sizeof url, "%s/subjects/%s-value%s", options->url, topic,
             options->auto_register ? "/versions" : "");
    snprintf(question, sizeof question, "%s under the subject %s-value",
             options->auto_register ? "registering a schema" : "looking up a schema", topic);
    if (!put_schema(&content, kind))
        return err_set(err, ERR_NO_MEMORY, "out of memory for a schema to register");
    struct err why = {0};
    enum answer_kind answer = ask(client, url, buf_span(&content), question, &why);
    if (answer == ANSWER_OK)
        answer = answer_id(buf_span(&client->body), question, id, &why);
    if (answer == ANSWER_OK)
        return true;
    if (answer == ANSWER_UNKNOWN && !options->auto_register)
        return err_set(err, why.code,
                       "%s; register schemas/*.avsc there, or set CERTSWAP_SCHEMA_AUTO_REGISTER=true",
                       why.text);
    return err_set(err, why.code == ERR_AVRO_INVALID ? ERR_REGISTRY_UNAVAILABLE : why.code, "%s", why.text);
}

static bool own(void *self, enum record_kind kind, uint32_t *id, struct err *err)
{
    struct registry_client *client = self;
    struct registry *registry = client->registry;
    if (registry_own(registry, kind, id))
        return true;
    if (!ask_own(client, kind, id, err))
        return false;
    /* What we write we can read without asking. */
    const struct schema *schema =
        schema_set_find(registry_options_of(registry)->schemas, record_fingerprint(kind), NULL);
    assert(schema != NULL);
    if (registry_keep_take(registry, *id, schema, NULL) == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a schema's id");
    registry_keep_own(registry, kind, *id);
    log_info("schema id", log_str("record", record_full_name(kind)), log_int("id", *id));
    return true;
}

struct registry_client *registry_client_new(struct registry *registry, struct codec *codec, struct err *err)
{
    const struct registry_options *options = registry_options_of(registry);
    struct registry_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for a client of the schema registry");
        return NULL;
    }
    client->registry = registry;
    client->ids = (struct schema_ids){client, find, own};
    client->fetcher = fetcher_new(&(struct fetch_options){.server = "the schema registry",
                                                          .failure = ERR_REGISTRY_UNAVAILABLE,
                                                          .too_large = ERR_AVRO_INVALID,
                                                          .ca_file = options->ca_file,
                                                          .user = options->user,
                                                          .password = options->password,
                                                          .timeout_ms = options->timeout_ms,
                                                          .reply_max = REPLY_MAX,
                                                          .stop = options->stop},
                                  err);
    if (client->fetcher == NULL) {
        registry_client_free(client);
        return NULL;
    }
    codec_use_ids(codec, &client->ids, options->write);
    return client;
}

void registry_client_free(struct registry_client *client)
{
    if (client == NULL)
        return;
    fetcher_free(client->fetcher);
    buf_free(&client->body);
    free(client->unknown);
    free(client);
}

bool registry_codec(const struct schema_set *schemas, struct registry *registry, struct codec **codec,
                    struct registry_client **client, struct err *err)
{
    *codec = codec_new(schemas);
    if (*codec == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a codec");
    if (registry != NULL)
        *client = registry_client_new(registry, *codec, err);
    return registry == NULL || *client != NULL;
}
