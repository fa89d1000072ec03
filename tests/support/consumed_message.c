#include "support/consumed_message.h"

static rd_kafka_headers_t *headers_of_all;
static const char *topic_of_all = "";

void consumed_headers(rd_kafka_headers_t *headers)
{
    headers_of_all = headers;
}

void consumed_topic(const char *name)
{
    topic_of_all = name;
}

rd_kafka_resp_err_t __wrap_rd_kafka_message_headers(const rd_kafka_message_t *message,
                                                    rd_kafka_headers_t **headers);
const char *__wrap_rd_kafka_topic_name(const rd_kafka_topic_t *topic);

rd_kafka_resp_err_t __wrap_rd_kafka_message_headers(const rd_kafka_message_t *message,
                                                    rd_kafka_headers_t **headers)
{
    (void)message;
    *headers = headers_of_all;
    return headers_of_all != NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__NOENT;
}

const char *__wrap_rd_kafka_topic_name(const rd_kafka_topic_t *topic)
{
    (void)topic;
    return topic_of_all;
}
