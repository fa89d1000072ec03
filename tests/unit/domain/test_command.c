#include "domain/command.h"
#include "domain/permission.h"
#include "domain/staging.h"
#include "world.h"

#include <criterion/criterion.h>

static const int64_t now = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */

static struct world world;

static void setup(void)
{
    world_init(&world);
}

static void teardown(void)
{
    world_free(&world);
}

TestSuite(command, .init = setup, .fini = teardown);
TestSuite(permission, .init = setup, .fini = teardown);

/* Expects INVALID_COMMAND with a text that has `part` in it. */
static void refused(const char *part)
{
    struct command_view view;
    struct err err = {0};
    cr_assert_not(command_read(world.arena, &world.command, now, &view, &err), "taken, not refused: %s",
                  part);
    cr_assert_eq(err.code, ERR_INVALID_COMMAND);
    cr_assert_not_null(strstr(err.text, part), "'%s' does not say '%s'", err.text, part);
}

static struct command_view taken(void)
{
    struct command_view view;
    struct err err = {0};
    cr_assert(command_read(world.arena, &world.command, now, &view, &err), "%s", err.text);
    return view;
}

Test(command, ids_are_one_or_more)
{
    world.command.existing_certificate_id = 0;
    refused("existingCertificateId is 0");
    world.command.existing_certificate_id = -7;
    refused("existingCertificateId is -7");
    world.command.existing_certificate_id = EXISTING;
    world.command.request_id = 0;
    refused("requestId is 0");
    world.command.has_request_id = false;
    world.command.has_certificate_id = true;
    world.command.certificate_id = -1;
    refused("certificateId is -1");
    world.command.certificate_id = INT32_MAX;
    taken();
}

Test(command, names_the_new_certificate_once)
{
    world.command.has_certificate_id = true;
    world.command.certificate_id = NEW;
    refused("both certificateId and requestId");
    world.command.has_certificate_id = world.command.has_request_id = false;
    refused("neither certificateId nor requestId");
    world.command.has_certificate_id = true;
    world.command.certificate_id = EXISTING;
    refused("cannot replace itself");
}

Test(command, an_empty_password_is_none)
{
    cr_assert(taken().has_password);
    cr_assert(span_equal(taken().password, world.command.password));
    world.command.password = SPAN_LITERAL("");
    cr_assert_not(taken().has_password);
    world.command.password_kind = PASSWORD_NONE;
    cr_assert_not(taken().has_password);
    world.command.password_kind = PASSWORD_SEALED;
    cr_assert(taken().has_password);
}

Test(command, job_time_is_scheduled_only_in_the_future)
{
    static const struct {
        const char *text;
        int64_t scheduled_at_ms; /* 0: at once */
    } cases[] = {
        {"2026-09-21T14:13:20Z", 0},
        {"2026-09-21T14:13:19.999999999Z", 0},
        {"2026-09-21T14:13:20.000999999Z", 0},
        {"2026-09-21T14:13:20.001Z", INT64_C(1790000000001)},
        {"2026-09-21T14:13:21Z", INT64_C(1790000001000)},
        {"2026-09-21T15:13:21+01:00", INT64_C(1790000001000)},
        {"2026-09-21T15:13:19+01:00", 0},
        {"2026-09-21t09:13:21-05:00", INT64_C(1790000001000)},
        {"0001-01-01T00:00:00Z", 0},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
    };
    world.command.has_job_time = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world.command.job_time = span_text(cases[i].text);
        struct command_view view = taken();
        cr_expect_eq(view.has_scheduled_at, cases[i].scheduled_at_ms != 0, "%s", cases[i].text);
        cr_expect_eq(view.scheduled_at_ms, cases[i].scheduled_at_ms, "%s", cases[i].text);
    }
}

