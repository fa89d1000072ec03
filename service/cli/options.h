/* cli/options: what a subcommand understands, as one table that feeds parsing, help and completion. A
   subcommand without rows takes only what all take (--bootstrap-servers, --output, --help). */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum option_kind {
    OPTION_FLAG,   /* takes no value */
    OPTION_TEXT,   /* any text */
    OPTION_NUMBER, /* a whole number, from `least` to INT32_MAX */
    OPTION_UUID,   /* a GUID in 8-4-4-4-12 form */
    OPTION_TIME,   /* ISO 8601 with a zone */
    OPTION_FILE,   /* a path */
};

struct option_row {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* its short form, 0 for none */
    enum option_kind kind;
    bool repeats;        /* may be given more than once: all values count */
    bool of_record;      /* fills a field of the record: excluded by --file, which brings the whole record */
    int least;           /* of an OPTION_NUMBER */
    const char *value;   /* what the help calls its value */
    const char *choices; /* the only values there are, separated by spaces; NULL for any */
    const char *help;    /* one line */
};

struct options;

struct subcommand {
    const char *name;      /* as typed; "topics create" is two words */
    const char *summary;   /* one line */
    const char *arguments; /* for the usage line, "[TOPIC]"; NULL for none */
    const char *choices;   /* what completion offers for the first argument */
    size_t argument_min, argument_max;
    const char *details; /* paragraphs of the help behind the options; NULL for none */
    const struct option_row *rows;
    bool needs_kafka; /* the common options for Kafka apply, and the settings are read */
    /* Does the work; gives the exit status. */
    int (*run)(const struct options *options);
};

/* The options that every subcommand takes, and those of the ones that talk to Kafka; each ended by a NULL
 * name. */
extern const struct option_row OPTIONS_COMMON[];
extern const struct option_row OPTIONS_KAFKA[];

/* Calls `each` with every row that the subcommand understands: its own, Kafka's, the common ones. */
void options_each(const struct subcommand *subcommand, void (*each)(void *arg, const struct option_row *row),
                  void *arg);

/* Reads argv (without the program's and the subcommand's words). Every value is checked against its kind.
   NULL with *err filled (ERR_CONFIG_INVALID for a fault of the caller's, with the nearest option where a name
   is unknown; ERR_NO_MEMORY). The result borrows argv. */
struct options *options_parse(const struct subcommand *subcommand, int argc, char **argv, struct err *err);
void options_free(struct options *options);
AUTO_DEFINE(options, struct options, options_free);

/* All of these assert that the subcommand's tables have a row of that name. */
bool options_has(const struct options *options, const char *name);
/* The last value given, else NULL. */
const char *options_text(const struct options *options, const char *name);
/* The last value given, else `otherwise`. */
int32_t options_number(const struct options *options, const char *name, int32_t otherwise);
size_t options_count(const struct options *options, const char *name);
/* The value given at that place, from 0 on; asserts that there is one. */
const char *options_nth(const struct options *options, const char *name, size_t index);
/* The name of an option given that fills a field of the record, else NULL. */
const char *options_of_record(const struct options *options);
const struct subcommand *options_subcommand(const struct options *options);
size_t options_argument_count(const struct options *options);
const char *options_argument(const struct options *options, size_t index);

/* The help of one subcommand. */
void options_help(const struct subcommand *subcommand, struct buf *out);
