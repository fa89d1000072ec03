/* daemon/boot: the service's parts in the order in which they start, as a table; they stop in the reverse
 * order. */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "config/settings.h"

struct service;

/* Starts all parts. NULL with *err when one could not be: those before it are stopped again. Borrows the
   settings. A broker or Redis that is down is no failure: the service waits, not ready. */
struct service *service_start(const struct settings *settings, struct err *err);
/* Ends the work in hand, leaves the groups, stops all parts and frees. Takes as long as it takes. */
void service_stop(struct service *service);