Test(command, an_unreadable_job_time_is_quoted_harmlessly)
{
    static const char *const bad[] = {"",
                                      "tomorrow",
                                      "2026-09-21T14:13:20",
                                      "2026-09-21T14:13:60Z",
                                      "2026-09-21T24:00:00Z",
                                      "2026-09-21T14:13:20+0100",
                                      "2026-09-21T14:13:20.0000000001Z"};
    world.command.has_job_time = true;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world.command.job_time = span_text(bad[i]);
        refused("cannot be read; send ISO 8601");
    }
    world.command.job_time = SPAN_LITERAL("a\n\0b\xC3\xA9\x7F");
    refused("jobTime \"a??b???\" cannot");
    world.command.job_time = SPAN_LITERAL("01234567890123456789012345678901234567890");
    refused("jobTime \"0123456789012345678901234567890123456789...\" cannot");
}

Test(command, store_ids_are_sorted_and_count_once_in_either_case)
{
    struct span ids[] = {SPAN_LITERAL("FFFFFFFF-0000-0000-0000-000000000001"),
                         SPAN_LITERAL("00000000-0000-0000-0000-00000000000a"),
                         SPAN_LITERAL("ffffffff-0000-0000-0000-000000000001"),
                         SPAN_LITERAL("00000000-0000-0000-0000-00000000000A"),
                         SPAN_LITERAL("00000000-0000-0000-0000-000000000009")};
    world.command.has_store_ids = true;
    world.command.store_ids = ids;
    world.command.store_id_count = 5;
    struct command_view view = taken();
    cr_assert_eq(view.store_id_count, 3);
    cr_assert_eq(view.store_ids[0].bytes[15], 9);
    cr_assert_eq(view.store_ids[1].bytes[15], 10);
    cr_assert_eq(view.store_ids[2].bytes[0], 0xFF);

    ids[3] = SPAN_LITERAL("{00000000-0000-0000-0000-00000000000A}");
    refused("storeIds has \"{00000000-0000-0000-0000-00000000000A}\"");
    ids[3] = SPAN_LITERAL("");
    refused("storeIds has \"\"");
    world.command.store_id_count = 0;
    refused("storeIds is empty");
    world.command.has_store_ids = false;
    cr_assert_not(taken().has_store_ids);
}

#define SCHEDULE "/certificate_stores/schedule/"

static struct permission_set granted(struct span *permissions, size_t count)
{
    struct permission_set set;
    struct principal principal = {.permissions = permissions, .permission_count = count};
    cr_assert(permission_read(world.arena, &principal, &set, NULL));
    return set;
}

Test(permission, only_the_exact_texts_count)
{
    struct span enrollment = SPAN_LITERAL("/certificates/enrollment/pfx/");
    static const struct {
        struct span schedule;
        bool allowed;
    } cases[] = {
#define CASE(text, allowed) {{(const uint8_t *)(text), sizeof(text) - 1}, allowed}
        CASE(SCHEDULE, true),
        CASE(SCHEDULE "7/", true),
        CASE(SCHEDULE "0/", true),
        CASE(SCHEDULE "-3/", true),
        CASE(SCHEDULE "2147483647/", true),
        CASE(SCHEDULE "-2147483648/", true),
        CASE(SCHEDULE "2147483648/", false),
        CASE(SCHEDULE "99999999999999/", false),
        CASE(SCHEDULE "999999999999999999999999/", false),
        CASE(SCHEDULE "7", false),
        CASE(SCHEDULE "07/", false),
        CASE(SCHEDULE "+7/", false),
        CASE(SCHEDULE " 7/", false),
        CASE(SCHEDULE "7 /", false),
        CASE(SCHEDULE "-0/", false),
        CASE(SCHEDULE "-/", false),
        CASE(SCHEDULE "/", false),
        CASE(SCHEDULE "7//", false),
        CASE(SCHEDULE "7\0/", false),
        CASE(SCHEDULE "7/x/", false),
        CASE("/certificate_stores/schedule", false),
        CASE("/Certificate_Stores/Schedule/", false),
        CASE("/certificate_stores/", false),
        CASE("", false),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span permissions[] = {cases[i].schedule, enrollment};
        struct permission_set set = granted(permissions, 2);
        struct err err = {0};
        cr_expect_eq(permission_check(&set, &err), cases[i].allowed, "%.*s", SPAN_ARG(cases[i].schedule));
        cr_expect_eq(err.code, cases[i].allowed ? ERR_NONE : ERR_FORBIDDEN);
        set = granted(permissions, 1);
        cr_expect_not(permission_check(&set, NULL), "without the enrollment permission");
    }
    cr_expect_not(permission_check(&(struct permission_set){0}, NULL));
}

