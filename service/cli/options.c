#include "cli/options.h"

#include "base/iso8601.h"
#include "base/uuid.h"
#include "cli/suggest.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 48 };

const struct option_row OPTIONS_COMMON[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .value = "FORM",
     .choices = "table json",
     .help = "what to print; a table on a terminal, else JSON"},
    {.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "say how this subcommand is used"},
    {0}};

const struct option_row OPTIONS_KAFKA[] = {
    {.name = "bootstrap-servers",
     .letter = 'b',
     .kind = OPTION_TEXT,
     .value = "SERVERS",
     .help = "where Kafka is, HOST:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS"},
    {0}};

static const struct option_row NO_ROWS[] = {{0}};

/* One value that was given. */
struct given {
    const struct option_row *row;
    const char *value; /* "" for a flag */
};

struct options {
    const struct subcommand *subcommand;
    const struct option_row *rows[OPTIONS_MAX];
    size_t row_count;
    struct given *given;
    size_t given_count;
    char **arguments;
    size_t argument_count;
};

void options_each(const struct subcommand *subcommand, void (*each)(void *arg, const struct option_row *row),
                  void *arg)
{
    const struct option_row *tables[] = {subcommand->rows != NULL ? subcommand->rows : NO_ROWS,
                                         subcommand->needs_kafka ? OPTIONS_KAFKA : NO_ROWS, OPTIONS_COMMON};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct option_row *row = tables[i]; row->name != NULL; row++)
            each(arg, row);
}

static void collect_row(void *arg, const struct option_row *row)
{
    struct options *options = arg;
    assert(options->row_count < OPTIONS_MAX);
    options->rows[options->row_count++] = row;
}

static const struct option_row *find_row(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->row_count; i++)
        if (strcmp(options->rows[i]->name, name) == 0)
            return options->rows[i];
    assert(!"no such option in the subcommand's tables");
    abort();
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == len && memcmp(at, value, len) == 0)
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

static bool read_number(int32_t *number, const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool starts_well = *text >= '0' && *text <= '9';
    if (!starts_well || *end != '\0' || errno != 0 || value > INT32_MAX)
        return false;
    *number = (int32_t)value;
    return true;
}

static bool check_value(const struct option_row *row, const char *value, struct err *err)
{
    struct span text = span_text(value);
    struct uuid uuid;
    int64_t ms;
    int32_t number;
    if (row->choices != NULL && !is_choice(row->choices, value))
        return err_set(err, ERR_CONFIG_INVALID, "--%s takes one of: %s", row->name, row->choices);
    switch (row->kind) {
    case OPTION_NUMBER:
        if (!read_number(&number, value) || number < row->least)
            return err_set(err, ERR_CONFIG_INVALID, "--%s takes a whole number from %d to %d", row->name,
                           row->least, INT32_MAX);
        return true;
    case OPTION_UUID:
        if (!uuid_parse(&uuid, text))
            return err_set(err, ERR_CONFIG_INVALID,
                           "--%s takes a GUID such as 7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f", row->name);
        return true;
    case OPTION_TIME:
        if (!iso8601_parse(&ms, text))
            return err_set(err, ERR_CONFIG_INVALID,
                           "--%s takes a moment with its zone, such as 2026-11-19T16:23:01Z", row->name);
        return true;
    case OPTION_FILE:
        if (*value == '\0')
            return err_set(err, ERR_CONFIG_INVALID, "--%s takes a path; it was given an empty one",
                           row->name);
        return true;
    case OPTION_FLAG:
    case OPTION_TEXT:
        return true;
    }
    return true;
}

static bool refuse_unknown(const struct options *options, const char *word, struct err *err)
{
    const char *help = options->subcommand->name;
    if (strncmp(word, "--", 2) != 0)
        return err_set(err, ERR_CONFIG_INVALID, "there is no option %.2s; see 'certswap help %s'", word,
                       help);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *names[OPTIONS_MAX];
    for (size_t i = 0; i < options->row_count; i++)
        names[i] = options->rows[i]->name;
    const char *nearest = suggest_nearest(name, names, options->row_count);
    if (nearest == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "there is no option --%s; see 'certswap help %s'", name,
                       help);
    return err_set(err, ERR_CONFIG_INVALID, "there is no option --%s; did you mean --%s?", name, nearest);
}

static bool refuse_without_value(const struct option_row *row, struct err *err)
{
    return err_set(err, ERR_CONFIG_INVALID, "--%s takes a value: --%s %s", row->name, row->name, row->value);
}

static bool keep(struct options *options, const struct option_row *row, const char *value, struct err *err)
{
    if (!row->repeats && options_has(options, row->name) && row->kind != OPTION_FLAG)
        return err_set(err, ERR_CONFIG_INVALID, "--%s is given twice; give it once", row->name);
    if (!check_value(row, value, err))
        return false;
    options->given[options->given_count++] = (struct given){row, value};
    return true;
}

/* getopt_long's tables, made of the rows: val is the row's number + 1, so that both forms give the same. */
static void make_getopt(const struct options *options, struct option *longs, char *shorts, int *letters)
{
    char *end = shorts;
    *end++ = ':';
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option_row *row = options->rows[i];
        longs[i] = (struct option){row->name, row->kind == OPTION_FLAG ? no_argument : required_argument,
                                   NULL, (int)i + 256};
        if (row->letter == '\0')
            continue;
        letters[(unsigned char)row->letter] = (int)i + 256;
        *end++ = row->letter;
        if (row->kind != OPTION_FLAG)
            *end++ = ':';
    }
    longs[options->row_count] = (struct option){0};
    *end = '\0';
}

