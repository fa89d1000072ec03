/* kafka/errors: the one place that says what becomes of a Kafka error. */
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <librdkafka/rdkafka.h>

AUTO_DEFINE(kafka_error, rd_kafka_error_t, rd_kafka_error_destroy);

/* The fate of a transactional call's error: ERR_KAFKA_ABORTABLE where the transaction must be aborted, else
   ERR_KAFKA_RETRIABLE where the same call may be made again, else ERR_KAFKA_FATAL. ERR_NONE for NULL. */
enum err_code kafka_classify(const rd_kafka_error_t *error);

/* The fate of a bare code, as consumers, delivery reports and admin calls give it: ERR_KAFKA_FATAL where the
   client cannot go on (fenced, fatal), else ERR_KAFKA_RETRIABLE: librdkafka goes on by itself. ERR_NONE for
   no error. */
enum err_code kafka_classify_code(rd_kafka_resp_err_t code);

/* The first error of a list that librdkafka filled in. */
rd_kafka_resp_err_t kafka_first_error(const rd_kafka_topic_partition_list_t *list);

/* What a person must do about an error that does not heal by itself (authorization, authentication, unknown
   topic, unsupported broker); NULL for one that may. A static text. */
const char *kafka_remedy(rd_kafka_resp_err_t code);

/* Fills *err with "<what>: <librdkafka's text>; <remedy>". The first consumes the error (NULL: returns true
   and changes nothing). Both return false otherwise. */
bool kafka_err_take(struct err *err, rd_kafka_error_t *error, const char *what);
bool kafka_err_code(struct err *err, rd_kafka_resp_err_t code, const char *what);
