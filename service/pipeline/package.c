#include "pipeline/package.h"

#include "crypto/library.h"
#include "crypto/store_format.h"

enum {
    RANDOM_PASSWORD_BYTES = 16,
    RANDOM_PASSWORD_ITERATIONS = 1000, /* 128 random bits need no stretching */
};

/* A password of ours: RANDOM_PASSWORD_BYTES random bytes in hexadecimal. */
static bool make_password(struct arena *arena, struct span *password, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[RANDOM_PASSWORD_BYTES];
    uint8_t *text = arena_alloc(arena, 2 * sizeof bytes + 1);
    if (text == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a password");
    if (!crypto_random(bytes, sizeof bytes, err))
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        text[2 * i] = (uint8_t)digits[bytes[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
    }
    secret_wipe(bytes, sizeof bytes);
    *password = span_of(text, 2 * sizeof bytes);
    return true;
}

/* Wraps one variant; false with PACKAGING_FAILED, or NO_MEMORY. */
static bool wrap(struct arena *arena, unsigned variant, const struct material *material, struct span password,
                 int iterations, struct credential *content, struct err *err)
{
    struct credential_variant wanted = credential_variant(variant);
    struct store_format_request request = {wanted.format,   wanted.profile, material,
                                           wanted.with_key, password,       iterations};
    AUTO(buf) struct buf out = {0};
    bool encrypted = true;
    if (!store_format_build(&request, &out, &encrypted, err))
        return false;
    content->format = wanted.format;
    content->content = arena_copy(arena, buf_span(&out));
    content->has_password = encrypted;
    content->password = encrypted ? password : (struct span){0};
    return content->content.data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a job's content");
}

bool package_build(struct arena *arena, struct plan *plan, const struct material *material, int iterations,
                   struct package *package, struct err *err)
{
    struct span password = plan->view.password;
    if (plan->variants == 0)
        return true;
    if (!plan->view.has_password) {
        iterations = RANDOM_PASSWORD_ITERATIONS;
        if (!make_password(arena, &password, err))
            return false;
    }
    unsigned wanted = plan->variants;
    for (unsigned variant = 0; variant < CREDENTIAL_VARIANT_COUNT; variant++) {
        if ((wanted & 1u << variant) == 0)
            continue;
        struct err why = {0};
        if (wrap(arena, variant, material, password, iterations, &package->contents[variant], &why))
            continue;
        if (why.code != ERR_PACKAGING_FAILED)
            return err_set(err, why.code, "%s", why.text);
        struct span message = arena_copy(arena, span_text(why.text));
        if (message.data == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory for a failure");
        plan_fail_variant(plan, variant, ERR_PACKAGING_FAILED, message);
    }
    return true;
}
