/* pipeline/authenticate: who sends a command, where its token decides that (CERTSWAP_AUTH=jwt). */
#pragma once

#include "pipeline/replace_item.h"

/* Takes the key set of now, for a batch. False with KEYS_UNAVAILABLE while there is none yet. */
bool authenticate_begin(struct replace_tools *tools, struct err *err);
void authenticate_end(struct replace_tools *tools);

/* Of a command that is this record's to decide, and that the precheck let pass: verifies its token, at the
   moment when the command was first seen; the token's principal becomes the command's, and the plan goes on
   to plan_authorize. A token that is not good rejects the plan as UNAUTHENTICATED. One whose key is not known
   waits (item->key_may_come) until a look at the source has found none that began after the command was first
   seen. False with NO_MEMORY. */
bool authenticate(struct replace_tools *tools, struct replace_item *item, struct err *err);
