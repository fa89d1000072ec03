/* The option tables: parsing, faults that say what to do next, help, and the tables themselves. */
#include "cli/options.h"

#include "cli/subcommands.h"

#include <criterion/criterion.h>
#include <ctype.h>

static const struct option_row ROWS[] = {
    {.name = "existing",
     .letter = 'e',
     .kind = OPTION_NUMBER,
     .of_record = true,
     .least = 1,
     .value = "ID",
     .help = "x"},
    {.name = "permission", .letter = 'p', .kind = OPTION_TEXT, .repeats = true, .value = "PATH", .help = "x"},
    {.name = "store-id", .kind = OPTION_UUID, .value = "GUID", .help = "x"},
    {.name = "when", .kind = OPTION_TIME, .value = "TIME", .help = "x"},
    {.name = "file", .letter = 'f', .kind = OPTION_FILE, .value = "FILE", .help = "x"},
    {.name = "wait", .letter = 'w', .kind = OPTION_FLAG, .help = "x"},
    {0}};

static const struct subcommand SUB = {.name = "try",
                                      .summary = "tries",
                                      .arguments = "THING",
                                      .argument_min = 1,
                                      .argument_max = 2,
                                      .rows = ROWS,
                                      .needs_kafka = true};

enum { WORDS_MAX = 12 };

/* Splits the line at its spaces into `words`; `copy` holds their text. */
static int split(const char *line, char copy[256], char *words[WORDS_MAX])
{
    int count = 0;
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return count;
}

Test(options, values_are_found_by_name)
{
    char copy[256], *words[WORDS_MAX];
    struct err err = {0};
    int count = split("one -e 123 --permission=/a/ -p /b/ --wait two -o json", copy, words);
    AUTO(options) struct options *options = options_parse(&SUB, count, words, &err);
    cr_assert_not_null(options, "%s", err.text);
    cr_assert_eq(options_number(options, "existing", 7), 123);
    cr_assert_eq(options_count(options, "permission"), 2);
    cr_assert_str_eq(options_nth(options, "permission", 0), "/a/");
    cr_assert_str_eq(options_nth(options, "permission", 1), "/b/");
    cr_assert_str_eq(options_text(options, "permission"), "/b/");
    cr_assert(options_has(options, "wait"));
    cr_assert_not(options_has(options, "help"));
    cr_assert_null(options_text(options, "store-id"));
    cr_assert_str_eq(options_text(options, "output"), "json");
    cr_assert_str_eq(options_of_record(options), "existing");
    cr_assert_eq(options_argument_count(options), 2);
    cr_assert_str_eq(options_argument(options, 0), "one");
    cr_assert_str_eq(options_argument(options, 1), "two");
}

Test(options, absent_ones_have_the_default)
{
    char copy[256], *words[WORDS_MAX];
    int count = split("one", copy, words);
    AUTO(options) struct options *options = options_parse(&SUB, count, words, NULL);
    cr_assert_not_null(options);
    cr_assert_eq(options_number(options, "existing", 7), 7);
    cr_assert_null(options_of_record(options));
}

Test(options, two_parses_do_not_disturb_each_other)
{
    char copy[2][256], *words[2][WORDS_MAX];
    for (int i = 0; i < 2; i++) {
        int count = split(i == 0 ? "one --wait -e 5" : "-w a", copy[i], words[i]);
        AUTO(options) struct options *options = options_parse(&SUB, count, words[i], NULL);
        cr_assert_not_null(options);
        cr_assert(options_has(options, "wait"));
        cr_assert_eq(options_argument_count(options), 1);
    }
}

