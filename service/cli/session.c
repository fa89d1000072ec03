#include "cli/session.h"

#include "cli/output.h"
#include "cli/subcommands.h"
#include "kafka/login.h"
#include "pipeline/check.h"
#include "pipeline/kafka_of.h"
#include "pipeline/registry_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLICE_MS = 1000 };

struct session {
    struct settings *settings;
    struct schema_set *schemas;
    struct registry *registry; /* NULL: none is set */
    struct codec *codec;
    struct registry_client *client;    /* of the codec */
    struct kafka_property *properties; /* borrow from the settings */
    size_t property_count;
};

/* The variables that the tool shares with the service, and what they are needed for; 0: always. */
static const struct {
    const char *start;
    unsigned needs;
} SHARED[] = {
    {"CERTSWAP_KAFKA_", SESSION_KAFKA},
    {"CERTSWAP_TOPIC_", SESSION_KAFKA},
    {"CERTSWAP_GROUP_ID=", SESSION_KAFKA},
    {"CERTSWAP_AVRO_FRAMING=", 0},
    {"CERTSWAP_SCHEMA_", 0},
    {"CERTSWAP_SCHEMAS_DIR=", 0},
    {"CERTSWAP_LOG_", SESSION_KAFKA},
    {"CERTSWAP_STAGING_KEYS=", SESSION_STAGING_KEYS},
    {"CERTSWAP_STAGING_KEYS_FILE=", SESSION_STAGING_KEYS},
};
static const char BOOTSTRAP[] = "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=";

enum { SHARED_COUNT = sizeof SHARED / sizeof *SHARED };

static bool is_shared(const char *variable, unsigned needs)
{
    for (size_t i = 0; i < SHARED_COUNT; i++)
        if (strncmp(variable, SHARED[i].start, strlen(SHARED[i].start)) == 0)
            return (SHARED[i].needs & ~needs) == 0;
    return false;
}

static bool append(char **list, size_t *count, const char *prefix, const char *text)
{
    size_t len = strlen(prefix) + strlen(text) + 1;
    char *copy = malloc(len);
    if (copy == NULL)
        return false;
    snprintf(copy, len, "%s%s", prefix, text);
    list[(*count)++] = copy;
    return true;
}

char **session_environ(char *const *environment, unsigned needs, const char *bootstrap)
{
    size_t all = 0;
    while (environment[all] != NULL)
        all++;
    char **list = calloc(all + 2, sizeof *list);
    size_t count = 0;
    bool ok = list != NULL;
    if (ok && bootstrap != NULL)
        ok = append(list, &count, BOOTSTRAP, bootstrap);
    for (size_t i = 0; ok && i < all; i++) {
        bool replaced = bootstrap != NULL && strncmp(environment[i], BOOTSTRAP, sizeof BOOTSTRAP - 1) == 0;
        if (is_shared(environment[i], needs) && !replaced)
            ok = append(list, &count, "", environment[i]);
    }
    if (!ok) {
        session_environ_free(list);
        return NULL;
    }
    return list;
}

void session_environ_free(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        secret_wipe(list[i], strlen(list[i]));
        free(list[i]);
    }
    free(list);
}

static struct settings *load(const struct options *options, unsigned needs, int *status)
{
    const char *bootstrap = options_text(options, "bootstrap-servers");
    char **list = session_environ(environ, needs, needs & SESSION_KAFKA ? bootstrap : NULL);
    if (list == NULL) {
        *status = output_fail(options, STATUS_FAILED, "out of memory");
        return NULL;
    }
    AUTO(faults) struct faults faults = {0};
    struct settings *settings = needs & SESSION_KAFKA ? settings_load_client(list, check_settings, &faults)
                                                      : settings_load_offline(list, check_settings, &faults);
    session_environ_free(list);
    if (settings == NULL) {
        *status = output_fail(options, STATUS_CONFIG, "the settings cannot be used:");
        faults_print(stderr, &faults);
    }
    return settings;
}

struct session *session_open(const struct options *options, int *status)
{
    return session_open_for(options, SESSION_KAFKA, status);
}

struct session *session_open_for(const struct options *options, unsigned needs, int *status)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        *status = output_fail(options, STATUS_FAILED, "out of memory");
        return NULL;
    }
    session->settings = load(options, needs, status);
    if (session->settings == NULL)
        goto failed;
    struct err err = {0};
    session->schemas = schema_set_new(session->settings->schemas_dir, &err);
    if (session->schemas == NULL ||
        !registry_of(session->settings, session->schemas, SESSION_KAFKA_TIMEOUT_MS, NULL, &session->registry,
                     &err) ||
        !registry_codec(session->schemas, session->registry, &session->codec, &session->client, &err)) {
        *status = output_fail_err(options, &err);
        goto failed;
    }
    session->properties = kafka_properties_of(session->settings, &session->property_count);
    if (session->properties == NULL) {
        *status = output_fail(options, STATUS_FAILED, "out of memory");
        goto failed;
    }
    kafka_login_of(session->settings);
    return session;
failed:
    session_close(session);
    return NULL;
}

void session_close(struct session *session)
{
    kafka_login_end();
    free(session->properties);
    registry_client_free(session->client);
    codec_free(session->codec);
    registry_free(session->registry);
    if (session->schemas != NULL)
        schema_set_free(session->schemas);
    if (session->settings != NULL)
        settings_free(session->settings);
    free(session);
}

const struct settings *session_settings(const struct session *session)
{
    return session->settings;
}

struct codec *session_codec(const struct session *session)
{
    registry_client_forget(session->client);
    return session->codec;
}

const struct schema_set *session_schemas(const struct session *session)
{
    return session->schemas;
}

const struct kafka_property *session_properties(const struct session *session, size_t *count)
{
    *count = session->property_count;
    return session->properties;
}

rd_kafka_conf_t *session_conf(const struct session *session, enum kafka_role role, struct err *err)
{
    return kafka_conf_new(session->properties, session->property_count, role, err);
}

struct producer *session_producer(const struct session *session, struct err *err)
{
    rd_kafka_conf_t *conf = session_conf(session, KAFKA_PLAIN_PRODUCER, err);
    return conf != NULL ? producer_new(conf, err) : NULL;
}

struct reader *session_reader(const struct session *session, const char *topic, enum reader_start start,
                              struct err *err)
{
    const char *group = session->settings->group_id;
    rd_kafka_conf_t *conf = session_conf(session, KAFKA_INVENTORY_CONSUMER, err);
    struct reader *reader = conf != NULL ? reader_new(conf, group, topic, start, err) : NULL;
    if (reader == NULL)
        return NULL;
    for (int waited = 0;; waited += SLICE_MS) {
        struct err fault = {0};
        if (reader_begin(reader, SLICE_MS, &fault))
            return reader;
        bool again = err_class(fault.code) == ERR_CLASS_RETRIABLE && waited < SESSION_KAFKA_TIMEOUT_MS;
        if (again)
            continue;
        err_set(err, fault.code, "%s (Kafka at %.100s)", fault.text,
                session->settings->kafka_bootstrap_servers);
        reader_free(reader);
        return NULL;
    }
}

const char *session_topic(const struct session *session, const char *role)
{
    const struct topic_names *topics = &session->settings->topics;
    const struct {
        const char *role, *topic;
    } rows[] = {
        {"enrollments", topics->enrollments},
        {"renewals", topics->renewals},
        {"inventory", topics->inventory},
        {"commands", topics->commands},
        {"retry", topics->retry},
        {"dlq", topics->dlq},
        {"jobs", topics->jobs},
        {"results", topics->results},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].role, role) == 0)
            return rows[i].topic;
    return NULL;
}
