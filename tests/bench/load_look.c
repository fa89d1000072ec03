/* Looks at topics and groups: where they end, when all is committed, what was written. */
#include "bench/load.h"
#include "bench/sample.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUERY_MS = 10000, IDLE_MS = 15000, POLL_MS = 100, WAIT_EVERY_MS = 10, PARTITIONS_MAX = 64 };

static rd_kafka_t *open_consumer(enum kafka_role role, const char *group)
{
    rd_kafka_conf_t *conf = client_conf(role);
    conf_set(conf, "group.id", group);
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, conf);
    return client;
}

void show_ends(void)
{
    const char *topic = argument("topic", NULL);
    rd_kafka_t *client = open_consumer(KAFKA_ENDS, "bench-look");
    int count = partitions_of(client, topic);
    int64_t sum = 0;
    printf("{\"ends\": \"");
    for (int i = 0; i < count; i++) {
        int64_t low;
        int64_t high;
        rd_kafka_resp_err_t failure =
            rd_kafka_query_watermark_offsets(client, topic, i, &low, &high, QUERY_MS);
        if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("%s: %s", topic, rd_kafka_err2str(failure));
        printf("%s%lld", i > 0 ? "," : "", (long long)high);
        sum += high;
    }
    printf("\", \"sum\": %lld}\n", (long long)sum);
    rd_kafka_destroy(client);
}

/* Offsets that an open transaction is about to change are told as they are. */
static int64_t committed_sum(rd_kafka_t *client, const char *topic, int partitions)
{
    int64_t sum = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    rd_kafka_resp_err_t failure = rd_kafka_committed(client, list, QUERY_MS);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("the offsets of the group: %s", rd_kafka_err2str(failure));
    for (int i = 0; i < list->cnt; i++)
        sum += list->elems[i].offset > 0 ? list->elems[i].offset : 0;
    rd_kafka_topic_partition_list_destroy(list);
    return sum;
}

void wait_committed(void)
{
    const char *topic = argument("topic", NULL);
    int64_t wanted = argument_number("count", -1);
    double next = monotonic_s();
    double end = next + (double)argument_number("timeout", 120);
    rd_kafka_t *client = open_consumer(KAFKA_ENDS, argument("group", NULL));
    int partitions = partitions_of(client, topic);
    int64_t sum;
    while ((sum = committed_sum(client, topic, partitions)) < wanted) {
        if (monotonic_s() > end)
            die("%lld of %lld records were committed in time", (long long)sum, (long long)wanted);
        next += WAIT_EVERY_MS / 1e3;
        sleep_until_s(next);
    }
    print_figures("ended_at", monotonic_s(), "committed", (double)sum, NULL);
    rd_kafka_destroy(client);
}

/* A consumer of the whole topic from the offsets that show_ends() has printed. */
static rd_kafka_t *read_from(const char *topic, const char *from)
{
    rd_kafka_t *client = open_consumer(KAFKA_INVENTORY_CONSUMER, "bench-look");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    char *at = (char *)(uintptr_t)from;
    for (int partition = 0; *at != '\0'; partition++) {
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = strtoll(at, &at, 10);
        at += *at == ',';
    }
    rd_kafka_resp_err_t failure = rd_kafka_assign(client, list);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(failure));
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

/* The next record; dies when none comes for long. */
static rd_kafka_message_t *next_message(rd_kafka_t *client)
{
    double end = monotonic_s() + IDLE_MS / 1e3;
    while (monotonic_s() < end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, POLL_MS);
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return message;
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    die("a record that should be there does not come");
}

static void close_consumer(rd_kafka_t *client)
{
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

void check_results(void)
{
    long count = argument_number("count", -1);
    long fan_out = argument_number("fan-out", -1);
    struct err err = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &err);
    need(set != NULL, &err);
    AUTO(codec) struct codec *codec = codec_new(set);
    struct arena *arena = arena_new(0);
    if (codec == NULL || arena == NULL)
        die("out of memory");
    rd_kafka_t *client = read_from(argument("topic", NULL), argument("from", NULL));
    double bytes = 0;
    for (long i = 0; i < count; i++) {
        rd_kafka_message_t *message = next_message(client);
        struct replace_result result;
        need(
            codec_decode_replace_result(codec, span_of(message->payload, message->len), arena, &result, &err),
            &err);
        if (result.status != REPLACE_COMPLETED || result.job_count != fan_out)
            die("a result is %s with %d jobs instead of %ld; %.*s", replace_status_name(result.status),
                result.job_count, fan_out, SPAN_ARG(result.rejection_message));
        bytes += (double)message->len;
        rd_kafka_message_destroy(message);
        arena_reset(arena);
    }
    close_consumer(client);
    arena_free(arena);
    print_figures("results", (double)count, "result_bytes", bytes / (double)count, NULL);
}

void delete_topics(void)
{
    enum { TOPICS_MAX = 32 };
    rd_kafka_DeleteTopic_t *topics[TOPICS_MAX];
    size_t count = 0;
    char *names = strdup(argument("topics", NULL));
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, client_conf(KAFKA_ADMIN));
    for (char *name = strtok(names, ","); name != NULL && count < TOPICS_MAX; name = strtok(NULL, ","))
        topics[count++] = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopics(client, topics, count, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, QUERY_MS);
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("topics cannot be deleted: %s", event != NULL ? rd_kafka_event_error_string(event) : "no answer");
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy_array(topics, count);
    rd_kafka_destroy(client);
    free(names);
    print_figures("deleted", (double)count, NULL);
}

static double sample_topic(const char *topic, const char *from, long count, bool is_result, FILE *file)
{
    rd_kafka_t *client = read_from(topic, from);
    double bytes = 0;
    for (long i = 0; i < count; i++) {
        rd_kafka_message_t *message = next_message(client);
        sample_write(file, message, is_result);
        bytes += (double)message->len;
        rd_kafka_message_destroy(message);
    }
    close_consumer(client);
    return bytes / (double)count;
}

void take_sample(void)
{
    long count = argument_number("count", -1);
    const char *path = argument("file", NULL);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        die("%s cannot be written", path);
    double job = sample_topic(argument("jobs", NULL), argument("jobs-from", NULL), count, false, file);
    double result = sample_topic(argument("results", NULL), argument("results-from", NULL), 1, true, file);
    if (fclose(file) != 0)
        die("%s cannot be written", path);
    print_figures("job_bytes", job, "result_bytes", result, NULL);
}
