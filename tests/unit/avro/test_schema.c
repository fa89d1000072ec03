/* Schema parsing, canonical form, fingerprints; and that schemas/, layout tables and fingerprints agree. */
#include "avro/canonical.h"
#include "avro/fingerprint.h"
#include "avro/schema.h"
#include "samples.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fingerprints as Apache Avro publishes them (share/test/data/schema-tests.txt); 0: not published. */
static const struct {
    const char *schema;
    const char *canonical;
    int64_t fingerprint;
} forms[] = {
    {"\"null\"", "\"null\"", 7195948357588979594},
    {"\"boolean\"", "\"boolean\"", -6970731678124411036},
    {"{\"type\":\"int\"}", "\"int\"", 8247732601305521295},
    {"\"long\"", "\"long\"", -3434872931120570953},
    {"{\"type\": \"float\"}", "\"float\"", 5583340709985441680},
    {"\"double\"", "\"double\"", -8181574048448539266},
    {"\"bytes\"", "\"bytes\"", 5746618253357095269},
    {"{\"type\":\"string\",\"logicalType\":\"uuid\"}", "\"string\"", -8142146995180207161},
    {" [ ]", "[]", -1241056759729112623},
    {"[{\"type\":\"int\"}]", "[\"int\"]", -5232228896498058493},
    {"[\"int\", \"boolean\"]", "[\"int\",\"boolean\"]", 5392556393470105090},
    {"{\"type\":\"record\",\"fields\":[],\"name\":\"foo\",\"doc\":\"d\",\"aliases\":[\"bar\"]}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", -4824392279771201922},
    {"{\"type\":\"record\",\"fields\":[],\"name\":\"foo\",\"namespace\":\"x.y\"}",
     "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", 5916914534497305771},
    {"{\"type\":\"record\",\"fields\":[],\"name\":\"a.b.foo\",\"namespace\":\"x.y\"}",
     "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", -4616218487480524110},
    {"{\"type\":\"record\",\"name\":\"foo\",\"fields\":[{\"default\":true,\"name\":\"f1\",\"type\":"
     "\"boolean\"}]}",
     "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"}]}",
     7843277075252814651},
    {"{\"type\":\"enum\",\"name\":\"foo\",\"symbols\":[\"A1\"],\"default\":\"A1\"}",
     "{\"name\":\"foo\",\"type\":\"enum\",\"symbols\":[\"A1\"]}", -6342190197741309591},
    {"{\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"],\"name\":\"foo\",\"namespace\":\"x.y.z\"}",
     "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", -4448647247586288245},
    {"{\"size\":15,\"type\":\"fixed\",\"name\":\"foo\"}", "{\"name\":\"foo\",\"type\":\"fixed\",\"size\":15}",
     1756455273707447556},
    {"{\"type\":\"array\",\"items\":{\"type\":\"null\"}}", "{\"type\":\"array\",\"items\":\"null\"}",
     -589620603366471059},
    {"{\"values\":\"string\",\"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}",
     -8732877298790414990},
    {"{\"type\":\"record\",\"name\":\"PigValue\",\"fields\":[{\"name\":\"value\",\"type\":[\"null\",\"int\","
     "\"long\","
     "\"PigValue\"]}]}",
     "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\",\"type\":[\"null\",\"int\","
     "\"long\","
     "\"PigValue\"]}]}",
     -1759257747318642341},
    /* the namespace is inherited, a name alone refers within it, the second use is a name */
    {"{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"fixed\","
     "\"name\":\"F\","
     "\"size\":2}},{\"name\":\"b\",\"type\":\"F\"},{\"name\":\"c\",\"type\":{\"type\":\"n.F\"}}]}",
     "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":[{\"name\":\"a\",\"type\":{\"name\":\"n.F\",\"type\":"
     "\"fixed\","
     "\"size\":2}},{\"name\":\"b\",\"type\":\"n.F\"},{\"name\":\"c\",\"type\":\"n.F\"}]}",
     0},
    /* escapes in a text that is kept */
    {"{\"type\":\"\\u0065num\",\"name\":\"\\u0045\",\"symbols\":[\"\\u0041\"]}",
     "{\"name\":\"E\",\"type\":\"enum\",\"symbols\":[\"A\"]}", 0},
};

Test(schema, canonical_forms_and_fingerprints)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        cr_assert(canonical_form(span_text(forms[i].schema), &out, &err), "%s: %s", forms[i].schema,
                  err.text);
        cr_assert(span_equal(buf_span(&out), span_text(forms[i].canonical)), "%.*s",
                  SPAN_ARG(buf_span(&out)));
        if (forms[i].fingerprint != 0)
            cr_assert_eq((int64_t)fingerprint_crc64(buf_span(&out)), forms[i].fingerprint, "%s",
                         forms[i].schema);
    }
    cr_assert_eq(fingerprint_crc64((struct span){0}), 0xc15d213aa4d7a795u);
}

