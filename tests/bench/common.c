#include "bench/common.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { METADATA_MS = 10000 };

static char **given;

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void need(bool done, const struct err *err)
{
    if (!done)
        die("%s: %s", err_name(err->code), err->text);
}

void *allocate(size_t size)
{
    return reallocate(NULL, size);
}

void *reallocate(void *block, size_t size)
{
    void *made = realloc(block, size);
    if (made == NULL)
        die("out of memory");
    return made;
}

void arguments_take(char **arguments, const char *const *known)
{
    given = arguments;
    for (char **at = arguments; *at != NULL; at += 2) {
        size_t i = 0;
        while (known[i] != NULL && (strncmp(*at, "--", 2) != 0 || strcmp(*at + 2, known[i]) != 0))
            i++;
        if (known[i] == NULL || at[1] == NULL)
            die("%s: unknown, or without a value", *at);
    }
}

const char *argument(const char *name, const char *otherwise)
{
    for (char **at = given; *at != NULL; at += 2)
        if (strcmp(*at + 2, name) == 0)
            return at[1];
    if (otherwise == NULL)
        die("--%s is missing", name);
    return otherwise;
}

long argument_number(const char *name, long otherwise)
{
    char fallback[24];
    snprintf(fallback, sizeof fallback, "%ld", otherwise);
    char *end;
    long number = strtol(argument(name, otherwise < 0 ? NULL : fallback), &end, 10);
    if (*end != '\0' || number < 0)
        die("--%s takes a number", name);
    return number;
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double monotonic_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double wall_s(void)
{
    return seconds_of(CLOCK_REALTIME);
}

int64_t wall_ms(void)
{
    return (int64_t)(wall_s() * 1000);
}

double cpu_s(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

void sleep_until_s(double monotonic)
{
    struct timespec until = {.tv_sec = (time_t)monotonic,
                             .tv_nsec = (long)((monotonic - floor(monotonic)) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

uint64_t random_bits(uint64_t *state)
{
    *state += 0x9E3779B97F4A7C15U;
    uint64_t z = (*state ^ (*state >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

rd_kafka_conf_t *client_conf(enum kafka_role role)
{
    struct kafka_property properties[] = {{"bootstrap.servers", argument("bootstrap", NULL)}};
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(properties, 1, role, &err);
    need(conf != NULL, &err);
    rd_kafka_conf_set_error_cb(conf, NULL);
    return conf;
}

void conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[256];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK)
        die("%s: %s", name, reason);
}

rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char reason[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client == NULL)
        die("%s", reason);
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_poll_set_consumer(client);
    return client;
}

int partitions_of(rd_kafka_t *client, const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    rd_kafka_resp_err_t failure = rd_kafka_metadata(client, 0, handle, &metadata, METADATA_MS);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(failure));
    int count = metadata->topics[0].partition_cnt;
    if (metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(metadata->topics[0].err));
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return count;
}

void print_figures(const char *name, ...)
{
    va_list pairs;
    va_start(pairs, name);
    putchar('{');
    for (const char *at = name; at != NULL;) {
        printf("\"%s\": %.9g", at, va_arg(pairs, double));
        at = va_arg(pairs, const char *);
        fputs(at != NULL ? ", " : "}\n", stdout);
    }
    va_end(pairs);
    fflush(stdout);
}
