/* config/source: the process itself as where settings come from. */
#pragma once

#include "config/settings.h"

/* As struct settings_source wants it; follows symbolic links, as mounted Kubernetes secrets need. */
int source_read_file(void *arg, const char *path, struct secret *content);
/* Takes the newline at a file's end off, which is not part of the value in it. */
void source_strip_newline(struct secret *content);
/* Reads a _FILE twin's file again: NULL and the value, or what is wrong with the file ("is empty"). */
const char *source_read_value(const char *path, struct secret *value);
/* `host_name` has room for the name, cut to its size. False where the system gives none. */
bool source_host_name(char *host_name, size_t size);
/* CPUs that this process may run on; at least 1. */
int source_cpu_count(void);
