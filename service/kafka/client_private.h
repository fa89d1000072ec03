/* What the clients of this room share. Private to the room. */
#pragma once

#include "kafka/client.h"
#include "kafka/record.h"

/* A client of the configuration, which is taken, also on failure. Its callbacks get `trouble`, which is the
   first member of the owner's handle, as their opaque; NULL: none. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct kafka_trouble *trouble,
                             struct err *err);
/* rd_kafka_destroy_flags(). Takes NULL. */
void kafka_client_destroy(rd_kafka_t *client, int flags);

/* Ends a client with its owner's memory, by a call that may block for ever. Waits for it at most timeout_ms,
   then leaves it to a thread of its own: until it ends the owner's memory must stay, for callbacks. */
typedef void kafka_end_fn(void *owner);
void kafka_end_within(kafka_end_fn *end, void *owner, int timeout_ms);
enum { KAFKA_END_MS = 2000 };

/* For kafka_client_new(): brokers' certificates are judged so that the trouble can say what is wrong with
 * them. */
void kafka_secure_conf(rd_kafka_conf_t *conf);
/* What to do about a broker's certificate that OpenSSL refuses with that X509_V_ code. A static text. */
const char *kafka_certificate_remedy(int x509_error);

/* Keeps the trouble with its remedy, and logs it if it is another than before. What keeps a client from the
   brokers (certificates, passwords, names) is not replaced by what follows from it: that no broker is in
   reach, or that a call has timed out. trouble may be NULL. */
void kafka_trouble_note(struct kafka_trouble *trouble, const rd_kafka_t *client, rd_kafka_resp_err_t code,
                        const char *text);
void kafka_trouble_clear(struct kafka_trouble *trouble);
/* Says that the trouble just noted is only of that topic; partition -1: of all its partitions. */
void kafka_trouble_confine(struct kafka_trouble *trouble, const char *topic, int32_t partition);
/* Whether somebody should ask now if the trouble is over: it stands, was not noted for patience_ms, and was
   not asked after in the last two seconds. */
bool kafka_trouble_is_due(struct kafka_trouble *trouble, int patience_ms);

/* Whether the trouble keeps the client from the brokers until a person, or the broker, mends it. */
bool kafka_trouble_is_cause(const struct kafka_trouble *trouble);
/* What may be the reason when nothing is told of one: a broker that is asked without TLS, for one, just hangs
 * up. */
#define KAFKA_UNREACHED                                                                                      \
    "see that a broker is at CERTSWAP_KAFKA_BOOTSTRAP_SERVERS, with a listener for "                         \
    "CERTSWAP_KAFKA_SECURITY_PROTOCOL"

/* As kafka_err_code(), but where such a trouble stands behind the failure *err tells that one. */
bool kafka_err_told(struct err *err, const struct kafka_trouble *trouble, rd_kafka_resp_err_t code,
                    const char *what);

struct kafka_topic_state {
    size_t partition_count; /* at least 1 */
    bool is_led;            /* every partition has a leader */
};

/* What the brokers say now of the topic, or why that is not known: it is missing, may not be seen, or is
   being made. */
rd_kafka_resp_err_t kafka_topic_state(rd_kafka_t *client, const char *topic, int timeout_ms,
                                      struct kafka_topic_state *state);
/* A question that only works with a broker, and the topic (empty: none), in reach and allowed. */
rd_kafka_resp_err_t kafka_ask(rd_kafka_t *client, const char *topic, int timeout_ms);

const char *kafka_trouble_text(const struct kafka_trouble *trouble);

/* Queues a copy of the record, with `opaque` for its delivery report. `topic`: the record's, or NULL, and it
   is looked up. */
rd_kafka_resp_err_t kafka_produce(rd_kafka_t *client, rd_kafka_topic_t *topic,
                                  const struct kafka_record *record, void *opaque);
