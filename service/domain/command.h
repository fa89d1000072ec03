/* domain/command: what a decoded command asks for, once its own fields have been checked (rules 4 to 6). What
   needs the user, the staging or the inventory is judged elsewhere. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "domain/record.h"

/* A valid command, read. It borrows the arena. */
struct command_view {
    bool has_password;    /* it is not empty; of a sealed one that is not known before it is opened */
    struct span password; /* in clear; of a sealed one once it is opened */
    bool has_store_ids;
    struct uuid *store_ids; /* sorted, each once */
    size_t store_id_count;
    bool has_scheduled_at;
    int64_t scheduled_at_ms; /* of a jobTime that is later than now */
};

/* Checks the ids, storeIds and jobTime. False with INVALID_COMMAND, whose text says what to send
   instead, or with NO_MEMORY. */
bool command_read(struct arena *arena, const struct replace_command *command, int64_t now_ms,
                  struct command_view *view, struct err *err);

/* Sets INVALID_COMMAND for a command whose new certificate is the one that it replaces. Returns false. */
bool command_replaces_itself(int32_t certificate_id, struct err *err);
