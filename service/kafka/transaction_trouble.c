/* What keeps a transactional producer from its work, and which topics it means. */
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/transaction_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_AFTER_MS = 2000, ASK_AFTER_REFUSAL_MS = 30000, ASK_TIMEOUT_MS = 300 };

bool transaction_is_too_large(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

void transaction_note_refusal(struct transaction *transaction, rd_kafka_resp_err_t code, const char *text,
                              const char *topic)
{
    if (kafka_remedy(code) == NULL || transaction_is_too_large(code))
        return;
    kafka_trouble_note(&transaction->trouble, transaction->client, code, text);
    kafka_trouble_confine(&transaction->trouble, topic, RD_KAFKA_PARTITION_UA);
}

/* What is said of a whole transaction does not name the topic that was refused, so that all it writes to are
   named. */
void transaction_note_refused_transaction(struct transaction *transaction, rd_kafka_resp_err_t code,
                                          const char *text)
{
    char line[ERR_TEXT_MAX];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", text), named = 0;
    bool of_topic = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                    code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    for (size_t i = 0; of_topic && i < transaction->topic_count && used < sizeof line; i++)
        if (transaction->written[i])
            used += (size_t)snprintf(line + used, sizeof line - used, "%s%s",
                                     named++ > 0 ? ", " : "; it writes to ",
                                     rd_kafka_topic_name(transaction->topics[i]));
    transaction_note_refusal(transaction, code, line, "");
}

void transaction_note_written(struct transaction *transaction, const char *topic)
{
    for (size_t i = 0; i < transaction->topic_count; i++)
        if (strcmp(rd_kafka_topic_name(transaction->topics[i]), topic) == 0)
            transaction->written[i] = true;
}

rd_kafka_error_t *transaction_cause(struct transaction *transaction)
{
    return transaction->open ? rd_kafka_begin_transaction(transaction->client) : NULL;
}

void transaction_note_refused_record(struct transaction *transaction, rd_kafka_resp_err_t failure,
                                     const struct kafka_record *record)
{
    rd_kafka_error_t *error = failure == RD_KAFKA_RESP_ERR__STATE ? transaction_cause(transaction) : NULL;
    if (error != NULL) {
        transaction_note_refused_transaction(transaction, rd_kafka_error_code(error),
                                             rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return;
    }
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof text, "cannot write to topic %s: %s", record->topic, rd_kafka_err2str(failure));
    transaction_note_refusal(transaction, failure, text, record->topic);
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
        transaction->topics = calloc(count + 1, sizeof(rd_kafka_topic_t *));
        transaction->written = calloc(count + 1, sizeof *transaction->written);
        if (transaction->topics == NULL || transaction->written == NULL) {
            free(transaction->topics);
            free(transaction->written);
            transaction->topics = NULL;
            transaction->written = NULL;
            return err_set(err, ERR_NO_MEMORY, "out of memory while topics were looked up");
        }
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
    transaction_note_refusal(transaction, first, what, "");
    return kafka_err_told(err, &transaction->trouble, first, what);
}

/* Without transactions nothing tells that trouble is over. What was refused is noted anew by each attempt, so
   that it counts as over when none came for long and the brokers, with the topic, are in reach. */
void transaction_ask_if_over(struct transaction *transaction)
{
    bool refused =
        kafka_remedy(transaction->trouble.code) != NULL && !kafka_trouble_is_cause(&transaction->trouble);
    int patience_ms = refused ? ASK_AFTER_REFUSAL_MS : ASK_AFTER_MS;
    if (!transaction->open && kafka_trouble_is_due(&transaction->trouble, patience_ms) &&
        kafka_ask(transaction->client, transaction->trouble.topic, ASK_TIMEOUT_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_trouble_clear(&transaction->trouble);
}

const char *transaction_trouble(const struct transaction *transaction)
{
    return kafka_trouble_text(&transaction->trouble);
}
