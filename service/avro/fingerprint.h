/* avro/fingerprint: CRC-64-AVRO (Avro specification, "Schema Fingerprints"). */
#pragma once

#include "base/span.h"

/* Rabin's fingerprint of the bytes, normally a Parsing Canonical Form. Single-object framing writes it
 * little-endian. */
uint64_t fingerprint_crc64(struct span bytes);
