/* The plan against a naive one: no index, no packing, no early end; the contract's sentences one by one. */
#include "world.h"

#include <criterion/criterion.h>

enum { ROUNDS = 1500 };

static uint64_t seed;

static unsigned below(unsigned limit)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % limit;
}

static bool rarely(void)
{
    return below(6) == 0;
}

static void random_store(struct world *world, size_t i)
{
    static const char *const aliases[] = {"", "web", "web2", "api", "0", "WEB"};
    struct store_inventory *store = &world->stores[i];
    store->store_id = world_store_id(below(8));
    store->type.format = (enum credential_format)below(2);
    store->type.pkcs12_profile = (enum pkcs12_profile)below(2);
    store->type.private_key = (enum private_key_policy)below(3);
    store->type.entry_password_required = rarely();
    store->type.add_supported = !rarely();
    store->has_container_id = !rarely();
    store->container_id = (int32_t)below(3) - 1;
    store->approved = !rarely();
    store->has_agent = !rarely();
    store->agent.has_certificate = rarely();
    store->entry_count = below(WORLD_ENTRIES + 1);
    for (size_t e = 0; e < store->entry_count; e++) {
        store->entries[e] = (struct store_entry){
            .alias = span_text(aliases[below(6)]),
            .certificate_id = EXISTING + (int32_t)below(3) - 1,
            .thumbprint = SPAN_LITERAL("not hexadecimal"),
            .chain_level = rarely(),
            .has_private_key = below(2),
        };
    }
}

static void random_world(struct world *world)
{
    static const char *const permissions[] = {
        "/certificates/enrollment/pfx/",    "/certificate_stores/schedule/",
        "/certificate_stores/schedule/0/",  "/certificate_stores/schedule/1/",
        "/certificate_stores/schedule/-1/", "/certificate_stores/schedule/00/"};
    static const char *const times[] = {"2026-09-21T14:13:20Z", "2026-09-21T14:13:21Z", "2026-09-21T14:13:20",
                                        ""};
    world_init(world);
    world->store_count = WORLD_STORES;
    for (size_t i = 0; i < WORLD_STORES; i++)
        random_store(world, i);
    for (size_t i = 1; i < WORLD_PERMISSIONS; i++)
        world->permissions[i] = span_text(permissions[below(6)]);
    world->command.principal.permission_count = 2 + below(3);
    world->command.password_kind = rarely() ? PASSWORD_SEALED : (enum password_kind)below(2);
    if (rarely())
        world->command.password = SPAN_LITERAL("");
    world->command.has_job_time = below(3) == 0;
    world->command.job_time = span_text(times[rarely() ? below(4) : below(2)]);
    world->command.has_store_ids = below(2);
    world->command.store_ids = world->store_ids;
    world->command.store_id_count = rarely() ? 0 : 1 + below(WORLD_STORES);
    for (size_t i = 0; i < world->command.store_id_count; i++)
        world->store_ids[i] = world_guid(world, below(10));
    world->command.dry_run = below(2);
    world->staged.state = rarely() ? (enum staged_state)below(4) : STAGED_FOUND;
    if (rarely())
        world->staged.requester = SPAN_LITERAL("somebody");
    if (rarely())
        world->staged.certificate_id = EXISTING;
    world->policy.max_stores_per_command = rarely() ? below(4) : 5;
    world->policy.require_sealed = rarely();
    world->policy.can_unseal = !rarely();
    world->password.opened = !rarely();
    if (rarely())
        world->password.text = SPAN_LITERAL("");
}

static bool may(const struct world *world, const char *permission)
{
    for (size_t i = 0; i < world->command.principal.permission_count; i++) {
        if (span_equal(world->permissions[i], span_text(permission)))
            return true;
    }
    return false;
}

/* The store's record that counts: the last with its id; NULL for none. */
static const struct store_inventory *naive_record(const struct world *world, size_t id)
{
    struct uuid wanted = world_store_id(id);
    for (size_t i = WORLD_STORES; i-- > 0;) {
        if (uuid_equal(&world->stores[i].store_id, &wanted))
            return &world->stores[i];
    }
    return NULL;
}

