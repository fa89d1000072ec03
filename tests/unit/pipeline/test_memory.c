/* Opening and sealing while each allocation of ours fails in turn: NO_MEMORY or the very same as with memory.
 */
#include "crypto/library.h"
#include "crypto/sealing.h"
#include "identity.h"
#include "pipeline/job_seal.h"
#include "pipeline/unseal.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>

enum { NOW_S = 1790000000, DAY_S = 24 * 3600 };

static const int64_t now_ms = (int64_t)NOW_S * 1000;
static struct identity identity;
static struct arena *lasting;
static struct schema_set *schemas;
static struct codec *codec;

static void start(void)
{
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
    lasting = arena_new(0);
    schemas = schema_set_new(NULL, &err);
    codec = codec_new(schemas);
    identity_make(lasting, NOW_S - DAY_S, NOW_S + DAY_S, &identity);
}

static void stop(void)
{
    identity_free(&identity);
    codec_free(codec);
    schema_set_free(schemas);
    arena_free(lasting);
    crypto_library_stop();
}

TestSuite(seals_memory, .init = start, .fini = stop);

/* Seals one job, then opens it as if it were an event's. */
static bool go_round(struct err *err)
{
    static const struct package package = {
        .contents = {[5] = {.format = CREDENTIAL_PEM, .content = SPAN_LITERAL("certificate")}}};
    struct agent agent = {.has_certificate = true, .certificate = identity.certificate};
    struct inventory_store store = {.agent = &agent};
    struct plan_store stores[] = {{.store = &store}};
    struct plan plan = {.stores = stores, .store_count = 1};
    AUTO(arena) struct arena *arena = arena_new(0);
    struct unsealer *unsealer = arena != NULL ? unsealer_new(identity.folder, err) : NULL;
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    AUTO(job_sealer) struct job_sealer sealer = {0};
    AUTO(buf) struct buf plain = {0};
    struct credential_or_sealed made;
    struct credential opened;
    bool done = unsealer != NULL && known != NULL &&
                job_sealer_begin(&sealer, arena, codec, known, &plan, &package, now_ms, err) &&
                job_sealer_credential(&sealer, 0, 5, &made, err) &&
                unseal_credential(unsealer, codec, arena, &made.sealed, &plain, &opened, err);
    cr_assert(!done || span_equal(opened.content, package.contents[5].content));
    struct span password;
    if (done) /* whatever its bytes are: of a credential they are UTF-8 too */
        done = unseal_password(unsealer, arena, &made.sealed, &password, err);
    unsealer_free(unsealer);
    return done ||
           ((arena == NULL || known == NULL) && err_set(err, ERR_NO_MEMORY, "neither arena nor recipients"));
}

Test(seals_memory, without_memory_there_is_no_seal_and_no_secret)
{
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct err err = {0};
        fail_allocation(nth);
        bool done = go_round(&err);
        failed = fail_allocation_end();
        cr_assert(done || (failed && err.code == ERR_NO_MEMORY), "allocation %ld: %s", nth, err.text);
    }
    cr_assert_gt(nth, 8);
}
