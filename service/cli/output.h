/* cli/output: what the tool says: answers on standard output as tables or as JSON, faults on standard error.
 */
#pragma once

#include "cli/options.h"
#include "cli/table.h"

#include <jansson.h>

/* What --output asks for; without it a table on a terminal, else JSON. */
bool output_is_json(const struct options *options);

/* "certswap enroll: <text>" on standard error, cleaned for a terminal. Returns the status. */
int output_fail(const struct options *options, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the error's text; the status is made from its code's class. */
int output_fail_err(const struct options *options, const struct err *err);
/* The same for an error in what the caller gave: flags and input files, not settings. */
int output_fail_input(const struct options *options, const struct err *err);

/* Writes the buffer to standard output. False (and a line on standard error) when the buffer is failed or the
   output cannot be written. */
bool output_put(const struct options *options, const struct buf *out);
/* Appends the value as JSON, with jansson's flags; out of memory shows in the buffer. */
void output_put_json(struct buf *out, const json_t *value, size_t flags);
/* Appends the lines of a text for a terminal, each cleaned and ended. */
void output_put_lines(struct buf *out, struct span text);
/* One line of JSON on standard output. */
bool output_json(const struct options *options, const json_t *value);
/* "name  value" lines of a flat object, for people; nulls are left out. */
bool output_fields(const struct options *options, json_t *object);

/* The value as a cell: texts as they are, numbers and booleans written, null empty; lists joined by ", ". */
void output_put_cell(struct buf *out, const json_t *value);
