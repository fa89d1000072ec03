/* pipeline/outbox: the records that a batch's work wants written. The work fills it, the runner sends it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/keyring.h"
#include "kafka/transaction.h"

enum out_kind { OUT_EVENT, OUT_DEAD_LETTER, OUT_RETRY };

/* What a retry record says of itself, beside the original. */
struct retry_mark {
    struct span origin; /* topic/partition/offset of the first record */
    int64_t attempt;
    int64_t first_seen_ms; /* Redis' clock, as is the next */
    int64_t not_before_ms;
};

/* Borrows all: from the work's arena and from the message that it answers. */
struct out_record {
    enum out_kind kind;
    const char *topic;
    struct span key; /* OUT_EVENT, as are the next three */
    struct span value;
    struct cloud_event event;
    const struct trace_context *trace; /* of what is answered */
    const rd_kafka_message_t *origin;  /* OUT_DEAD_LETTER, OUT_RETRY: the dead one, or the one that waits */
    const struct err *why;             /* OUT_DEAD_LETTER */
    const struct keyring *keyring;     /* OUT_DEAD_LETTER: encrypts its value; NULL: it stays as it came */
    struct retry_mark retry;           /* OUT_RETRY */
};

struct outbox {
    struct out_record *records;
    size_t count;
    size_t cap;
    size_t bytes; /* of keys and values */
    const char *group_id;
    size_t message_max_bytes; /* what a record may take: the least of the producer's and the topics' limits */
    struct record_headers headers; /* of the record being sent */
    struct buf sealed;             /* the encrypted value of the dead letter being sent */
};

/* Bytes that a record may take beside key, value and what it copies from its origin: CloudEvents and trace
   headers, or the marks of a retry. */
enum { OUT_HEADERS_MAX = 800 };

/* Headers of retry records. */
#define RETRY_HEADER_PREFIX "certswap-"
#define RETRY_HEADER_ORIGIN "certswap-origin"
#define RETRY_HEADER_ATTEMPT "certswap-attempt"
#define RETRY_HEADER_FIRST_SEEN "certswap-first-seen"
#define RETRY_HEADER_NOT_BEFORE "certswap-not-before"

void outbox_free(struct outbox *outbox);
bool outbox_add(struct outbox *outbox, const struct out_record *record, struct err *err);
/* Takes back all after the first `count` records: the work thought otherwise. */
void outbox_cut(struct outbox *outbox, size_t count);
/* What the event takes of the producer's message.max.bytes. */
size_t outbox_record_size(const struct out_record *record);
/* The same of the record that would send `origin` to the retry topic. */
size_t outbox_retry_size(const rd_kafka_message_t *origin);

/* Queues record `index` in the open transaction. Errors as transaction_produce(). */
bool outbox_send(struct outbox *outbox, size_t index, struct transaction *transaction, int timeout_ms,
                 struct err *err);
