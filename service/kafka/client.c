/* The configuration of each role: the user's properties, our tuning where the user set none, and on top what
   the promises rest on. */
#include "kafka/client.h"
#include "config/names.h"
#include "kafka/client_log.h"
#include "kafka/client_private.h"
#include "kafka/errors.h"
#include "kafka/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum role_set {
    REPLACE = 1 << KAFKA_REPLACE_CONSUMER,
    STAGING = 1 << KAFKA_STAGING_CONSUMER,
    INVENTORY = 1 << KAFKA_INVENTORY_CONSUMER,
    TRANSACTIONAL = 1 << KAFKA_TRANSACTIONAL_PRODUCER,
    PLAIN = 1 << KAFKA_PLAIN_PRODUCER,
    ADMIN = 1 << KAFKA_ADMIN,
    GROUPS = REPLACE | STAGING,
    CONSUMERS = GROUPS | INVENTORY,
    PRODUCERS = TRANSACTIONAL | PLAIN,
    ENDS = 1 << KAFKA_ENDS,
    ALL = CONSUMERS | PRODUCERS | ADMIN | ENDS,
};

struct role_setting {
    const char *name;
    const char *value;
    enum role_set roles;
};

/* Set before the user's properties, which may change them. */
static const struct role_setting tuning[] = {
    {"client.id", "certswap", ALL},
    {"socket.nagle.disable", "true", ALL},
    {"socket.keepalive.enable", "true", ALL},
    {"log.connection.close", "false", ALL},
    {"reconnect.backoff.max.ms", "2000", ALL},
    /* After each commit the broker answers the next transaction "concurrent" until its markers are written,
       and librdkafka waits one backoff: this is most of a short transaction's time. */
    {"retry.backoff.ms", "2", PRODUCERS},
    /* A member learns of a rebalance by its heartbeat: several consumers of one process join in turn.
       librdkafka looks whether one is due twice a second, so that less would gain nothing. */
    {"heartbeat.interval.ms", "500", GROUPS},
    /* A partition that begins, is resumed or rewound waits for the fetch under way, and so does the end of a
       topic's partition that is empty. */
    {"fetch.wait.max.ms", "100", CONSUMERS},
    /* How long the partitions of an instance that crashed stand still. */
    {"session.timeout.ms", "10000", GROUPS},
    {"max.poll.interval.ms", "300000", GROUPS},
    {"linger.ms", "0", PRODUCERS},
    {"queue.buffering.max.kbytes", "131072", PRODUCERS},
    {"transaction.timeout.ms", "30000", TRANSACTIONAL},
    {"message.timeout.ms", "30000", PLAIN},
};

/* Set after the user's properties, who may not set them. */
static const struct role_setting fixed[] = {
    {"statistics.interval.ms", "0", ALL},
    {"isolation.level", "read_committed", CONSUMERS},
    {"enable.auto.commit", "false", CONSUMERS},
    {"enable.auto.offset.store", "false", CONSUMERS},
    {"auto.offset.reset", "earliest", CONSUMERS},
    /* What ListOffsets answers follows it: the high watermark, not the last stable offset. */
    {"isolation.level", "read_uncommitted", ENDS},
    {"enable.partition.eof", "true", CONSUMERS},
    {"partition.assignment.strategy", "range,roundrobin", CONSUMERS},
    {"enable.idempotence", "true", PRODUCERS},
    {"delivery.report.only.error", "false", PRODUCERS},
    /* As the Java client: murmur2 of the key, any partition where the key is null. */
    {"partitioner", "murmur2_random", PRODUCERS},
};

