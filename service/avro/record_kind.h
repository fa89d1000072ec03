/* avro/record_kind: the contract's records and the schemas that certswap writes them by. Avro 1.12
 * specification. */
#pragma once

#include "base/span.h"

enum record_kind {
    RECORD_CERTIFICATE_ENROLLED,
    RECORD_CERTIFICATE_RENEWED,
    RECORD_STORE_INVENTORY,
    RECORD_REPLACE_COMMAND,
    RECORD_STORE_JOB,
    RECORD_REPLACE_RESULT,
    RECORD_CREDENTIAL,
    RECORD_SEALED_CREDENTIAL,
    RECORD_SEALED_PASSWORD,
    RECORD_KIND_COUNT
};

/* "io.certswap.v1.StoreJob": what ce_type says. */
const char *record_full_name(enum record_kind kind);
/* The schema file as it stands in schemas/, docs and defaults included: what a registry is given. Static. */
const char *record_schema_text(enum record_kind kind);
/* CRC-64-AVRO of the schema's Parsing Canonical Form. */
uint64_t record_fingerprint(enum record_kind kind);
