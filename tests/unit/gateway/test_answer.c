/* Answers: Keyfactor's two bodies, and the one table of codes and statuses. */
#include "gateway/answer.h"

#include "base/auto.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

static struct uuid id_of(uint8_t last)
{
    struct uuid id = {{0xAA}};
    id.bytes[15] = last;
    return id;
}

static void assert_body(const struct answer *answer, const char *text)
{
    cr_assert_eq(answer->body.len, strlen(text), "%.*s", SPAN_ARG(buf_span(&answer->body)));
    cr_assert_eq(memcmp(answer->body.data, text, answer->body.len), 0, "%.*s",
                 SPAN_ARG(buf_span(&answer->body)));
}

Test(gateway_answer, both_arrays_always)
{
    AUTO(answer) struct answer answer = {0};
    struct uuid stores[2] = {id_of(1), id_of(2)};
    struct replace_result result = {.command_id = id_of(9),
                                    .status = REPLACE_COMPLETED,
                                    .successful_stores = stores,
                                    .successful_count = 2};
    answer_result(&answer, &result);
    cr_assert_eq(answer.status, 200);
    cr_assert(answer.has_command_id && uuid_equal(&answer.command_id, &result.command_id));
    assert_body(&answer, "{\"SuccessfulStores\":[\"aa000000-0000-0000-0000-000000000001\","
                         "\"aa000000-0000-0000-0000-000000000002\"],\"FailedStores\":[]}");
    result = (struct replace_result){.status = REPLACE_PARTIAL,
                                     .successful_stores = stores,
                                     .successful_count = 1,
                                     .failed_stores = stores + 1,
                                     .failed_count = 1};
    answer_result(&answer, &result);
    assert_body(&answer, "{\"SuccessfulStores\":[\"aa000000-0000-0000-0000-000000000001\"],"
                         "\"FailedStores\":[\"aa000000-0000-0000-0000-000000000002\"]}");
    for (enum replace_status status = REPLACE_FAILED; status <= REPLACE_NO_LOCATIONS; status++) {
        result = (struct replace_result){.status = status};
        answer_result(&answer, &result);
        cr_assert_eq(answer.status, 200);
        assert_body(&answer, "{\"SuccessfulStores\":[],\"FailedStores\":[]}");
    }
}

/* Every rejection that the service knows has a row, and one of the statuses that callers know. */
Test(gateway_answer, every_rejection_has_a_status)
{
    static const struct {
        enum err_code code;
        unsigned status;
    } rows[] = {
        {ERR_COMMAND_ID_CONFLICT, 409}, {ERR_INVALID_COMMAND, 400},    {ERR_UNAUTHENTICATED, 401},
        {ERR_FORBIDDEN, 403},           {ERR_SEAL_INVALID, 400},       {ERR_NOT_STAGED, 404},
        {ERR_STAGING_EXPIRED, 404},     {ERR_CREDENTIAL_INVALID, 409}, {ERR_NOT_REQUESTER, 403},
        {ERR_TOO_MANY_STORES, 400},
    };
    size_t count = 0;
    for (enum err_code code = 1; code < ERR_CODE_COUNT; code++)
        count += err_class(code) == ERR_CLASS_REJECTION;
    cr_assert_eq(count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        AUTO(answer) struct answer answer = {0};
        struct replace_result result = {.command_id = id_of(9),
                                        .status = REPLACE_REJECTED,
                                        .has_rejection = true,
                                        .rejection_code = span_text(err_name(rows[i].code)),
                                        .rejection_message = SPAN_LITERAL("say \"why\" \xC3\xBC")};
        char wanted[200];
        answer_result(&answer, &result);
        cr_expect_eq(answer.status, rows[i].status, "%s", err_name(rows[i].code));
        cr_expect_str_eq(fault_name(answer.fault), err_name(rows[i].code));
        snprintf(wanted, sizeof wanted,
                 "{\"ErrorCode\":\"%s\",\"Message\":\"say \\\"why\\\" "
                 "\xC3\xBC\",\"CommandId\":\"aa000000-0000-0000-"
                 "0000-000000000009\"}",
                 err_name(rows[i].code));
        assert_body(&answer, wanted);
    }
}

Test(gateway_answer, a_newer_services_rejection)
{
    AUTO(answer) struct answer answer = {0};
    static char message[2000];
    struct replace_result result = {.status = REPLACE_REJECTED,
                                    .has_rejection = true,
                                    .rejection_code = SPAN_LITERAL("MOON_WRONG"),
                                    .rejection_message = SPAN_LITERAL("wait")};
    answer_result(&answer, &result);
    cr_assert_eq(answer.status, 400);
    cr_assert_eq(answer.fault, FAULT_INVALID_COMMAND);
    cr_assert_not_null(memmem(answer.body.data, answer.body.len, "MOON_WRONG: wait", 16));
    /* Cut, but not within a character. */
    for (size_t i = 0; i + 1 < sizeof message; i += 2)
        memcpy(message + i, "\xC3\xBC", 2);
    for (size_t from = 0; from < 2; from++) {
        message[0] = 'x';
        result.rejection_message = span_of(message + 2 - from * 2, sizeof message - 2);
        message[1] = 'x';
        answer_result(&answer, &result);
        json_t *body = json_loadb((const char *)answer.body.data, answer.body.len, 0, NULL);
        cr_assert_not_null(body);
        json_decref(body);
    }
}

Test(gateway_answer, faults_and_copies)
{
    AUTO(answer) struct answer answer = {0};
    AUTO(answer) struct answer copy = {0};
    answer_fault(&answer, FAULT_TOO_BUSY, NULL, "try again");
    cr_assert_eq(answer.status, 503);
    cr_assert_not(answer.has_command_id);
    assert_body(&answer, "{\"ErrorCode\":\"TOO_BUSY\",\"Message\":\"try again\"}");
    answer_copy(&copy, &answer);
    cr_assert_eq(copy.status, 503);
    cr_assert_eq(copy.fault, FAULT_TOO_BUSY);
    assert_body(&copy, "{\"ErrorCode\":\"TOO_BUSY\",\"Message\":\"try again\"}");
    for (enum gateway_fault fault = 0; fault < FAULT_COUNT; fault++) {
        cr_expect(fault_status(fault) >= 400 && fault_status(fault) < 600, "%s", fault_name(fault));
        cr_expect_gt(strlen(fault_meaning(fault)), 10, "%s", fault_name(fault));
    }
}
