/* config/check: what settings must be true of together. */
#pragma once

#include "config/settings.h"

/* Both add a fault for each combination that does not fit, except for one with a variable that has its fault
   already: what holds for everybody, and what only the service insists on. */
void settings_check(const struct settings *settings, struct faults *faults);
void settings_check_service(const struct settings *settings, struct faults *faults);