static const struct {
    const char *schema;
    const char *says;
} invalid[] = {
    {"", "no JSON"},
    {"{\"type\":\"int\"", "no JSON"},
    {"{\"type\":\"int\",\"type\":\"long\"}", "no JSON"},
    {"7", "neither a name"},
    {"{}", "no attribute \"type\""},
    {"\"integer\"", "\"integer\" is not defined"},
    {"\"a-b\"", "no name of a type"},
    {"[\"int\",\"int\"]", "twice"},
    {"[\"null\",[\"int\"]]", "within a union"},
    {"{\"type\":\"array\"}", "of what"},
    {"{\"type\":\"map\",\"items\":\"int\"}", "of what"},
    {"{\"type\":\"record\",\"fields\":[]}", "no usable name"},
    {"{\"type\":\"record\",\"name\":\"1R\",\"fields\":[]}", "no usable name"},
    {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a..b\",\"fields\":[]}", "namespace"},
    {"{\"type\":\"record\",\"name\":\"R\"}", "no array of fields"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"type\":\"int\"}]}", "field 1"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\"}]}", "no type"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[7]}", "field 1"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\","
     "\"type\":"
     "\"int\"}]}",
     "twice"},
    {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":"
     "\"R\","
     "\"symbols\":[]}}]}",
     "defined twice"},
    {"{\"type\":\"fixed\",\"name\":\"string\",\"size\":1}", "defined twice"},
    {"{\"type\":\"enum\",\"name\":\"E\"}", "no array of symbols"},
    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}", "twice"},
    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"\"]}", "symbol 1"},
    {"{\"type\":\"fixed\",\"name\":\"F\"}", "size"},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "size"},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4294967296}", "size"},
};

Test(schema, invalid_ones_say_why)
{
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        cr_assert_not(canonical_form(span_text(invalid[i].schema), &out, &err), "%s was taken",
                      invalid[i].schema);
        cr_assert_eq(err.code, ERR_CONFIG_INVALID);
        cr_assert_not_null(strstr(err.text, invalid[i].says), "%s: %s", invalid[i].schema, err.text);
    }
}

Test(schema, deep_nesting_is_refused)
{
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    for (int i = 0; i < 1000; i++)
        buf_put_text(&text, "{\"type\":\"array\",\"items\":");
    buf_put_text(&text, "\"int\"");
    for (int i = 0; i < 1000; i++)
        buf_put_byte(&text, '}');
    cr_assert_not(canonical_form(buf_span(&text), &out, &err));
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
}

Test(schema, the_table_of_fingerprints_is_that_of_the_files)
{
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        cr_assert(canonical_form(span_text(record_schema_text((enum record_kind)kind)), &out, &err), "%s",
                  err.text);
        cr_assert_eq(fingerprint_crc64(buf_span(&out)), record_fingerprint((enum record_kind)kind),
                     "%s: the schema has changed: the table in record_kind.c must say 0x%016llx",
                     record_full_name((enum record_kind)kind),
                     (unsigned long long)fingerprint_crc64(buf_span(&out)));
    }
}

Test(schema, embedded_text_is_the_file)
{
    AUTO(buf) struct buf text = {0};
    FILE *file = fopen(CERTSWAP_SOURCE_DIR "/schemas/replace-command.avsc", "r");
    cr_assert_not_null(file);
    for (int c; (c = fgetc(file)) != EOF;)
        buf_put_byte(&text, (uint8_t)c);
    fclose(file);
    cr_assert(span_equal(buf_span(&text), span_text(record_schema_text(RECORD_REPLACE_COMMAND))));
}

