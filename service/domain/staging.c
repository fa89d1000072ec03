#include "domain/staging.h"

bool certificate_format_is_replace(struct span format)
{
    static const char name[] = "replace";
    if (format.len != sizeof name - 1)
        return false;
    for (size_t i = 0; i < format.len; i++) {
        uint8_t letter = format.data[i];
        if (letter >= 'A' && letter <= 'Z')
            letter = (uint8_t)(letter - 'A' + 'a');
        if (letter != (uint8_t)name[i])
            return false;
    }
    return true;
}

bool event_is_staged(const struct certificate_event *event)
{
    return event->is_renewal || certificate_format_is_replace(event->certificate_format);
}

static bool check_id(const char *name, int32_t id, struct err *err)
{
    return id >= 1 || err_set(err, ERR_EVENT_INVALID,
                              "%s is %d; publish the event again with an id of 1 or more", name, id);
}

bool event_check(const struct certificate_event *event, struct err *err)
{
    return check_id("certificateId", event->certificate_id, err) &&
           check_id("requestId", event->request_id, err) &&
           (!event->is_renewal || check_id("renewedCertificateId", event->renewed_certificate_id, err));
}

int64_t event_ends(int64_t occurred_at_ms, int64_t now_ms, int64_t ttl_ms)
{
    return (occurred_at_ms < now_ms ? occurred_at_ms : now_ms) + ttl_ms;
}

bool inventory_key_check(bool has_key, struct span key, const struct store_inventory *value,
                         struct uuid *store_id, struct err *err)
{
    if (!has_key)
        return err_set(err, ERR_INVENTORY_INVALID,
                       "the record has no key; publish it with its storeId as key");
    if (!uuid_parse(store_id, key))
        return err_set(
            err, ERR_INVENTORY_INVALID,
            "the record's key is no GUID of the form 8-4-4-4-12; publish it with its storeId as key");
    if (value != NULL && !uuid_equal(store_id, &value->store_id))
        return err_set(err, ERR_INVENTORY_INVALID,
                       "the record's key is not its storeId; publish it with its storeId as key");
    return true;
}
