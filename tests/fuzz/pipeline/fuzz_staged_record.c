/* A staged value as Redis gives it. The first byte says whether the rest is that value, which nobody without
   the key can have made, or what stands within: then it is sealed here, for the name that comes first; or
   what stands behind its event within. */
#include "crypto/library.h"
#include "pipeline/staged_record.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CERTIFICATE = 7, NAME_LEN = 4 };

static struct keyring *keyring;
static struct arena *arena;

static void start_once(void)
{
    if (keyring != NULL)
        return;
    assert(crypto_library_start(NULL));
    keyring = keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    arena = arena_new(0);
    assert(keyring != NULL && arena != NULL);
}

/* The value that certswap would have written, had it had these bytes as its content, or as its material. */
static void seal(struct span name, bool material, struct span bytes, struct buf *out)
{
    static const uint8_t event[32] = {1};
    struct span binding = staging_binding(arena, CERTIFICATE, name);
    AUTO(buf) struct buf content = {0};
    buf_put(&content, event, material ? sizeof event : 0);
    buf_put(&content, bytes.data, bytes.len);
    buf_put(out, (uint8_t[]){2, 0, 0, 0, (uint8_t)name.len}, 5);
    buf_put(out, name.data, name.len);
    assert(at_rest_seal(keyring, binding, buf_span(&content), out, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) struct buf sealed = {0};
    struct material material = {0};
    struct staged_life life, again_life;
    struct span requester, again;
    struct err err = {0};
    if (size <= NAME_LEN)
        return 0;
    start_once();
    arena_reset(arena);
    bool within = data[0] % 2 == 1;
    struct span record = span_of(data + 1, size - 1);
    if (within) {
        seal(span_of(data + 1, NAME_LEN - 1), data[0] % 4 == 1, span_of(data + NAME_LEN, size - NAME_LEN),
             &sealed);
        record = buf_span(&sealed);
    }
    if (!staged_record_open(arena, keyring, CERTIFICATE, record, &requester, &life, &material, &err))
        assert(err.code == ERR_CREDENTIAL_INVALID);
    else {
        assert(within && span_equal(requester, span_of(data + 1, NAME_LEN - 1)));
        struct material same = {0};
        assert(staged_record_seal(arena, keyring, CERTIFICATE, requester, &life, &material, &record, NULL));
        assert(staged_record_open(arena, keyring, CERTIFICATE, record, &again, &again_life, &same, NULL));
        assert(uuid_equal(&life.event_id, &again_life.event_id) && life.ends_ms == again_life.ends_ms);
        material_free(&same);
        /* It is bound to its certificate. */
        assert(
            !staged_record_open(arena, keyring, CERTIFICATE + 1, record, &again, &again_life, &same, NULL));
    }
    material_free(&material);
    return 0;
}
