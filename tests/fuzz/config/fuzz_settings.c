/* Settings from an environment of any bytes: entries "NAME=value", each ended by a NUL. The files that _FILE
   twins name hold their own path without its first byte. */
#include "config/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For each unknown one the nearest name is searched. */
enum { ENTRIES_MAX = 16 };

static int read_file(void *arg, const char *path, struct secret *content)
{
    (void)arg;
    return path[0] != '\0' && secret_copy(content, span_text(path + 1)) ? 0 : ENOENT;
}

/* Printed settings are lines of NAME=value, whatever the values are. */
static void print_all(const struct settings *settings)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return;
    settings_print(out, settings);
    fclose(out);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        assert(strncmp(line, "CERTSWAP_", 9) == 0 && strchr(line, '\n') != NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *block = malloc(size + 1);
    if (block == NULL)
        return 0;
    memcpy(block, data, size);
    block[size] = '\0';
    const char *environ[ENTRIES_MAX + 1];
    size_t count = 0;
    for (size_t at = 0; at < size && count < ENTRIES_MAX; at += strlen(block + at) + 1)
        environ[count++] = block + at;
    environ[count] = NULL;
    const struct settings_source source = {
        .environ = environ, .read_file = read_file, .host_name = "host", .cpu_count = 2};
    struct faults faults = {0};
    AUTO(settings) struct settings *settings = settings_load_from(&source, &faults);
    assert((settings != NULL) == faults_none(&faults));
    if (settings != NULL)
        print_all(settings);
    for (size_t i = 0; i < faults.count; i++)
        assert(faults.items[i].text[0] != '\0');
    faults_free(&faults);
    free(block);
    return 0;
}
