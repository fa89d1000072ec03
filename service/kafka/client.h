/* kafka/client: librdkafka configurations, one role each. The user's properties come first; what a role's
   correctness rests on is ours and cannot be overridden; what is only tuning can. */
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* One librdkafka property, as "security.protocol" and "SASL_SSL". Borrowed: only read during a call. */
struct kafka_property {
    const char *name;
    const char *value;
};

enum kafka_role {
    KAFKA_REPLACE_CONSUMER,       /* commands and retries; offsets go out in transactions */
    KAFKA_STAGING_CONSUMER,       /* enrollments and renewals; offsets committed after Redis has answered */
    KAFKA_INVENTORY_CONSUMER,     /* a whole topic, without a group; also for watching a topic */
    KAFKA_TRANSACTIONAL_PRODUCER, /* jobs, results, retries and dead letters of commands */
    KAFKA_PLAIN_PRODUCER,         /* idempotent, no transactions */
    KAFKA_ADMIN,                  /* creates topics, asks for metadata */
    KAFKA_ENDS,                   /* asks where partitions end, open transactions included */
};

/* A configuration of the role from the properties, with our tuning and callbacks. The caller owns it until
   one of consumer_new(), transaction_new(), producer_new(), reader_new(), ends_new() and topics_create()
   takes it. NULL with ERR_CONFIG_INVALID, naming the property, when one is unknown, ours alone, or has a bad
   value. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_property *properties, size_t count, enum kafka_role role,
                                struct err *err);
AUTO_DEFINE(kafka_conf, rd_kafka_conf_t, rd_kafka_conf_destroy);

/* Sets how long a transaction may be open (transaction.timeout.ms), in place of the user's value or ours.
   False with ERR_CONFIG_INVALID when librdkafka refuses the value. */
bool kafka_conf_transaction_timeout(rd_kafka_conf_t *conf, int timeout_ms, struct err *err);

/* Lowers what a producer puts into one batch to most_bytes (0: as set), framing included; a larger record
   goes alone. With one_by_one every record does. False with ERR_CONFIG_INVALID when librdkafka refuses that.
 */
bool kafka_conf_batches(rd_kafka_conf_t *conf, size_t most_bytes, bool one_by_one, struct err *err);

/* Told of each fault: which property, and what is wrong with it and what to do. No secret value in the text.
 */
typedef void kafka_fault_fn(void *arg, const char *property, const char *text);

/* Whether every property is known to librdkafka, may be set by the user, and has a good value; each one that
   is not is told to `fault`. Looks at the properties one by one and then at all of them together. No I/O but
   the files that a property names (certificates). */
bool kafka_check_properties(const struct kafka_property *properties, size_t count, kafka_fault_fn *fault,
                            void *arg);

/* Tells `warn` of each property that weakens how brokers are known or passwords travel, and what to do
 * instead. */
void kafka_warn_properties(const struct kafka_property *properties, size_t count, kafka_fault_fn *warn,
                           void *arg);

/* Whether librdkafka runs a program for these: kinit, for Kerberos (GSSAPI, the default of SASL), unless
   sasl.kerberos.min.time.before.relogin is 0. */
bool kafka_runs_programs(const struct kafka_property *properties, size_t count);

/* The largest message that a producer with these properties takes, in bytes (message.max.bytes). Key and
   value count; keep some hundred bytes for headers and framing. */
size_t kafka_message_max_bytes(const struct kafka_property *properties, size_t count);

/* How many clients were given up and have not ended: their threads run on, so that the process must leave by
   _exit(). */
int kafka_clients_left(void);

enum { KAFKA_TOPIC_MAX = 249 };

/* The latest trouble of a client, for the answer to "what is it waiting for". Every opaque handle of this
   room begins with one; written and read by the thread that polls the handle, but for certificate_error. */
struct kafka_trouble {
    _Atomic int certificate_error; /* OpenSSL's X509_V_ code of the broker's certificate that was met last */
    rd_kafka_resp_err_t code;      /* RD_KAFKA_RESP_ERR_NO_ERROR: none */
    char text[ERR_TEXT_MAX];
    char topic[KAFKA_TOPIC_MAX + 1]; /* what it is confined to; empty: nothing */
    int32_t partition;               /* of the topic; -1: all */
    int64_t noted_at;                /* monotonic ms: when it was last seen */
    int64_t asked_at;                /* when it was last asked whether it is over */
};
