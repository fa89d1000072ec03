#include "pipeline/replace_item.h"

#include <criterion/criterion.h>
#include <string.h>

enum { COUNT_MAX = 8 };

static struct replace_item items[COUNT_MAX];

static void item(size_t i, uint8_t id, const char *origin, int64_t first_seen_ms)
{
    items[i] = (struct replace_item){.first_seen_ms = first_seen_ms};
    items[i].claim.command_id.bytes[15] = id;
    items[i].claim.origin = span_text(origin);
    memset(items[i].claim.hash, 7, sizeof items[i].claim.hash);
}

/* expected: a letter an item, 'c' for a copy. */
static void copies_are(const char *expected)
{
    size_t count = strlen(expected);
    char found[COUNT_MAX + 1] = {0};
    replace_items_find_copies(items, count);
    for (size_t i = 0; i < count; i++) {
        found[i] = items[i].is_copy ? 'c' : '-';
        cr_assert_eq(replace_item_wants_lookup(&items[i]),
                     found[i] == '-' && items[i].refusal.code == ERR_NONE);
    }
    cr_assert_str_eq(found, expected);
}

Test(copies, of_a_command_and_its_retry_records_the_one_that_was_seen_before_stays)
{
    item(0, 1, "commands/0/5", 0);
    item(1, 1, "commands/0/5", 1000);
    item(2, 1, "commands/0/5", 1000);
    copies_are("c-c");
    item(0, 1, "commands/0/5", 1000);
    item(1, 1, "commands/0/5", 1000);
    item(2, 1, "commands/0/5", 0);
    copies_are("-cc");
}

Test(copies, the_one_that_was_seen_the_earliest_stays)
{
    item(0, 1, "commands/0/5", 1002);
    item(1, 1, "commands/0/5", 1001);
    item(2, 1, "commands/0/5", 1000);
    item(3, 1, "commands/0/5", 1003);
    item(4, 1, "commands/0/5", 1000);
    copies_are("cc-cc");
}

Test(copies, other_records_are_none)
{
    item(0, 1, "commands/0/5", 0);
    item(1, 1, "commands/0/6", 1000);  /* a duplicate: the ledger decides */
    item(2, 1, "commands/0/55", 1000); /* as is this one */
    item(3, 2, "commands/0/5", 1000);  /* another command */
    item(4, 1, "commands/0/5", 1000);  /* other bytes: a conflict */
    items[4].claim.hash[31] = 8;
    item(5, 1, "commands/0/5", 1000); /* no command: its dead letter must be written */
    err_set(&items[5].refusal, ERR_AVRO_INVALID, "not a command");
    copies_are("------");
}
