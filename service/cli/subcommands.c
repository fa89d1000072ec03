#include "cli/subcommands.h"

#include "cli/suggest.h"

const struct subcommand *const SUBCOMMANDS[] = {
    &SUBCOMMAND_TOPICS_CREATE, &SUBCOMMAND_ENROLL,  &SUBCOMMAND_RENEW,    &SUBCOMMAND_INVENTORY,
    &SUBCOMMAND_REPLACE,       &SUBCOMMAND_WATCH,   &SUBCOMMAND_DLQ_OPEN, &SUBCOMMAND_SEAL,
    &SUBCOMMAND_OPEN,          &SUBCOMMAND_GATEWAY, &SUBCOMMAND_CHECK,    &SUBCOMMAND_COMPLETION,
};

enum { COUNT = sizeof SUBCOMMANDS / sizeof *SUBCOMMANDS };
const size_t SUBCOMMAND_COUNT = COUNT;

/* How many of the words the name takes up when they begin with it, else 0. */
static int words_matching(const char *name, int count, char *const *words)
{
    int used = 0;
    for (;;) {
        size_t len = strcspn(name, " ");
        if (used == count || strlen(words[used]) != len || memcmp(words[used], name, len) != 0)
            return 0;
        used++;
        if (name[len] == '\0')
            return used;
        name += len + 1;
    }
}

const struct subcommand *subcommand_find(int count, char *const *words, int *used, struct err *err)
{
    const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        *used = words_matching(SUBCOMMANDS[i]->name, count, words);
        if (*used > 0)
            return SUBCOMMANDS[i];
        names[i] = SUBCOMMANDS[i]->name;
    }
    if (count == 0) {
        err_set(err, ERR_CONFIG_INVALID, "a subcommand is missing; 'certswap --help' lists them");
        return NULL;
    }
    const char *nearest = suggest_nearest(words[0], names, COUNT);
    if (nearest != NULL)
        err_set(err, ERR_CONFIG_INVALID, "there is no subcommand '%.60s'; did you mean 'certswap %s'?",
                words[0], nearest);
    else
        err_set(err, ERR_CONFIG_INVALID, "there is no subcommand '%.60s'; 'certswap --help' lists them",
                words[0]);
    return NULL;
}

void subcommands_help(struct buf *out)
{
    buf_put_text(
        out, "certswap sends records to the certificate replacement service and shows what it answers.\n\n"
             "usage: certswap SUBCOMMAND [options]\n\nsubcommands:\n");
    for (size_t i = 0; i < COUNT; i++)
        buf_put_format(out, "  %-15s %s\n", SUBCOMMANDS[i]->name, SUBCOMMANDS[i]->summary);
    buf_put_text(out,
                 "  help            say how a subcommand is used: certswap help replace\n\n"
                 "Where Kafka is and what its topics are called is read from the same CERTSWAP_ variables\n"
                 "that certswapd reads; --bootstrap-servers goes before them. See certswap(1).\n");
}