/* Others that the user may not set, because certswap derives them from its own settings. */
static const char *const derived[] = {"group.id",
                                      "group.instance.id",
                                      "group.protocol",
                                      "group.remote.assignor",
                                      "transactional.id",
                                      "acks",
                                      "request.required.acks",
                                      "auto.commit.enable",
                                      "auto.commit.interval.ms",
                                      "enable.gapless.guarantee"};

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    /* The trouble of the client tells it, and not at each attempt anew. */
    if (strcmp(facility, "CERTVERIFY") == 0)
        return;
    kafka_log_line(level, client != NULL ? rd_kafka_name(client) : "", text);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    char text[ERR_TEXT_MAX];
    rd_kafka_resp_err_t cause = (rd_kafka_resp_err_t)code;
    if (cause == RD_KAFKA_RESP_ERR__FATAL) {
        cause = rd_kafka_fatal_error(client, text, sizeof text);
        reason = text;
    }
    kafka_trouble_note(opaque, client, cause, reason);
}

static bool is_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcasecmp(fixed[i].name, name) == 0)
            return true;
    return is_in(derived, sizeof derived / sizeof *derived, name);
}

/* Sets one property of the user's; on failure writes what is wrong. */
static bool set_property(rd_kafka_conf_t *conf, const struct kafka_property *property,
                         char text[ERR_TEXT_MAX])
{
    if (is_ours(property->name)) {
        snprintf(text, ERR_TEXT_MAX, "certswap sets \"%s\" by itself; remove the setting", property->name);
        return false;
    }
    char reason[ERR_TEXT_MAX];
    rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, property->name, property->value, reason, sizeof reason);
    if (result == RD_KAFKA_CONF_OK)
        return true;
    if (result == RD_KAFKA_CONF_UNKNOWN)
        snprintf(text, ERR_TEXT_MAX, "librdkafka has no property \"%s\"; look it up in its CONFIGURATION.md",
                 property->name);
    else if (kafka_property_is_secret(property->name))
        snprintf(text, ERR_TEXT_MAX, "librdkafka does not accept the value of \"%s\" (not shown)",
                 property->name);
    else
        snprintf(text, ERR_TEXT_MAX, "%s", reason);
    return false;
}

static bool set_ours(rd_kafka_conf_t *conf, const struct role_setting *settings, size_t count,
                     enum kafka_role role, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        char reason[ERR_TEXT_MAX];
        if ((settings[i].roles & (1 << role)) != 0 &&
            rd_kafka_conf_set(conf, settings[i].name, settings[i].value, reason, sizeof reason) !=
                RD_KAFKA_CONF_OK)
            return err_set(err, ERR_CONFIG_INVALID, "this librdkafka (%s) is not usable: %s",
                           rd_kafka_version_str(), reason);
    }
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_property *properties, size_t count, enum kafka_role role,
                                struct err *err)
{
    AUTO(kafka_conf) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (!set_ours(conf, tuning, sizeof tuning / sizeof *tuning, role, err))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        char text[ERR_TEXT_MAX];
        if (!set_property(conf, &properties[i], text)) {
            err_set(err, ERR_CONFIG_INVALID, "%s", text);
            return NULL;
        }
    }
    kafka_login_configure(conf);
    if (!set_ours(conf, fixed, sizeof fixed / sizeof *fixed, role, err))
        return NULL;
    rd_kafka_conf_t *made = conf;
    conf = NULL;
    return made;
}

bool kafka_conf_transaction_timeout(rd_kafka_conf_t *conf, int timeout_ms, struct err *err)
{
    char number[16];
    char reason[ERR_TEXT_MAX];
    snprintf(number, sizeof number, "%d", timeout_ms);
    return rd_kafka_conf_set(conf, "transaction.timeout.ms", number, reason, sizeof reason) ==
               RD_KAFKA_CONF_OK ||
           err_set(err, ERR_CONFIG_INVALID, "%s", reason);
}

