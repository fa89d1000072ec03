/* pipeline/outbox: the records that a batch's work wants written. The work fills it, the runner sends it. */
#pragma once

#include "base/arena.h"
#include "kafka/transaction.h"

enum out_kind { OUT_EVENT, OUT_DEAD_LETTER };

/* Borrows all: from the work's arena and from the message that it answers. */
struct out_record {
    enum out_kind kind;
    const char *topic;
    const rd_kafka_message_t
        *origin;     /* what is answered: trace and correlation come from it, or it is the dead one */
    struct span key; /* OUT_EVENT */
    struct span value;
    struct cloud_event event;
    const struct err *why; /* OUT_DEAD_LETTER */
};

struct outbox {
    struct out_record *records;
    size_t count;
    size_t cap;
    size_t bytes; /* of keys and values */
    const char *group_id;
    size_t message_max_bytes;
    struct record_headers headers; /* of the record being sent */
};

/* Bytes that a record may take beside key, value and what it copies from its origin: CloudEvents and trace
 * headers. */
enum { OUT_HEADERS_MAX = 640 };

void outbox_free(struct outbox *outbox);
bool outbox_add(struct outbox *outbox, const struct out_record *record, struct err *err);
/* Takes back all after the first `count` records: the work thought otherwise. */
void outbox_cut(struct outbox *outbox, size_t count);
/* What the record takes of the producer's message.max.bytes. */
size_t outbox_record_size(const struct out_record *record);

/* Queues record `index` in the open transaction. Errors as transaction_produce(). */
bool outbox_send(struct outbox *outbox, size_t index, struct transaction *transaction, int timeout_ms,
                 struct err *err);
