/* What a schema registry answers: a status in the first two bytes, then the body. An answer that is taken is
   none of the faults; a fault has a code, and a text that fits on one line. */
#include "base/auto.h"
#include "registry/answer.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum answer_kind kind, const struct err *err)
{
    assert((kind == ANSWER_OK) == (err->code == ERR_NONE));
    assert(err->code != ERR_NO_MEMORY);
    for (const char *c = err->text; *c != '\0'; c++)
        assert(*c >= 0x20 && *c < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span body = span_of(data + 2, size - 2);
    AUTO(buf) struct buf text = {0};
    struct err judged = {0};
    struct err identified = {0};
    struct err read = {0};
    uint32_t id = 0;
    enum answer_kind kind = answer_judge(data[0] << 8 | data[1], body, "asking", &judged);
    check(kind, &judged);
    check(answer_id(body, "asking", &id, &identified), &identified);
    check(answer_schema(body, "asking", &text, &read), &read);
    assert(kind != ANSWER_UNKNOWN || judged.code == ERR_REGISTRY_REFUSED);
    return 0;
}
