/* pipeline/refresh: keys in files that change while the service runs. What cannot be read leaves the keys of
   before in use, and is told once. */
#pragma once

#include "base/err.h"
#include "metrics/metrics.h"

/* What came of looking at the files of `what`, in *err: ERR_NONE, or a failure, which is counted, and logged
   unless *trouble, that of the look before, has the same text. *trouble gets *err. */
void refresh_note(const char *what, enum metric failures, struct err *trouble, const struct err *err);
