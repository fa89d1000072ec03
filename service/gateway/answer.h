/* gateway/answer: what a caller gets back, as Keyfactor's API writes it: the two arrays of a result, or an
   error body. Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "domain/record.h"

enum gateway_fault {
#define FAULT(name, status, meaning) FAULT_##name,
#include "gateway/fault.def"
#undef FAULT
    FAULT_COUNT
};

/* The error body's ErrorCode, "NOT_STAGED" for one; its HTTP status; its meaning in a few words. */
const char *fault_name(enum gateway_fault fault);
unsigned fault_status(enum gateway_fault fault);
const char *fault_meaning(enum gateway_fault fault);

/* Zero-initialise; free with answer_free. */
struct answer {
    unsigned status;          /* 0: there is none yet */
    struct buf body;          /* JSON */
    enum gateway_fault fault; /* where the status is not 200 */
    bool has_command_id;
    struct uuid command_id;
};

void answer_free(struct answer *answer);
static inline void auto_answer(struct answer *answer)
{
    answer_free(answer);
}

/* A rejection becomes its error; everything else 200 with both arrays, as Keyfactor does it. A rejection
   whose code is not known (of a newer service) is INVALID_COMMAND with that code in its text. Without memory
   the answer is INTERNAL. */
void answer_result(struct answer *answer, const struct replace_result *result);
/* An error body; command_id may be NULL. `message` is UTF-8 and holds no secret. */
void answer_fault(struct answer *answer, enum gateway_fault fault, const struct uuid *command_id,
                  const char *message);
/* A copy; INTERNAL without memory. */
void answer_copy(struct answer *to, const struct answer *from);
