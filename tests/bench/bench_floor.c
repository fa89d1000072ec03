/* What the broker allows: a bare transactional producer that writes records of given number and size, and the
   offsets of as many commands, in the same batches as certswapd, and does nothing else. With --echo it
   answers each command that it reads by one transaction: what the latency of a single command cannot be
   below. usage: bench_floor BOOTSTRAP JOBS_TOPIC RESULTS_TOPIC COMMANDS_TOPIC THREADS TRANSACTIONS COMMANDS
   JOBS JOB_BYTES RESULT_BYTES   (TRANSACTIONS a thread, COMMANDS a transaction, JOBS a command) bench_floor
   --echo BOOTSTRAP JOBS_TOPIC RESULTS_TOPIC COMMANDS_TOPIC GROUP JOBS JOB_BYTES RESULT_BYTES */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 30000, HEADERS = 7 };

struct load {
    const char *bootstrap, *jobs_topic, *results_topic, *commands_topic, *group;
    long transactions, commands, jobs, job_bytes, result_bytes;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_floor: %s: %s\n", what, why);
    exit(1);
}

static void need(rd_kafka_error_t *error, const char *what)
{
    if (error != NULL)
        die(what, rd_kafka_error_string(error));
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

/* With the settings of certswapd's own producers. */
static rd_kafka_t *make_producer(const struct load *load, int number)
{
    char id[64], why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(id, sizeof id, "bench-floor-%d-%d", (int)getpid(), number);
    set(conf, "bootstrap.servers", load->bootstrap);
    set(conf, "transactional.id", id);
    set(conf, "linger.ms", "0");
    set(conf, "retry.backoff.ms", "2");
    set(conf, "socket.nagle.disable", "true");
    set(conf, "queue.buffering.max.kbytes", "131072");
    set(conf, "partitioner", "murmur2_random");
    set(conf, "enable.idempotence", "true");
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (client == NULL)
        die("no producer", why);
    need(rd_kafka_init_transactions(client, CALL_MS), "init_transactions");
    return client;
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, long bytes, uint64_t *state, char *value)
{
    static const char *const names[HEADERS] = {"ce_specversion", "ce_id",   "ce_source",   "ce_type",
                                               "ce_subject",     "ce_time", "content-type"};
    static const char *const values[HEADERS] = {"1.0",
                                                "3c0c4d7e-0000-5000-8000-000000000000",
                                                "/certswap/bench-0",
                                                "io.certswap.v1.StoreJob",
                                                "3c0c4d7e-0000-5000-8000-000000000000",
                                                "2026-01-01T00:00:00.000Z",
                                                "application/avro"};
    char key[37];
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    snprintf(key, sizeof key, "%08x-0000-4000-8000-%012" PRIx64, (unsigned)(*state >> 32),
             *state & 0xffffffffffff);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS);
    for (int i = 0; i < HEADERS; i++)
        rd_kafka_header_add(headers, names[i], -1, values[i], -1);
    rd_kafka_resp_err_t failure;
    while ((failure = rd_kafka_producev(
                client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_KEY(key, sizeof key - 1), RD_KAFKA_V_VALUE(value, (size_t)bytes),
                RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(client, 20);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("produce", rd_kafka_err2str(failure));
}

struct writer {
    rd_kafka_t *client;
    rd_kafka_topic_t *jobs, *results;
    char *value; /* random: it does not compress better than what is encrypted */
    uint64_t state;
};

static struct writer make_writer(const struct load *load, int number)
{
    struct writer writer = {.client = make_producer(load, number), .state = (uint64_t)number + 1};
    long most = load->job_bytes > load->result_bytes ? load->job_bytes : load->result_bytes;
    writer.jobs = rd_kafka_topic_new(writer.client, load->jobs_topic, NULL);
    writer.results = rd_kafka_topic_new(writer.client, load->results_topic, NULL);
    writer.value = malloc((size_t)most);
    for (long i = 0; i < most; i++) {
        writer.state = writer.state * 6364136223846793005u + 1442695040888963407u;
        writer.value[i] = (char)(writer.state >> 56);
    }
    return writer;
}

static void end_writer(struct writer *writer)
{
    rd_kafka_topic_destroy(writer->jobs);
    rd_kafka_topic_destroy(writer->results);
    rd_kafka_destroy(writer->client);
    free(writer->value);
}

static void answer(struct writer *writer, const struct load *load, long commands,
                   rd_kafka_topic_partition_list_t *offsets, rd_kafka_consumer_group_metadata_t *group)
{
    need(rd_kafka_begin_transaction(writer->client), "begin");
    for (long command = 0; command < commands; command++) {
        for (long job = 0; job < load->jobs; job++)
            produce(writer->client, writer->jobs, load->job_bytes, &writer->state, writer->value);
        produce(writer->client, writer->results, load->result_bytes, &writer->state, writer->value);
    }
    need(rd_kafka_send_offsets_to_transaction(writer->client, offsets, group, CALL_MS), "send_offsets");
    need(rd_kafka_commit_transaction(writer->client, CALL_MS), "commit");
    rd_kafka_poll(writer->client, 0);
}

struct share {
    const struct load *load;
    int number;
    pthread_barrier_t *barrier;
};

static void *work(void *arg)
{
    const struct share *share = arg;
    const struct load *load = share->load;
    struct writer writer = make_writer(load, share->number);
    char group_id[64];
    snprintf(group_id, sizeof group_id, "bench-floor-%d", share->number);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(group_id);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(offsets, load->commands_topic, 0);
    answer(&writer, load, 1, (place->offset = 1, offsets), group); /* all is looked up and warm then */
    pthread_barrier_wait(share->barrier);
    for (long i = 0; i < load->transactions; i++) {
        place->offset = (i + 1) * load->commands;
        answer(&writer, load, load->commands, offsets, group);
    }
    pthread_barrier_wait(share->barrier);
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_consumer_group_metadata_destroy(group);
    end_writer(&writer);
    return NULL;
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_backlog(const struct load *load, int threads)
{
    pthread_barrier_t barrier;
    pthread_t ids[64];
    struct share shares[64];
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        shares[i] = (struct share){load, i, &barrier};
        pthread_create(&ids[i], NULL, work, &shares[i]);
    }
    pthread_barrier_wait(&barrier);
    double wall = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&barrier);
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    double commands = (double)(threads * load->transactions * load->commands);
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"commands\": %.0f, \"jobs\": %.0f}\n", wall, cpu,
           commands, commands * (double)load->jobs);
}

static rd_kafka_t *make_consumer(const struct load *load)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", load->bootstrap);
    set(conf, "group.id", load->group);
    set(conf, "isolation.level", "read_committed");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "latest");
    set(conf, "fetch.wait.max.ms", "100");
    set(conf, "socket.nagle.disable", "true");
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (client == NULL)
        die("no consumer", why);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, load->commands_topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return client;
}

