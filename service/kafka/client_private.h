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
/* A connection that failed says so once, and nothing when it is there again: a client that has nothing to do
   would be in trouble for ever. Asks the brokers at most once a second, for at most a fifth of one, and
   clears the trouble when one answers. Does nothing for trouble of another kind, or none. */
void kafka_trouble_recheck(struct kafka_trouble *trouble, rd_kafka_t *client);
const char *kafka_trouble_text(const struct kafka_trouble *trouble);

/* Queues a copy of the record, with `opaque` for its delivery report. */
rd_kafka_resp_err_t kafka_produce(rd_kafka_t *client, const struct kafka_record *record, void *opaque);
