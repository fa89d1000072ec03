/* avro/layout: how each record of the contract lies in its C struct, field by field in the schema's order.
   Decoding, encoding and JSON all go by these tables; a test holds them against schemas/. */
#pragma once

#include "avro/record_kind.h"

enum field_type {
    FIELD_BOOLEAN,    /* bool */
    FIELD_INT,        /* int32_t */
    FIELD_TIMESTAMP,  /* int64_t, milliseconds */
    FIELD_STRING,     /* struct span, UTF-8 */
    FIELD_UUID_TEXT,  /* struct span, a GUID as written: not judged when read */
    FIELD_BYTES,      /* struct span */
    FIELD_UUID,       /* struct uuid */
    FIELD_ENUM,       /* an enum of domain/record.h */
    FIELD_RECORD,     /* a struct, or some of the enclosing struct's members (offset 0) */
    FIELD_ARRAY,      /* pointer and count */
    FIELD_CREDENTIAL, /* struct credential_or_sealed */
    FIELD_PASSWORD,   /* password_kind, password and sealed_password of struct replace_command */
};

struct enum_layout {
    const char *name;
    size_t count;
    const char *symbols[5]; /* by the C enum's value */
    int fallback;           /* of an unknown symbol, -1: none */
};

struct field_layout {
    const char *name;
    enum field_type type;
    bool nullable;        /* union of null and the type, default null */
    bool has_default;     /* the default is what zeroed memory says: null, false, the first symbol */
    bool positive;        /* an id that must be 1 or more */
    enum field_type item; /* of an array */
    size_t offset;        /* of the value in the struct; of an array's pointer */
    size_t has_offset;    /* of the bool that says it is not null */
    size_t count_offset;
    size_t item_size;
    const struct record_layout *record; /* of a record, or of an array's items */
    const struct enum_layout *enumeration;
};

struct record_layout {
    const char *name; /* without the namespace */
    size_t count;
    const struct field_layout *fields;
};

/* By the record's kind. */
const struct record_layout *record_layout(enum record_kind kind);
/* By the name without namespace, also of records within others; NULL: the contract has none such. */
const struct record_layout *record_layout_named(const char *name);
const struct enum_layout *enum_layout_named(const char *name);

enum { RECORD_FIELDS_MAX = 24 }; /* of any record in the contract */
