#include "pipeline/authenticate.h"

bool authenticate_begin(struct replace_tools *tools, struct err *err)
{
    struct key_store *keys = tools->context->keys;
    return keys == NULL || key_store_view(keys, &tools->key_view) ||
           err_set(err, ERR_KEYS_UNAVAILABLE, "waits for the key set that tokens are verified by");
}

void authenticate_end(struct replace_tools *tools)
{
    key_view_release(&tools->key_view);
}

static bool reject(struct replace_tools *tools, struct replace_item *item, const struct err *why,
                   struct err *err)
{
    if (why->code != ERR_UNAUTHENTICATED)
        return err_set(err, why->code, "%s", why->text);
    struct span message = arena_copy(tools->arena, span_text(why->text));
    if (message.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a rejection");
    plan_reject(&item->plan, ERR_UNAUTHENTICATED, message);
    return true;
}

/* Whether the set is what the source said at a moment after the command was first seen. Both moments are
   turned into this machine's own clock; the command's comes out a little late, never early. */
static bool is_newer(const struct replace_tools *tools, const struct replace_item *item)
{
    return tools->key_view.looked_ms > item->first_seen_ms - tools->redis_ahead_ms;
}

bool authenticate(struct replace_tools *tools, struct replace_item *item, struct err *err)
{
    struct replace_command *command = &item->command;
    struct err why = {0};
    struct jwt jwt;
    if (!tools->policy.token_decides || item->claim.state != LEDGER_OWNER || !replace_item_wants_lookup(item))
        return true;
    if (!jwt_read(tools->arena, command->authorization, &jwt, &why))
        return reject(tools, item, &why, err);
    enum jwt_key_state key = jwt_check_key(&jwt, tools->key_view.set, &why);
    if (key == JWT_KEY_UNKNOWN && !is_newer(tools, item)) {
        item->key_may_come = true;
        key_store_ask(tools->context->keys);
        return true;
    }
    if (key != JWT_KEY_GOOD || !jwt_read_claims(tools->arena, &jwt, &tools->token_rules, item->first_seen_ms,
                                                &command->principal, &why))
        return reject(tools, item, &why, err);
    struct plan_input input = {.command = command, .policy = &tools->policy, .now_ms = tools->now_ms};
    return plan_authorize(tools->arena, &input, &item->plan, err);
}
