/* config/check: what settings must be true of together. */
#pragma once

#include "config/settings.h"

/* Adds a fault for each combination that does not fit, except for one with a variable that has its fault
 * already. */
void settings_check(const struct settings *settings, struct faults *faults);
