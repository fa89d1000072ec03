/* A text of two lines is the JSON of header and claims, put into a token's form; any other is a token as it
   is. The claims are read whoever signed them, which the service does not. */
#include "base/base64.h"
#include "base/buf.h"
#include "crypto/jwt.h"
#include "fuzz/crypto/start.h"

#include <stdio.h>

static struct jwk_set *set;

static void load_set(void)
{
    static char json[JWK_SET_BYTES_MAX];
    FILE *file = fopen(CERTSWAP_SOURCE_DIR "/tests/cases/jwt/several.jwks.json", "r");
    size_t len = file != NULL ? fread(json, 1, sizeof json, file) : 0;
    if (!jwk_set_parse(span_of(json, len), &set, NULL))
        abort();
    fclose(file);
}

static void put_part(struct buf *token, struct span part)
{
    size_t start = token->len;
    base64_put(token, part);
    while (token->len > start && token->data[token->len - 1] == '=')
        token->len--;
    for (size_t i = start; i < token->len; i++)
        token->data[i] = token->data[i] == '+' ? '-' : token->data[i] == '/' ? '_' : token->data[i];
    buf_put_byte(token, '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct jwt_rules rules = {SPAN_LITERAL("https://issuer.example"), SPAN_LITERAL("certswap"), "sub",
                                    "permissions"};
    AUTO(buf) struct buf token = {0};
    AUTO(arena) struct arena *arena = arena_new(0);
    struct jwt jwt;
    struct principal principal;
    struct err err = {0};
    start_once();
    if (set == NULL)
        load_set();
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (line != NULL) {
        put_part(&token, span_of(data, (size_t)(line - data)));
        put_part(&token, span_of(line + 1, size - (size_t)(line + 1 - data)));
        buf_put_text(&token, "c2lnbmF0dXJl");
    } else {
        buf_put(&token, data, size);
    }
    if (jwt_read(arena, buf_span(&token), &jwt, &err)) {
        jwt_check_key(&jwt, set, &err);
        err = (struct err){0};
        if (jwt_read_claims(arena, &jwt, &rules, INT64_C(1795105381000), &principal, &err) &&
            principal.user.len == 0)
            abort();
    }
    if (err.code != ERR_NONE && err.code != ERR_UNAUTHENTICATED)
        abort();
    return 0;
}
