/* kafka/transaction_private: what the parts of a transactional producer share. transaction.c makes the calls;
   transaction_topics.c holds the topics; transaction_trouble.c knows what is wrong, with which topic, and
   whether it is over. */
#pragma once

#include "kafka/transaction.h"

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
    bool *written;             /* which of them the present or latest transaction writes to */
    size_t topic_count;
};

/* Whether a record, or the batch that it was in, is larger than the broker or the topic takes. */
bool transaction_is_too_large(rd_kafka_resp_err_t code);

/* Notes that the open transaction writes to the topic. Its handle, where it is held, or NULL. */
rd_kafka_topic_t *transaction_note_written(struct transaction *transaction, const char *topic);

/* Keeps what a person must heal as trouble until a transaction has gone through; topic: what it is confined
   to. A record that is too large is no trouble of the brokers. */
void transaction_note_refusal(struct transaction *transaction, rd_kafka_resp_err_t code, const char *text,
                              const char *topic);
/* Likewise, for what is said of a whole transaction. */
void transaction_note_refused_transaction(struct transaction *transaction, rd_kafka_resp_err_t code,
                                          const char *text);
/* Why the open transaction can only be aborted, which librdkafka does not say of what it refuses for that
   reason (ERR__STATE): asked for by a call that changes nothing, and that such a transaction answers with it.
   NULL: nothing is known. The caller destroys it. */
rd_kafka_error_t *transaction_cause(struct transaction *transaction);
/* Likewise, for a record that was not taken. */
void transaction_note_refused_record(struct transaction *transaction, rd_kafka_resp_err_t failure,
                                     const struct kafka_record *record);
/* Clears trouble that is over, without a transaction that would tell. */
void transaction_ask_if_over(struct transaction *transaction);
