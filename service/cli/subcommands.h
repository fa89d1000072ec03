/* cli/subcommands: what `certswap` can do, one row and one file a subcommand, and the exit statuses. */
#pragma once

#include "cli/options.h"

/* Exit statuses; those from 64 on are sysexits.h's. certswap(1) lists them. */
enum exit_status {
    STATUS_DONE = 0, /* sent; with --wait: COMPLETED */
    STATUS_FAILED = 1,
    STATUS_PARTIAL = 10, /* from here to 13: the result of a replace --wait */
    STATUS_NOT_REPLACED = 11,
    STATUS_NO_LOCATIONS = 12,
    STATUS_REJECTED = 13,
    STATUS_TIMEOUT = 14, /* no result came in time; the command may still be carried out */
    STATUS_USAGE = 64,
    STATUS_DATA = 65,        /* a record or a credential cannot be used */
    STATUS_NO_INPUT = 66,    /* an input file cannot be read */
    STATUS_UNAVAILABLE = 69, /* Kafka does not answer or does not take the record */
    STATUS_CONFIG = 78,
};

extern const struct subcommand SUBCOMMAND_TOPICS_CREATE;
extern const struct subcommand SUBCOMMAND_ENROLL;
extern const struct subcommand SUBCOMMAND_RENEW;
extern const struct subcommand SUBCOMMAND_INVENTORY;
extern const struct subcommand SUBCOMMAND_REPLACE;
extern const struct subcommand SUBCOMMAND_WATCH;
extern const struct subcommand SUBCOMMAND_DLQ_OPEN;
extern const struct subcommand SUBCOMMAND_SEAL;
extern const struct subcommand SUBCOMMAND_OPEN;
extern const struct subcommand SUBCOMMAND_GATEWAY;
extern const struct subcommand SUBCOMMAND_CHECK;
extern const struct subcommand SUBCOMMAND_COMPLETION;

/* All of them, in the order of the help; `SUBCOMMAND_COUNT` of them. */
extern const struct subcommand *const SUBCOMMANDS[];
extern const size_t SUBCOMMAND_COUNT;

/* The subcommand whose name's words stand at the start of words (count of them); *used is set to how many
   words the name has. NULL with *err filled when there is none, with the nearest name. */
const struct subcommand *subcommand_find(int count, char *const *words, int *used, struct err *err);
/* The overview: what the program is and its subcommands. */
void subcommands_help(struct buf *out);
