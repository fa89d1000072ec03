/* The nearest word: what a mistyped subcommand or option is answered with. */
#include "cli/suggest.h"

#include <criterion/criterion.h>

static const char *const WORDS[] = {"enroll", "renew", "inventory", "replace", "watch", "topics create"};
enum { COUNT = sizeof WORDS / sizeof *WORDS };

Test(suggest, finds_the_nearest)
{
    const struct {
        const char *typed, *meant;
    } cases[] = {
        {"enrol", "enroll"},
        {"erroll", "enroll"},
        {"repalce", "replace"},
        {"watc", "watch"},
        {"invetnory", "inventory"},
        {"top", "topics create"},
        {"topics", "topics create"},
        {"replace", "replace"},
        {"xyz", NULL},
        {"", NULL},
        {"w", NULL},
        {"deploy", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = suggest_nearest(cases[i].typed, WORDS, COUNT);
        if (cases[i].meant == NULL)
            cr_assert_null(found, "%s: %s", cases[i].typed, found);
        else
            cr_assert(found != NULL && strcmp(found, cases[i].meant) == 0, "%s: %s", cases[i].typed,
                      found != NULL ? found : "none");
    }
}
