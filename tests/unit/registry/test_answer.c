/* What a registry's answers mean. */
#include "registry/answer.h"

#include "base/auto.h"

#include <criterion/criterion.h>

static const struct {
    int status;
    const char *body;
    enum answer_kind kind;
    enum err_code code;
    const char *says;
} answers[] = {
    {200, "{}", ANSWER_OK, ERR_NONE, ""},
    {200, "<html>", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "no JSON object"},
    {200, "[]", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "no JSON object"},
    {404, "{\"error_code\":40401,\"message\":\"Subject not found\"}", ANSWER_UNKNOWN, ERR_REGISTRY_REFUSED,
     "Subject not found"},
    {404, "{\"error_code\":40403}", ANSWER_UNKNOWN, ERR_REGISTRY_REFUSED, "it has none"},
    {404, "{\"error_code\":404}", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "no registry at this path"},
    {404, "not found", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "correct CERTSWAP_SCHEMA_REGISTRY_URL"},
    {404, "", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "no registry at this path"},
    {401, "", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "user of CERTSWAP_SCHEMA_REGISTRY_URL"},
    {403, "{\"message\":\"read-only\"}", ANSWER_REFUSED, ERR_REGISTRY_REFUSED,
     "read-only; let the user of CERTSWAP_SCHEMA_REGISTRY_URL"},
    {409, "{\"message\":\"a\\nb\"}", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, ": a b; the subject has a schema"},
    {422, "{}", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "rules"},
    {302, "", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "not followed"},
    {400, "", ANSWER_REFUSED, ERR_REGISTRY_REFUSED, "answers 400"},
    {408, "", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "answers 408"},
    {429, "", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "answers 429"},
    {500, "{\"message\":\"leader gone\"}", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "leader gone"},
    {503, "", ANSWER_FAILED, ERR_REGISTRY_UNAVAILABLE, "answers 503"},
};

Test(answer, a_status_is_an_answer_a_refusal_or_a_failure)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct err err = {0};
        cr_assert_eq(answer_judge(answers[i].status, span_text(answers[i].body), "asking", &err),
                     answers[i].kind, "%d %s", answers[i].status, answers[i].body);
        cr_assert_eq(err.code, answers[i].code);
        cr_assert_not_null(strstr(err.text, answers[i].says), "%s", err.text);
        cr_assert_null(strchr(err.text, '\n'));
    }
}

/* Its own words are cut, so that what to do still fits. */
Test(answer, a_talkative_registry_leaves_room_for_the_remedy)
{
    AUTO(buf) struct buf body = {0};
    struct err err = {0};
    buf_put_text(&body, "{\"message\":\"");
    for (int i = 0; i < 1000; i++)
        buf_put_text(&body, "word ");
    buf_put_text(&body, "\"}");
    cr_assert_eq(answer_judge(409, buf_span(&body),
                              "registering a schema under the subject certstore.jobs-value", &err),
                 ANSWER_REFUSED);
    cr_assert_not_null(strstr(err.text, "change the subject's compatibility"), "%s", err.text);
}

Test(answer, ids)
{
    static const struct {
        const char *body;
        enum answer_kind kind;
        uint32_t id;
    } cases[] = {
        {"{\"id\":7}", ANSWER_OK, 7},
        {"{\"id\":4294967295}", ANSWER_OK, 4294967295},
        {"{\"id\":4294967296}", ANSWER_FAILED, 0},
        {"{\"id\":-1}", ANSWER_FAILED, 0},
        {"{\"id\":\"7\"}", ANSWER_FAILED, 0},
        {"{}", ANSWER_FAILED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        uint32_t id = 0;
        cr_assert_eq(answer_id(span_text(cases[i].body), "asking", &id, &err), cases[i].kind, "%s",
                     cases[i].body);
        cr_assert(cases[i].kind == ANSWER_OK ? id == cases[i].id : err.code == ERR_REGISTRY_UNAVAILABLE);
    }
}

Test(answer, schemas)
{
    static const struct {
        const char *body;
        enum err_code code;
        const char *text;
    } cases[] = {
        {"{\"schema\":\"\\\"int\\\"\"}", ERR_NONE, "\"int\""},
        {"{\"schemaType\":\"AVRO\",\"schema\":\"{}\",\"references\":[]}", ERR_NONE, "{}"},
        {"{\"schemaType\":\"JSON\",\"schema\":\"{}\"}", ERR_AVRO_INVALID, "no Avro schema"},
        {"{\"schema\":\"{}\",\"references\":[{}]}", ERR_AVRO_INVALID, "refers to other schemas"},
        {"{\"schema\":{}}", ERR_REGISTRY_UNAVAILABLE, "no schema"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf) struct buf text = {0};
        struct err err = {0};
        enum answer_kind kind = answer_schema(span_text(cases[i].body), "asking", &text, &err);
        cr_assert_eq(err.code, cases[i].code, "%s", cases[i].body);
        cr_assert_eq(kind == ANSWER_OK, err.code == ERR_NONE);
        buf_put_byte(&text, '\0');
        cr_assert_not_null(strstr(kind == ANSWER_OK ? (char *)text.data : err.text, cases[i].text));
    }
}
