#include "unit/crypto/jwt_cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER CERTSWAP_SOURCE_DIR "/tests/cases/jwt/"

const struct jwt_rules jwt_case_rules = {
    .issuer = SPAN_LITERAL("https://issuer.example"),
    .audience = SPAN_LITERAL("certswap"),
    .user_claim = "sub",
    .permissions_claim = "permissions",
};

static void read_file(const char *path, struct buf *content)
{
    char chunk[4096];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    for (size_t len; (len = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_put(content, chunk, len);
    fclose(file);
}

void jwt_set_text(const char *name, struct buf *json)
{
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s.jwks.json", name);
    read_file(path, json);
}

static struct jwk_set *load_set(const char *name)
{
    AUTO(buf) struct buf json = {0};
    struct jwk_set *set;
    struct err err = {0};
    jwt_set_text(name, &json);
    cr_assert(jwk_set_parse(buf_span(&json), &set, &err), "%s: %s", name, err.text);
    return set;
}

/* The field of the line where *at is, which ends at the tab or the line's end. */
static char *take_field(char **at)
{
    char *field = *at;
    cr_assert_not_null(field);
    *at = strpbrk(field, "\t\n");
    cr_assert_not_null(*at);
    *(*at)++ = '\0';
    return field;
}

size_t for_each_jwt_case(void (*check)(const struct jwt_case *one, void *arg), void *arg)
{
    AUTO(buf) struct buf content = {0};
    struct jwk_set *several = load_set("several"), *only = load_set("one");
    size_t count = 0;
    read_file(FOLDER "tokens.txt", &content);
    buf_put_byte(&content, '\0');
    for (char *at = (char *)content.data; *at != '\0'; count++) {
        struct jwt_case one = {.name = take_field(&at)};
        one.set = strcmp(take_field(&at), "one") == 0 ? only : several;
        one.token = span_text(take_field(&at));
        one.expected = take_field(&at);
        check(&one, arg);
    }
    jwk_set_free(several);
    jwk_set_free(only);
    return count;
}

struct wanted {
    const char *name;
    struct jwt_case *to;
};

static void keep(const struct jwt_case *one, void *arg)
{
    const struct wanted *wanted = arg;
    if (strcmp(one->name, wanted->name) != 0)
        return;
    char *token = strndup((const char *)one->token.data, one->token.len);
    *wanted->to = (struct jwt_case){strdup(one->name), strdup(one->expected), span_text(token),
                                    load_set(one->set->usable == 1 ? "one" : "several")};
}

void jwt_case_load(struct jwt_case *one, const char *name)
{
    struct wanted wanted = {name, one};
    *one = (struct jwt_case){0};
    for_each_jwt_case(keep, &wanted);
    cr_assert_not_null(one->name, "no case %s", name);
}

void jwt_case_free(struct jwt_case *one)
{
    free(one->name);
    free(one->expected);
    free((void *)(uintptr_t)one->token.data);
    jwk_set_free(one->set);
}
