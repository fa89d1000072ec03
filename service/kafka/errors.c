/* Which Kafka errors end a client, which abort a transaction, which heal, and what to do about those that do
 * not. */
#include "kafka/errors.h"

#include <string.h>

enum err_code kafka_classify(const rd_kafka_error_t *error)
{
    if (error == NULL)
        return ERR_NONE;
    /* The order matters: an error can ask for both an abort and a retry, and only the abort helps. */
    if (rd_kafka_error_txn_requires_abort(error))
        return ERR_KAFKA_ABORTABLE;
    if (rd_kafka_error_is_retriable(error))
        return ERR_KAFKA_RETRIABLE;
    return ERR_KAFKA_FATAL;
}

enum err_code kafka_classify_code(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return ERR_NONE;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR__INCONSISTENT:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
        return ERR_KAFKA_FATAL;
    default:
        return ERR_KAFKA_RETRIABLE;
    }
}

rd_kafka_resp_err_t kafka_first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

const char *kafka_remedy(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return "create the topic: certswap topics create";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "let the Kafka user read and write the topic in the broker's ACLs";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return "let the Kafka user read the consumer group in the broker's ACLs";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "let the Kafka user write and describe the transactional id in the broker's ACLs";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return "let the Kafka user act on the cluster in the broker's ACLs (idempotent write, create)";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        return "check CERTSWAP_KAFKA_SASL_USERNAME, CERTSWAP_KAFKA_SASL_PASSWORD and "
               "CERTSWAP_KAFKA_SASL_MECHANISM";
    case RD_KAFKA_RESP_ERR__SSL:
        return "check the certificates in the CERTSWAP_KAFKA_SSL_ settings, and the host names in "
               "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS";
    case RD_KAFKA_RESP_ERR__RESOLVE:
        return "check the host names in CERTSWAP_KAFKA_BOOTSTRAP_SERVERS";
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        return "the broker is too old: certswap needs transactions, Kafka 2.5 or later";
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
        return "lower CERTSWAP_KAFKA_TRANSACTION_TIMEOUT_MS to the broker's transaction.max.timeout.ms";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return "lower CERTSWAP_KAFKA_MESSAGE_MAX_BYTES to the topic's max.message.bytes, or raise that one";
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR__FENCED:
        return "another process uses the same CERTSWAP_INSTANCE_ID: give every instance its own";
    default:
        return NULL;
    }
}

static bool fill(struct err *err, enum err_code class, rd_kafka_resp_err_t code, const char *what,
                 const char *text)
{
    const char *remedy = kafka_remedy(code);
    return err_set(err, class, "%s: %s%s%s", what, text, remedy != NULL ? "; " : "",
                   remedy != NULL ? remedy : "");
}

bool kafka_err_take(struct err *err, rd_kafka_error_t *error, const char *what)
{
    if (error == NULL)
        return true;
    fill(err, kafka_classify(error), rd_kafka_error_code(error), what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

bool kafka_err_code(struct err *err, rd_kafka_resp_err_t code, const char *what)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return fill(err, kafka_classify_code(code), code, what, rd_kafka_err2str(code));
}
