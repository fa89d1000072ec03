#include "pipeline/replace_item.h"

#include "crypto/library.h"
#include "metrics/metrics.h"
#include "pipeline/batch.h"
#include "pipeline/log_trace.h"
#include "pipeline/replace_output.h"
#include "pipeline/staged_record.h"

#include <assert.h>

void replace_item_free(struct replace_item *item)
{
    material_free(&item->material);
}

bool message_header_number(const rd_kafka_message_t *message, const char *name, int64_t *number)
{
    enum { DIGITS_MAX = 18 };
    struct span text;
    if (!message_header(message, name, &text) || text.len == 0 || text.len > DIGITS_MAX)
        return false;
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *number = *number * 10 + (text.data[i] - '0');
    }
    return true;
}

/* Where the record came from first, and when it was first seen: its own place and now, unless certswap's own
   headers on the retry topic say otherwise. */
static bool read_origin(struct replace_tools *tools, struct replace_item *item)
{
    const rd_kafka_message_t *message = item->message;
    const char *topic = rd_kafka_topic_name(message->rkt);
    struct span origin;
    struct span first_topic;
    int32_t first_partition;
    int64_t first_offset;
    if (strcmp(topic, tools->context->settings->topics.retry) == 0 &&
        message_header(message, RETRY_HEADER_ORIGIN, &origin) &&
        place_split(origin, &first_topic, &first_partition, &first_offset) &&
        message_header_number(message, RETRY_HEADER_ATTEMPT, &item->retries) &&
        message_header_number(message, RETRY_HEADER_FIRST_SEEN, &item->first_seen_ms) &&
        item->first_seen_ms != 0) {
        item->claim.origin = origin;
        return true;
    }
    item->retries = 0;
    item->first_seen_ms = 0;
    item->claim.origin = place_text(tools->arena, topic, message->partition, message->offset);
    return item->claim.origin.data != NULL;
}

bool replace_item_read(struct replace_tools *tools, const rd_kafka_message_t *message,
                       struct replace_item *item, struct err *err)
{
    item->message = message;
    trace_context_from_message(&item->trace, message);
    if (!codec_decode_replace_command(tools->codec, message_value(message), tools->arena, &item->command,
                                      &item->refusal))
        return codec_error_is_of_message(item->refusal.code) ||
               err_set(err, item->refusal.code, "%s", item->refusal.text);
    item->claim.command_id = item->command.command_id;
    if (tools->policy.token_decides)
        item->command.principal = (struct principal){0};
    struct plan_input input = {.command = &item->command, .policy = &tools->policy, .now_ms = tools->now_ms};
    if (!read_origin(tools, item))
        return err_set(err, ERR_NO_MEMORY, "out of memory for a command's origin");
    uint8_t hash[64];
    if (!crypto_hash(DIGEST_SHA256, message_value(message), hash, err))
        return false;
    memcpy(item->claim.hash, hash, sizeof item->claim.hash);
    return plan_precheck(tools->arena, &input, &item->plan, err);
}

static bool is_same_record(const struct replace_item *a, const struct replace_item *b)
{
    return uuid_equal(&a->claim.command_id, &b->claim.command_id) &&
           span_equal(a->claim.origin, b->claim.origin) &&
           memcmp(a->claim.hash, b->claim.hash, sizeof a->claim.hash) == 0;
}

/* Where a record was not seen before, its origin is its own place: each pair has one that was. */
void replace_items_find_copies(struct replace_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct replace_item *kept = &items[i];
        if (kept->first_seen_ms == 0 || !replace_item_counts(kept))
            continue;
        for (size_t j = 0; j < count && !kept->is_copy; j++) {
            struct replace_item *other = &items[j];
            if (j == i || !replace_item_counts(other) || !is_same_record(kept, other))
                continue;
            if (other->first_seen_ms != 0 && other->first_seen_ms < kept->first_seen_ms)
                kept->is_copy = true;
            else
                other->is_copy = true;
        }
    }
}

bool replace_item_counts(const struct replace_item *item)
{
    return item->refusal.code == ERR_NONE && !item->is_copy;
}

bool replace_item_wants_lookup(const struct replace_item *item)
{
    return replace_item_counts(item) && item->plan.rejection == ERR_NONE;
}

/* A value that must not be used is the operator's business as much as the caller's. */
static void report_unusable(const struct replace_item *item, const struct err *why)
{
    metric_add(METRIC_STAGED_UNREADABLE, 1);
    log_error("staged value cannot be used", log_int("certificateId", item->lookup.certificate_id),
              log_err(why), log_uuid("commandId", &item->command.command_id), log_trace(item->message));
}

static bool take_thumbprint(struct replace_tools *tools, struct replace_item *item, struct err *err)
{
    char thumbprint[THUMBPRINT_TEXT_LEN + 1];
    struct span *kept = &item->staged.thumbprint;
    if (material_thumbprint(&item->material, thumbprint))
        *kept = arena_copy(tools->arena, span_of(thumbprint, THUMBPRINT_TEXT_LEN));
    return kept->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a thumbprint");
}

