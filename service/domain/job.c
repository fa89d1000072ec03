#include "domain/job.h"

#include <assert.h>
#include <stdlib.h>

/* UUIDv5 of storeId, a slash and the alias, in memory that is large enough for them. */
static struct uuid id_in(uint8_t *name, const struct uuid *command_id, const struct uuid *store_id,
                         struct span alias)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(store_id, text);
    memcpy(name, text, UUID_TEXT_LEN);
    name[UUID_TEXT_LEN] = '/';
    if (alias.len > 0)
        memcpy(name + UUID_TEXT_LEN + 1, alias.data, alias.len);
    return uuid_v5(command_id, span_of(name, UUID_TEXT_LEN + 1 + alias.len));
}

bool job_id(struct arena *arena, const struct uuid *command_id, const struct uuid *store_id,
            struct span alias, struct uuid *id)
{
    uint8_t few[256];
    uint8_t *name = few;
    if (alias.len > sizeof few - UUID_TEXT_LEN - 1)
        name = arena_alloc(arena, UUID_TEXT_LEN + 1 + alias.len);
    if (name == NULL)
        return false;
    *id = id_in(name, command_id, store_id, alias);
    return true;
}

bool job_fill(struct arena *arena, const struct plan *plan, size_t store, size_t job, int64_t now_ms,
              struct store_job *out, struct err *err)
{
    assert(store < plan->store_count && plan->stores[store].failure == ERR_NONE);
    const struct plan_store *to = &plan->stores[store];
    assert(job >= to->first_job && job - to->first_job < to->job_count);
    const struct inventory_store *held = to->store;
    uint32_t entry = plan->jobs[job].entry;
    *out = (struct store_job){
        .command_id = plan->command->command_id,
        .store_id = to->id,
        .agent_id = held->agent->agent_id,
        .store_type = held->type->short_name,
        .client_machine = *held->client_machine,
        .store_path = store_path(held),
        .has_container_id = held->has_container_id,
        .container_id = held->container_id,
        .alias = store_alias(held, entry),
        .overwrite = true,
        .existing_certificate_id = plan->command->existing_certificate_id,
        .existing_thumbprint = store_thumbprint(arena, held, entry),
        .certificate_id = plan->certificate_id,
        .thumbprint = plan->thumbprint,
        .has_scheduled_at = plan->view.has_scheduled_at,
        .scheduled_at_ms = plan->view.scheduled_at_ms,
        .requested_by = plan->command->principal.user,
        .created_at_ms = now_ms,
    };
    if (out->existing_thumbprint.data == NULL ||
        !job_id(arena, &out->command_id, &out->store_id, out->alias, &out->job_id))
        return err_set(err, ERR_NO_MEMORY, "no memory for a job");
    return true;
}
