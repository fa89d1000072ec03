/* Headers and topic of a message that librdkafka did not make: it has no way to make a consumed one. A
   program that links consumed_message.c with --wrap=rd_kafka_message_headers and --wrap=rd_kafka_topic_name
   sees these in every message. */
#pragma once

#include <librdkafka/rdkafka.h>

/* From now on. The headers (NULL: none) and the name stay the caller's. */
void consumed_headers(rd_kafka_headers_t *headers);
void consumed_topic(const char *name);
