/* cli/send: encodes the records of one input and sends them, all or, when one cannot be encoded, none. */
#pragma once

#include "cli/record_input.h"
#include "cli/session.h"

/* What a subcommand sends, and what it says about it. */
struct send_plan {
    enum record_kind kind;
    const char *topic;
    const char *key_field;    /* of the record: its key on the topic */
    const char *id_field;     /* shown beside the key; NULL for none */
    const char *const *extra; /* further fields shown, ended by NULL; NULL for none */
};

/* Encodes all objects of the array, then sends them one by one, and prints a line for each (JSON: an object).
   The exit status. `quiet`: prints nothing when all went well. */
int send_records(const struct options *options, const struct session *session, const struct send_plan *plan,
                 const json_t *objects, bool quiet);
/* Sends a tombstone for the key. */
int send_tombstone(const struct options *options, const struct session *session, const char *topic,
                   const char *key);
