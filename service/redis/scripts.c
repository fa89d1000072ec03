#include "redis/scripts.h"

#include <assert.h>
#include <stddef.h>

static const char *const texts[REDIS_SCRIPT_COUNT] = {
#include "redis_scripts.inc"
};

const char *redis_script_text(enum redis_script script)
{
    assert(script < REDIS_SCRIPT_COUNT && texts[script] != NULL);
    return texts[script];
}
