/* cli/result_view: what became of a command, for people and for scripts. */
#pragma once

#include "base/buf.h"
#include "domain/record.h"

/* The exit status that stands for the result's status. */
int result_exit_status(enum replace_status status);

/* Appends two lines about the whole and, where stores are concerned, a table: store, outcome, reason. */
void result_print(const struct replace_result *result, struct buf *out);