Test(options, faults_say_what_to_do_next)
{
    const struct {
        const char *line, *text;
    } cases[] = {
        {"x --exsting 1", "there is no option --exsting; did you mean --existing?"},
        {"x --permisson=/a/", "there is no option --permisson; did you mean --permission?"},
        {"x --banana", "there is no option --banana; see 'certswap help try'"},
        {"x -z", "there is no option -z; see 'certswap help try'"},
        {"x --existing", "--existing takes a value: --existing ID"},
        {"x -e", "--existing takes a value: --existing ID"},
        {"x --wait=yes", "--wait takes no value"},
        {"x -e 0", "--existing takes a whole number from 1 to 2147483647"},
        {"x -e 2147483648", "--existing takes a whole number from 1 to 2147483647"},
        {"x -e 12a", "--existing takes a whole number from 1 to 2147483647"},
        {"x -e -5", "--existing takes a whole number from 1 to 2147483647"},
        {"x -e 1 -e 2", "--existing is given twice; give it once"},
        {"x --store-id 5", "--store-id takes a GUID such as 7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f"},
        {"x --when yesterday", "--when takes a moment with its zone, such as 2026-11-19T16:23:01Z"},
        {"x --output xml", "--output takes one of: table json"},
        {"x --output tab", "--output takes one of: table json"},
        {"", "THING is missing: certswap try THING"},
        {"a b c", "'c' is one argument too many; see 'certswap help try'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char copy[256], *words[WORDS_MAX];
        struct err err = {0};
        int count = split(cases[i].line, copy, words);
        AUTO(options) struct options *options = options_parse(&SUB, count, words, &err);
        cr_assert_null(options, "%s was taken", cases[i].line);
        cr_assert_eq(err.code, ERR_CONFIG_INVALID);
        cr_assert_str_eq(err.text, cases[i].text);
    }
}

Test(options, help_needs_no_arguments)
{
    char copy[256], *words[WORDS_MAX];
    int count = split("--help", copy, words);
    AUTO(options) struct options *options = options_parse(&SUB, count, words, NULL);
    cr_assert_not_null(options);
    cr_assert(options_has(options, "help"));
}

/* What every row of every table must be. */
static void check_row(void *arg, const struct option_row *row)
{
    bool *letters = arg;
    cr_assert_not_null(row->help, "%s", row->name);
    cr_assert_eq(row->value == NULL, row->kind == OPTION_FLAG, "%s: what its value is called", row->name);
    for (const char *at = row->name; *at != '\0'; at++)
        cr_assert(islower((unsigned char)*at) || *at == '-', "%s", row->name);
    if (row->letter != '\0') {
        cr_assert_not(letters[(unsigned char)row->letter], "-%c means two things", row->letter);
        letters[(unsigned char)row->letter] = true;
    }
    cr_assert_null(strstr(row->name, "password="), "no password on the command line");
}

Test(subcommands, tables_are_well_formed)
{
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        bool letters[256] = {false};
        cr_assert_not_null(SUBCOMMANDS[i]->run);
        cr_assert_not_null(SUBCOMMANDS[i]->summary);
        options_each(SUBCOMMANDS[i], check_row, letters);
        AUTO(buf) struct buf out = {0};
        options_help(SUBCOMMANDS[i], &out);
        cr_assert(!out.failed && out.len > 0);
        size_t width = 0;
        for (size_t at = 0; at < out.len; at++) {
            width = out.data[at] == '\n' ? 0 : width + 1;
            cr_assert_leq(width, 130, "help of %s: a line is too long", SUBCOMMANDS[i]->name);
        }
    }
}

Test(subcommands, are_found_by_their_words)
{
    const struct {
        const char *line, *name;
        int used;
        const char *text;
    } cases[] = {
        {"replace -e 1", "replace", 1, NULL},
        {"topics create --partitions 3", "topics create", 2, NULL},
        {"repalce", NULL, 0, "there is no subcommand 'repalce'; did you mean 'certswap replace'?"},
        {"topics", NULL, 0, "there is no subcommand 'topics'; did you mean 'certswap topics create'?"},
        {"banana", NULL, 0, "there is no subcommand 'banana'; 'certswap --help' lists them"},
        {"", NULL, 0, "a subcommand is missing; 'certswap --help' lists them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char copy[256], *words[WORDS_MAX];
        struct err err = {0};
        int used = 0;
        int count = split(cases[i].line, copy, words);
        const struct subcommand *found = subcommand_find(count, words, &used, &err);
        if (cases[i].name == NULL) {
            cr_assert_null(found);
            cr_assert_str_eq(err.text, cases[i].text);
            continue;
        }
        cr_assert_not_null(found, "%s: %s", cases[i].line, err.text);
        cr_assert_str_eq(found->name, cases[i].name);
        cr_assert_eq(used, cases[i].used);
    }
}
