#include "world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void)
{
    world_init(&world);
}

static void teardown(void)
{
    world_free(&world);
}

TestSuite(plan, .init = setup, .fini = teardown);
TestSuite(order, .init = setup, .fini = teardown);

static void ask_for(size_t store)
{
    world.command.has_store_ids = true;
    world.command.store_ids = world.store_ids;
    world.store_ids[world.command.store_id_count++] = world_guid(&world, store);
}

static void invalid(void)
{
    world.command.has_job_time = true;
}
static void forbidden(void)
{
    world.command.principal.permission_count = 1;
}
static void plain_where_sealed_is_required(void)
{
    world.policy.require_sealed = true;
    world.command.password_kind = PASSWORD_PLAIN;
    for (size_t i = 0; i < WORLD_STORES; i++)
        world.stores[i].agent.has_certificate = true;
}
static void sealed_password(void)
{
    world.command.password_kind = PASSWORD_SEALED;
    world.policy.can_unseal = true;
}
static void seal_that_does_not_open(void)
{
    sealed_password();
    world.password = (struct opened_password){.reason = SPAN_LITERAL("the CMS was altered; seal it again")};
}
static void not_staged(void)
{
    world.staged.state = STAGED_MISSING;
}
static void expired(void)
{
    world.staged.state = STAGED_EXPIRED;
}
static void refused(void)
{
    world.staged.state = STAGED_REFUSED;
    world.staged.reason = SPAN_LITERAL("the key does not fit the certificate");
}
static void other_requester(void)
{
    world.staged.requester = SPAN_LITERAL("CORP\\Ada");
}
static void itself_by_request(void)
{
    world.staged.certificate_id = EXISTING;
}
static void too_many(void)
{
    world.policy.max_stores_per_command = 2;
}

/* In the contract's order; the three states of the staging exclude one another. */
static const struct {
    enum err_code code;
    void (*apply)(void);
    const char *says;
} rejections[] = {
    {ERR_INVALID_COMMAND, invalid, "jobTime"},
    {ERR_FORBIDDEN, forbidden, "/certificate_stores/schedule/<containerId>/"},
    {ERR_SEAL_INVALID, plain_where_sealed_is_required, "SealedPassword"},
    {ERR_SEAL_INVALID, seal_that_does_not_open, "the CMS was altered; seal it again"},
    {ERR_NOT_STAGED, not_staged, "nothing is staged for request 900"},
    {ERR_STAGING_EXPIRED, expired, "has expired"},
    {ERR_CREDENTIAL_INVALID, refused, "request 900 cannot be used: the key does not fit the certificate"},
    {ERR_NOT_REQUESTER, other_requester, "another user"},
    {ERR_INVALID_COMMAND, itself_by_request, "cannot replace itself"},
    {ERR_TOO_MANY_STORES, too_many, "more than 2 stores"},
};
enum { REJECTIONS = sizeof rejections / sizeof *rejections, FIRST_STATE = 4, LAST_STATE = 6 };

static void expect_rejection(size_t i)
{
    const struct plan *plan = &world.plan;
    cr_assert_eq(plan->rejection, rejections[i].code, "%s, not %s", err_name(plan->rejection),
                 err_name(rejections[i].code));
    char text[ERR_TEXT_MAX] = "";
    memcpy(text, plan->rejection_message.data, plan->rejection_message.len);
    cr_assert_not_null(strstr(text, rejections[i].says), "'%s' does not say '%s'", text, rejections[i].says);
    cr_assert_null(strstr(text, "correct horse"), "the password");
    cr_assert_eq(plan_status(plan), REPLACE_REJECTED);
    cr_assert_eq(plan->store_count + plan->job_count + plan->variants, 0);
}

/* Every pair of faults, in either order of their making, and each alone (i == j). */
Test(order, of_rejections)
{
    for (size_t i = 0; i < REJECTIONS; i++) {
        for (size_t j = i; j < REJECTIONS; j++) {
            if (i != j && i >= FIRST_STATE && j <= LAST_STATE)
                continue;
            world_free(&world);
            world_init(&world);
            rejections[j].apply();
            rejections[i].apply();
            world_plan(&world);
            expect_rejection(i);
        }
    }
}

static void unauthorized(size_t store)
{
    world.stores[store].container_id = 8;
    world.permissions[1] = SPAN_LITERAL("/certificate_stores/schedule/7/");
}
static void not_approved(size_t store)
{
    world.stores[store].approved = false;
}
static void no_agent(size_t store)
{
    world.stores[store].has_agent = false;
}
static void add_unsupported(size_t store)
{
    world.stores[store].type.add_supported = false;
}
static void entry_password(size_t store)
{
    world.stores[store].type.entry_password_required = true;
    world.command.password_kind = PASSWORD_NONE;
}
static void no_agent_certificate(size_t store)
{
    bool has_password = world.command.password_kind != PASSWORD_NONE;
    plain_where_sealed_is_required();
    sealed_password();
    if (!has_password)
        world.command.password_kind = PASSWORD_NONE;
    world.stores[store].agent.has_certificate = false;
}

