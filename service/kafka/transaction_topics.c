/* The topics that a transactional producer writes to: looked up before they are needed, and held. */
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/transaction_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rd_kafka_topic_t *transaction_note_written(struct transaction *transaction, const char *topic)
{
    for (size_t i = 0; i < transaction->topic_count; i++) {
        if (strcmp(rd_kafka_topic_name(transaction->topics[i]), topic) != 0)
            continue;
        transaction->written[i] = true;
        return transaction->topics[i];
    }
    return NULL;
}

static bool hold(struct transaction *transaction, const char *const *topics, size_t count, struct err *err)
{
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
    return true;
}

static rd_kafka_resp_err_t state_of(struct transaction *transaction, const char *topic, int timeout_ms)
{
    struct kafka_topic_state state;
    rd_kafka_resp_err_t failure = kafka_topic_state(transaction->client, topic, timeout_ms, &state);
    return failure == RD_KAFKA_RESP_ERR_NO_ERROR && !state.is_led ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
                                                                  : failure;
}

bool transaction_prime(struct transaction *transaction, const char *const *topics, size_t count,
                       int timeout_ms, struct err *err)
{
    if (transaction->topics == NULL && !hold(transaction, topics, count, err))
        return false;
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;
    char names[ERR_TEXT_MAX / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < transaction->topic_count; i++) {
        rd_kafka_resp_err_t failure =
            state_of(transaction, topics[i], deadline_left(deadline, timeout_ms > 0 ? timeout_ms : 1));
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
