/* A file of JSON on its way to a message, while each allocation of ours fails in turn. */
#include "base/auto.h"
#include "cli/record_input.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/certswap-memory-XXXXXX";

static void start(void)
{
    static const char text[] = "[{\"existingCertificateId\": 1, \"certificateId\": 2, "
                               "\"principal\": {\"user\": \"bob\", \"permissions\": [\"/a/\"]}}]";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void stop(void)
{
    unlink(path);
}

TestSuite(cli_memory, .init = start, .fini = stop);

static bool make_command(struct buf *message, struct err *err)
{
    AUTO(json) json_t *objects = record_input_load(path, err);
    if (objects == NULL)
        return false;
    json_t *object = json_array_get(objects, 0);
    return record_input_fill_uuid(object, "commandId", err) &&
           record_input_fill_time(object, "issuedAt", 42, err) &&
           record_input_set_text(object, "password", SPAN_LITERAL("hunter2"), err) &&
           record_input_encode(NULL, RECORD_REPLACE_COMMAND, object, message, err);
}

Test(cli_memory, a_record_is_whole_or_is_none)
{
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct err err = {0};
        AUTO(buf) struct buf message = {0};
        fail_allocation(nth);
        bool done = make_command(&message, &err);
        failed = fail_allocation_end();
        cr_assert_eq(done, !failed, "allocation %ld: %s", nth, err.text);
        cr_assert(done || (err.code == ERR_NO_MEMORY && message.len == 0), "allocation %ld: %s", nth,
                  err.text);
    }
    cr_assert_gt(nth, 5);
}
