/* The floor: a bare transactional producer that sends what certswapd sends, and does nothing else.
     backlog  so many commands' jobs and results, in batches, with the offsets, one transaction a batch
     echo     for each command that comes, one transaction with its jobs, its result and its offset, until
   SIGTERM Records are a sample of certswapd's own, sent over and over. */
#include "bench/sample.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CALL_MS = 60000, FULL_MS = 5, POLL_MS = 100, PRODUCERS_MAX = 64 };

struct floor_producer {
    rd_kafka_t *client;
    const struct sample *sample;
    long commands;
    long fan_out;
    long batch;
    int number;
    long transactions;
    size_t next_job;
};

static void check(rd_kafka_error_t *error)
{
    if (error != NULL)
        die("%s", rd_kafka_error_string(error));
}

static rd_kafka_t *open_producer(int number)
{
    char id[256];
    rd_kafka_conf_t *conf = client_conf(KAFKA_TRANSACTIONAL_PRODUCER);
    snprintf(id, sizeof id, "%s-%d", argument("group", NULL), number);
    conf_set(conf, "transactional.id", id);
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, conf);
    check(rd_kafka_init_transactions(client, CALL_MS));
    partitions_of(client, argument("jobs", NULL));
    partitions_of(client, argument("results", NULL));
    return client;
}

static void send_record(rd_kafka_t *client, const char *topic, const struct sample_record *record,
                        struct span key)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_copy(record->headers);
    rd_kafka_resp_err_t failure;
    while ((failure = rd_kafka_producev(
                client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_KEY((void *)(uintptr_t)key.data, key.len),
                RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.data, record->value.len),
                RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(client, FULL_MS);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(failure));
}

static void send_command(struct floor_producer *producer, struct span result_key)
{
    const struct sample *sample = producer->sample;
    for (long i = 0; i < producer->fan_out; i++) {
        const struct sample_record *job = &sample->jobs[producer->next_job++ % sample->job_count];
        send_record(producer->client, argument("jobs", NULL), job, job->key);
    }
    send_record(producer->client, argument("results", NULL), &sample->result, result_key);
}

/* Nobody is in the group: its offsets are anyone's to commit. */
static void *work_off(void *arg)
{
    struct floor_producer *producer = arg;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(argument("group", NULL));
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(4);
    const char *commands = argument("commands", NULL);
    int partitions = partitions_of(producer->client, commands);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(offsets, commands, i)->offset = 0;
    for (long done = 0; done < producer->commands;) {
        check(rd_kafka_begin_transaction(producer->client));
        for (long i = 0; i < producer->batch && done < producer->commands; i++, done++) {
            send_command(producer, producer->sample->result.key);
            offsets->elems[done % partitions].offset++;
            rd_kafka_poll(producer->client, 0);
        }
        check(rd_kafka_send_offsets_to_transaction(producer->client, offsets, group, CALL_MS));
        check(rd_kafka_commit_transaction(producer->client, CALL_MS));
        producer->transactions++;
    }
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_consumer_group_metadata_destroy(group);
    return NULL;
}

static double context_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_nvcsw + usage.ru_nivcsw);
}

static void run_backlog(const struct sample *sample)
{
    struct floor_producer producers[PRODUCERS_MAX];
    pthread_t threads[PRODUCERS_MAX];
    long count = argument_number("producers", 1);
    long commands = argument_number("count", -1);
    long transactions = 0;
    if (count < 1 || count > PRODUCERS_MAX)
        die("--producers: 1 to %d", PRODUCERS_MAX);
    for (int i = 0; i < count; i++)
        producers[i] = (struct floor_producer){.client = open_producer(i),
                                               .sample = sample,
                                               .commands = commands * (i + 1) / count - commands * i / count,
                                               .fan_out = argument_number("fan-out", -1),
                                               .batch = argument_number("batch", -1),
                                               .number = i};
    double start = monotonic_s(), cpu = cpu_s(), switches = context_switches();
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work_off, &producers[i]) != 0)
            die("no thread");
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        transactions += producers[i].transactions;
    }
    print_figures("seconds", monotonic_s() - start, "cpu_s", cpu_s() - cpu, "context_switches",
                  context_switches() - switches, "transactions", (double)transactions, NULL);
    for (int i = 0; i < count; i++)
        rd_kafka_destroy(producers[i].client);
}

static atomic_bool is_over;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&is_over, true);
}

static rd_kafka_t *open_consumer(void)
{
    rd_kafka_conf_t *conf = client_conf(KAFKA_REPLACE_CONSUMER);
    conf_set(conf, "group.id", argument("group", NULL));
    conf_set(conf, "auto.offset.reset", "latest");
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argument("commands", NULL), RD_KAFKA_PARTITION_UA);
    if (rd_kafka_subscribe(client, topics) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("cannot subscribe");
    rd_kafka_topic_partition_list_destroy(topics);
    return client;
}

/* Each partition's end is told once it is read: then the loop is ready. */
static void answer(struct floor_producer *producer, rd_kafka_t *consumer, const rd_kafka_message_t *message)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, rd_kafka_topic_name(message->rkt), message->partition)
        ->offset = message->offset + 1;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    check(rd_kafka_begin_transaction(producer->client));
    send_command(producer, span_of(message->key, message->key_len));
    check(rd_kafka_send_offsets_to_transaction(producer->client, offsets, group, CALL_MS));
    check(rd_kafka_commit_transaction(producer->client, CALL_MS));
    producer->transactions++;
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void run_echo(const struct sample *sample)
{
    struct floor_producer producer = {
        .client = open_producer(0), .sample = sample, .fan_out = argument_number("fan-out", -1)};
    rd_kafka_t *consumer = open_consumer();
    int partitions = partitions_of(consumer, argument("commands", NULL));
    int ends = 0;
    signal(SIGTERM, on_signal);
    double cpu = cpu_s();
    while (!atomic_load(&is_over)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);
        rd_kafka_poll(producer.client, 0);
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            answer(&producer, consumer, message);
        else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && ++ends == partitions) {
            puts("ready");
            fflush(stdout);
            cpu = cpu_s();
        }
        rd_kafka_message_destroy(message);
    }
    print_figures("transactions", (double)producer.transactions, "cpu_s", cpu_s() - cpu, NULL);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer.client);
}

int main(int argc, char **argv)
{
    static const char *const known[] = {"bootstrap", "jobs",    "results", "commands",  "group", "sample",
                                        "count",     "fan-out", "batch",   "producers", NULL};
    struct sample sample;
    if (argc < 2)
        die("which of backlog, echo?");
    arguments_take(argv + 2, known);
    sample_read(argument("sample", NULL), &sample);
    if (strcmp(argv[1], "backlog") == 0)
        run_backlog(&sample);
    else if (strcmp(argv[1], "echo") == 0)
        run_echo(&sample);
    else
        die("which of backlog, echo?");
    sample_free(&sample);
    return 0;
}
