#include "pipeline/staged_record.h"

enum { VERSION = 1, HEAD_LEN = 5 }; /* version, length of the requester (4 bytes, big-endian) */

bool staged_record_seal(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span requester, const struct material *material, struct span *record,
                        struct err *err)
{
    AUTO(buf) struct buf plain = {0};
    AUTO(buf) struct buf out = {0};
    uint32_t len = (uint32_t)requester.len;
    struct span binding = staging_binding(arena, certificate_id, requester);
    buf_put(&out, (uint8_t[HEAD_LEN]){VERSION, len >> 24 & 255, len >> 16 & 255, len >> 8 & 255, len & 255},
            HEAD_LEN);
    buf_put(&out, requester.data, requester.len);
    if (binding.data == NULL || !material_pack(material, &plain) || out.failed)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
    if (!at_rest_seal(keyring, binding, buf_span(&plain), &out, err))
        return false;
    *record = arena_copy(arena, buf_span(&out));
    return record->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
}

bool staged_record_open(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span record, struct span *requester, struct material *material,
                        struct err *err)
{
    const uint8_t *head = record.data;
    if (record.len < HEAD_LEN || head[0] != VERSION)
        return err_set(err, ERR_CREDENTIAL_INVALID, "the staged value has an unknown form: enroll again");
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (len > record.len - HEAD_LEN)
        return err_set(err, ERR_CREDENTIAL_INVALID, "the staged value is cut: enroll again");
    *requester = span_of(head + HEAD_LEN, len);
    struct span sealed = span_of(head + HEAD_LEN + len, record.len - HEAD_LEN - len);
    struct span binding = staging_binding(arena, certificate_id, *requester);
    if (binding.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
    AUTO(secret) struct secret plain = {0};
    return at_rest_open(keyring, binding, sealed, &plain, err) &&
           material_unpack(secret_span(&plain), material, err);
}
