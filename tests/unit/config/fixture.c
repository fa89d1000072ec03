#include "fixture.h"

#include <errno.h>

static int read_file(void *arg, const char *path, struct secret *content)
{
    (void)arg;
    static const struct {
        const char *path;
        struct span content;
    } files[] = {
        {"/keys", SPAN_LITERAL(GOOD_KEY "\n")},
        {"/redis", SPAN_LITERAL("redis://ann:p%40ss@redis.example:6380/3\r\n")},
        {"/password", SPAN_LITERAL("hunter2\n\n")},
        {"/empty", SPAN_LITERAL("\n")},
        {"/nul", SPAN_LITERAL("a\0b")},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].path, path) == 0)
            return secret_copy(content, files[i].content) ? 0 : ENOMEM;
    return ENOENT;
}

struct settings_source source_of(const char *const *environ)
{
    return (struct settings_source){
        .environ = environ, .read_file = read_file, .host_name = "host7", .cpu_count = 4};
}

struct settings *load(const char *const *environ, struct faults *faults)
{
    const struct settings_source source = source_of(environ);
    return settings_load_from(&source, faults);
}

struct settings *load_with(const char *variable, struct faults *faults)
{
    char text[8192];
    strncpy(text, variable, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    /* the first of a name counts, so the one to test stands before those of REQUIRED */
    const char *environ[] = {text, REQUIRED, NULL};
    return load(environ, faults);
}

bool has_fault(const struct faults *faults, const char *variable, const char *words)
{
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->items[i].variable, variable) == 0 && strstr(faults->items[i].text, words) != NULL)
            return true;
    return false;
}
