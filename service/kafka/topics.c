/* Topic creation by the admin API, all in one request. */
#include "kafka/topics.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* librdkafka answers at the latest when the request's timeout is over; this is for its timers. */
enum { ADMIN_GRACE_MS = 1000 };

/* What librdkafka wants for one plan; NULL with *err when the plan cannot be. */
static rd_kafka_NewTopic_t *new_topic(const struct topic_plan *plan, struct err *err)
{
    char reason[ERR_TEXT_MAX / 2];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(plan->name, plan->partitions, plan->replication, reason, sizeof reason);
    if (topic == NULL) {
        err_set(err, ERR_CONFIG_INVALID, "cannot create topic \"%s\": %s", plan->name, reason);
        return NULL;
    }
    if (plan->compacted)
        rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
    if (!plan->compacted && plan->retention_ms != 0) {
        char number[32];
        snprintf(number, sizeof number, "%" PRId64, plan->retention_ms);
        rd_kafka_NewTopic_set_config(topic, "retention.ms", number);
    }
    return topic;
}

static const struct topic_plan *find_plan(const struct topic_plan *plans, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    return NULL;
}

/* Tells each topic's outcome; false with *err when one failed. */
static bool tell_outcomes(rd_kafka_event_t *event, const struct topic_plan *plans, size_t count,
                          topic_report_fn *report, void *arg, struct err *err)
{
    size_t answer_count = 0;
    bool good = true;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **answers = rd_kafka_CreateTopics_result_topics(result, &answer_count);
    for (size_t i = 0; i < answer_count; i++) {
        const struct topic_plan *plan = find_plan(plans, count, rd_kafka_topic_result_name(answers[i]));
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(answers[i]);
        if (plan == NULL)
            continue;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            report(arg, plan, TOPIC_CREATED, NULL);
        } else if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            report(arg, plan, TOPIC_EXISTED, NULL);
        } else {
            const char *text = rd_kafka_topic_result_error_string(answers[i]);
            const char *remedy = kafka_remedy(code);
            char line[ERR_TEXT_MAX];
            snprintf(line, sizeof line, "%s%s%s", text != NULL ? text : rd_kafka_err2str(code),
                     remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
            report(arg, plan, TOPIC_FAILED, line);
            good = err_set(err, kafka_classify_code(code), "cannot create topic %s: %s", plan->name, line);
        }
    }
    return good;
}

/* One admin request for all topics. */
static bool request(rd_kafka_t *client, const struct kafka_trouble *trouble, rd_kafka_NewTopic_t **topics,
                    const struct topic_plan *plans, size_t count, int timeout_ms, topic_report_fn *report,
                    void *arg, struct err *err)
{
    char reason[ERR_TEXT_MAX];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    bool good = false;
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof reason);
    rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, reason, sizeof reason);
    rd_kafka_CreateTopics(client, topics, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + ADMIN_GRACE_MS);
    rd_kafka_poll(client, 0); /* tells the client's own errors */
    if (event == NULL) {
        kafka_err_told(err, trouble, RD_KAFKA_RESP_ERR__TIMED_OUT, "no broker answered");
    } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_trouble_is_cause(trouble)) {
        err_set(err, ERR_KAFKA_RETRIABLE, "cannot create the topics: %s", trouble->text);
    } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        err_set(err, kafka_classify_code(rd_kafka_event_error(event)), "cannot create the topics: %s",
                rd_kafka_event_error_string(event));
    } else {
        good = tell_outcomes(event, plans, count, report, arg, err);
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return good;
}

bool topics_create(rd_kafka_conf_t *conf, const struct topic_plan *plans, size_t count, int timeout_ms,
                   topic_report_fn *report, void *arg, struct err *err)
{
    rd_kafka_NewTopic_t **topics = calloc(count > 0 ? count : 1, sizeof(rd_kafka_NewTopic_t *));
    if (topics == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_NO_MEMORY, "out of memory while topics were created");
    }
    bool good = true;
    size_t made = 0;
    while (good && made < count) {
        topics[made] = new_topic(&plans[made], err);
        good = topics[made] != NULL;
        made += good;
    }
    if (good && count > 0) {
        struct kafka_trouble trouble = {0};
        rd_kafka_t *client = kafka_client_new(RD_KAFKA_PRODUCER, conf, &trouble, err);
        good =
            client != NULL && request(client, &trouble, topics, plans, count, timeout_ms, report, arg, err);
        kafka_client_destroy(client, 0);
    } else {
        rd_kafka_conf_destroy(conf);
    }
    rd_kafka_NewTopic_destroy_array(topics, made);
    free(topics);
    return good;
}

/* The named setting of a described topic, as a positive number. */
static bool find_size(rd_kafka_event_t *event, const char *name, size_t *bytes)
{
    size_t count = 0;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
    if (count == 0)
        return false;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value == NULL || strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) != 0)
            continue;
        char *end = NULL;
        errno = 0;
        unsigned long long number = strtoull(value, &end, 10);
        *bytes = (size_t)number;
        return errno == 0 && end != value && *end == '\0' && number > 0;
    }
    return false;
}

/* The answer's error: of the request, or of the one resource asked for. */
static rd_kafka_resp_err_t describe_error(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return failure;
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    return count > 0 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
}

bool topic_message_max_bytes(rd_kafka_t *client, const char *topic, int timeout_ms, size_t *bytes,
                             struct err *err)
{
    char what[ERR_TEXT_MAX / 2];
    snprintf(what, sizeof what, "cannot ask for max.message.bytes of topic %s", topic);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    if (resource == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "\"%s\" cannot be the name of a topic", topic);
    char reason[ERR_TEXT_MAX];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof reason);
    rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + ADMIN_GRACE_MS);
    rd_kafka_resp_err_t failure = event != NULL ? describe_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool good = failure == RD_KAFKA_RESP_ERR_NO_ERROR && find_size(event, "max.message.bytes", bytes);
    if (!good)
        err_set(err, ERR_KAFKA_RETRIABLE, "%s: %s", what,
                failure != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_err2str(failure)
                                                      : "the broker's answer does not tell it");
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return good;
}
