/* Completion scripts and the overview, as they were reviewed: golden files. After a wanted change make them
   again with `certswap completion bash > tests/unit/cli/golden/completion.bash` and so on. */
#include "cli/completion.h"

#include "cli/subcommands.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void expect_golden(const struct buf *out, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/unit/cli/golden/%s", CERTSWAP_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s cannot be read", path);
    AUTO(buf) struct buf golden = {0};
    size_t len;
    do {
        uint8_t *room = buf_reserve(&golden, 4096);
        len = fread(room, 1, 4096, file);
        golden.len += len;
    } while (len > 0);
    fclose(file);
    cr_assert_not(out->failed);
    size_t at = 0, line = 1;
    for (; at < out->len && at < golden.len && out->data[at] == golden.data[at]; at++)
        line += out->data[at] == '\n';
    cr_assert(at == out->len && at == golden.len, "%s differs from what is made, from line %zu on", name,
              line);
}

Test(completion, bash)
{
    AUTO(buf) struct buf out = {0};
    completion_bash(&out);
    expect_golden(&out, "completion.bash");
}

Test(completion, zsh)
{
    AUTO(buf) struct buf out = {0};
    completion_zsh(&out);
    expect_golden(&out, "completion.zsh");
}

Test(completion, overview)
{
    AUTO(buf) struct buf out = {0};
    subcommands_help(&out);
    expect_golden(&out, "help.txt");
}

Test(completion, help_of_replace)
{
    AUTO(buf) struct buf out = {0};
    options_help(&SUBCOMMAND_REPLACE, &out);
    expect_golden(&out, "help-replace.txt");
}
