/* gateway/exchange: commands out, results in. One thread reads the results topic for all requests, from
   before the first command is sent. */
#pragma once

#include "gateway/waiting.h"
#include "kafka/client.h"
#include "registry/registry.h"

struct exchange_options {
    const struct kafka_property *properties;
    size_t property_count;
    const struct schema_set *schemas;
    struct registry *registry; /* NULL: none is set */
    const char *group_id;      /* never joined, see kafka/reader.h */
    const char *commands_topic;
    const char *results_topic;
    struct span seal_to; /* the service's certificate, DER; empty: passwords go out as they come */
    int timeout_ms;      /* how long a request waits for its result */
    size_t most_waiting;
    /* Called by the exchange's thread, at least every second or so, with the monotonic time. */
    void (*tick)(void *arg, int64_t now_ms);
    void *tick_arg;
};

struct exchange;

/* Everything pointed to by the options must stay. Starts also without Kafka, and is not ready then. NULL and
 * *err. */
struct exchange *exchange_start(const struct exchange_options *options, struct err *err);
/* Answers all that wait with STOPPING, and ends the thread: from now on every request is answered so at once.
 */
void exchange_close(struct exchange *exchange);
/* After exchange_close(), and when nobody sends any more. */
void exchange_free(struct exchange *exchange);

/* Sends the command, whose commandId and issuedAt are set here where has_id is false (the id) and always (the
   moment). True: waiter->wake is called when its answer is filled. False: the answer is filled. One thread
   calls it. `digest` tells requests with the same id apart. */
bool exchange_send(struct exchange *exchange, struct replace_command *command, bool has_id,
                   const uint8_t digest[WAITING_DIGEST_LEN], struct waiter *waiter);
/* Requests that wait now. */
size_t exchange_waiting(struct exchange *exchange);
/* Whether Kafka answers and the results are read; if not, why, a line. Any thread. */
bool exchange_is_ready(struct exchange *exchange, struct buf *reasons);

/* Milliseconds of the monotonic clock. */
int64_t exchange_clock_ms(void);