static bool counts(const struct store_entry *entry)
{
    return entry->chain_level == 0 && entry->certificate_id == EXISTING;
}

/* How many aliases of the record have the certificate; variants of the jobs as bits. */
static size_t naive_aliases(const struct store_inventory *record, unsigned *variants)
{
    size_t aliases = 0;
    *variants = 0;
    for (size_t i = 0; record != NULL && i < record->entry_count; i++) {
        bool last = counts(&record->entries[i]);
        for (size_t j = i + 1; j < record->entry_count; j++)
            last = last && !(counts(&record->entries[j]) &&
                             span_equal(record->entries[i].alias, record->entries[j].alias));
        if (!last)
            continue;
        aliases++;
        unsigned variant = record->type.format == CREDENTIAL_PEM ? 4 : record->type.pkcs12_profile * 2;
        if (record->type.private_key == PRIVATE_KEY_REQUIRED ||
            (record->type.private_key == PRIVATE_KEY_OPTIONAL && record->entries[i].has_private_key))
            variant++;
        *variants |= 1U << variant;
    }
    return aliases;
}

static bool asked_for(const struct world *world, size_t id)
{
    struct uuid wanted = world_store_id(id);
    struct uuid asked;
    for (size_t i = 0; i < world->command.store_id_count; i++) {
        if (uuid_parse(&asked, world->store_ids[i]) && uuid_equal(&asked, &wanted))
            return true;
    }
    return false;
}

static bool listed(const struct world *world, size_t id)
{
    unsigned variants;
    return world->command.has_store_ids ? asked_for(world, id)
                                        : naive_aliases(naive_record(world, id), &variants) > 0;
}

static bool naive_has_password(const struct world *world)
{
    return world->command.password_kind == PASSWORD_SEALED
               ? world->password.text.len > 0
               : world->command.password_kind == PASSWORD_PLAIN && world->command.password.len > 0;
}

static enum err_code naive_rejection(const struct world *world)
{
    const struct replace_command *command = &world->command;
    bool unreadable = command->job_time.len != 20;
    if ((command->has_job_time && unreadable) || (command->has_store_ids && command->store_id_count == 0))
        return ERR_INVALID_COMMAND;
    bool any = may(world, "/certificate_stores/schedule/") || may(world, "/certificate_stores/schedule/0/") ||
               may(world, "/certificate_stores/schedule/1/") ||
               may(world, "/certificate_stores/schedule/-1/");
    if (!any || !may(world, "/certificates/enrollment/pfx/"))
        return ERR_FORBIDDEN;
    if (command->password_kind == PASSWORD_SEALED ? !world->policy.can_unseal || !world->password.opened
                                                  : naive_has_password(world) && world->policy.require_sealed)
        return ERR_SEAL_INVALID;
    if (world->staged.state != STAGED_FOUND)
        return world->staged.state == STAGED_MISSING   ? ERR_NOT_STAGED
               : world->staged.state == STAGED_EXPIRED ? ERR_STAGING_EXPIRED
                                                       : ERR_CREDENTIAL_INVALID;
    if (!span_equal(world->staged.requester, command->principal.user))
        return ERR_NOT_REQUESTER;
    if (world->staged.certificate_id == EXISTING)
        return ERR_INVALID_COMMAND;
    size_t count = 0;
    for (size_t id = 0; id < 10; id++)
        count += listed(world, id);
    return count > world->policy.max_stores_per_command ? ERR_TOO_MANY_STORES : ERR_NONE;
}

static enum err_code naive_failure(const struct world *world, const struct store_inventory *record)
{
    unsigned variants;
    if (naive_aliases(record, &variants) == 0)
        return ERR_NOT_IN_STORE;
    char permission[64];
    snprintf(permission, sizeof permission, "/certificate_stores/schedule/%d/", record->container_id);
    if (!may(world, "/certificate_stores/schedule/") && !(record->has_container_id && may(world, permission)))
        return ERR_NOT_AUTHORIZED;
    if (!record->approved)
        return ERR_NOT_APPROVED;
    if (!record->has_agent)
        return ERR_NO_AGENT;
    if (!record->type.add_supported)
        return ERR_ADD_UNSUPPORTED;
    if (record->type.entry_password_required && !naive_has_password(world))
        return ERR_ENTRY_PASSWORD_REQUIRED;
    if (!record->agent.has_certificate && world->policy.require_sealed)
        return ERR_SEALING_FAILED;
    return ERR_NONE;
}

