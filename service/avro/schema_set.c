#include "avro/schema_set.h"

#include "avro/fingerprint.h"
#include "avro/schema.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 1024 * 1024 };

struct known {
    uint64_t fingerprint;
    const struct schema *schema;
};

struct schema_set {
    struct arena *arena; /* of all schemas */
    struct known *known; /* by fingerprint */
    size_t count;
    size_t cap;
};

void schema_set_free(struct schema_set *set)
{
    if (set == NULL)
        return;
    arena_free(set->arena);
    free(set->known);
    free(set);
}

size_t schema_set_count(const struct schema_set *set)
{
    return set->count;
}

/* Where the fingerprint stands or would stand. */
static size_t place(const struct schema_set *set, uint64_t fingerprint)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->known[middle].fingerprint < fingerprint)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct schema *schema_set_find(const struct schema_set *set, uint64_t fingerprint, struct err *err)
{
    size_t at = place(set, fingerprint);
    if (at < set->count && set->known[at].fingerprint == fingerprint)
        return set->known[at].schema;
    err_set(
        err, ERR_AVRO_INVALID,
        "no schema has the fingerprint %016llx: put the writer's .avsc into the folder CERTSWAP_SCHEMAS_DIR",
        (unsigned long long)fingerprint);
    return NULL;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory while reading the schemas");
}

/* Takes the schema in, unless one with the same canonical form is there already. */
static bool add(struct schema_set *set, struct span text, uint64_t *fingerprint, struct err *err)
{
    AUTO(buf) struct buf canonical = {0};
    const struct schema *schema = schema_parse(set->arena, text, err);
    if (schema == NULL)
        return false;
    if (!schema_canonical_form(schema, &canonical))
        return no_memory(err);
    *fingerprint = fingerprint_crc64(buf_span(&canonical));
    if (schema_set_find(set, *fingerprint, NULL) != NULL)
        return true;
    if (set->count == set->cap) {
        size_t cap = set->cap > 0 ? 2 * set->cap : 16;
        struct known *wider = reallocarray(set->known, cap, sizeof *wider);
        if (wider == NULL)
            return no_memory(err);
        set->known = wider;
        set->cap = cap;
    }
    size_t at = place(set, *fingerprint);
    memmove(&set->known[at + 1], &set->known[at], (set->count - at) * sizeof *set->known);
    set->known[at] = (struct known){*fingerprint, schema};
    set->count++;
    return true;
}

static bool read_file(const char *path, struct buf *text, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "cannot be opened: %s", strerror(errno));
    size_t got = 0;
    do {
        uint8_t *to = buf_reserve(text, 16 * 1024);
        got = to != NULL ? fread(to, 1, 16 * 1024, file) : 0;
        text->len += got;
    } while (got > 0 && text->len <= FILE_MAX);
    bool failed = ferror(file);
    int why = errno;
    fclose(file);
    if (text->failed)
        return no_memory(err);
    if (failed)
        return err_set(err, ERR_CONFIG_INVALID, "cannot be read: %s", strerror(why));
    return true;
}

static bool add_file(struct schema_set *set, const char *dir, const char *name, struct err *err)
{
    AUTO(buf) struct buf path = {0};
    AUTO(buf) struct buf text = {0};
    uint64_t fingerprint = 0;
    buf_put_format(&path, "%s/%s", dir, name);
    buf_put_byte(&path, '\0');
    if (path.failed)
        return no_memory(err);
    return read_file((const char *)path.data, &text, err) && add(set, buf_span(&text), &fingerprint, err);
}

static int is_schema_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".avsc") == 0;
}

/* All files are tried, so that all faults are told at once. */
static bool add_folder(struct schema_set *set, const char *dir, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_schema_file, alphasort);
    if (count < 0 && errno == ENOMEM)
        return no_memory(err);
    if (count < 0)
        return err_set(err, ERR_CONFIG_INVALID, "the folder of schemas %s cannot be read: %s", dir,
                       strerror(errno));
    AUTO(buf) struct buf faults = {0};
    bool out_of_memory = false;
    for (int i = 0; i < count; i++) {
        struct err why = {0};
        if (!add_file(set, dir, entries[i]->d_name, &why)) {
            out_of_memory = out_of_memory || why.code == ERR_NO_MEMORY;
            buf_put_format(&faults, "%s%s: %s", faults.len > 0 ? "; " : "", entries[i]->d_name, why.text);
        }
        free(entries[i]);
    }
    free(entries);
    if (out_of_memory || faults.failed)
        return no_memory(err);
    if (faults.len > 0)
        return err_set(err, ERR_CONFIG_INVALID, "schemas in %s: %.*s", dir, SPAN_ARG(buf_span(&faults)));
    return true;
}

static bool fill(struct schema_set *set, const char *schemas_dir, struct err *err)
{
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        uint64_t fingerprint = 0;
        if (!add(set, span_text(record_schema_text((enum record_kind)kind)), &fingerprint, err))
            return false;
        assert(fingerprint == record_fingerprint((enum record_kind)kind));
    }
    return schemas_dir == NULL || add_folder(set, schemas_dir, err);
}

struct schema_set *schema_set_new(const char *schemas_dir, struct err *err)
{
    struct schema_set *set = calloc(1, sizeof *set);
    if (set != NULL)
        set->arena = arena_new(0);
    if (set == NULL || set->arena == NULL) {
        schema_set_free(set);
        no_memory(err);
        return NULL;
    }
    if (!fill(set, schemas_dir, err)) {
        schema_set_free(set);
        return NULL;
    }
    return set;
}
