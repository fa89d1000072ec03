/* cli/session: what a subcommand that talks to Kafka works with: the settings it shares with the service, and
   clients made of them. */
#pragma once

#include "avro/codec.h"
#include "cli/options.h"
#include "config/settings.h"
#include "kafka/client.h"
#include "kafka/producer.h"
#include "kafka/reader.h"

struct session;

/* How long a subcommand waits for Kafka, or the schema registry, to answer, in milliseconds. */
enum { SESSION_KAFKA_TIMEOUT_MS = 20000 };

/* Reads CERTSWAP_KAFKA_*, CERTSWAP_TOPIC_*, CERTSWAP_GROUP_ID, CERTSWAP_AVRO_FRAMING, CERTSWAP_SCHEMA_*,
   CERTSWAP_SCHEMAS_DIR, CERTSWAP_LOG_* and --bootstrap-servers; what only the service needs is not looked at.
   NULL after every fault was printed; *status is the exit status then. */
struct session *session_open(const struct options *options, int *status);

/* What a subcommand needs. */
enum session_need {
    SESSION_KAFKA = 1,        /* the settings above; without it CERTSWAP_SCHEMAS_DIR alone */
    SESSION_STAGING_KEYS = 2, /* CERTSWAP_STAGING_KEYS, where it is set */
};
/* The same with the settings that are needed, no others. */
struct session *session_open_for(const struct options *options, unsigned needs, int *status);
void session_close(struct session *session);
AUTO_DEFINE(session, struct session, session_close);

const struct settings *session_settings(const struct session *session);
/* Reads and writes records as the settings say; asks the schema registry where one is set, and anew after
   each call of this. */
struct codec *session_codec(const struct session *session);

const struct schema_set *session_schemas(const struct session *session);
/* The settings' properties for librdkafka, borrowed. */
const struct kafka_property *session_properties(const struct session *session, size_t *count);
/* A librdkafka configuration of the role, owned by the caller. */
rd_kafka_conf_t *session_conf(const struct session *session, enum kafka_role role, struct err *err);
/* A reader of the topic that has begun. NULL with *err, also when Kafka does not answer in time. */
struct reader *session_reader(const struct session *session, const char *topic, enum reader_start start,
                              struct err *err);
struct producer *session_producer(const struct session *session, struct err *err);

/* The topic that a role's name (enrollments, renewals, inventory, commands, retry, dlq, jobs, results) stands
   for; NULL for any other word. */
const char *session_topic(const struct session *session, const char *role);
/* All role names, separated by spaces. */
#define SESSION_TOPIC_ROLES "enrollments renewals inventory commands retry dlq jobs results"

/* The variables of `environ` (ended by NULL) that matter for these needs, and `bootstrap` before
   CERTSWAP_KAFKA_BOOTSTRAP_SERVERS unless it is NULL. A NULL-ended list of texts, freed by
   session_environ_free; NULL when out of memory. */
char **session_environ(char *const *environ, unsigned needs, const char *bootstrap);
void session_environ_free(char **list);
