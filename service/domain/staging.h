/* domain/staging: which events are staged, and which are refused before anybody looks at their credential. */
#pragma once

#include "base/err.h"
#include "domain/record.h"

/* Whether a certificateFormat is `Replace`, in any case of its (ASCII) letters. */
bool certificate_format_is_replace(struct span format);
/* Rule 1: every renewal, and the enrollments whose certificateFormat is Replace. The others are not looked
 * at. */
bool event_is_staged(const struct certificate_event *event);
/* Whether an event that is staged has usable ids; false with EVENT_INVALID. */
bool event_check(const struct certificate_event *event, struct err *err);

/* Rule 2: when the life of an event's material ends that is staged at now_ms, by the clock of that. */
int64_t event_ends(int64_t occurred_at_ms, int64_t now_ms, int64_t ttl_ms);

/* Reads the key of an inventory record, which must be its storeId; *value is NULL for a tombstone. False with
   INVENTORY_INVALID. has_key is false for a record without a key. */
bool inventory_key_check(bool has_key, struct span key, const struct store_inventory *value,
                         struct uuid *store_id, struct err *err);