static enum schema_type wire_type(enum field_type type)
{
    static const enum schema_type types[] = {
        [FIELD_BOOLEAN] = SCHEMA_BOOLEAN, [FIELD_INT] = SCHEMA_INT,          [FIELD_TIMESTAMP] = SCHEMA_LONG,
        [FIELD_STRING] = SCHEMA_STRING,   [FIELD_UUID_TEXT] = SCHEMA_STRING, [FIELD_BYTES] = SCHEMA_BYTES,
        [FIELD_UUID] = SCHEMA_STRING,     [FIELD_ENUM] = SCHEMA_ENUM,        [FIELD_RECORD] = SCHEMA_RECORD,
        [FIELD_ARRAY] = SCHEMA_ARRAY,     [FIELD_CREDENTIAL] = SCHEMA_UNION, [FIELD_PASSWORD] = SCHEMA_UNION,
    };
    return types[type];
}

/* The schema's field stands where the layout says, with its type; and so within. */
static void compare(const struct schema *schema, const struct record_layout *layout)
{
    cr_assert_eq(schema->layout, layout);
    cr_assert_null(schema->missing);
    cr_assert_eq(schema->count, layout->count, "%s", layout->name);
    for (size_t i = 0; i < layout->count; i++) {
        const struct field_layout *field = &layout->fields[i];
        const struct schema *type = schema->fields[i].type;
        cr_assert_str_eq(schema->fields[i].name, field->name);
        if (field->nullable) {
            cr_assert_eq(type->type, SCHEMA_UNION);
            cr_assert_eq(type->count, 2);
            cr_assert_eq(type->branches[0]->type, SCHEMA_NULL);
            type = type->branches[1];
        }
        cr_assert_eq(type->type, wire_type(field->type), "%s.%s", layout->name, field->name);
        if (field->type == FIELD_ARRAY) {
            type = type->items;
            cr_assert_eq(type->type, wire_type(field->item));
        }
        if (field->enumeration != NULL) {
            cr_assert_eq(type->enumeration, field->enumeration);
            cr_assert_eq(type->count, field->enumeration->count);
            for (size_t k = 0; k < type->count; k++)
                cr_assert_eq(type->symbol_values[k], (int)k);
        }
        if (field->record != NULL)
            compare(type, field->record);
        if (field->type == FIELD_CREDENTIAL) {
            compare(type->branches[0], record_layout(RECORD_CREDENTIAL));
            compare(type->branches[1], record_layout(RECORD_SEALED_CREDENTIAL));
        }
        if (field->type == FIELD_PASSWORD) {
            cr_assert_eq(type->branches[PASSWORD_NONE]->type, SCHEMA_NULL);
            cr_assert_eq(type->branches[PASSWORD_PLAIN]->type, SCHEMA_STRING);
            compare(type->branches[PASSWORD_SEALED], record_layout(RECORD_SEALED_PASSWORD));
        }
    }
}

Test(schema, layouts_are_those_of_the_files)
{
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        AUTO(arena) struct arena *arena = arena_new(0);
        struct err err = {0};
        const struct schema *schema =
            schema_parse(arena, span_text(record_schema_text((enum record_kind)kind)), &err);
        cr_assert_not_null(schema);
        cr_assert_str_eq(schema->name, record_full_name((enum record_kind)kind));
        compare(schema, record_layout((enum record_kind)kind));
    }
}

/* Walks a schema's JSON: each field has a doc; a default is what the layout says; a named type that is
   defined again, in any file, has the same JSON but for its namespace. `known` maps names to definitions. */
