#include "domain/plan.h"

#include <assert.h>

struct credential_variant credential_variant(unsigned index)
{
    static const struct credential_variant variants[CREDENTIAL_VARIANT_COUNT] = {
        {CREDENTIAL_PKCS12, PKCS12_MODERN, false}, {CREDENTIAL_PKCS12, PKCS12_MODERN, true},
        {CREDENTIAL_PKCS12, PKCS12_LEGACY, false}, {CREDENTIAL_PKCS12, PKCS12_LEGACY, true},
        {CREDENTIAL_PEM, PKCS12_MODERN, false},    {CREDENTIAL_PEM, PKCS12_MODERN, true},
    };
    assert(index < CREDENTIAL_VARIANT_COUNT);
    return variants[index];
}

/* Index of the variant above. Rule 9 decides whether the key goes there. */
static unsigned variant_for(const struct inventory_store *store, uint32_t entry)
{
    const struct store_type *type = store->type;
    bool with_key = type->private_key == PRIVATE_KEY_REQUIRED ||
                    (type->private_key == PRIVATE_KEY_OPTIONAL && store_has_private_key(store, entry));
    unsigned pair = type->format == CREDENTIAL_PEM ? 2 : type->pkcs12_profile == PKCS12_LEGACY ? 1 : 0;
    return pair * 2 + with_key;
}

/* The plan becomes a rejection that says what *why does. */
static bool reject(struct arena *arena, struct plan *plan, const struct err *why, struct err *err)
{
    if (why->code == ERR_NO_MEMORY)
        return err_set(err, ERR_NO_MEMORY, "%s", why->text);
    struct span message = arena_copy(arena, span_text(why->text));
    if (message.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a rejection");
    plan_reject(plan, why->code, message);
    return true;
}

/* False with SEAL_INVALID where the password did not come as it must. */
static bool check_password_form(const struct replace_command *command, const struct plan_policy *policy,
                                struct err *err)
{
    if (command->password_kind == PASSWORD_SEALED && !policy->can_unseal)
        return err_set(err, ERR_SEAL_INVALID,
                       "sealed input is refused: no key opens it; set CERTSWAP_SEALING_DIR at the service");
    if (command->password_kind == PASSWORD_PLAIN && command->password.len > 0 && policy->require_sealed)
        return err_set(
            err, ERR_SEAL_INVALID,
            "the password is not sealed; send a SealedPassword, sealed to the service's certificate");
    return true;
}

bool plan_precheck(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err)
{
    const struct replace_command *command = input->command;
    *plan = (struct plan){
        .command = command,
        .has_certificate_id = command->has_certificate_id,
        .certificate_id = command->has_certificate_id ? command->certificate_id : 0,
    };
    struct err why = {0};
    if (!command_read(arena, command, input->now_ms, &plan->view, &why))
        return reject(arena, plan, &why, err);
    if (input->policy->token_decides)
        return true;
    if (command->principal.user.len == 0) {
        err_set(&why, ERR_INVALID_COMMAND, "principal.user is empty; send the name of the user who replaces");
        return reject(arena, plan, &why, err);
    }
    return plan_authorize(arena, input, plan, err);
}

bool plan_authorize(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err)
{
    const struct replace_command *command = input->command;
    struct err why = {0};
    assert(plan->command == command && plan->rejection == ERR_NONE);
    bool passed = permission_read(arena, &command->principal, &plan->permissions, &why) &&
                  permission_check(&plan->permissions, &why) &&
                  check_password_form(command, input->policy, &why);
    return passed || reject(arena, plan, &why, err);
}

/* Takes up what was sealed; false with SEAL_INVALID. */
static bool take_password(const struct plan_input *input, struct plan *plan, struct err *err)
{
    if (input->command->password_kind != PASSWORD_SEALED)
        return true;
    assert(input->password != NULL);
    if (!input->password->opened)
        return err_set(err, ERR_SEAL_INVALID, "%.*s", SPAN_ARG(input->password->reason));
    plan->view.password = input->password->text;
    plan->view.has_password = input->password->text.len > 0;
    return true;
}

/* False with NOT_STAGED, STAGING_EXPIRED or CREDENTIAL_INVALID. */
static bool check_state(const struct replace_command *command, const struct staged_outcome *staged,
                        struct err *err)
{
    const char *kind = command->has_certificate_id ? "certificate" : "request";
    int32_t id = command->has_certificate_id ? command->certificate_id : command->request_id;
    switch (staged->state) {
    case STAGED_FOUND:
        return true;
    case STAGED_MISSING:
        return err_set(
            err, ERR_NOT_STAGED,
            "nothing is staged for %s %d; enroll it with certificateFormat Replace, or renew it, then send "
            "the command under a new id",
            kind, id);
    case STAGED_EXPIRED:
        return err_set(
            err, ERR_STAGING_EXPIRED,
            "what was staged for %s %d has expired; enroll or renew it again, then send the command at once "
            "under a new id",
            kind, id);
    case STAGED_REFUSED:
        break;
    }
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "the credential of %s %d cannot be used%s%.*s; enroll or renew it again", kind, id,
                   staged->reason.len > 0 ? ": " : "", SPAN_ARG(staged->reason));
}

