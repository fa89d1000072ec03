/* avro/schema_set: the schemas that messages may be written by: certswap's own and those of other writers,
   found by fingerprint. Immutable once made, so all threads share one. */
#pragma once

#include "avro/record_kind.h"
#include "base/auto.h"
#include "base/err.h"

struct schema_set;
struct schema;

/* Own schemas and every *.avsc of the folder (NULL: own only; names that begin with a dot are passed over).
   NULL with ERR_CONFIG_INVALID that names every file that cannot be read or is no Avro schema, or with
   ERR_NO_MEMORY. */
struct schema_set *schema_set_new(const char *schemas_dir, struct err *err);
void schema_set_free(struct schema_set *set);
AUTO_DEFINE(schema_set, struct schema_set, schema_set_free);

/* How many schemas can be told apart, own ones included. */
size_t schema_set_count(const struct schema_set *set);
/* The schema with this CRC-64-AVRO fingerprint; NULL with ERR_AVRO_INVALID where it is not known. */
const struct schema *schema_set_find(const struct schema_set *set, uint64_t fingerprint, struct err *err);
