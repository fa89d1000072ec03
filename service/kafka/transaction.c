/* A transactional producer: each call in slices until its deadline, every error with its fate. */
#include "kafka/transaction.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_AFTER_MS = 2000, ASK_AFTER_REFUSAL_MS = 30000, ASK_TIMEOUT_MS = 300 };
enum { SLICE_MS = 1000, BACKOFF_MS = 20, QUEUE_WAIT_MS = 20 };

struct transaction {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    bool open;
    bool committing;           /* a commit has begun and not ended: only the same call may follow */
    struct err delivery;       /* of the open transaction: the first record that could not be delivered */
    int64_t begun_at;          /* monotonic ms */
    int64_t time_limit_ms;     /* transaction.timeout.ms */
    size_t refused_bytes;      /* see transaction_refused_bytes() */
    bool too_large;            /* a record of the present or latest transaction was */
    bool timed_out;            /* the present or latest transaction has */
    rd_kafka_topic_t **topics; /* held, so that their metadata stays */
    size_t topic_count;
};

static bool is_too_large(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* Keeps what a person must heal as trouble until a transaction has gone through. A record that is too large
   is no trouble of the brokers. */
static void note_refusal(struct transaction *transaction, rd_kafka_resp_err_t code, const char *text,
                         const char *topic)
{
    if (kafka_remedy(code) == NULL || is_too_large(code))
        return;
    kafka_trouble_note(&transaction->trouble, transaction->client, code, text);
    kafka_trouble_confine(&transaction->trouble, topic, RD_KAFKA_PARTITION_UA);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct transaction *transaction = opaque;
    /* An abort purges the queues: that is no failure. */
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    if (is_too_large(message->err)) {
        size_t bytes = message->key_len + message->len;
        if (!transaction->too_large || bytes < transaction->refused_bytes)
            transaction->refused_bytes = bytes;
        transaction->too_large = true;
    }
    const char *remedy = kafka_remedy(message->err);
    err_set(&transaction->delivery, ERR_KAFKA_ABORTABLE, "a record for topic %s was not delivered: %s%s%s",
            rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err), remedy != NULL ? "; " : "",
            remedy != NULL ? remedy : "");
    note_refusal(transaction, message->err, transaction->delivery.text, rd_kafka_topic_name(message->rkt));
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

void transaction_free(struct transaction *transaction)
{
    if (transaction == NULL)
        return;
    for (size_t i = 0; i < transaction->topic_count; i++)
        rd_kafka_topic_destroy(transaction->topics[i]);
    free(transaction->topics);
    rd_kafka_purge(transaction->client,
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(transaction->client);
    free(transaction);
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

/* One attempt of a transactional call, waiting at most slice_ms. */
typedef rd_kafka_error_t *attempt_fn(struct transaction *transaction, int slice_ms, void *arg);

/* Makes the same call until it succeeds, fails for good, or timeout_ms are over. */
static bool drive(struct transaction *transaction, attempt_fn *attempt, void *arg, int timeout_ms,
                  const char *what, struct err *err)
{
    int64_t deadline = deadline_in(timeout_ms);
    for (;;) {
        rd_kafka_error_t *error = attempt(transaction, deadline_left(deadline, SLICE_MS), arg);
        rd_kafka_poll(transaction->client, 0);
        if (error == NULL) {
            if (kafka_remedy(transaction->trouble.code) == NULL)
                kafka_trouble_clear(&transaction->trouble);
            return true;
        }
        int left = deadline_left(deadline, BACKOFF_MS);
        note_failure(transaction, kafka_classify(error));
        if (transaction->timed_out && kafka_classify(error) != ERR_KAFKA_RETRIABLE)
            return tell_timeout(transaction, error, what, err);
        if (kafka_classify(error) != ERR_KAFKA_RETRIABLE || left == 0) {
            note_refusal(transaction, rd_kafka_error_code(error), rd_kafka_error_string(error), "");
            return kafka_err_take(err, error, what);
        }
        kafka_trouble_note(&transaction->trouble, transaction->client, rd_kafka_error_code(error),
                           rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        rd_kafka_poll(transaction->client, left);
    }
}

static rd_kafka_error_t *attempt_init(struct transaction *transaction, int slice_ms, void *arg)
{
    (void)arg;
    return rd_kafka_init_transactions(transaction->client, slice_ms);
}

bool transaction_init(struct transaction *transaction, int timeout_ms, struct err *err)
{
    if (!drive(transaction, attempt_init, NULL, timeout_ms, "cannot initialise the transactional producer",
               err))
        return false;
    kafka_trouble_clear(&transaction->trouble);
    return true;
}

/* The topic's state by a fresh answer of the brokers. */
static rd_kafka_resp_err_t ask_for_topic(rd_kafka_t *client, rd_kafka_topic_t *topic, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t failure = rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return failure;
    if (metadata->topic_cnt == 0)
        failure = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    else if (metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = metadata->topics[0].err;
    for (int i = 0; failure == RD_KAFKA_RESP_ERR_NO_ERROR && i < metadata->topics[0].partition_cnt; i++)
        if (metadata->topics[0].partitions[i].leader < 0)
            failure = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    rd_kafka_metadata_destroy(metadata);
    return failure;
}

bool transaction_prime(struct transaction *transaction, const char *const *topics, size_t count,
                       int timeout_ms, struct err *err)
{
    if (transaction->topics == NULL) {
        transaction->topics = calloc(count > 0 ? count : 1, sizeof(rd_kafka_topic_t *));
        if (transaction->topics == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory while topics were looked up");
        for (size_t i = 0; i < count; i++) {
            rd_kafka_topic_t *topic = rd_kafka_topic_new(transaction->client, topics[i], NULL);
            if (topic == NULL)
                return err_set(err, ERR_CONFIG_INVALID, "\"%s\" cannot be the name of a topic", topics[i]);
            transaction->topics[transaction->topic_count++] = topic;
        }
    }
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;
    char names[ERR_TEXT_MAX / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < transaction->topic_count; i++) {
        rd_kafka_resp_err_t failure = ask_for_topic(transaction->client, transaction->topics[i],
                                                    deadline_left(deadline, timeout_ms > 0 ? timeout_ms : 1));
        if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (first == RD_KAFKA_RESP_ERR_NO_ERROR)
            first = failure;
        int n = snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", topics[i]);
        used = n > 0 && used + (size_t)n < sizeof names ? used + (size_t)n : sizeof names - 1;
        if (failure == RD_KAFKA_RESP_ERR__TIMED_OUT || failure == RD_KAFKA_RESP_ERR__TRANSPORT)
            break;
    }
    rd_kafka_poll(transaction->client, 0);
    if (first == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_trouble_clear(&transaction->trouble);
        return true;
    }
    char what[ERR_TEXT_MAX];
    snprintf(what, sizeof what, "topics not ready to be written: %s", names);
    note_refusal(transaction, first, what, "");
    return kafka_err_code(err, first, what);
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
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t failure;
    while ((failure = kafka_produce(transaction->client, record, NULL)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
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
    note_refusal(transaction, failure, rd_kafka_err2str(failure), record->topic);
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

/* Without transactions nothing tells that trouble is over. What was refused is noted anew by each attempt, so
   that it counts as over when none came for long and the brokers, with the topic, are in reach. */
static void ask_if_over(struct transaction *transaction)
{
    int patience_ms = kafka_remedy(transaction->trouble.code) != NULL ? ASK_AFTER_REFUSAL_MS : ASK_AFTER_MS;
    if (!transaction->open && kafka_trouble_is_due(&transaction->trouble, patience_ms) &&
        kafka_ask(transaction->client, transaction->trouble.topic, ASK_TIMEOUT_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_trouble_clear(&transaction->trouble);
}

bool transaction_poll(struct transaction *transaction, struct err *err)
{
    rd_kafka_poll(transaction->client, 0);
    ask_if_over(transaction);
    char text[ERR_TEXT_MAX];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(transaction->client, text, sizeof text);
    if (cause == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    const char *remedy = kafka_remedy(cause);
    return err_set(err, ERR_KAFKA_FATAL, "the transactional producer is dead: %s%s%s", text,
                   remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}

const char *transaction_trouble(const struct transaction *transaction)
{
    return kafka_trouble_text(&transaction->trouble);
}

rd_kafka_t *transaction_handle(const struct transaction *transaction)
{
    return transaction->client;
}
