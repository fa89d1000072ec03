/* certswap: the command-line tool of the certificate replacement service. */
#include "cli/output.h"
#include "cli/subcommands.h"
#include "crypto/memory.h"

#include <stdio.h>

static int print(const struct buf *out, int status)
{
    if (out->failed || fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout) != 0)
        return STATUS_FAILED;
    return status;
}

static int fail_usage(const struct err *err)
{
    AUTO(buf) struct buf clean = {0};
    table_put_clean(&clean, span_text(err->text));
    fprintf(stderr, "certswap: %.*s\n", SPAN_ARG(buf_span(&clean)));
    return STATUS_USAGE;
}

static int help(int count, char **words)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    int used = 0;
    if (count == 0) {
        subcommands_help(&out);
        return print(&out, STATUS_DONE);
    }
    const struct subcommand *subcommand = subcommand_find(count, words, &used, &err);
    if (subcommand == NULL)
        return fail_usage(&err);
    options_help(subcommand, &out);
    return print(&out, STATUS_DONE);
}

static int run(int count, char **words)
{
    struct err err = {0};
    int used = 0;
    const struct subcommand *subcommand = subcommand_find(count, words, &used, &err);
    if (subcommand == NULL)
        return fail_usage(&err);
    AUTO(options) struct options *options = options_parse(subcommand, count - used, words + used, &err);
    if (options == NULL)
        return fail_usage(&err);
    return options_has(options, "help") ? help(used, words) : subcommand->run(options);
}

int main(int argc, char **argv)
{
    forbid_core_dumps();
    wipe_openssl_memory();
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0) {
        puts("certswap " CERTSWAP_VERSION);
        return STATUS_DONE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return help(0, NULL);
    if (strcmp(first, "help") == 0)
        return help(argc - 2, argv + 2);
    return run(argc - 1, argv + 1);
}