bool replace_item_take_lookup(struct replace_tools *tools, struct replace_item *item, struct err *err)
{
    const struct staged_lookup *lookup = &item->lookup;
    struct staged_outcome *staged = &item->staged;
    *staged = (struct staged_outcome){.state = lookup->state,
                                      .has_certificate_id = lookup->certificate_id != 0,
                                      .certificate_id = lookup->certificate_id,
                                      .reason = lookup->refused};
    if (lookup->state != STAGED_FOUND)
        return true;
    struct err why = {0};
    if (!staged_record_judge(tools->arena, staging_keys_ring(tools->keys), lookup, &staged->state,
                             &staged->requester, &item->material, &why, err))
        return false;
    if (why.code != ERR_NONE)
        report_unusable(item, &why);
    if (staged->state == STAGED_FOUND)
        return take_thumbprint(tools, item, err);
    if (staged->state != STAGED_REFUSED)
        return true;
    staged->reason = arena_copy(tools->arena, span_text(why.text));
    return staged->reason.data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a reason");
}

bool replace_item_lacks_material(const struct replace_item *item)
{
    return replace_item_wants_lookup(item) && !item->key_may_come &&
           (item->staged.state == STAGED_MISSING || item->staged.state == STAGED_EXPIRED);
}

static enum item_fate fate_of(const struct replace_item *item)
{
    if (item->refusal.code != ERR_NONE)
        return ITEM_DEAD;
    if (item->is_copy)
        return ITEM_COPY;
    switch (item->claim.state) {
    case LEDGER_CONFLICT:
        return ITEM_CONFLICT;
    case LEDGER_WAITING:
        return ITEM_RETRIED;
    case LEDGER_DECIDED:
        return item->repeatable ? ITEM_REPEATED : ITEM_RETRIED;
    case LEDGER_OUTDATED: /* the batch is not decided then */
        assert(false);
    case LEDGER_OWNER:
        break;
    }
    if (item->key_may_come || (replace_item_lacks_material(item) && item->may_still_come))
        return ITEM_RETRIED;
    return ITEM_DECIDED;
}

/* Only a command that is decided has its sealed password opened: not one that waits, and no duplicate. */
static bool open_password(struct replace_tools *tools, const struct replace_item *item,
                          struct opened_password *password, struct err *err)
{
    struct err why = {0};
    *password = (struct opened_password){0};
    if (item->command.password_kind != PASSWORD_SEALED)
        return true;
    password->opened =
        unseal_password(tools->unsealer, tools->arena, &item->command.sealed_password, &password->text, &why);
    if (password->opened)
        return true;
    if (why.code != ERR_SEAL_INVALID)
        return err_set(err, why.code, "%s", why.text);
    password->reason = arena_copy(tools->arena, span_text(why.text));
    return password->reason.data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a rejection");
}

static bool decide_command(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                           struct err *err)
{
    size_t mark = outbox->count;
    if (item->plan.rejection == ERR_NONE) {
        struct opened_password password;
        struct plan_input input = {.command = &item->command,
                                   .staged = &item->staged,
                                   .reader = tools->reader,
                                   .password = &password,
                                   .policy = &tools->policy,
                                   .now_ms = tools->now_ms};
        if (!open_password(tools, item, &password, err) ||
            !plan_decide(tools->arena, &input, &item->plan, err))
            return false;
    }
    if (item->plan.rejection == ERR_NONE && !output_add_jobs(tools, item, outbox, err))
        return false;
    return output_add_result(tools, item, outbox, mark, err);
}

/* A record that is too large for the retry topic cannot wait. Its owner is rejected; a duplicate of such a
   one finds the owner's decision when it is read again, for that one did not wait either. */
static bool do_without_retry(struct replace_tools *tools, struct replace_item *item, size_t size,
                             const struct outbox *outbox, struct err *err)
{
    if (item->claim.state != LEDGER_OWNER)
        return err_set(err, ERR_KAFKA_RETRIABLE,
                       "a duplicate of %zu bytes, too large for the retry topic, is read again", size);
    struct span message = arena_format(
        tools->arena,
        "the command must wait for %s, but with %zu bytes it is larger than the retry topic takes (%zu): "
        "make "
        "it smaller, or send it again once %s",
        item->key_may_come ? "its token's key, which is not in the key set" : "its certificate", size,
        outbox->message_max_bytes, item->key_may_come ? "the key is known" : "the certificate is staged");
    if (message.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a rejection");
    plan_reject(&item->plan, item->key_may_come ? ERR_UNAUTHENTICATED : ERR_INVALID_COMMAND, message);
    item->fate = ITEM_DECIDED;
    return true;
}

static bool add_nothing(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                        struct err *err)
{
    (void)tools;
    (void)item;
    (void)outbox;
    (void)err;
    return true;
}

bool replace_item_decide(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err)
{
    typedef bool add_fn(struct replace_tools *, struct replace_item *, struct outbox *, struct err *);
    static add_fn *const by_fate[] = {
        [ITEM_DEAD] = output_add_dead_letter,  [ITEM_DECIDED] = decide_command,
        [ITEM_CONFLICT] = output_add_conflict, [ITEM_REPEATED] = output_add_repeat,
        [ITEM_RETRIED] = output_add_retry,     [ITEM_COPY] = add_nothing,
    };
    item->fate = fate_of(item);
    size_t retry_size = item->fate == ITEM_RETRIED ? outbox_retry_size(item->message) : 0;
    if (retry_size > outbox->message_max_bytes && !do_without_retry(tools, item, retry_size, outbox, err))
        return false;
    return by_fate[item->fate](tools, item, outbox, err);
}
