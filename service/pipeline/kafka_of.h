/* pipeline/kafka_of: what the settings say of Kafka, for the service, the tool and its gateway. */
#pragma once

#include "config/settings.h"
#include "kafka/client.h"

/* The properties that every Kafka client of the process gets, CERTSWAP_KAFKA_BOOTSTRAP_SERVERS among them.
   The texts are the settings'. `count` is set; NULL when out of memory; freed with free(). */
struct kafka_property *kafka_properties_of(const struct settings *settings, size_t *count);

/* Has the process's clients follow the file of CERTSWAP_KAFKA_SASL_PASSWORD_FILE, if it is set. Before the
   first client is made; borrows the settings until kafka_login_end(). */
void kafka_login_of(const struct settings *settings);

/* A kafka_log_fn that writes to the log: errors as warnings, certswap's own notices as such, the rest for
 * debugging. */
void kafka_log_write(int level, const char *client, const char *text);