bool kafka_conf_batches(rd_kafka_conf_t *conf, size_t most_bytes, bool one_by_one, struct err *err)
{
    char number[32];
    char reason[ERR_TEXT_MAX];
    size_t size = sizeof number;
    bool smaller = most_bytes > 0 &&
                   rd_kafka_conf_get(conf, "batch.size", number, &size) == RD_KAFKA_CONF_OK &&
                   strtoul(number, NULL, 10) > most_bytes;
    snprintf(number, sizeof number, "%zu", most_bytes);
    if ((!smaller ||
         rd_kafka_conf_set(conf, "batch.size", number, reason, sizeof reason) == RD_KAFKA_CONF_OK) &&
        (!one_by_one ||
         rd_kafka_conf_set(conf, "batch.num.messages", "1", reason, sizeof reason) == RD_KAFKA_CONF_OK))
        return true;
    return err_set(err, ERR_CONFIG_INVALID, "%s", reason);
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct kafka_trouble *trouble,
                             struct err *err)
{
    char reason[ERR_TEXT_MAX];
    rd_kafka_conf_set_opaque(conf, trouble);
    kafka_secure_conf(conf);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_CONFIG_INVALID, "the Kafka settings do not fit together: %s", reason);
    } else if (!kafka_login_add(client)) {
        rd_kafka_destroy(client);
        err_set(err, ERR_NO_MEMORY, "out of memory while a Kafka client was made");
        return NULL;
    }
    return client;
}

void kafka_client_destroy(rd_kafka_t *client, int flags)
{
    if (client == NULL)
        return;
    kafka_login_remove(client);
    rd_kafka_destroy_flags(client, flags);
}

/* Makes a client of the role without brokers, to see whether the properties fit together. */
static bool try_role(const struct kafka_property *properties, size_t count, enum kafka_role role,
                     struct err *err)
{
    rd_kafka_conf_t *conf = kafka_conf_new(properties, count, role, err);
    if (conf == NULL)
        return false;
    bool is_producer = role == KAFKA_TRANSACTIONAL_PRODUCER;
    rd_kafka_conf_set(conf, is_producer ? "transactional.id" : "group.id", "check", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL); /* it would say that there are no brokers */
    rd_kafka_t *client =
        kafka_client_new(is_producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, NULL, err);
    if (client == NULL)
        return false;
    kafka_client_destroy(client, 0);
    return true;
}

static bool names_brokers(const char *name)
{
    return strcasecmp(name, "bootstrap.servers") == 0 || strcasecmp(name, "metadata.broker.list") == 0;
}

bool kafka_check_properties(const struct kafka_property *properties, size_t count, kafka_fault_fn *fault,
                            void *arg)
{
    bool good = true;
    struct kafka_property *local = calloc(count + 1, sizeof *local);
    size_t local_count = 0;
    for (size_t i = 0; i < count; i++) {
        AUTO(kafka_conf) rd_kafka_conf_t *conf = rd_kafka_conf_new();
        char text[ERR_TEXT_MAX];
        if (!set_property(conf, &properties[i], text)) {
            good = false;
            fault(arg, properties[i].name, text);
        } else if (local != NULL && !names_brokers(properties[i].name)) {
            local[local_count++] = properties[i];
        }
    }
    if (local == NULL) {
        fault(arg, "", "out of memory while the Kafka settings were checked");
        return false;
    }
    static const enum kafka_role roles[] = {KAFKA_TRANSACTIONAL_PRODUCER, KAFKA_REPLACE_CONSUMER};
    for (size_t i = 0; good && i < sizeof roles / sizeof *roles; i++) {
        struct err err = {0};
        if (!try_role(local, local_count, roles[i], &err)) {
            good = false;
            fault(arg, "", err.text);
        }
    }
    free(local);
    return good;
}

size_t kafka_message_max_bytes(const struct kafka_property *properties, size_t count)
{
    AUTO(kafka_conf) rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[ERR_TEXT_MAX];
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(properties[i].name, "message.max.bytes") == 0)
            set_property(conf, &properties[i], text);
    size_t size = sizeof text;
    bool known = rd_kafka_conf_get(conf, "message.max.bytes", text, &size) == RD_KAFKA_CONF_OK;
    return known ? strtoul(text, NULL, 10) : 1000000;
}
