/* A second opinion: the keys and tokens of cjose, another implementation of JOSE in C. */
#include "base/buf.h"
#include "crypto/jwt.h"
#include "unit/crypto/cases.h"
#include "unit/crypto/jwt_cases.h"

#include <cjose/cjose.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(jwt_cjose, .init = start_library);

static const char claims[] = "{\"iss\":\"https://issuer.example\",\"aud\":[\"certswap\"],\"sub\":\"ada\","
                             "\"exp\":1795105400,\"permissions\":\"a b\"}";

static cjose_jwk_t *make_key(const char *alg)
{
    cjose_err err = {0};
    cjose_jwk_t *key = strcmp(alg, "ES256") == 0   ? cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err)
                       : strcmp(alg, "ES384") == 0 ? cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_384, &err)
                       : strcmp(alg, "ES512") == 0 ? cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_521, &err)
                                                   : cjose_jwk_create_RSA_random(2048, NULL, 0, &err);
    cr_assert_not_null(key, "%s: %s", alg, err.message);
    return key;
}

static struct jwk_set *set_of(const cjose_jwk_t *key)
{
    AUTO(buf) struct buf json = {0};
    struct jwk_set *set;
    struct err err = {0};
    cjose_err fault = {0};
    char *one = cjose_jwk_to_json(key, false, &fault);
    cr_assert_not_null(one);
    buf_put_format(&json, "{\"keys\":[%s]}", one);
    free(one);
    cr_assert(jwk_set_parse(buf_span(&json), &set, &err), "%s", err.text);
    return set;
}

/* By cjose's key; the caller releases. */
static cjose_jws_t *sign(const char *alg, const cjose_jwk_t *key)
{
    cjose_err err = {0};
    cjose_header_t *header = cjose_header_new(&err);
    cr_assert(cjose_header_set(header, "alg", alg, &err) && cjose_header_set(header, "kid", alg, &err));
    cjose_jws_t *jws = cjose_jws_sign(key, header, (const uint8_t *)claims, strlen(claims), &err);
    cr_assert_not_null(jws, "%s: %s", alg, err.message);
    cjose_header_release(header);
    return jws;
}

Test(jwt_cjose, its_tokens_are_taken_with_its_keys)
{
    static const char *const algorithms[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                             "PS512", "ES256", "ES384", "ES512"};
    cjose_jwk_t *rsa = make_key("RS256");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        AUTO(arena) struct arena *arena = arena_new(0);
        /* One RSA key for all: they take long to make. */
        cjose_jwk_t *key = algorithms[i][0] == 'E' ? make_key(algorithms[i]) : rsa;
        cr_assert(cjose_jwk_set_kid(key, algorithms[i], strlen(algorithms[i]), NULL));
        cjose_jws_t *jws = sign(algorithms[i], key);
        AUTO(jwk_set) struct jwk_set *set = set_of(key);
        struct principal principal;
        struct err err = {0};
        struct jwt jwt;
        const char *token;
        cr_assert(cjose_jws_export(jws, &token, NULL));
        cr_expect(jwt_read(arena, span_text(token), &jwt, &err) &&
                      jwt_check_key(&jwt, set, &err) == JWT_KEY_GOOD &&
                      jwt_read_claims(arena, &jwt, &jwt_case_rules, JWT_CASE_MOMENT_MS, &principal, &err),
                  "%s: %s", algorithms[i], err.text);
        cr_expect_eq(principal.permission_count, 2);
        cjose_jws_release(jws);
        if (key != rsa)
            cjose_jwk_release(key);
    }
    cjose_jwk_release(rsa);
}
