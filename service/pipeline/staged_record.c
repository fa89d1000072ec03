#include "pipeline/staged_record.h"

#include <inttypes.h>

enum {
    VERSION = 2,
    HEAD_LEN = 5, /* version, length of the requester (4 bytes, big-endian) */
    LIFE_LEN = sizeof(struct uuid) + 2 * 8,
    /* Redis expires by the time at which a script began: it may hand a value out at the very end of its life.
     */
    LATE_MS = 1000,
};

static void put_number(struct buf *out, int64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_put_byte(out, (uint8_t)((uint64_t)number >> shift & 255));
}

static int64_t take_number(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

bool staged_record_seal(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span requester, const struct staged_life *life,
                        const struct material *material, struct span *record, struct err *err)
{
    AUTO(buf) struct buf plain = {0};
    AUTO(buf) struct buf out = {0};
    uint32_t len = (uint32_t)requester.len;
    struct span binding = staging_binding(arena, certificate_id, requester);
    buf_put(&out, (uint8_t[HEAD_LEN]){VERSION, len >> 24 & 255, len >> 16 & 255, len >> 8 & 255, len & 255},
            HEAD_LEN);
    buf_put(&out, requester.data, requester.len);
    buf_put(&plain, life->event_id.bytes, sizeof life->event_id.bytes);
    put_number(&plain, life->occurred_at_ms);
    put_number(&plain, life->ends_ms);
    if (binding.data == NULL || !material_pack(material, &plain) || out.failed)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
    if (!at_rest_seal(keyring, binding, buf_span(&plain), &out, err))
        return false;
    *record = arena_copy(arena, buf_span(&out));
    return record->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
}

static bool take_plain(struct span plain, struct staged_life *life, struct material *material,
                       struct err *err)
{
    if (plain.len < LIFE_LEN)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the staged value lacks its event: enroll or renew the certificate again");
    memcpy(life->event_id.bytes, plain.data, sizeof life->event_id.bytes);
    life->occurred_at_ms = take_number(plain.data + sizeof life->event_id.bytes);
    life->ends_ms = take_number(plain.data + sizeof life->event_id.bytes + 8);
    return material_unpack(span_of(plain.data + LIFE_LEN, plain.len - LIFE_LEN), material, err);
}

bool staged_record_open(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span record, struct span *requester, struct staged_life *life,
                        struct material *material, struct err *err)
{
    const uint8_t *head = record.data;
    if (record.len < HEAD_LEN || head[0] != VERSION)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the staged value has an unknown form: enroll or renew the certificate again");
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (len > record.len - HEAD_LEN)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the staged value is cut: enroll or renew the certificate again");
    *requester = span_of(head + HEAD_LEN, len);
    struct span sealed = span_of(head + HEAD_LEN + len, record.len - HEAD_LEN - len);
    struct span binding = staging_binding(arena, certificate_id, *requester);
    if (binding.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
    AUTO(secret) struct secret plain = {0};
    return at_rest_open(keyring, binding, sealed, &plain, err) &&
           take_plain(secret_span(&plain), life, material, err);
}

/* Its life ended at that moment. */
static enum staged_state expired(int64_t ended_ms, int64_t now_ms, struct err *why)
{
    if (now_ms - ended_ms > LATE_MS)
        err_set(why, ERR_STAGING_EXPIRED,
                "the staged value is still there %" PRId64
                " ms after the end of its life: somebody prolonged it, or Redis' clock jumped",
                now_ms - ended_ms);
    return STAGED_EXPIRED;
}

static enum staged_state refused(const char *what, struct err *why)
{
    err_set(why, ERR_CREDENTIAL_INVALID, "%s: enroll or renew the certificate again", what);
    return STAGED_REFUSED;
}

static enum staged_state judge_life(const struct staged_lookup *lookup, const struct staged_life *life,
                                    struct err *why)
{
    if (!uuid_equal(&life->event_id, &lookup->marker.event_id) ||
        life->occurred_at_ms != lookup->marker.occurred_at_ms)
        return refused("the staged value is not that of the certificate's newest event, it was put back",
                       why);
    return life->ends_ms > lookup->now_ms ? STAGED_FOUND : expired(life->ends_ms, lookup->now_ms, why);
}

bool staged_record_judge(struct arena *arena, const struct keyring *keyring,
                         const struct staged_lookup *lookup, enum staged_state *state, struct span *requester,
                         struct material *material, struct err *why, struct err *err)
{
    struct staged_life life;
    if (!lookup->has_marker) {
        *state = refused("the staged value has no marker beside it that says which event it is of", why);
    } else if (lookup->marker.ends_ms <= lookup->now_ms) {
        *state = expired(lookup->marker.ends_ms, lookup->now_ms, why);
    } else if (lookup->refused.data != NULL) {
        *state = refused("the staged value is of a credential that was refused, it was put back", why);
    } else if (staged_record_open(arena, keyring, lookup->certificate_id, lookup->record, requester, &life,
                                  material, why)) {
        *state = judge_life(lookup, &life, why);
    } else if (why->code == ERR_NO_MEMORY) {
        return err_set(err, why->code, "%s", why->text);
    } else {
        *state = STAGED_REFUSED;
    }
    return true;
}
