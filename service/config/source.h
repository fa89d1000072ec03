/* config/source: the process itself as where settings come from. */
#pragma once

#include "config/settings.h"

/* As struct settings_source wants it; follows symbolic links, as mounted Kubernetes secrets need. */
int source_read_file(void *arg, const char *path, struct secret *content);
/* `host_name` has room for the name, cut to its size. False where the system gives none. */
bool source_host_name(char *host_name, size_t size);
/* CPUs that this process may run on; at least 1. */
int source_cpu_count(void);
