/* config/names: what the name of a CERTSWAP_ variable means when no row of the table has it. */
#pragma once

#include "base/span.h"

/* CERTSWAP_SERVICE_HOST, CERTSWAP_REDIS_PORT_6379_TCP and the like, which Kubernetes sets for every service.
 */
bool name_is_service_link(const char *name);
/* The row, or the _FILE twin of a row, whose name takes the fewest edits. Never fails; `nearest` has room for
 * it. */
enum { NAME_MAX_LEN = 96 };
void name_nearest(const char *name, char nearest[NAME_MAX_LEN]);

/* "SASL_PASSWORD" gives "sasl.password"; NULL where a character is none of A-Z, 0-9 and _, or out of memory
   (*no_memory). The caller frees. */
char *kafka_property_name(const char *suffix, bool *no_memory);
/* Whether the property's value is a password, a key or holds one. */
bool kafka_property_is_secret(const char *property);
/* What is in the name of each that is; ended by NULL. */
extern const char *const kafka_secret_parts[];
/* Why certswap sets this property itself, and what to do; NULL where it does not. */
const char *kafka_property_owned(const char *property);
