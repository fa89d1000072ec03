/* Latency in an open loop: commands go out at times that were fixed before, and a result's latency counts
   from its command's time, whether that could be kept or not. So a stall shows in all that it held up (no
   coordinated omission). Every latency is kept: the percentiles are exact. */
#include "bench/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { QUERY_MS = 10000, POLL_MS = 100, WARM_UP = 20, PATIENCE_S = 30 };

struct latency_run {
    rd_kafka_t *reader;
    long count;
    double rate;
    double start;
    struct uuid *ids;
    double *came; /* monotonic; 0: not yet */
    atomic_long arrived;
    atomic_bool over;
};

/* Reads all partitions of the topic from their present ends. */
static rd_kafka_t *read_from_now(const char *topic)
{
    rd_kafka_conf_t *conf = client_conf(KAFKA_INVENTORY_CONSUMER);
    conf_set(conf, "group.id", "bench-look");
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, conf);
    int partitions = partitions_of(client, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) {
        int64_t low;
        int64_t high;
        if (rd_kafka_query_watermark_offsets(client, topic, i, &low, &high, QUERY_MS) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            die("%s: its ends cannot be told", topic);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = high;
    }
    if (rd_kafka_assign(client, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s cannot be read", topic);
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

/* A command's number stands in the last bytes of its id. */
static void number_put(struct uuid *id, long number)
{
    uint32_t value = (uint32_t)number;
    memcpy(id->bytes + 12, &value, sizeof value);
}

static long number_of(const struct uuid *id)
{
    uint32_t value;
    memcpy(&value, id->bytes + 12, sizeof value);
    return (long)value;
}

static void *read_results(void *arg)
{
    struct latency_run *run = arg;
    while (!atomic_load(&run->over)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(run->reader, POLL_MS);
        double now = monotonic_s();
        if (message == NULL)
            continue;
        struct uuid id;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            uuid_parse(&id, span_of(message->key, message->key_len)) && number_of(&id) < run->count &&
            uuid_equal(&id, &run->ids[number_of(&id)]) && run->came[number_of(&id)] == 0) {
            run->came[number_of(&id)] = now;
            atomic_fetch_add(&run->arrived, 1);
        }
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static double due(const struct latency_run *run, long k)
{
    return run->start + (double)k / run->rate;
}

/* Returns by how much the latest command was late. */
static double send_all(struct latency_run *run, struct sender *sender, const struct command_plan *plan)
{
    AUTO(buf) struct buf out = {0};
    double latest = 0;
    for (long k = 0; k < run->count; k++) {
        struct uuid id;
        char key[UUID_TEXT_LEN + 1];
        command_make(sender, plan, k, &id, &out);
        /* The id's bytes are the same in the text of the record: written over where it stands. */
        char old[UUID_TEXT_LEN + 1];
        uuid_format(&id, old);
        number_put(&id, k);
        uuid_format(&id, key);
        uint8_t *at = memmem(out.data, out.len, old, UUID_TEXT_LEN);
        if (at == NULL)
            die("a command does not hold its id");
        memcpy(at, key, UUID_TEXT_LEN);
        run->ids[k] = id;
        sleep_until_s(due(run, k));
        double late = monotonic_s() - due(run, k);
        latest = late > latest ? late : latest;
        sender_put(sender, argument("commands", NULL), span_of(key, UUID_TEXT_LEN), buf_span(&out));
    }
    return latest;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double percentile_ms(const double *sorted, long count, double part)
{
    long rank = (long)(part * (double)count + 0.999999);
    return sorted[rank < 1 ? 0 : rank > count ? count - 1 : rank - 1] * 1e3;
}

static void report(const struct latency_run *run, double latest)
{
    long count = run->count - WARM_UP;
    double *latencies = allocate((size_t)count * sizeof *latencies);
    double sum = 0;
    for (long k = 0; k < count; k++) {
        latencies[k] = run->came[k + WARM_UP] - due(run, k + WARM_UP);
        sum += latencies[k];
    }
    qsort(latencies, (size_t)count, sizeof *latencies, by_size);
    print_figures("count", (double)count, "mean_ms", sum / (double)count * 1e3, "p50_ms",
                  percentile_ms(latencies, count, 0.5), "p90_ms", percentile_ms(latencies, count, 0.9),
                  "p99_ms", percentile_ms(latencies, count, 0.99), "max_ms", latencies[count - 1] * 1e3,
                  "sender_late_ms", latest * 1e3, NULL);
    free(latencies);
}

void measure_latency(void)
{
    struct command_plan plan = {argument_number("first", -1), argument_number("certificates", -1),
                                (uint64_t)(wall_s() * 1e9)};
    struct latency_run run = {.count = argument_number("count", -1) + WARM_UP,
                              .rate = (double)argument_number("rate", 20)};
    struct sender sender;
    pthread_t thread;
    run.ids = calloc((size_t)run.count, sizeof *run.ids);
    run.came = calloc((size_t)run.count, sizeof *run.came);
    if (run.ids == NULL || run.came == NULL)
        die("out of memory");
    sender_open(&sender, "0");
    partitions_of(sender.client, argument("commands", NULL));
    run.reader = read_from_now(argument("results", NULL));
    if (pthread_create(&thread, NULL, read_results, &run) != 0)
        die("no thread");
    run.start = monotonic_s() + 0.5;
    double latest = send_all(&run, &sender, &plan);
    double end = monotonic_s() + PATIENCE_S;
    while (atomic_load(&run.arrived) < run.count) {
        if (monotonic_s() > end)
            die("%ld of %ld results came", atomic_load(&run.arrived), run.count);
        sleep_until_s(monotonic_s() + 0.05);
    }
    atomic_store(&run.over, true);
    pthread_join(thread, NULL);
    sender_close(&sender);
    rd_kafka_consumer_close(run.reader);
    rd_kafka_destroy(run.reader);
    report(&run, latest);
    free(run.ids);
    free(run.came);
}
