/* certswap-mock-broker [--brokers N] TOPIC[:PARTITIONS]...: librdkafka's mock cluster in a process of its
   own, for the demo and for component tests with several clients. Prints its bootstrap servers on one line,
   serves until its standard input ends or SIGTERM or SIGINT comes, keeps nothing. It shows control flow, not
   isolation. */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { DEFAULT_PARTITIONS = 4, MOST_PARTITIONS = 1000, MOST_BROKERS = 10 };

/* A whole decimal number from 1 to `most`; 0 for anything else. */
static int parse_count(const char *text, int most)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && value >= 1 && value <= most ? (int)value : 0;
}

static bool create_topic(rd_kafka_mock_cluster_t *cluster, char *argument, int brokers)
{
    int partitions = DEFAULT_PARTITIONS;
    char *colon = strchr(argument, ':');
    if (colon != NULL) {
        *colon = '\0';
        partitions = parse_count(colon + 1, MOST_PARTITIONS);
    }
    if (partitions == 0 || argument[0] == '\0') {
        fprintf(stderr, "certswap-mock-broker: a topic is written as NAME or NAME:PARTITIONS (1 to %d)\n",
                MOST_PARTITIONS);
        return false;
    }
    rd_kafka_resp_err_t failure =
        rd_kafka_mock_topic_create(cluster, argument, partitions, brokers < 3 ? brokers : 3);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "certswap-mock-broker: cannot create %s: %s\n", argument, rd_kafka_err2str(failure));
        return false;
    }
    return true;
}

/* Blocks until standard input ends or one of the signals behind `signals` comes. */
static void wait_for_the_end(int signals)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (fds[1].revents != 0)
            return;
        if (fds[0].revents != 0) {
            char rest[256];
            if (read(STDIN_FILENO, rest, sizeof rest) <= 0)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    int brokers = 1;
    int first_topic = 1;
    if (argc > 2 && strcmp(argv[1], "--brokers") == 0) {
        brokers = parse_count(argv[2], MOST_BROKERS);
        first_topic = 3;
    }
    if (brokers == 0 || first_topic >= argc) {
        fprintf(stderr, "usage: certswap-mock-broker [--brokers N] TOPIC[:PARTITIONS]...\n");
        return 2;
    }
    /* Before any thread starts, so that all of them leave the signals to the descriptor. */
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    int signals = signalfd(-1, &stops, SFD_CLOEXEC);

    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "4", text, sizeof text);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    rd_kafka_mock_cluster_t *cluster = handle != NULL ? rd_kafka_mock_cluster_new(handle, brokers) : NULL;
    if (signals < 0 || cluster == NULL) {
        fprintf(stderr, "certswap-mock-broker: cannot start a mock cluster\n");
        return 1;
    }
    int status = 0;
    for (int i = first_topic; i < argc && status == 0; i++)
        status = create_topic(cluster, argv[i], brokers) ? 0 : 2;
    if (status == 0) {
        printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
        fflush(stdout);
        wait_for_the_end(signals);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(handle);
    close(signals);
    return status;
}