/* `argv` has the subcommand's name before the words, as getopt expects; `copy` is reordered. */
static bool read_words(struct options *options, int argc, char **argv, struct err *err)
{
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 2];
    int letters[256] = {0};
    make_getopt(options, longs, shorts, letters);
    optind = 0;
    opterr = 0;
    int found;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (found == ':') {
            int which = optopt < 256 ? letters[optopt] : optopt;
            return refuse_without_value(options->rows[which - 256], err);
        }
        if (found == '?') {
            const char *word = argv[optind - 1];
            if (optopt >= 256)
                return err_set(err, ERR_CONFIG_INVALID, "--%s takes no value",
                               options->rows[optopt - 256]->name);
            char letter[3] = {'-', (char)optopt, '\0'};
            return refuse_unknown(options, optopt != 0 ? letter : word, err);
        }
        int which = found < 256 ? letters[found] : found;
        if (!keep(options, options->rows[which - 256], optarg != NULL ? optarg : "", err))
            return false;
    }
    options->arguments = argv + optind;
    options->argument_count = (size_t)(argc - optind);
    return true;
}

static bool check_arguments(const struct options *options, struct err *err)
{
    const struct subcommand *sub = options->subcommand;
    if (options_has(options, "help"))
        return true;
    if (options->argument_count < sub->argument_min)
        return err_set(err, ERR_CONFIG_INVALID, "%s is missing: certswap %s %s", sub->arguments, sub->name,
                       sub->arguments);
    if (options->argument_count > sub->argument_max)
        return err_set(err, ERR_CONFIG_INVALID, "'%.80s' is one argument too many; see 'certswap help %s'",
                       options->arguments[sub->argument_max], sub->name);
    return true;
}

struct options *options_parse(const struct subcommand *subcommand, int argc, char **argv, struct err *err)
{
    /* One block: the struct, the given values, and an argv of getopt's own. */
    size_t words = (size_t)argc;
    struct options *options =
        calloc(1, sizeof *options + (words + 1) * sizeof(struct given) + (words + 2) * sizeof(char *));
    if (options == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory while reading the options");
        return NULL;
    }
    options->subcommand = subcommand;
    options->given = (struct given *)(options + 1);
    char **copy = (char **)(options->given + words + 1);
    static char program[] = "certswap";
    copy[0] = program;
    for (size_t i = 0; i < words; i++)
        copy[i + 1] = argv[i];
    options_each(subcommand, collect_row, options);
    if (!read_words(options, argc + 1, copy, err) || !check_arguments(options, err)) {
        options_free(options);
        return NULL;
    }
    return options;
}

void options_free(struct options *options)
{
    free(options);
}

size_t options_count(const struct options *options, const char *name)
{
    const struct option_row *row = find_row(options, name);
    size_t count = 0;
    for (size_t i = 0; i < options->given_count; i++)
        count += options->given[i].row == row;
    return count;
}

bool options_has(const struct options *options, const char *name)
{
    return options_count(options, name) > 0;
}

const char *options_nth(const struct options *options, const char *name, size_t index)
{
    const struct option_row *row = find_row(options, name);
    for (size_t i = 0; i < options->given_count; i++)
        if (options->given[i].row == row && index-- == 0)
            return options->given[i].value;
    assert(!"fewer values than asked for");
    abort();
}

const char *options_text(const struct options *options, const char *name)
{
    size_t count = options_count(options, name);
    return count > 0 ? options_nth(options, name, count - 1) : NULL;
}

int32_t options_number(const struct options *options, const char *name, int32_t otherwise)
{
    const char *text = options_text(options, name);
    int32_t number = otherwise;
    if (text != NULL)
        read_number(&number, text);
    return number;
}

const char *options_of_record(const struct options *options)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (options->given[i].row->of_record)
            return options->given[i].row->name;
    return NULL;
}

const struct subcommand *options_subcommand(const struct options *options)
{
    return options->subcommand;
}

size_t options_argument_count(const struct options *options)
{
    return options->argument_count;
}

const char *options_argument(const struct options *options, size_t index)
{
    assert(index < options->argument_count);
    return options->arguments[index];
}

static void help_row(void *arg, const struct option_row *row)
{
    struct buf *out = arg;
    char left[96];
    char letter[5] = "    ";
    if (row->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name, row->kind == OPTION_FLAG ? "" : " ",
             row->kind == OPTION_FLAG ? "" : row->value);
    buf_put_format(out, "%-34s %s", left, row->help);
    if (row->choices != NULL)
        buf_put_format(out, " (%s)", row->choices);
    buf_put_text(out, row->repeats ? "; may be repeated\n" : "\n");
}

void options_help(const struct subcommand *subcommand, struct buf *out)
{
    buf_put_format(out, "certswap %s: %s\n\n", subcommand->name, subcommand->summary);
    buf_put_format(out, "usage: certswap %s [options]%s%s\n\noptions:\n", subcommand->name,
                   subcommand->arguments != NULL ? " " : "",
                   subcommand->arguments != NULL ? subcommand->arguments : "");
    options_each(subcommand, help_row, out);
    if (subcommand->details != NULL)
        buf_put_format(out, "\n%s", subcommand->details);
}
