/* A registry's answers with each allocation failing in turn: NO_MEMORY, never a refusal that is not there. */
#include "base/auto.h"
#include "registry/answer.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>

static const char body[] =
    "{\"id\":7,\"schema\":\"\\\"int\\\"\",\"references\":[],\"message\":\"a message\"}";

static enum answer_kind judge(struct err *err)
{
    return answer_judge(200, span_text(body), "asking", err);
}

static enum answer_kind refuse(struct err *err)
{
    return answer_judge(404, SPAN_LITERAL("{\"error_code\":40403,\"message\":\"none\"}"), "asking", err);
}

static enum answer_kind identify(struct err *err)
{
    uint32_t id = 0;
    enum answer_kind kind = answer_id(span_text(body), "asking", &id, err);
    cr_assert(kind != ANSWER_OK || id == 7);
    return kind;
}

static enum answer_kind read_schema(struct err *err)
{
    AUTO(buf) struct buf text = {0};
    enum answer_kind kind = answer_schema(span_text(body), "asking", &text, err);
    cr_assert(kind != ANSWER_OK || span_equal(buf_span(&text), SPAN_LITERAL("\"int\"")));
    return kind;
}

Test(answer_memory, an_answer_is_understood_or_there_was_no_memory)
{
    static const struct {
        enum answer_kind (*ask)(struct err *err);
        enum answer_kind kind;
    } cases[] = {
        {judge, ANSWER_OK}, {refuse, ANSWER_UNKNOWN}, {identify, ANSWER_OK}, {read_schema, ANSWER_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long nth = 1;
        for (bool failed = true; failed; nth++) {
            struct err err = {0};
            fail_allocation(nth);
            enum answer_kind kind = cases[i].ask(&err);
            failed = fail_allocation_end();
            if (failed)
                cr_assert(kind == ANSWER_FAILED && err.code == ERR_NO_MEMORY, "case %zu, allocation %ld: %s",
                          i, nth, err.text);
            else
                cr_assert_eq(kind, cases[i].kind);
        }
        cr_assert_gt(nth, 3);
    }
}
