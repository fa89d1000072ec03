/* kafka/login: the password of SASL's PLAIN and SCRAM, read again when its file changes, for every client of
   the process while it lives. librdkafka takes a new one for the next connection; those that stand stay. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

/* Follows the file from now on. Call before the first client is made; both texts are borrowed until
   kafka_login_end(), which is called when no client is left. */
void kafka_login_follow(const char *user, const char *password_file);
void kafka_login_end(void);

/* Looks whether the file has changed, at most every 5 seconds by the monotonic clock_ms, and gives its
   password to all clients. A file that cannot be read is told to the log; the password of before stays. Any
   thread: the handles do it as they are polled, and at each trouble of theirs. */
void kafka_login_look(int64_t clock_ms);

/* For kafka/client. Puts the password of the file into a new client's configuration, once one was read. */
void kafka_login_configure(rd_kafka_conf_t *conf);
/* A client that lives from now on, or goes. False when out of memory. */
bool kafka_login_add(rd_kafka_t *client);
void kafka_login_remove(rd_kafka_t *client);
