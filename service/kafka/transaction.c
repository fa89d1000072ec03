/* A transactional producer: each call in slices until its deadline, every error with its fate. */
#include "kafka/transaction.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/transaction_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_MS = 1000, BACKOFF_MS = 20, QUEUE_WAIT_MS = 20 };

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct transaction *transaction = opaque;
    /* An abort purges the queues: that is no failure. */
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    if (transaction_is_too_large(message->err)) {
        size_t bytes = message->key_len + message->len;
        if (!transaction->too_large || bytes < transaction->refused_bytes)
            transaction->refused_bytes = bytes;
        transaction->too_large = true;
    }
    const char *remedy = kafka_remedy(message->err);
    err_set(&transaction->delivery, ERR_KAFKA_ABORTABLE, "a record for topic %s was not delivered: %s%s%s",
            rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err), remedy != NULL ? "; " : "",
            remedy != NULL ? remedy : "");
    transaction_note_refusal(transaction, message->err, transaction->delivery.text,
                             rd_kafka_topic_name(message->rkt));
}

static int64_t time_limit(const rd_kafka_conf_t *conf)
{
    char number[32];
    size_t size = sizeof number;
    return rd_kafka_conf_get(conf, "transaction.timeout.ms", number, &size) == RD_KAFKA_CONF_OK
               ? strtoll(number, NULL, 10)
               : INT64_MAX;
}

struct transaction *transaction_new(rd_kafka_conf_t *conf, const char *transactional_id, struct err *err)
{
    struct transaction *transaction = calloc(1, sizeof *transaction);
    if (transaction == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_NO_MEMORY, "out of memory while a transactional producer was made");
        return NULL;
    }
    char reason[ERR_TEXT_MAX];
    if (rd_kafka_conf_set(conf, "transactional.id", transactional_id, reason, sizeof reason) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        free(transaction);
        err_set(err, ERR_CONFIG_INVALID, "%s", reason);
        return NULL;
    }
    transaction->time_limit_ms = time_limit(conf);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    transaction->client = kafka_client_new(RD_KAFKA_PRODUCER, conf, &transaction->trouble, err);
    if (transaction->client == NULL) {
        free(transaction);
        return NULL;
    }
    return transaction;
}

