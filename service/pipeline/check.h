/* pipeline/check: what the settings' table alone cannot judge: librdkafka's properties, the files for TLS to
   Redis, the staging keys, the folders of schemas and of sealing keys, the files of token keys and of a key
   server's issuers. Every fault goes to the same list. */
#pragma once

#include "avro/schema_set.h"
#include "config/settings.h"
#include "crypto/keyring.h"
#include "kafka/client.h"

/* Logs a warning for each setting that weakens the connections, or keeps them from being made. */
void warn_of_settings(const struct settings *settings);

/* Adds what is wrong to the faults; a settings_check_fn. Uses the cryptographic library for itself: call it
   before crypto_library_start or after crypto_library_stop. */
void check_settings(const struct settings *settings, struct faults *faults);
