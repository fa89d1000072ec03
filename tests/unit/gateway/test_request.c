/* Requests: paths, headers and bodies as clients write them, and as nobody should. */
#include "gateway/request.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(gateway_request, paths)
{
    static const struct {
        const char *prefix, *path;
        enum request_route route;
    } rows[] = {
        {"/KeyfactorAPI", "/KeyfactorAPI/Enrollment/PFX/Replace", ROUTE_REPLACE},
        {"/KeyfactorAPI", "/keyfactorapi/enrollment/pfx/replace", ROUTE_REPLACE},
        {"/KeyfactorAPI", "/KeyfactorAPI/Enrollment/PFX/Replace/", ROUTE_REPLACE},
        {"/KeyfactorAPI", "/KeyfactorAPI/Enrollment/PFX/Replace//", ROUTE_NONE},
        {"/KeyfactorAPI", "/KeyfactorAPI/Status/Endpoints", ROUTE_ENDPOINTS},
        {"/KeyfactorAPI", "/Enrollment/PFX/Replace", ROUTE_NONE},
        {"/KeyfactorAPI", "/KeyfactorAPIEnrollment/PFX/Replace", ROUTE_NONE},
        {"/KeyfactorAPI", "/KeyfactorAPI", ROUTE_NONE},
        {"/KeyfactorAPI", "/", ROUTE_NONE},
        {"/KeyfactorAPI", "", ROUTE_NONE},
        {"", "/Enrollment/PFX/Replace", ROUTE_REPLACE},
        {"/a/b", "/a/b/Enrollment/PFX/Replace", ROUTE_REPLACE},
        {"/a/b", "/a/b/Enrollment/PFX/Replace/x", ROUTE_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(request_route(rows[i].prefix, rows[i].path), rows[i].route, "%s %s", rows[i].prefix,
                     rows[i].path);
    cr_expect_str_eq(request_method(ROUTE_REPLACE), "POST");
    cr_expect_str_eq(request_method(ROUTE_ENDPOINTS), "GET");
}

Test(gateway_request, content_types)
{
    static const char *const good[] = {
        NULL,
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\" ; q=1",
        "application/json-patch+json",
        "text/json; charset=utf-8",
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "application/json;",
    };
    static const char *const bad[] = {
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "application/jsonx",
        "text/html; a=json",
        "multipart/form-data; boundary=application/json",
        "json",
        ";",
        "application/json; charset=",
        "application/json, text/plain",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(request_is_json(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(request_is_json(bad[i]), "%s", bad[i]);
}

Test(gateway_request, versions_and_keys)
{
    cr_expect(request_is_version_1(NULL));
    cr_expect(request_is_version_1("1"));
    cr_expect(request_is_version_1(" 1.0 "));
    cr_expect_not(request_is_version_1("2"));
    cr_expect_not(request_is_version_1(""));
    struct uuid id;
    cr_expect(request_idempotency_key("7D8F9C1E-0b7a-4c56-9f3e-2a1b3c4d5e6f", &id));
    cr_expect(request_idempotency_key(" \"7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f\" ", &id));
    cr_expect_not(request_idempotency_key("", &id));
    cr_expect_not(request_idempotency_key("\"7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f", &id));
    cr_expect_not(request_idempotency_key("7d8f9c1e0b7a4c569f3e2a1b3c4d5e6f", &id));
}

Test(gateway_request, tokens)
{
    static const struct {
        const char *header, *token; /* NULL: none */
    } rows[] = {
        {"Bearer abc.def-_~+/==", "abc.def-_~+/=="},
        {"bearer   abc ", "abc"},
        {"BEARER abc", "abc"},
        {NULL, NULL},
        {"", NULL},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Bearerabc", NULL},
        {"Bearer a b", NULL},
        {"Bearer a,b", NULL},
        {"Bearer a\"b", NULL},
        {"Bearer \xC3\xBC", NULL},
        {"Basic YTpi", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span token = {0};
        bool found = request_bearer(rows[i].header, &token);
        cr_expect_eq(found, rows[i].token != NULL, "%s", rows[i].header);
        cr_expect(!found || span_equal(token, span_text(rows[i].token)), "%s", rows[i].header);
    }
    static char large[REQUEST_TOKEN_MAX + 20] = "Bearer ";
    memset(large + 7, 'a', REQUEST_TOKEN_MAX);
    struct span token;
    cr_expect(request_bearer(large, &token));
    large[7 + REQUEST_TOKEN_MAX] = 'a';
    cr_expect_not(request_bearer(large, &token));
}

static bool read_body(const char *text, size_t len, struct arena *arena, struct replace_command *command,
                      struct err *err)
{
    *command = (struct replace_command){0};
    *err = (struct err){0};
    return request_read(arena, span_of(text, len), command, err);
}

Test(gateway_request, a_whole_body)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    struct replace_command c;
    struct err err;
    static const char body[] =
        "\xEF\xBB\xBF{\"ExistingCertificateId\":123, \"certificateid\":456,\"REQUESTID\":null,"
        "\"Password\":\"gr\\u00fc\\u00dfe\",\"JobTime\":\"2026-11-19T16:23:01.1234567+01:00\"}";
    cr_assert(read_body(body, sizeof body - 1, arena, &c, &err), "%s", err.text);
    cr_expect_eq(c.existing_certificate_id, 123);
    cr_expect(c.has_certificate_id && c.certificate_id == 456);
    cr_expect_not(c.has_request_id);
    cr_expect_eq(c.password_kind, PASSWORD_PLAIN);
    cr_expect(span_equal(c.password, SPAN_LITERAL("gr\xC3\xBC\xC3\x9F"
                                                  "e")));
    cr_expect(c.has_job_time && span_equal(c.job_time, SPAN_LITERAL("2026-11-19T16:23:01.1234567+01:00")));
}

Test(gateway_request, what_is_none)
{
    static const char *const bodies[] = {
        "{}",
        ("{\"ExistingCertificateId\":null,\"CertificateId\":null,\"RequestId\":null,\"Password\":null,"
         "\"JobTime\":null}"),
        "{\"ExistingCertificateId\":0,\"CertificateId\":0,\"RequestId\":0,\"Password\":\"\"}",
    };
    AUTO(arena) struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct replace_command c;
        struct err err;
        cr_assert(read_body(bodies[i], strlen(bodies[i]), arena, &c, &err), "%s", bodies[i]);
        cr_expect(c.existing_certificate_id == 0 && !c.has_certificate_id && !c.has_request_id &&
                  !c.has_job_time);
        cr_expect_eq(c.password_kind, PASSWORD_NONE);
    }
}

/* Refused, each with a text that says where and never repeats a value ("SECRET"). */
Test(gateway_request, hostile_bodies)
{
#define BODY(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        BODY(""),
        BODY("null"),
        BODY("5"),
        BODY("[]"),
        BODY("\"SECRET\""),
        BODY("{\"Password\":\"SECRET"),
        BODY("{\"Password\":SECRET}"),
        BODY("{\"Password\":\"SECRET\"} x"),
        BODY("{\"Password\":\"SECRET\",\"Password\":\"SECRET\"}"),
        BODY("{\"Password\":\"SECRET\",\"password\":null}"),
        BODY("{\"CertificateId\":1,\"certificateId\":1}"),
        BODY("{\"Password\":\"SECRET\\u0000\"}"),
        BODY("{\"Password\":\"SECRET\0\"}"),
        BODY("{\"Password\":\"SECRET\xFF\"}"),
        BODY("{\"Password\":\"\\ud800SECRET\"}"),
        BODY("{\"Password\":[\"SECRET\"]}"),
        BODY("{\"Password\":7}"),
        BODY("{\"JobTime\":7}"),
        BODY("{\"JobTime\":{\"SECRET\":1}}"),
        BODY("{\"CertificateId\":1.0}"),
        BODY("{\"CertificateId\":1e3}"),
        BODY("{\"CertificateId\":\"SECRET\"}"),
        BODY("{\"CertificateId\":true}"),
        BODY("{\"CertificateId\":2147483648}"),
        BODY("{\"CertificateId\":-2147483649}"),
        BODY("{\"CertificateId\":9223372036854775808}"),
        BODY("{\"CertificateId\":184467440737095516151844674407370955161518446744073709551615}"),
        BODY("{\"CertificateId\":1e400}"),
        BODY("{\"CertificateId\":NaN}"),
        BODY("{\"CertificateId\":01}"),
        BODY("{\"StoreIds\":[]}"),
        BODY("{\"Certificate\\u0000Id\":1}"),
        BODY("{\"\":1}"),
        BODY("{\"ExistingCertificateId \":1}"),
        BODY("{'CertificateId':1}"),
        BODY("{\"CertificateId\":1,}"),
    };
    AUTO(arena) struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct replace_command c;
        struct err err;
        cr_expect_not(read_body(rows[i].text, rows[i].len, arena, &c, &err), "%s", rows[i].text);
        cr_expect_eq(err.code, ERR_INVALID_COMMAND, "%s", rows[i].text);
        cr_expect_gt(strlen(err.text), 15);
        cr_expect_null(strstr(err.text, "SECRET"), "%s", err.text);
    }
}

Test(gateway_request, deep_and_long)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    static char deep[REQUEST_BODY_MAX];
    static char password[REQUEST_PASSWORD_MAX + 64];
    struct replace_command c;
    struct err err;
    memset(deep, '[', sizeof deep);
    cr_expect_not(read_body(deep, sizeof deep, arena, &c, &err));
    cr_expect_eq(err.code, ERR_INVALID_COMMAND);
    for (int over = 0; over < 2; over++) {
        int len =
            snprintf(password, sizeof password, "{\"Password\":\"%0*d\"}", REQUEST_PASSWORD_MAX + over, 0);
        cr_expect_eq(read_body(password, (size_t)len, arena, &c, &err), over == 0);
    }
}

/* An unknown member's name is shown, but nothing that could begin a new line or end the quotes. */
Test(gateway_request, names_are_shown_clean)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    struct replace_command c;
    struct err err;
    static const char body[] = "{\"a\\nb\\\"\\u00fc\":1}";
    cr_expect_not(read_body(body, sizeof body - 1, arena, &c, &err));
    cr_expect_not_null(strstr(err.text, "\"a?b???\""), "%s", err.text);
}