static void end(void *arg)
{
    struct transaction *transaction = arg;
    for (size_t i = 0; i < transaction->topic_count; i++)
        rd_kafka_topic_destroy(transaction->topics[i]);
    free(transaction->topics);
    free(transaction->written);
    rd_kafka_purge(transaction->client,
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    kafka_client_destroy(transaction->client, 0);
    free(transaction);
}

void transaction_free(struct transaction *transaction)
{
    if (transaction != NULL)
        kafka_end_within(end, transaction, KAFKA_END_MS);
}

/* Looks for the reason of a failure that ends the open transaction. What the broker says of one that it has
   timed out (another epoch, an unknown state) is said of a fenced producer too: so the clock decides. */
static void note_failure(struct transaction *transaction, enum err_code fate)
{
    if (transaction->open && fate != ERR_KAFKA_RETRIABLE && !transaction->too_large &&
        monotonic_ms() - transaction->begun_at >= transaction->time_limit_ms)
        transaction->timed_out = true;
}

/* Consumes the error. Its own remedy is for a producer that another one has fenced. */
static bool tell_timeout(const struct transaction *transaction, rd_kafka_error_t *error, const char *what,
                         struct err *err)
{
    err_set(err, kafka_classify(error),
            "%s: %s; it was open for longer than %" PRId64
            " ms: raise CERTSWAP_KAFKA_TRANSACTION_TIMEOUT_MS, or see "
            "what has held it up",
            what, rd_kafka_error_string(error), transaction->time_limit_ms);
    rd_kafka_error_destroy(error);
    return false;
}

/* The error, or what has caused it. */
static rd_kafka_error_t *with_cause(struct transaction *transaction, rd_kafka_error_t *error)
{
    rd_kafka_error_t *cause = NULL;
    if (error != NULL && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__STATE &&
        kafka_classify(error) == ERR_KAFKA_ABORTABLE)
        cause = transaction_cause(transaction);
    if (cause == NULL)
        return error;
    rd_kafka_error_destroy(error);
    return cause;
}

/* One attempt of a transactional call, waiting at most slice_ms. */
typedef rd_kafka_error_t *attempt_fn(struct transaction *transaction, int slice_ms, void *arg);

static rd_kafka_error_t *attempt_init(struct transaction *transaction, int slice_ms, void *arg)
{
    (void)arg;
    return rd_kafka_init_transactions(transaction->client, slice_ms);
}

/* Consumes the error: *err tells it, or what keeps the client from the brokers, where that is known. */
static bool give_up(struct transaction *transaction, attempt_fn *attempt, rd_kafka_error_t *error,
                    const char *what, struct err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    transaction_note_refused_transaction(transaction, code, rd_kafka_error_string(error));
    bool known = kafka_trouble_is_cause(&transaction->trouble);
    bool silence = attempt == attempt_init && code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (kafka_classify(error) != ERR_KAFKA_RETRIABLE || (!known && !silence))
        return kafka_err_take(err, error, what);
    rd_kafka_error_destroy(error);
    return err_set(err, ERR_KAFKA_RETRIABLE, known ? "%s: %s" : "%s: no answer; %s", what,
                   known ? transaction->trouble.text : KAFKA_UNREACHED);
}

/* Makes the same call until it succeeds, fails for good, or timeout_ms are over. */
static bool drive(struct transaction *transaction, attempt_fn *attempt, void *arg, int timeout_ms,
                  const char *what, struct err *err)
{
    int64_t deadline = deadline_in(timeout_ms);
    for (;;) {
        rd_kafka_error_t *error = attempt(transaction, deadline_left(deadline, SLICE_MS), arg);
        rd_kafka_poll(transaction->client, 0);
        error = with_cause(transaction, error);
        if (error == NULL) {
            if (kafka_remedy(transaction->trouble.code) == NULL)
                kafka_trouble_clear(&transaction->trouble);
            return true;
        }
        int left = deadline_left(deadline, BACKOFF_MS);
        note_failure(transaction, kafka_classify(error));
        if (transaction->timed_out && kafka_classify(error) != ERR_KAFKA_RETRIABLE)
            return tell_timeout(transaction, error, what, err);
        if (kafka_classify(error) != ERR_KAFKA_RETRIABLE || left == 0)
            return give_up(transaction, attempt, error, what, err);
        kafka_trouble_note(&transaction->trouble, transaction->client, rd_kafka_error_code(error),
                           rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        rd_kafka_poll(transaction->client, left);
    }
}

bool transaction_init(struct transaction *transaction, int timeout_ms, struct err *err)
{
    if (!drive(transaction, attempt_init, NULL, timeout_ms, "cannot initialise the transactional producer",
               err))
        return false;
    kafka_trouble_clear(&transaction->trouble);
    return true;
}

bool transaction_begin(struct transaction *transaction, struct err *err)
{
    assert(!transaction->open);
    transaction->delivery = (struct err){0};
    transaction->committing = false;
    transaction->too_large = false;
    transaction->refused_bytes = 0;
    transaction->timed_out = false;
    transaction->begun_at = monotonic_ms();
    for (size_t i = 0; i < transaction->topic_count; i++)
        transaction->written[i] = false;
    if (!kafka_err_take(err, rd_kafka_begin_transaction(transaction->client), "cannot begin a transaction"))
        return false;
    transaction->open = true;
    return true;
}

bool transaction_is_open(const struct transaction *transaction)
{
    return transaction->open;
}

bool transaction_produce(struct transaction *transaction, const struct kafka_record *record, int timeout_ms,
                         struct err *err)
{
    assert(transaction->open);
    rd_kafka_topic_t *topic = transaction_note_written(transaction, record->topic);
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t failure;
    while ((failure = kafka_produce(transaction->client, topic, record, NULL)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        int left = deadline_left(deadline, QUEUE_WAIT_MS);
        if (left == 0)
            break;
        rd_kafka_poll(transaction->client, left);
    }
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    char what[ERR_TEXT_MAX / 2];
    snprintf(what, sizeof what, "cannot write to topic %s", record->topic);
    if (failure == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return err_set(err, ERR_JOB_TOO_LARGE, "%s: the record is larger than message.max.bytes", what);
    if (failure == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return kafka_err_code(err, failure, what);
    enum err_code fate = rd_kafka_fatal_error(transaction->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR ||
                                 kafka_classify_code(failure) == ERR_KAFKA_FATAL
                             ? ERR_KAFKA_FATAL
                             : ERR_KAFKA_ABORTABLE;
    note_failure(transaction, fate);
    transaction_note_refused_record(transaction, failure, record);
    const char *remedy = kafka_remedy(failure);
    return err_set(err, fate, "%s: %s%s%s", what, rd_kafka_err2str(failure), remedy != NULL ? "; " : "",
                   remedy != NULL ? remedy : "");
}

struct offsets_call {
    rd_kafka_topic_partition_list_t *offsets;
    rd_kafka_consumer_group_metadata_t *group;
};

static rd_kafka_error_t *attempt_offsets(struct transaction *transaction, int slice_ms, void *arg)
{
    const struct offsets_call *call = arg;
    return rd_kafka_send_offsets_to_transaction(transaction->client, call->offsets, call->group, slice_ms);
}

bool transaction_send_offsets(struct transaction *transaction, const struct offset_table *batch,
                              struct consumer *consumer, int timeout_ms, struct err *err)
{
    assert(transaction->open);
    if (offset_table_count(batch) == 0)
        return true;
    struct offsets_call call = {offset_table_next_list(batch), consumer_group_metadata(consumer)};
    bool good = call.group != NULL
                    ? drive(transaction, attempt_offsets, &call, timeout_ms,
                            "cannot add the offsets to the transaction", err)
                    : err_set(err, ERR_NO_MEMORY, "out of memory while offsets were added to a transaction");
    rd_kafka_topic_partition_list_destroy(call.offsets);
    if (call.group != NULL)
        rd_kafka_consumer_group_metadata_destroy(call.group);
    return good;
}

static rd_kafka_error_t *attempt_commit(struct transaction *transaction, int slice_ms, void *arg)
{
    (void)arg;
    return rd_kafka_commit_transaction(transaction->client, slice_ms);
}

static rd_kafka_error_t *attempt_abort(struct transaction *transaction, int slice_ms, void *arg)
{
    (void)arg;
    return rd_kafka_abort_transaction(transaction->client, slice_ms);
}

bool transaction_commit(struct transaction *transaction, int timeout_ms, struct err *err)
{
    assert(transaction->open);
    rd_kafka_poll(transaction->client, 0);
    /* Once the commit has begun an abort is refused: the commit itself tells of a failed record then. */
    if (!transaction->committing && transaction->delivery.code != ERR_NONE) {
        note_failure(transaction, transaction->delivery.code);
        return err_set(err, transaction->delivery.code, "%s", transaction->delivery.text);
    }
    struct err failure = {0};
    bool done =
        drive(transaction, attempt_commit, NULL, timeout_ms, "cannot commit the transaction", &failure);
    transaction->committing = !done && failure.code == ERR_KAFKA_RETRIABLE;
    if (done) {
        transaction->open = false;
        kafka_trouble_clear(&transaction->trouble);
        return true;
    }
    /* The commit says that a record failed; the delivery report says which, and why. */
    const struct err *told = failure.code == ERR_KAFKA_ABORTABLE && transaction->delivery.code != ERR_NONE
                                 ? &transaction->delivery
                                 : &failure;
    return err_set(err, failure.code, "%s", told->text);
}

bool transaction_abort(struct transaction *transaction, int timeout_ms, struct err *err)
{
    if (!transaction->open)
        return true;
    if (!drive(transaction, attempt_abort, NULL, timeout_ms, "cannot abort the transaction", err))
        return false;
    transaction->open = false;
    return true;
}

bool transaction_was_too_large(const struct transaction *transaction)
{
    return transaction->too_large;
}

size_t transaction_refused_bytes(const struct transaction *transaction)
{
    return transaction->refused_bytes;
}

bool transaction_timed_out(const struct transaction *transaction)
{
    return transaction->timed_out;
}

int64_t transaction_time_limit_ms(const struct transaction *transaction)
{
    return transaction->time_limit_ms;
}

bool transaction_poll(struct transaction *transaction, struct err *err)
{
    rd_kafka_poll(transaction->client, 0);
    transaction_ask_if_over(transaction);
    char text[ERR_TEXT_MAX];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(transaction->client, text, sizeof text);
    if (cause == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    const char *remedy = kafka_remedy(cause);
    return err_set(err, ERR_KAFKA_FATAL, "the transactional producer is dead: %s%s%s", text,
                   remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}

rd_kafka_t *transaction_handle(const struct transaction *transaction)
{
    return transaction->client;
}