/* What the staging says against the command, in the contract's order. */
static bool check_staged(const struct plan_input *input, struct plan *plan, struct err *err)
{
    const struct replace_command *command = input->command;
    const struct staged_outcome *staged = input->staged;
    if (!command->has_certificate_id && staged->has_certificate_id) {
        plan->has_certificate_id = true;
        plan->certificate_id = staged->certificate_id;
    }
    if (!check_state(command, staged, err))
        return false;
    assert(plan->has_certificate_id);
    if (!span_equal(staged->requester, command->principal.user))
        return err_set(
            err, ERR_NOT_REQUESTER,
            "certificate %d was requested by another user; only that user can use it, so have them send "
            "the command, or enroll it yourself",
            plan->certificate_id);
    if (plan->certificate_id == command->existing_certificate_id)
        return command_replaces_itself(plan->certificate_id, err);
    plan->thumbprint = staged->thumbprint;
    return true;
}

/* Finds how many stores the result would list; false with TOO_MANY_STORES. */
static bool count_stores(const struct plan_input *input, struct plan *plan, struct err *err)
{
    size_t most = input->policy->max_stores_per_command;
    if (plan->view.has_store_ids)
        plan->store_count = plan->view.store_id_count;
    else
        plan->store_count =
            inventory_count_holders(input->reader, input->command->existing_certificate_id, most + 1);
    if (plan->store_count <= most)
        return true;
    return err_set(
        err, ERR_TOO_MANY_STORES,
        "the command reaches more than %zu stores; name fewer in storeIds, in several commands, or raise "
        "CERTSWAP_MAX_STORES_PER_COMMAND",
        most);
}

