/* config/values: the text of one variable, checked and stored in its field. */
#pragma once

#include "config/table.h"

/* Stores `text` (ended by a NUL, not empty) in the row's field. False where it cannot be that: a fault was
   added, and the field stays as it was. */
bool setting_store(const struct setting *setting, const char *text, struct settings *settings,
                   struct faults *faults);

/* The field of a row. */
static inline void *setting_field(const struct setting *setting, struct settings *settings)
{
    return (uint8_t *)settings + setting->offset;
}
static inline const void *setting_field_view(const struct setting *setting, const struct settings *settings)
{
    return (const uint8_t *)settings + setting->offset;
}

/* "redis://user:password@host:port/db", "unix://user:password@/path?db=n": NULL or what is wrong with it;
   what was stored until then stays in *address. Never names the password. `*no_memory` tells that it ran out
   of memory. */
const char *redis_address_parse(struct redis_address *address, const char *text, bool *no_memory);
void redis_address_free(struct redis_address *address);

/* "https://user:password@host:port/path": NULL or what is wrong with it, as above. */
const char *http_address_parse(struct http_address *address, const char *text, bool *no_memory);
void http_address_free(struct http_address *address);

/* "host:port" or "[IPv6]:port"; where `fallback_port` is not below 0 the port may be left out. NULL or what
   is wrong with it. *host is the caller's to free. */
const char *host_port_parse(char **host, int *port, int min_port, int fallback_port, struct span text,
                            bool *no_memory);
/* Whether a byte is below 0x20 or 0x7F. */
bool has_control(struct span text);
/* Decimal digits alone, min to max. */
bool integer_parse(int *value, struct span text, int min, int max);
