/* The tokens under tests/cases/jwt, valid ones and attacks: make.py there made them. */
#include "crypto/jwt.h"
#include "unit/crypto/cases.h"
#include "unit/crypto/jwt_cases.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(jwt, .init = start_library);

static void check(const struct jwt_case *one, void *arg)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    struct err err = {0};
    struct jwt jwt;
    struct principal principal = {0};
    enum jwt_key_state key = JWT_KEY_BAD;
    size_t *valid = arg;
    bool good = jwt_read(arena, one->token, &jwt, &err) &&
                (key = jwt_check_key(&jwt, one->set, &err)) == JWT_KEY_GOOD &&
                jwt_read_claims(arena, &jwt, &jwt_case_rules, JWT_CASE_MOMENT_MS, &principal, &err);
    if (strncmp(one->expected, "valid ", 6) == 0) {
        cr_expect(good, "%s: %s", one->name, err.text);
        cr_expect(span_equal(principal.user, SPAN_LITERAL("CORP\\ada")), "%s: another user", one->name);
        cr_expect_eq(principal.permission_count, (size_t)(one->expected[6] - '0'), "%s: %zu permissions",
                     one->name, principal.permission_count);
        ++*valid;
        return;
    }
    const char *part = one->expected;
    bool unknown = strncmp(part, "unknown key ", 12) == 0;
    cr_expect_not(good, "%s is taken", one->name);
    cr_expect_eq(err.code, ERR_UNAUTHENTICATED, "%s: %s", one->name, err.text);
    cr_expect_not_null(strstr(err.text, part + (unknown ? 12 : 0)), "%s: '%s' does not say '%s'", one->name,
                       err.text, part);
    cr_expect_eq(key == JWT_KEY_UNKNOWN, unknown, "%s: state %d", one->name, key);
    cr_expect_null(strstr(err.text, "eyJ"), "%s: the message shows the token", one->name);
    cr_expect(principal.user.len == 0 && principal.permission_count == 0, "%s: a principal", one->name);
}

Test(jwt, each_case_is_judged_as_its_line_says)
{
    size_t valid = 0;
    size_t all = for_each_jwt_case(check, &valid);
    cr_expect_geq(valid, 31);
    cr_expect_geq(all - valid, 190, "%zu attacks", all - valid);
}

/* Any one character of a token changed. */
static void change_each(const struct jwt_case *one, void *arg)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    char text[2048];
    if (strcmp(one->name, arg) != 0)
        return;
    cr_assert_lt(one->token.len, sizeof text);
    for (size_t i = 0; i < one->token.len; i++) {
        struct err err = {0};
        struct jwt jwt;
        memcpy(text, one->token.data, one->token.len);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        bool good = jwt_read(arena, span_of(text, one->token.len), &jwt, &err) &&
                    jwt_check_key(&jwt, one->set, &err) == JWT_KEY_GOOD;
        cr_assert_not(good, "character %zu", i);
        cr_assert_eq(err.code, ERR_UNAUTHENTICATED);
    }
}

Test(jwt, no_changed_character_goes_unnoticed)
{
    char names[][6] = {"ES256", "RS256"};
    for (size_t i = 0; i < 2; i++)
        cr_assert_gt(for_each_jwt_case(change_each, names[i]), 0);
}

Test(jwt, other_claims_can_name_user_and_permissions)
{
    struct jwt_rules rules = jwt_case_rules;
    AUTO(arena) struct arena *arena = arena_new(0);
    struct principal principal;
    struct jwt_case one;
    struct err err = {0};
    struct jwt jwt;
    jwt_case_load(&one, "ES256");
    rules.user_claim = "iss";
    rules.permissions_claim = "aud";
    cr_assert(jwt_read(arena, one.token, &jwt, &err));
    cr_assert(jwt_read_claims(arena, &jwt, &rules, JWT_CASE_MOMENT_MS, &principal, &err), "%s", err.text);
    cr_expect(span_equal(principal.user, rules.issuer));
    cr_assert_eq(principal.permission_count, 1);
    cr_expect(span_equal(principal.permissions[0], rules.audience));
    jwt_case_free(&one);
}

static const struct {
    const char *json, *words; /* words NULL: it is a set, of `usable` keys */
    size_t usable;
} sets[] = {
    {"", "no JSON text", 0},
    {"{", "no JSON text", 0},
    {"[]", "no JWK Set", 0},
    {"{}", "no JWK Set", 0},
    {"{\"keys\":{}}", "no JWK Set", 0},
    {"{\"keys\":[]}", "has no keys", 0},
    {"{\"keys\":[],\"keys\":[]}", "no JSON text", 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "of the first one: it is neither RSA nor EC", 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\"}]}", "lacks n or e", 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "shorter than 2048 bits", 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQA=\"}]}", "lacks n or e", 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}]}", "key", 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}", "lacks x or y", 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-192\",\"x\":\"AA\",\"y\":\"AA\"}]}", "none of P-256", 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}", "lacks x or y", 0},
    /* not on the curve */
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
     "\"y\":"
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
     "cannot be read", 0},
    /* the generator */
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
     "\"y\":"
     "\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\",\"d\":\"AQ\",\"more\":[1]}],\"more\":{}}",
     NULL, 1},
};

Test(jwt, key_sets)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        AUTO(jwk_set) struct jwk_set *set = NULL;
        struct err err = {0};
        bool read = jwk_set_parse(span_text(sets[i].json), &set, &err);
        cr_expect_eq(read, sets[i].words == NULL, "%s: %s", sets[i].json, err.text);
        cr_expect_eq(read ? set->usable : 0, sets[i].usable);
        if (sets[i].words != NULL)
            cr_expect_not_null(strstr(err.text, sets[i].words), "%s: %s", sets[i].json, err.text);
        cr_expect(read || err.code == ERR_CONFIG_INVALID);
    }
}

Test(jwt, key_sets_are_bounded)
{
    AUTO(buf) struct buf json = {0};
    AUTO(jwk_set) struct jwk_set *set = NULL;
    struct err err = {0};
    buf_put_text(&json, "{\"keys\":[0");
    for (int i = 0; i < JWK_SET_KEYS_MAX; i++)
        buf_put_text(&json, ",0");
    buf_put_text(&json, "]}");
    cr_expect_not(jwk_set_parse(buf_span(&json), &set, &err));
    cr_expect_not_null(strstr(err.text, "more than 100 keys"), "%s", err.text);
    err = (struct err){0};
    for (int i = 0; i < JWK_SET_BYTES_MAX; i++)
        buf_put_byte(&json, ' ');
    cr_expect_not(jwk_set_parse(buf_span(&json), &set, &err));
    cr_expect_not_null(strstr(err.text, "larger than 64 KiB"), "%s", err.text);
}
