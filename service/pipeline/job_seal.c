#include "pipeline/job_seal.h"

#include "crypto/sealing.h"

#include <assert.h>
#include <stdlib.h>

/* One certificate, and what was sealed to it so far. */
struct job_recipient {
    struct span certificate;
    struct {
        struct sealed sealed; /* cms.data NULL: not made */
        struct span failure;  /* data NULL: none */
    } variants[CREDENTIAL_VARIANT_COUNT];
};

struct wanted {
    struct span certificate;
    size_t store;
};

static int by_certificate(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    int order = span_compare(left->certificate, right->certificate);
    return order != 0 ? order : (left->store > right->store) - (left->store < right->store);
}

/* The stores that want sealed jobs, those of one certificate together. */
static size_t collect(const struct plan *plan, struct wanted *wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->store_count; i++) {
        const struct plan_store *store = &plan->stores[i];
        if (store->failure == ERR_NONE && store->store->agent->has_certificate)
            wanted[count++] = (struct wanted){store->store->agent->certificate, i};
    }
    qsort(wanted, count, sizeof *wanted, by_certificate);
    return count;
}

bool job_sealer_begin(struct job_sealer *sealer, struct arena *arena, struct codec *codec,
                      struct sealing_recipients *known, const struct plan *plan,
                      const struct package *package, int64_t now_ms, struct err *err)
{
    *sealer = (struct job_sealer){
        .arena = arena, .codec = codec, .known = known, .plan = plan, .package = package, .now_ms = now_ms};
    struct wanted *wanted = arena_array(arena, plan->store_count, sizeof *wanted);
    sealer->of_store = arena_array(arena, plan->store_count, sizeof *sealer->of_store);
    if (wanted == NULL || sealer->of_store == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for the recipients of a command's jobs");
    size_t count = collect(plan, wanted);
    struct job_recipient *recipient = NULL;
    for (size_t i = 0; i < count; i++) {
        if (recipient == NULL || !span_equal(recipient->certificate, wanted[i].certificate)) {
            recipient = arena_alloc(arena, sizeof *recipient);
            if (recipient == NULL)
                return err_set(err, ERR_NO_MEMORY, "out of memory for the recipients of a command's jobs");
            recipient->certificate = wanted[i].certificate;
        }
        sealer->of_store[wanted[i].store] = recipient;
    }
    return true;
}

void job_sealer_free(struct job_sealer *sealer)
{
    for (unsigned i = 0; i < CREDENTIAL_VARIANT_COUNT; i++)
        buf_free(&sealer->bodies[i]);
    buf_free(&sealer->cms);
}

/* Fills in the recipient's seal of the variant, or why there is none. False with NO_MEMORY. */
static bool seal(struct job_sealer *sealer, struct job_recipient *recipient, unsigned variant,
                 struct err *err)
{
    struct buf *body = &sealer->bodies[variant];
    struct sealed *sealed = &recipient->variants[variant].sealed;
    char name[SEALING_RECIPIENT_LEN + 1];
    struct err why = {0};
    if (body->len == 0 &&
        !codec_encode_credential_body(sealer->codec, &sealer->package->contents[variant], body, err))
        return false;
    buf_reset(&sealer->cms);
    if (sealing_recipients_seal(sealer->known, recipient->certificate, buf_span(body), sealer->now_ms,
                                &sealer->cms, name, &why)) {
        sealed->recipient = arena_copy(sealer->arena, span_of(name, SEALING_RECIPIENT_LEN));
        sealed->cms = arena_copy(sealer->arena, buf_span(&sealer->cms));
        return (sealed->recipient.data != NULL && sealed->cms.data != NULL) ||
               err_set(err, ERR_NO_MEMORY, "out of memory for a sealed job");
    }
    if (why.code != ERR_SEALING_FAILED)
        return err_set(err, why.code, "%s", why.text);
    struct span *failure = &recipient->variants[variant].failure;
    *failure = arena_copy(sealer->arena, span_text(why.text));
    return failure->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a failure");
}

bool job_sealer_credential(struct job_sealer *sealer, size_t store, unsigned variant,
                           struct credential_or_sealed *out, struct err *err)
{
    assert(store < sealer->plan->store_count && variant < CREDENTIAL_VARIANT_COUNT);
    struct job_recipient *recipient = sealer->of_store[store];
    if (recipient == NULL) {
        *out = (struct credential_or_sealed){.plain = sealer->package->contents[variant]};
        return true;
    }
    if (recipient->variants[variant].sealed.cms.data == NULL &&
        recipient->variants[variant].failure.data == NULL && !seal(sealer, recipient, variant, err))
        return false;
    struct span failure = recipient->variants[variant].failure;
    if (failure.data != NULL)
        return err_set(err, ERR_SEALING_FAILED, "%.*s", SPAN_ARG(failure));
    *out = (struct credential_or_sealed){.is_sealed = true, .sealed = recipient->variants[variant].sealed};
    return true;
}