static const struct {
    enum err_code code;
    void (*apply)(size_t store); /* NULL: comes out only while jobs are made */
} failures[] = {
    {ERR_NOT_AUTHORIZED, unauthorized},
    {ERR_NOT_APPROVED, not_approved},
    {ERR_NO_AGENT, no_agent},
    {ERR_ADD_UNSUPPORTED, add_unsupported},
    {ERR_ENTRY_PASSWORD_REQUIRED, entry_password},
    {ERR_PACKAGING_FAILED, NULL},
    {ERR_SEALING_FAILED, no_agent_certificate},
    {ERR_SEALING_FAILED, NULL},
    {ERR_JOB_TOO_LARGE, NULL},
};
enum { FAILURES = sizeof failures / sizeof *failures };

static void fail_late(size_t i)
{
    if (failures[i].code == ERR_PACKAGING_FAILED)
        plan_fail_variant(&world.plan, 1, ERR_PACKAGING_FAILED, SPAN_LITERAL("late"));
    else if (failures[i].apply == NULL && world.plan.stores[1].job_count > 0)
        plan_fail_store(&world.plan, 1, failures[i].code, SPAN_LITERAL("late"));
}

/* Every pair of faults on store 1, and each alone; a packaging failure of its variant hits the others too. */
Test(order, of_store_failures)
{
    for (size_t i = 0; i < FAILURES; i++) {
        for (size_t j = i; j < FAILURES; j++) {
            world_free(&world);
            world_init(&world);
            for (size_t k = i; k <= j; k += j > i ? j - i : 1) {
                if (failures[k].apply != NULL)
                    failures[k].apply(1);
            }
            world_plan(&world);
            fail_late(j);
            fail_late(i);
            cr_assert_eq(world_failure(&world, 1), failures[i].code, "%s before %s, not %s",
                         err_name(failures[i].code), err_name(failures[j].code),
                         err_name(world_failure(&world, 1)));
            bool packaging =
                failures[i].code == ERR_PACKAGING_FAILED || failures[j].code == ERR_PACKAGING_FAILED;
            cr_assert_eq(world_failure(&world, 0), packaging ? ERR_PACKAGING_FAILED : ERR_NONE);
            cr_assert_eq(plan_status(&world.plan), packaging ? REPLACE_FAILED : REPLACE_PARTIAL);
            cr_assert_eq(world.plan.job_count, packaging ? 0 : 2);
            cr_assert_gt(world.plan.stores[1].message.len, 0);
        }
    }
}

Test(plan, everything_succeeds)
{
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan_status(plan), REPLACE_COMPLETED);
    cr_assert_eq(plan->store_count, 3);
    cr_assert_eq(plan->job_count, 3);
    cr_assert(plan->has_certificate_id);
    cr_assert_eq(plan->certificate_id, NEW);
    cr_assert_eq(plan->variants, 1U << 1);
    cr_assert(span_equal(plan->thumbprint, world.staged.thumbprint));
}

Test(plan, a_rejection_keeps_the_certificate_that_was_found)
{
    world.staged.state = STAGED_EXPIRED;
    const struct plan *plan = world_plan(&world);
    cr_assert(plan->has_certificate_id);
    cr_assert_eq(plan->certificate_id, NEW);
}

Test(plan, a_rejection_has_no_certificate_where_none_was_found)
{
    world.staged = (struct staged_outcome){.state = STAGED_MISSING};
    cr_assert_not(world_plan(&world)->has_certificate_id);
}

Test(plan, a_certificate_id_needs_no_request)
{
    world.command.has_request_id = false;
    world.command.has_certificate_id = true;
    world.command.certificate_id = NEW;
    world.staged.has_certificate_id = false;
    world.staged.state = STAGED_MISSING;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan->rejection, ERR_NOT_STAGED);
    cr_assert_eq(memcmp(plan->rejection_message.data, "nothing is staged for certificate 200;", 38), 0);
    cr_assert(plan->has_certificate_id);
    cr_assert_eq(plan->certificate_id, NEW);
}

Test(plan, no_store_holds_it)
{
    world.command.existing_certificate_id = EXISTING + 1;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan_status(plan), REPLACE_NO_LOCATIONS);
    cr_assert_eq(plan->store_count, 0);
}

