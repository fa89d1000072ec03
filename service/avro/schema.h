/* avro/schema: an Avro schema as a tree of types, read from its JSON text. */
#pragma once

#include "avro/layout.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum schema_type {
    SCHEMA_NULL,
    SCHEMA_BOOLEAN,
    SCHEMA_INT,
    SCHEMA_LONG,
    SCHEMA_FLOAT,
    SCHEMA_DOUBLE,
    SCHEMA_BYTES,
    SCHEMA_STRING,
    SCHEMA_RECORD,
    SCHEMA_ENUM,
    SCHEMA_ARRAY,
    SCHEMA_MAP,
    SCHEMA_UNION,
    SCHEMA_FIXED,
};

enum { SCHEMA_PRIMITIVE_COUNT = SCHEMA_STRING + 1 };

enum { SCHEMA_DEPTH_MAX = 64 }; /* of nested types, in a schema and in a value */

struct schema {
    enum schema_type type;
    size_t min_size;    /* bytes that every value takes at least; 0: it never takes any, as null */
    const char *name;   /* full name of a record, enum or fixed */
    const char *simple; /* the name without its namespace, a part of `name` */
    size_t index;       /* of a record, enum or fixed: its number among those of the schema */
    size_t count;       /* fields of a record, symbols of an enum, branches of a union, bytes of a fixed */
    struct schema_field *fields;
    const char **symbols;
    const struct schema **branches;
    const struct schema *items; /* of an array or map */

    /* How values become ours; of a record or enum whose simple name the contract has. */
    const struct record_layout *layout; /* with each field's `target` */
    const char *missing; /* the first of our fields that the writer lacks and that has no default */
    const struct enum_layout *enumeration;
    int *symbol_values; /* ours for each of the writer's symbols, -1: none */
};

struct schema_field {
    const char *name;
    const struct schema *type;
    int target; /* index among our layout's fields, -1: passed over */
};

/* Reads a schema; all of it lies in the arena. NULL with ERR_CONFIG_INVALID (the text says where it is wrong)
   or ERR_NO_MEMORY. */
const struct schema *schema_parse(struct arena *arena, struct span json_text, struct err *err);
/* "record", "int" and so on, as schemas write it. */
const char *schema_type_name(enum schema_type type);
/* Appends the Parsing Canonical Form; false when out of memory. */
bool schema_canonical_form(const struct schema *schema, struct buf *out);
