/* cli/event: what `enroll` and `renew` have in common: an event with a credential. */
#pragma once

#include "cli/credential.h"
#include "cli/options.h"
#include "cli/sealing.h"
#include "cli/session.h"

#include <jansson.h>

/* Rows of both. */
#define EVENT_ROWS                                                                                           \
    {.name = "file",                                                                                         \
     .letter = 'f',                                                                                          \
     .kind = OPTION_FILE,                                                                                    \
     .value = "FILE",                                                                                        \
     .help = "the record as JSON, or an array of them; - is standard input"},                                \
        {.name = "certificate-id",                                                                           \
         .letter = 'c',                                                                                      \
         .kind = OPTION_NUMBER,                                                                              \
         .of_record = true,                                                                                  \
         .least = 1,                                                                                         \
         .value = "ID",                                                                                      \
         .help = "the new certificate"},                                                                     \
        {.name = "request-id",                                                                               \
         .letter = 'r',                                                                                      \
         .kind = OPTION_NUMBER,                                                                              \
         .of_record = true,                                                                                  \
         .least = 1,                                                                                         \
         .value = "ID",                                                                                      \
         .help = "the certificate request it came from"},                                                    \
        {.name = "requester",                                                                                \
         .letter = 'u',                                                                                      \
         .kind = OPTION_TEXT,                                                                                \
         .of_record = true,                                                                                  \
         .value = "USER",                                                                                    \
         .help = "who made the request; only this user may replace with it"},                                \
        CREDENTIAL_ROWS, SEAL_TO_ROW,                                                                        \
        {.name = "thumbprint",                                                                               \
         .kind = OPTION_TEXT,                                                                                \
         .of_record = true,                                                                                  \
         .value = "HEX",                                                                                     \
         .help = "the certificate's SHA-1; computed when absent"},                                           \
        {.name = "event-id",                                                                                 \
         .kind = OPTION_UUID,                                                                                \
         .of_record = true,                                                                                  \
         .value = "GUID",                                                                                    \
         .help = "the event's id; a random one when absent"},                                                \
    {                                                                                                        \
        .name = "occurred-at", .kind = OPTION_TIME, .of_record = true, .value = "TIME",                      \
        .help = "when it was acquired; now when absent"                                                      \
    }

/* Sends the events of --file, or the one that the flags describe; `own` adds the fields of its kind to the
 * latter. */
int event_send(const struct options *options, enum record_kind kind,
               bool (*own)(const struct options *options, json_t *object, struct err *err));