static void compare_jobs(const struct plan *plan, const struct plan_store *store, unsigned variants)
{
    unsigned seen = 0;
    struct span alias = {0};
    for (size_t j = store->first_job; j < store->first_job + store->job_count; j++) {
        seen |= 1U << plan->jobs[j].variant;
        struct span next = store_alias(store->store, plan->jobs[j].entry);
        cr_assert_eq(store->store->entries[plan->jobs[j].entry].certificate_id, EXISTING);
        cr_assert(j == store->first_job || span_compare(alias, next) < 0);
        alias = next;
    }
    cr_assert_eq(seen, variants);
}

static unsigned outcomes[ERR_CODE_COUNT + 1];

static void compare(struct world *world, int round)
{
    const struct plan *plan = world_plan(world);
    enum err_code rejection = naive_rejection(world);
    outcomes[rejection]++;
    cr_assert_eq(plan->rejection, rejection, "round %d: %s, not %s", round, err_name(plan->rejection),
                 err_name(rejection));
    size_t at = 0;
    size_t failed = 0;
    size_t jobs = 0;
    for (size_t id = 0; rejection == ERR_NONE && id < 10; id++) {
        if (!listed(world, id))
            continue;
        struct uuid wanted = world_store_id(id);
        cr_assert_lt(at, plan->store_count, "round %d", round);
        const struct plan_store *store = &plan->stores[at++];
        cr_assert(uuid_equal(&store->id, &wanted), "round %d", round);
        const struct store_inventory *record = naive_record(world, id);
        enum err_code failure = naive_failure(world, record);
        outcomes[failure]++;
        cr_assert_eq(store->failure, failure, "round %d: %s, not %s", round, err_name(store->failure),
                     err_name(failure));
        unsigned variants;
        size_t aliases = naive_aliases(record, &variants);
        cr_assert_eq(store->job_count, failure == ERR_NONE ? aliases : 0, "round %d", round);
        failed += failure != ERR_NONE;
        jobs += store->job_count;
        if (failure == ERR_NONE)
            compare_jobs(plan, store, variants);
    }
    cr_assert_eq(plan->store_count, at, "round %d", round);
    cr_assert_eq(plan->failed_count, failed);
    cr_assert_eq(plan->job_count, jobs);
    bool later = world->command.has_job_time &&
                 span_equal(world->command.job_time, SPAN_LITERAL("2026-09-21T14:13:21Z"));
    if (rejection == ERR_NONE)
        cr_assert_eq(plan->view.has_scheduled_at, later);
}

Test(plan_random, is_the_naive_plan)
{
    seed = 20260921;
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        random_world(&world);
        compare(&world, round);
        world_free(&world);
    }
    static const enum err_code reached[] = {ERR_NONE,
                                            ERR_INVALID_COMMAND,
                                            ERR_FORBIDDEN,
                                            ERR_SEAL_INVALID,
                                            ERR_NOT_STAGED,
                                            ERR_STAGING_EXPIRED,
                                            ERR_NOT_REQUESTER,
                                            ERR_CREDENTIAL_INVALID,
                                            ERR_TOO_MANY_STORES,
                                            ERR_NOT_IN_STORE,
                                            ERR_NOT_AUTHORIZED,
                                            ERR_NOT_APPROVED,
                                            ERR_NO_AGENT,
                                            ERR_ADD_UNSUPPORTED,
                                            ERR_SEALING_FAILED,
                                            ERR_ENTRY_PASSWORD_REQUIRED};
    for (size_t i = 0; i < sizeof reached / sizeof *reached; i++)
        cr_assert_gt(outcomes[reached[i]], 3, "%s was reached %u times", err_name(reached[i]),
                     outcomes[reached[i]]);
}
