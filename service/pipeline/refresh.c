#include "pipeline/refresh.h"

#include "log/log.h"

#include <string.h>

void refresh_note(const char *what, enum metric failures, struct err *trouble, const struct err *err)
{
    if (err->code != ERR_NONE) {
        metric_add(failures, 1);
        if (strcmp(err->text, trouble->text) != 0)
            log_error("changed keys cannot be read; those of before stay in use", log_str("keys", what),
                      log_err(err));
    }
    *trouble = *err;
}
