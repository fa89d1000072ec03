#include "pipeline/staging_keys.h"

#include "log/log.h"
#include "pipeline/batch.h"
#include "pipeline/refresh.h"

#include <stdlib.h>

struct staging_keys {
    struct keyring *ring;
    bool require_sealed;
    struct err trouble; /* of the last refresh */
};

struct staging_keys *staging_keys_new(const struct settings *settings, struct err *err)
{
    struct staging_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the staging keys");
        return NULL;
    }
    const char *file = settings_file_view(settings, "CERTSWAP_STAGING_KEYS");
    keys->require_sealed = settings->require_sealed;
    keys->ring = keyring_parse(secret_span(&settings->staging_keys), err);
    if (keys->ring != NULL && (file == NULL || keyring_follow(keys->ring, file, err)))
        return keys;
    staging_keys_free(keys);
    return NULL;
}

void staging_keys_free(struct staging_keys *keys)
{
    if (keys == NULL)
        return;
    keyring_free(keys->ring);
    free(keys);
}

void staging_keys_refresh(struct staging_keys *keys)
{
    struct err err = {0};
    bool changed;
    keyring_refresh(keys->ring, monotonic_us() / 1000, &changed, &err);
    if (changed)
        log_info("staging keys changed", log_str("first", keyring_sealing_key(keys->ring)->kid),
                 log_int("count", (int64_t)keyring_count(keys->ring)));
    refresh_note("CERTSWAP_STAGING_KEYS_FILE", METRIC_STAGING_KEYS_REFRESH_FAILURES, &keys->trouble, &err);
}

const struct keyring *staging_keys_ring(const struct staging_keys *keys)
{
    return keys->ring;
}

const struct keyring *staging_keys_for_dead_letters(const struct staging_keys *keys)
{
    return keys->require_sealed ? keys->ring : NULL;
}
