/* What keeps a transactional producer from its work, and which topics it means. */
#include "kafka/client_private.h"
#include "kafka/errors.h"
#include "kafka/transaction_private.h"

#include <stdio.h>

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
