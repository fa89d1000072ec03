/* One record at a time, with its delivery confirmed; and how any record of ours is given to librdkafka. */
#include "kafka/producer.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/login.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 100, FREE_FLUSH_MS = 1000 };

struct producer {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    uintptr_t
        waiting_for; /* the number of the record in hand; reports of others, given up on, are passed over */
    bool reported;
    rd_kafka_resp_err_t outcome;
    struct kafka_place place;
    producer_done_fn *done; /* NULL: records are waited for one by one */
    void *done_arg;
};

rd_kafka_resp_err_t kafka_produce(rd_kafka_t *client, rd_kafka_topic_t *topic,
                                  const struct kafka_record *record, void *opaque)
{
    rd_kafka_headers_t *headers = NULL;
    if (record->headers != NULL) {
        headers = record_headers_native(record->headers);
        if (headers == NULL)
            return RD_KAFKA_RESP_ERR__FAIL;
    }
    /* A null header list is refused: an empty one stands for none. */
    if (headers == NULL)
        headers = rd_kafka_headers_new(1);
    const rd_kafka_vu_t what[] = {
        topic != NULL ? (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic}
                      : (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = RD_KAFKA_PARTITION_UA},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)record->key.data, record->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)record->value.data, record->value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(client, what, sizeof what / sizeof *what);
    rd_kafka_resp_err_t failure = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers); /* taken only on success */
    return failure;
}

/* Fills *err for a record that could not be written; trouble may be NULL. Returns false. */
static bool cannot_write(struct err *err, const struct kafka_trouble *trouble, const char *topic,
                         rd_kafka_resp_err_t failure)
{
    char what[ERR_TEXT_MAX / 2];
    snprintf(what, sizeof what, "cannot write to topic %s", topic);
    if (failure == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return err_set(err, ERR_JOB_TOO_LARGE, "%s: the record is larger than a message may be; %s", what,
                       kafka_remedy(failure));
    return trouble != NULL ? kafka_err_told(err, trouble, failure, what) : kafka_err_code(err, failure, what);
}

static void tell_done(const struct producer *producer, const rd_kafka_message_t *message)
{
    struct err err = {0};
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        cannot_write(&err, &producer->trouble, rd_kafka_topic_name(message->rkt), message->err);
    producer->done(producer->done_arg, span_of(message->key, message->key_len), &err);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct producer *producer = opaque;
    if (producer->done != NULL) {
        tell_done(producer, message);
        return;
    }
    if ((uintptr_t)message->_private != producer->waiting_for)
        return;
    producer->reported = true;
    producer->outcome = message->err;
    producer->place = (struct kafka_place){message->partition, message->offset};
}

struct producer *producer_new(rd_kafka_conf_t *conf, struct err *err)
{
    struct producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_NO_MEMORY, "out of memory while a producer was made");
        return NULL;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    producer->client = kafka_client_new(RD_KAFKA_PRODUCER, conf, &producer->trouble, err);
    if (producer->client == NULL) {
        free(producer);
        return NULL;
    }
    return producer;
}

static void end(void *arg)
{
    struct producer *producer = arg;
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->client, FREE_FLUSH_MS);
    kafka_client_destroy(producer->client, 0);
    free(producer);
}

void producer_free(struct producer *producer)
{
    if (producer != NULL)
        kafka_end_within(end, producer, KAFKA_END_MS + FREE_FLUSH_MS);
}

/* Queues the record, waiting for room. */
static rd_kafka_resp_err_t enqueue(struct producer *producer, const struct kafka_record *record,
                                   int64_t deadline)
{
    rd_kafka_resp_err_t failure;
    producer->reported = false;
    producer->waiting_for++;
    while ((failure = kafka_produce(producer->client, NULL, record, (void *)producer->waiting_for)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        int left = deadline_left(deadline, WAIT_MS);
        if (left == 0)
            return failure;
        rd_kafka_poll(producer->client, left);
    }
    return failure;
}

bool producer_send_wait(struct producer *producer, const struct kafka_record *record, int timeout_ms,
                        struct kafka_place *place, struct err *err)
{
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t failure = enqueue(producer, record, deadline);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        while (!producer->reported && deadline_left(deadline, WAIT_MS) > 0)
            rd_kafka_poll(producer->client, deadline_left(deadline, WAIT_MS));
        failure = producer->reported ? producer->outcome : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_trouble_clear(&producer->trouble);
        if (place != NULL)
            *place = producer->place;
        return true;
    }
    return cannot_write(err, &producer->trouble, record->topic, failure);
}

void producer_on_done(struct producer *producer, producer_done_fn *done, void *arg)
{
    producer->done = done;
    producer->done_arg = arg;
}

bool producer_queue(struct producer *producer, const struct kafka_record *record, struct err *err)
{
    rd_kafka_resp_err_t failure = kafka_produce(producer->client, NULL, record, NULL);
    return failure == RD_KAFKA_RESP_ERR_NO_ERROR || cannot_write(err, NULL, record->topic, failure);
}

void producer_serve(struct producer *producer)
{
    kafka_login_look(monotonic_ms());
    rd_kafka_poll(producer->client, 0);
}

const char *producer_trouble(const struct producer *producer)
{
    return kafka_trouble_text(&producer->trouble);
}

rd_kafka_t *producer_handle(const struct producer *producer)
{
    return producer->client;
}