static void run_echo(const struct load *load)
{
    struct writer writer = make_writer(load, 0);
    rd_kafka_t *consumer = make_consumer(load);
    bool told = false;
    while (!stopping) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (!told) {
            rd_kafka_topic_partition_list_t *assigned = NULL;
            rd_kafka_assignment(consumer, &assigned);
            if (assigned != NULL && assigned->cnt > 0) {
                puts("ready");
                fflush(stdout);
                told = true;
            }
            rd_kafka_topic_partition_list_destroy(assigned);
        }
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
            rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
            rd_kafka_topic_partition_list_add(offsets, load->commands_topic, message->partition)->offset =
                message->offset + 1;
            answer(&writer, load, 1, offsets, group);
            rd_kafka_topic_partition_list_destroy(offsets);
            rd_kafka_consumer_group_metadata_destroy(group);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    end_writer(&writer);
}

int main(int argc, char **argv)
{
    signal(SIGTERM, on_signal);
    if (argc == 10 && strcmp(argv[1], "--echo") == 0) {
        const struct load load = {argv[2], argv[3], argv[4],       argv[5],       argv[6],
                                  0,       1,       atol(argv[7]), atol(argv[8]), atol(argv[9])};
        run_echo(&load);
        return 0;
    }
    if (argc != 11)
        die("usage",
            "BOOTSTRAP JOBS_TOPIC RESULTS_TOPIC COMMANDS_TOPIC THREADS TRANSACTIONS COMMANDS JOBS JOB_BYTES "
            "RESULT_BYTES");
    const struct load load = {argv[1],       argv[2],       argv[3],       argv[4],       NULL,
                              atol(argv[6]), atol(argv[7]), atol(argv[8]), atol(argv[9]), atol(argv[10])};
    run_backlog(&load, atoi(argv[5]));
    return 0;
}
