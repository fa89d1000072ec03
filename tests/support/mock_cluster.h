/* The fixture of a test file on librdkafka's mock cluster: one broker, made and ended with each test. Header
   only. */
#pragma once

#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>

static rd_kafka_t *mock_host;
static rd_kafka_mock_cluster_t *cluster;
static const char *bootstrap;

static inline void mock_cluster_start(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    mock_host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    cr_assert(mock_host != NULL, "%s", text);
    cluster = rd_kafka_mock_cluster_new(mock_host, 1);
    bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
}

static inline void mock_cluster_stop(void)
{
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(mock_host);
}