Test(plan, a_store_with_it_only_in_a_chain_does_not_hold_it)
{
    world.entries[0][0].chain_level = 1;
    world.entries[1][0].chain_level = -1;
    world.entries[2][0].chain_level = 2;
    cr_assert_eq(plan_status(world_plan(&world)), REPLACE_NO_LOCATIONS);
}

Test(plan, store_ids_narrow_and_are_listed_in_order)
{
    ask_for(9);
    ask_for(2);
    ask_for(2);
    ask_for(0);
    world.entries[0][0].certificate_id = EXISTING + 1;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan->store_count, 3);
    cr_assert_eq(world_failure(&world, 0), ERR_NOT_IN_STORE, "known, but does not hold it");
    cr_assert_eq(world_failure(&world, 2), ERR_NONE);
    cr_assert_eq(world_failure(&world, 9), ERR_NOT_IN_STORE, "unknown");
    cr_assert_eq(plan->stores[0].id.bytes[15], 0);
    cr_assert_eq(plan->stores[1].id.bytes[15], 2);
    cr_assert_eq(plan_status(plan), REPLACE_PARTIAL);
}

Test(plan, store_ids_without_a_holder_fail)
{
    ask_for(8);
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan_status(plan), REPLACE_FAILED);
    cr_assert_eq(plan->failed_count, 1);
}

Test(plan, too_many_counts_what_the_result_would_list)
{
    ask_for(0);
    ask_for(8);
    ask_for(9);
    world.policy.max_stores_per_command = 2;
    cr_assert_eq(world_plan(&world)->rejection, ERR_TOO_MANY_STORES);
}

Test(plan, as_many_as_allowed_is_not_too_many)
{
    world.policy.max_stores_per_command = 3;
    cr_assert_eq(world_plan(&world)->rejection, ERR_NONE);
}

/* Also those that hold it twice count once. */
Test(plan, the_same_guid_twice_is_not_too_many)
{
    ask_for(0);
    ask_for(0);
    ask_for(0);
    world.policy.max_stores_per_command = 1;
    cr_assert_eq(plan_status(world_plan(&world)), REPLACE_COMPLETED);
}

Test(plan, containers_are_judged_store_by_store)
{
    world.permissions[1] = SPAN_LITERAL("/certificate_stores/schedule/7/");
    world.stores[1].container_id = 70;
    world.stores[2].has_container_id = false;
    world_plan(&world);
    cr_assert_eq(world_failure(&world, 0), ERR_NONE);
    cr_assert_eq(world_failure(&world, 1), ERR_NOT_AUTHORIZED);
    cr_assert_eq(world_failure(&world, 2), ERR_NOT_AUTHORIZED);
}

/* Rule 9, for every policy, entry, format and profile. */
Test(plan, keys_go_only_where_one_may_be)
{
    static const bool with_key[3][2] = {
        [PRIVATE_KEY_FORBIDDEN] = {false, false},
        [PRIVATE_KEY_OPTIONAL] = {false, true},
        [PRIVATE_KEY_REQUIRED] = {true, true},
    };
    for (int i = 0; i < 3 * 2 * 2 * 2; i++) {
        world_free(&world);
        world_init(&world);
        world.store_count = 1;
        enum private_key_policy policy = (enum private_key_policy)(i / 8);
        bool has_key = i / 4 % 2;
        enum credential_format format = i / 2 % 2 ? CREDENTIAL_PEM : CREDENTIAL_PKCS12;
        enum pkcs12_profile profile = i % 2 ? PKCS12_LEGACY : PKCS12_MODERN;
        world.stores[0].type.private_key = policy;
        world.stores[0].type.format = format;
        world.stores[0].type.pkcs12_profile = profile;
        world.entries[0][0].has_private_key = has_key;
        const struct plan *plan = world_plan(&world);
        cr_assert_eq(plan->job_count, 1);
        struct credential_variant variant = credential_variant(plan->jobs[0].variant);
        cr_assert_eq(plan->variants, 1U << plan->jobs[0].variant);
        cr_expect_eq(variant.with_key, with_key[policy][has_key]);
        cr_expect_eq(variant.format, format);
        cr_expect_eq(variant.profile, format == CREDENTIAL_PEM ? PKCS12_MODERN : profile);
    }
}