/* Fills in id and store of every store that the result lists. */
static bool find_stores(struct arena *arena, const struct plan_input *input, struct plan *plan,
                        struct err *err)
{
    int32_t existing = input->command->existing_certificate_id;
    size_t count = plan->store_count;
    const struct inventory_store **held = arena_array(arena, count, sizeof(const struct inventory_store *));
    plan->stores = arena_array(arena, count, sizeof *plan->stores);
    if (held == NULL || plan->stores == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a plan of %zu stores", count);
    if (plan->view.has_store_ids) {
        for (size_t i = 0; i < count; i++)
            held[i] = inventory_find_holder(input->reader, existing, &plan->view.store_ids[i]);
    } else {
        size_t found = inventory_holders(input->reader, existing, held, count);
        assert(found == count);
    }
    for (size_t i = 0; i < count; i++) {
        plan->stores[i].store = held[i];
        plan->stores[i].id = held[i] != NULL ? held[i]->id : plan->view.store_ids[i];
    }
    return true;
}

/* The first failure that applies to the store before its jobs are wrapped and sealed. */
static enum err_code judge(const struct plan *plan, const struct inventory_store *store, struct span *message)
{
    if (store == NULL) {
        *message = SPAN_LITERAL(
            "the store is unknown or does not hold the certificate; check its GUID, or wait for its "
            "inventory and send the command under a new id");
        return ERR_NOT_IN_STORE;
    }
    if (!permission_for_store(&plan->permissions, store->has_container_id, store->container_id)) {
        *message =
            SPAN_LITERAL("the user may not schedule jobs for this store; have /certificate_stores/schedule/ "
                         "granted, or that of the store's container");
        return ERR_NOT_AUTHORIZED;
    }
    if (!store->approved) {
        *message =
            SPAN_LITERAL("the store is not approved; approve it, then send the command under a new id");
        return ERR_NOT_APPROVED;
    }
    if (store->agent == NULL) {
        *message =
            SPAN_LITERAL("no agent manages the store; assign one, then send the command under a new id");
        return ERR_NO_AGENT;
    }
    if (!store->type->add_supported) {
        *message = SPAN_LITERAL("the store type takes no certificates; replace this one by hand");
        return ERR_ADD_UNSUPPORTED;
    }
    if (store->type->entry_password_required && !plan->view.has_password) {
        *message = SPAN_LITERAL(
            "the store type needs an entry password; send the command with a password, under a new id");
        return ERR_ENTRY_PASSWORD_REQUIRED;
    }
    return ERR_NONE;
}

/* Whether the store's jobs can go to its agent as the policy wants; whether its certificate can be used comes
   out when they are sealed. */
static enum err_code judge_sealing(const struct plan_policy *policy, const struct agent *agent,
                                   struct span *message)
{
    if (!agent->has_certificate && policy->require_sealed) {
        *message = SPAN_LITERAL(
            "the agent has no certificate to seal its jobs to; publish the store's inventory with "
            "one, then send the command under a new id");
        return ERR_SEALING_FAILED;
    }
    return ERR_NONE;
}

/* Judges every store; what it needs and how many jobs it gets. */
static void judge_stores(const struct plan_input *input, struct plan *plan)
{
    for (size_t i = 0; i < plan->store_count; i++) {
        struct plan_store *store = &plan->stores[i];
        store->first_job = plan->job_count;
        store->failure = judge(plan, store->store, &store->message);
        if (store->failure != ERR_NONE) {
            plan->failed_count++;
            continue;
        }
        struct entry_range range = store_entries_of(store->store, input->command->existing_certificate_id);
        assert(range.count > 0);
        for (uint32_t e = 0; e < range.count; e++)
            store->variants |= 1U << variant_for(store->store, range.first + e);
        plan->variants |= store->variants;
        store->failure = judge_sealing(input->policy, store->store->agent, &store->message);
        if (store->failure != ERR_NONE) {
            plan->failed_count++;
            continue;
        }
        store->first_entry = range.first;
        store->job_count = range.count;
        plan->job_count += range.count;
    }
}

static bool make_jobs(struct arena *arena, struct plan *plan, struct err *err)
{
    plan->jobs = arena_array(arena, plan->job_count, sizeof *plan->jobs);
    if (plan->jobs == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a plan of %zu jobs", plan->job_count);
    for (size_t i = 0; i < plan->store_count; i++) {
        const struct plan_store *store = &plan->stores[i];
        for (uint32_t j = 0; j < store->job_count; j++) {
            uint32_t entry = store->first_entry + j;
            plan->jobs[store->first_job + j] = (struct plan_job){entry, variant_for(store->store, entry)};
        }
    }
    return true;
}

bool plan_decide(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err)
{
    assert(plan->command == input->command && plan->rejection == ERR_NONE);
    struct err why = {0};
    if (!take_password(input, plan, &why) || !check_staged(input, plan, &why) ||
        !count_stores(input, plan, &why))
        return reject(arena, plan, &why, err);
    if (!find_stores(arena, input, plan, err))
        return false;
    judge_stores(input, plan);
    return make_jobs(arena, plan, err);
}

bool plan_make(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err)
{
    if (!plan_precheck(arena, input, plan, err))
        return false;
    return plan->rejection != ERR_NONE || plan_decide(arena, input, plan, err);
}

enum replace_status plan_status(const struct plan *plan)
{
    if (plan->rejection != ERR_NONE)
        return REPLACE_REJECTED;
    if (plan->store_count == 0)
        return REPLACE_NO_LOCATIONS;
    if (plan->failed_count == plan->store_count)
        return REPLACE_FAILED;
    return plan->failed_count > 0 ? REPLACE_PARTIAL : REPLACE_COMPLETED;
}

void plan_fail_store(struct plan *plan, size_t store, enum err_code code, struct span message)
{
    assert(plan->rejection == ERR_NONE && store < plan->store_count);
    assert(err_class(code) == ERR_CLASS_STORE_FAILURE ||
           err_class(code) == ERR_CLASS_STORE_FAILURE_RETRYABLE);
    struct plan_store *failed = &plan->stores[store];
    if (failed->failure != ERR_NONE && failed->failure <= code)
        return;
    if (failed->failure == ERR_NONE) {
        plan->failed_count++;
        plan->job_count -= failed->job_count;
    }
    failed->failure = code;
    failed->message = message;
}

void plan_fail_variant(struct plan *plan, unsigned variant, enum err_code code, struct span message)
{
    assert(variant < CREDENTIAL_VARIANT_COUNT);
    for (size_t i = 0; i < plan->store_count; i++) {
        if ((plan->stores[i].variants & 1U << variant) != 0)
            plan_fail_store(plan, i, code, message);
    }
}

void plan_reject(struct plan *plan, enum err_code code, struct span message)
{
    assert(err_class(code) == ERR_CLASS_REJECTION);
    plan->rejection = code;
    plan->rejection_message = message;
    plan->thumbprint = (struct span){0};
    plan->stores = NULL;
    plan->jobs = NULL;
    plan->store_count = plan->failed_count = plan->job_count = 0;
    plan->variants = 0;
}
