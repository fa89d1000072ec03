#include "domain/permission.h"

#include <stdio.h>
#include <stdlib.h>

static const struct span enrollment = {(const uint8_t *)"/certificates/enrollment/pfx/", 29};
static const struct span schedule = {(const uint8_t *)"/certificate_stores/schedule/", 29};

_Static_assert(sizeof "/certificates/enrollment/pfx/" - 1 == 29, "length of the permission");
_Static_assert(sizeof "/certificate_stores/schedule/" - 1 == 29, "length of the permission");

static bool starts_with(struct span text, struct span start)
{
    return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

/* Reads <containerId>/ behind the schedule permission; only the one way of writing the number counts. */
static bool read_container(struct span text, int32_t *container_id)
{
    char digits[16];
    if (text.len < 2 || text.len >= sizeof digits || text.data[text.len - 1] != '/')
        return false;
    memcpy(digits, text.data, text.len - 1);
    digits[text.len - 1] = '\0';
    long long value = strtoll(digits, NULL, 10);
    char canonical[24];
    int len = snprintf(canonical, sizeof canonical, "%lld/", value);
    *container_id = (int32_t)value;
    return value >= INT32_MIN && value <= INT32_MAX && span_equal(span_of(canonical, (size_t)len), text);
}

static int by_value(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

bool permission_read(struct arena *arena, const struct principal *principal, struct permission_set *set,
                     struct err *err)
{
    *set = (struct permission_set){0};
    size_t most = 0;
    for (size_t i = 0; i < principal->permission_count; i++)
        most += starts_with(principal->permissions[i], schedule);
    if (most > 0) {
        set->containers = arena_array(arena, most, sizeof *set->containers);
        if (set->containers == NULL)
            return err_set(err, ERR_NO_MEMORY, "no memory for a command's permissions");
    }
    for (size_t i = 0; i < principal->permission_count; i++) {
        struct span permission = principal->permissions[i];
        int32_t container_id;
        if (span_equal(permission, enrollment))
            set->enrollment = true;
        else if (span_equal(permission, schedule))
            set->all_stores = true;
        else if (starts_with(permission, schedule) &&
                 read_container(span_of(permission.data + schedule.len, permission.len - schedule.len),
                                &container_id))
            set->containers[set->container_count++] = container_id;
    }
    if (set->container_count > 1)
        qsort(set->containers, set->container_count, sizeof *set->containers, by_value);
    return true;
}

bool permission_check(const struct permission_set *set, struct err *err)
{
    if (!set->enrollment)
        return err_set(err, ERR_FORBIDDEN, "the user lacks the permission %.*s; have it granted",
                       SPAN_ARG(enrollment));
    if (!set->all_stores && set->container_count == 0)
        return err_set(
            err, ERR_FORBIDDEN,
            "the user may schedule jobs for no store; have %.*s (all stores) or %.*s<containerId>/ granted",
            SPAN_ARG(schedule), SPAN_ARG(schedule));
    return true;
}

bool permission_for_store(const struct permission_set *set, bool has_container_id, int32_t container_id)
{
    if (set->all_stores)
        return true;
    return has_container_id && set->container_count > 0 &&
           bsearch(&container_id, set->containers, set->container_count, sizeof container_id, by_value) !=
               NULL;
}