/* One job per distinct alias, in the order of the aliases; of equal ones the last entry counts. */
Test(plan, every_alias_gets_a_job)
{
    struct store_entry *entries = world.entries[1];
    for (int i = 1; i < WORLD_ENTRIES; i++)
        entries[i] = entries[0];
    entries[1].alias = SPAN_LITERAL("api");
    entries[2].has_private_key = false;
    entries[3].alias = SPAN_LITERAL("web2");
    entries[3].certificate_id = EXISTING + 1;
    world.stores[1].entry_count = WORLD_ENTRIES;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan->stores[1].job_count, 2);
    cr_assert_eq(plan->job_count, 4);
    const struct plan_job *jobs = plan->jobs + plan->stores[1].first_job;
    cr_assert(span_equal(store_alias(plan->stores[1].store, jobs[0].entry), SPAN_LITERAL("api")));
    cr_assert(credential_variant(jobs[0].variant).with_key);
    cr_assert(span_equal(store_alias(plan->stores[1].store, jobs[1].entry), SPAN_LITERAL("web")));
    cr_assert_not(credential_variant(jobs[1].variant).with_key, "the last entry of the alias has no key");
    cr_assert_eq(plan->stores[1].variants, 3);
    plan_fail_variant(&world.plan, 0, ERR_PACKAGING_FAILED, SPAN_LITERAL("no"));
    cr_assert_eq(world.plan.job_count, 2, "a failed store gets no job at all");
    cr_assert_eq(world_failure(&world, 1), ERR_PACKAGING_FAILED);
    cr_assert_eq(world_failure(&world, 0), ERR_NONE);
}

Test(plan, the_first_message_of_a_failure_stays)
{
    world_plan(&world);
    plan_fail_store(&world.plan, 0, ERR_JOB_TOO_LARGE, SPAN_LITERAL("first"));
    plan_fail_store(&world.plan, 0, ERR_JOB_TOO_LARGE, SPAN_LITERAL("second"));
    cr_assert(span_equal(world.plan.stores[0].message, SPAN_LITERAL("first")));
    cr_assert_eq(world.plan.failed_count, 1);
}

Test(plan, an_entry_password_is_needed_also_without_key)
{
    world.stores[0].type.entry_password_required = true;
    world.stores[0].type.private_key = PRIVATE_KEY_FORBIDDEN;
    world.command.password = SPAN_LITERAL("");
    world_plan(&world);
    cr_assert_eq(world_failure(&world, 0), ERR_ENTRY_PASSWORD_REQUIRED);
    cr_assert_eq(world_failure(&world, 1), ERR_NONE);
}

Test(plan, a_sealed_password_is_refused_where_no_key_opens_it)
{
    world.command.password_kind = PASSWORD_SEALED;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan->rejection, ERR_SEAL_INVALID);
    cr_assert_not_null(strstr((const char *)plan->rejection_message.data, "CERTSWAP_SEALING_DIR"));
}

Test(plan, an_empty_password_needs_no_seal)
{
    plain_where_sealed_is_required();
    world.command.password = SPAN_LITERAL("");
    cr_assert_eq(plan_status(world_plan(&world)), REPLACE_COMPLETED);
}

Test(plan, a_sealed_password_counts_once_it_is_opened)
{
    sealed_password();
    world.stores[0].type.entry_password_required = true;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(plan_status(plan), REPLACE_COMPLETED);
    cr_assert(plan->view.has_password);
    cr_assert(span_equal(plan->view.password, SPAN_LITERAL("correct horse")));
}

Test(plan, an_empty_sealed_password_is_none)
{
    plain_where_sealed_is_required();
    sealed_password();
    world.password.text = SPAN_LITERAL("");
    world.stores[0].type.entry_password_required = true;
    const struct plan *plan = world_plan(&world);
    cr_assert_eq(world_failure(&world, 0), ERR_ENTRY_PASSWORD_REQUIRED);
    cr_assert_eq(world_failure(&world, 1), ERR_NONE);
    cr_assert_not(plan->view.has_password);
}

Test(plan, the_precheck_opens_nothing)
{
    seal_that_does_not_open();
    struct plan_input input = {.command = &world.command, .policy = &world.policy, .now_ms = world.now_ms};
    struct plan plan;
    cr_assert(plan_precheck(world.arena, &input, &plan, NULL));
    cr_assert_eq(plan.rejection, ERR_NONE);
}

Test(plan, an_agent_without_certificate_fails_where_seals_are_required)
{
    plain_where_sealed_is_required();
    sealed_password();
    world.stores[2].agent.has_certificate = false;
    world_plan(&world);
    cr_assert_eq(world_failure(&world, 1), ERR_NONE);
    cr_assert_eq(world_failure(&world, 2), ERR_SEALING_FAILED);
}

Test(plan, the_precheck_needs_neither_staging_nor_inventory)
{
    forbidden();
    struct plan_input input = {.command = &world.command, .policy = &world.policy, .now_ms = world.now_ms};
    struct plan plan;
    cr_assert(plan_precheck(world.arena, &input, &plan, NULL));
    cr_assert_eq(plan.rejection, ERR_FORBIDDEN);
    world.command.principal.permission_count = 2;
    cr_assert(plan_precheck(world.arena, &input, &plan, NULL));
    cr_assert_eq(plan.rejection, ERR_NONE);
}
