/* kafka/dead_letter: a record that cannot be used, as the dead-letter topic gets it: original key, headers
   and value, and Kafka Connect's error headers, in UTF-8. A value that may hold a plain secret is encrypted.
   No I/O. */
#pragma once

#include "base/err.h"
#include "crypto/at_rest.h"
#include "kafka/record.h"

#define DEAD_LETTER_PREFIX "__connect.errors."
/* Names the staging key that the value is encrypted with: nonce, ciphertext and tag, bound to
   "topic/partition/offset" as the error headers have them. */
#define DEAD_LETTER_ENCRYPTED "certswap-encrypted"

struct dead_letter_form {
    const char *topic; /* the dead-letter topic */
    const char *group_id;
    const struct keyring *keyring; /* encrypts a value that is not null; NULL: it stays as it came */
    struct buf *sealed;            /* holds the encrypted value; emptied first */
};

/* Makes *record and fills *headers (cleared first) from a consumed message and the error that refused it. The
   stage is VALUE_CONVERTER for a code of class CONVERSION, else TRANSFORMATION. Error headers that the
   original had, and DEAD_LETTER_ENCRYPTED, are replaced. *record borrows from message, form, headers and
   *form->sealed. False with ERR_NO_MEMORY. */
bool dead_letter_make(struct kafka_record *record, struct record_headers *headers,
                      const rd_kafka_message_t *message, const struct dead_letter_form *form,
                      const struct err *why, struct err *err);

/* The same in most_bytes at most: else the value stays where it was, and the message says so; if that does
   not do, so do the key and the original's headers. Less than the error headers it never is. */
bool dead_letter_make_within(struct kafka_record *record, struct record_headers *headers,
                             const rd_kafka_message_t *message, const struct dead_letter_form *form,
                             const struct err *why, size_t most_bytes, struct err *err);
