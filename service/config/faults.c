#include "config/faults.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void faults_add(struct faults *faults, const char *variable, const char *format, ...)
{
    struct fault fault = {.variable = strdup(variable)};
    va_list args;
    va_start(args, format);
    if (vasprintf(&fault.text, format, args) < 0)
        fault.text = NULL;
    va_end(args);
    struct fault *items = reallocarray(faults->items, faults->count + 1, sizeof *items);
    if (items != NULL)
        faults->items = items;
    if (fault.variable == NULL || fault.text == NULL || items == NULL) {
        free(fault.variable);
        free(fault.text);
        faults->failed = true;
        return;
    }
    faults->items[faults->count++] = fault;
}

bool faults_none(const struct faults *faults)
{
    return faults->count == 0 && !faults->failed;
}

void faults_print(FILE *out, const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(out, "%s: %s\n", faults->items[i].variable, faults->items[i].text);
    if (faults->failed)
        fputs("out of memory: there may be more faults; give the process more memory\n", out);
}

void faults_free(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->items[i].variable);
        free(faults->items[i].text);
    }
    free(faults->items);
    *faults = (struct faults){0};
}