static void walk(json_t *type, json_t *known)
{
    size_t i;
    json_t *at;
    if (json_is_array(type))
        json_array_foreach(type, i, at) walk(at, known);
    if (!json_is_object(type))
        return;
    walk(json_object_get(type, "items"), known);
    walk(json_object_get(type, "type"), known);
    const char *name = json_string_value(json_object_get(type, "name"));
    if (name == NULL)
        return;
    cr_assert(json_string_length(json_object_get(type, "doc")) > 0, "%s has no doc", name);
    const struct record_layout *layout = record_layout_named(name);
    json_array_foreach(json_object_get(type, "fields"), i, at)
    {
        const char *field = json_string_value(json_object_get(at, "name"));
        cr_assert(json_string_length(json_object_get(at, "doc")) > 0, "%s.%s has no doc", name, field);
        cr_assert_eq(json_object_get(at, "default") != NULL, layout->fields[i].has_default, "%s.%s", name,
                     field);
        walk(json_object_get(at, "type"), known);
    }
}

/* A definition, with every named type below it replaced by its name. */
static json_t *flat(const json_t *type, json_t *known)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)type);
    size_t i;
    json_t *at;
    const char *key;
    if (json_is_array(copy))
        json_array_foreach(copy, i, at) json_array_set_new(copy, i, flat(at, known));
    if (!json_is_object(copy))
        return copy;
    void *next;
    json_object_foreach_safe(copy, next, key, at) if (strcmp(key, "type") == 0 || strcmp(key, "items") == 0 ||
                                                      strcmp(key, "fields") == 0)
        json_object_set_new(copy, key, flat(at, known));
    const char *name = json_string_value(json_object_get(copy, "name"));
    const char *is = json_string_value(json_object_get(copy, "type"));
    if (name == NULL || is == NULL || (strcmp(is, "record") != 0 && strcmp(is, "enum") != 0))
        return copy;
    json_object_del(copy, "namespace");
    const json_t *before = json_object_get(known, name);
    if (before != NULL)
        cr_assert(json_equal(before, copy), "%s differs between two files", name);
    json_t *reference = json_string(name);
    json_object_set_new(known, name, copy);
    return reference;
}

Test(schema, fields_have_docs_and_named_types_are_the_same_in_all_files)
{
    json_t *known = json_object();
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        json_t *json = json_loads(record_schema_text((enum record_kind)kind), JSON_REJECT_DUPLICATES, NULL);
        cr_assert_str_eq(json_string_value(json_object_get(json, "namespace")), "io.certswap.v1");
        walk(json, known);
        json_decref(flat(json, known));
        json_decref(json);
    }
    cr_assert_eq(json_object_size(known), 19); /* 15 records and 4 enums */
    json_decref(known);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_folder(const char *dir)
{
    char path[512];
    DIR *folder = opendir(dir);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.' || entry->d_name[1] == 'h')
            remove(path);
    }
    closedir(folder);
    rmdir(dir);
}

Test(schema_set, every_bad_file_of_the_folder_is_named)
{
    char dir[] = "/tmp/certswap-schemas-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    write_file(dir, "good.avsc", "{\"type\":\"record\",\"name\":\"other.R\",\"fields\":[]}");
    write_file(dir, "again.avsc", "{\"name\":\"other.R\",\"fields\":[],\"type\":\"record\"}");
    write_file(dir, "notes.txt", "no schema");
    write_file(dir, ".hidden.avsc", "no schema");
    struct err err = {0};
    struct schema_set *set = schema_set_new(dir, &err);
    cr_assert_not_null(set, "%s", err.text);
    cr_assert_eq(schema_set_count(set), RECORD_KIND_COUNT + 1);
    schema_set_free(set);
    write_file(dir, "bad.avsc", "{\"type\":\"record\"}");
    write_file(dir, "worse.avsc", "nonsense");
    char path[64];
    snprintf(path, sizeof path, "%s/folder.avsc", dir);
    mkdir(path, 0700);
    set = schema_set_new(dir, &err);
    remove_folder(dir);
    cr_assert_null(set);
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert_not_null(strstr(err.text, "bad.avsc: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "worse.avsc: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "folder.avsc: "), "%s", err.text);
    cr_assert_null(strstr(err.text, "good.avsc"));
}

Test(schema_set, a_folder_that_is_not_there_is_named)
{
    struct err err = {0};
    cr_assert_null(schema_set_new("/nonexistent/schemas", &err));
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert_not_null(strstr(err.text, "/nonexistent/schemas"));
}
