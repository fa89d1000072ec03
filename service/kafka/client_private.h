/* What the clients of this room share. Private to the room. */
#pragma once

#include "kafka/client.h"
#include "kafka/record.h"

/* A client of the configuration, which is taken, also on failure. Its callbacks get `trouble`, which is the
   first member of the owner's handle, as their opaque; NULL: none. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct kafka_trouble *trouble,
                             struct err *err);

/* Keeps the trouble with its remedy, and logs it if it is another than before. trouble may be NULL. */
void kafka_trouble_note(struct kafka_trouble *trouble, const rd_kafka_t *client, rd_kafka_resp_err_t code,
                        const char *text);
void kafka_trouble_clear(struct kafka_trouble *trouble);
/* Says that the trouble just noted is only of that topic; partition -1: of all its partitions. */
void kafka_trouble_confine(struct kafka_trouble *trouble, const char *topic, int32_t partition);
/* Whether somebody should ask now if the trouble is over: it stands, was not noted for patience_ms, and was
   not asked after in the last two seconds. */
bool kafka_trouble_is_due(struct kafka_trouble *trouble, int patience_ms);

/* A question that only works with a broker, and the topic (empty: none), in reach and allowed. */
rd_kafka_resp_err_t kafka_ask(rd_kafka_t *client, const char *topic, int timeout_ms);

/* Hands a line to the sink of kafka_log_to(). */
void kafka_log_line(int level, const char *client, const char *text);
const char *kafka_trouble_text(const struct kafka_trouble *trouble);

/* Queues a copy of the record, with `opaque` for its delivery report. */
rd_kafka_resp_err_t kafka_produce(rd_kafka_t *client, const struct kafka_record *record, void *opaque);