Test(permission, a_container_opens_its_own_stores)
{
    struct span permissions[] = {SPAN_LITERAL(SCHEDULE "70/"), SPAN_LITERAL(SCHEDULE "7/"), SPAN_LITERAL("x"),
                                 SPAN_LITERAL(SCHEDULE "-2/"), SPAN_LITERAL(SCHEDULE "7/")};
    struct permission_set set = granted(permissions, 5);
    cr_assert(permission_for_store(&set, true, 7));
    cr_assert(permission_for_store(&set, true, 70));
    cr_assert(permission_for_store(&set, true, -2));
    cr_assert_not(permission_for_store(&set, true, 0));
    cr_assert_not(permission_for_store(&set, true, 8));
    cr_assert_not(permission_for_store(&set, false, 7), "a store of no container");
    permissions[2] = SPAN_LITERAL(SCHEDULE);
    set = granted(permissions, 5);
    cr_assert(permission_for_store(&set, true, 8));
    cr_assert(permission_for_store(&set, false, 0));
}

Test(staging, stages_replace_in_any_case_and_renewals)
{
    static const char *const yes[] = {"Replace", "REPLACE", "replace", "rEPLACE"};
    static const char *const no[] = {"",       "PFX",      "Replace ", " Replace",
                                     "Replac", "Replaces", "STORE",    "replac\xC3\xA9"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        cr_expect(certificate_format_is_replace(span_text(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        cr_expect_not(certificate_format_is_replace(span_text(no[i])), "%s", no[i]);
    cr_expect(event_is_staged(&(struct certificate_event){.is_renewal = true}));
    cr_expect_not(event_is_staged(&(struct certificate_event){.certificate_format = SPAN_LITERAL("PFX")}));
}

Test(staging, refuses_ids_below_one)
{
    struct certificate_event event = {.certificate_id = 1, .request_id = 1};
    cr_assert(event_check(&event, NULL));
    event.is_renewal = true;
    struct err err = {0};
    cr_assert_not(event_check(&event, &err));
    cr_assert_eq(err.code, ERR_EVENT_INVALID);
    cr_assert_not_null(strstr(err.text, "renewedCertificateId is 0"));
    event.renewed_certificate_id = 3;
    cr_assert(event_check(&event, NULL));
    event.request_id = -1;
    cr_assert_not(event_check(&event, NULL));
    event = (struct certificate_event){.certificate_id = 0, .request_id = 1};
    cr_assert_not(event_check(&event, NULL));
}

Test(staging, an_inventory_key_is_the_store_id)
{
    struct uuid id;
    struct store_inventory store = {.store_id = world_store_id(1)};
    struct span key = SPAN_LITERAL("ABCD0000-0000-0000-0000-000000000001");
    cr_assert(inventory_key_check(true, key, &store, &id, NULL));
    cr_assert(uuid_equal(&id, &store.store_id));
    cr_assert(inventory_key_check(true, key, NULL, &id, NULL), "a tombstone");
    struct err err = {0};
    cr_assert_not(inventory_key_check(false, key, &store, &id, &err));
    cr_assert_eq(err.code, ERR_INVENTORY_INVALID);
    cr_assert_not(inventory_key_check(true, SPAN_LITERAL("store 1"), NULL, &id, NULL));
    store.store_id = world_store_id(2);
    cr_assert_not(inventory_key_check(true, key, &store, &id, NULL));
}
