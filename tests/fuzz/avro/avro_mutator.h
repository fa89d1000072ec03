/* Mutates inside Avro: takes one value of a body, changes it as its type allows, and leaves the lengths and
   counts around it true, so that what lies behind a field is reached. To be included by one file a program;
   avro_mutate() is what its LLVMFuzzerCustomMutator calls. */
#pragma once

#include "avro/encode.h"
#include "avro/schema.h"
#include "avro/wire.h"
#include "base/auto.h"

#include <stdlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum { AVRO_PLACES = 1024, AVRO_DEPTH = 16 };

/* A value of the body. */
struct avro_place {
    const struct schema *schema;
    const uint8_t *from, *to;
};

struct avro_places {
    struct avro_place items[AVRO_PLACES];
    size_t count;
};

static bool avro_collect(struct avro_places *places, struct wire *wire, const struct schema *schema,
                         int depth);

static bool avro_collect_items(struct avro_places *places, struct wire *wire, const struct schema *array,
                               int depth)
{
    size_t count, len;
    do {
        if (!wire_block(wire, array->items, &count, &len))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!avro_collect(places, wire, array->items, depth + 1))
                return false;
    } while (count > 0);
    return true;
}

/* Adds the value and all within it. False: the body ends, or is none, before the value is whole. */
static bool avro_collect(struct avro_places *places, struct wire *wire, const struct schema *schema,
                         int depth)
{
    if (places->count == AVRO_PLACES || depth > AVRO_DEPTH)
        return false;
    size_t at = places->count++;
    const struct schema *branch = schema;
    bool whole = true;
    places->items[at] = (struct avro_place){schema, wire->at, wire->at};
    if (schema->type == SCHEMA_RECORD)
        for (size_t i = 0; whole && i < schema->count; i++)
            whole = avro_collect(places, wire, schema->fields[i].type, depth + 1);
    else if (schema->type == SCHEMA_UNION)
        whole = wire_branch(wire, schema, &branch) && avro_collect(places, wire, branch, depth + 1);
    else if (schema->type == SCHEMA_ARRAY)
        whole = avro_collect_items(places, wire, schema, depth);
    else
        whole = wire_skip(wire, schema, 0);
    places->items[at].to = wire->at;
    if (!whole)
        places->count = at; /* what is within it stays in place, but is of no use to anyone else */
    return whole;
}

/* The least value of the type. */
static void avro_put_least(struct buf *out, const struct schema *schema, int depth)
{
    if (schema->type == SCHEMA_RECORD && depth < AVRO_DEPTH)
        for (size_t i = 0; i < schema->count; i++)
            avro_put_least(out, schema->fields[i].type, depth + 1);
    else if (schema->type == SCHEMA_UNION) {
        encode_long(out, 0);
        avro_put_least(out, schema->branches[0], depth + 1);
    } else
        for (size_t i = 0; i < schema->min_size; i++)
            buf_put_byte(out, 0);
}

static void avro_put_number(struct buf *out, unsigned int *seed)
{
    static const int64_t telling[] = {
        0,         1,   2,   3,         -1,        63,          64,
        -64,       -65, 100, INT32_MAX, INT32_MIN, 2147483648L, INT64_MAX,
        INT64_MIN, 127, 128, 8191,      8192,      1L << 53,    1790000000000,
    };
    int64_t random = (int64_t)rand_r(seed) << 31 ^ rand_r(seed);
    switch (rand_r(seed) % 4) {
    case 0:
        encode_long(out, random >> rand_r(seed) % 62);
        return;
    case 1: /* ids of a small world meet */
        encode_long(out, rand_r(seed) % 4);
        return;
    default:
        encode_long(out, telling[(size_t)rand_r(seed) % (sizeof telling / sizeof *telling)]);
    }
}

/* A text or bytes, as libFuzzer changes what is there. */
static void avro_put_changed(struct buf *out, const struct avro_place *place)
{
    struct wire wire = {.at = place->from, .end = place->to};
    struct span old = {0};
    wire_bytes(&wire, &old);
    size_t room = old.len + 64;
    uint8_t *copy = malloc(room);
    if (copy == NULL)
        abort();
    if (old.len > 0)
        memcpy(copy, old.data, old.len);
    size_t len = LLVMFuzzerMutate(copy, old.len, room);
    encode_bytes(out, span_of(copy, len));
    free(copy);
}

/* One block of values of that type, wherever they stand in the body. */
static void avro_put_array(struct buf *out, const struct avro_places *places, const struct schema *array,
                           unsigned int *seed)
{
    enum { ITEMS_MAX = 8 };
    const struct avro_place *found[ITEMS_MAX];
    size_t count = 0;
    size_t wanted = (size_t)rand_r(seed) % (ITEMS_MAX + 1);
    for (size_t i = 0; i < places->count && count < wanted; i++)
        if (places->items[i].schema == array->items && rand_r(seed) % 4 != 0)
            found[count++] = &places->items[i];
    if (count == 0 && wanted > 0) {
        encode_long(out, 1);
        avro_put_least(out, array->items, 0);
    } else if (count > 0) {
        encode_long(out, (int64_t)count);
        for (size_t i = 0; i < count; i++) {
            const struct avro_place *item = found[(size_t)rand_r(seed) % count];
            buf_put(out, item->from, (size_t)(item->to - item->from));
        }
    }
    encode_long(out, 0);
}

/* What takes the value's place. */
static void avro_put_other(struct buf *out, const struct avro_places *places, const struct avro_place *place,
                           unsigned int *seed)
{
    const struct schema *schema = place->schema;
    size_t index;
    switch (schema->type) {
    case SCHEMA_BOOLEAN:
        buf_put_byte(out, (uint8_t)(rand_r(seed) % 8 == 0 ? rand_r(seed) : *place->from ^ 1));
        return;
    case SCHEMA_INT:
    case SCHEMA_LONG:
        avro_put_number(out, seed);
        return;
    case SCHEMA_BYTES:
    case SCHEMA_STRING:
        avro_put_changed(out, place);
        return;
    case SCHEMA_ENUM: /* at times one that there is not */
        encode_long(out, rand_r(seed) % (int)(schema->count + 1));
        return;
    case SCHEMA_ARRAY:
        avro_put_array(out, places, schema, seed);
        return;
    case SCHEMA_UNION:
        index = (size_t)rand_r(seed) % schema->count;
        encode_long(out, (int64_t)index);
        avro_put_least(out, schema->branches[index], 0);
        return;
    default:
        avro_put_least(out, schema, 0);
    }
}

/* Another value of the same type out of the body, where there is one. */
static const struct avro_place *avro_twin(const struct avro_places *places, const struct avro_place *place,
                                          unsigned int *seed)
{
    size_t start = (size_t)rand_r(seed) % places->count;
    for (size_t i = 0; i < places->count; i++) {
        const struct avro_place *twin = &places->items[(start + i) % places->count];
        if (twin != place && twin->schema == place->schema)
            return twin;
    }
    return NULL;
}

/* Changes the body of a record of that schema; returns its new size, at most max_size. */
static size_t avro_mutate(const struct schema *schema, uint8_t *data, size_t size, size_t max_size,
                          unsigned int seed)
{
    static struct avro_places places;
    struct wire wire = {.at = data, .end = data + size};
    places.count = 0;
    bool whole = size > 0 && avro_collect(&places, &wire, schema, 0);
    if (!whole || places.count < 2 || rand_r(&seed) % 16 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    const struct avro_place *place = &places.items[1 + (size_t)rand_r(&seed) % (places.count - 1)];
    const struct avro_place *twin = rand_r(&seed) % 4 == 0 ? avro_twin(&places, place, &seed) : NULL;
    AUTO(buf) struct buf now = {0};
    buf_put(&now, data, (size_t)(place->from - data));
    if (twin != NULL)
        buf_put(&now, twin->from, (size_t)(twin->to - twin->from));
    else
        avro_put_other(&now, &places, place, &seed);
    buf_put(&now, place->to, (size_t)(data + size - place->to));
    if (now.failed)
        abort();
    if (now.len > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, now.data, now.len);
    return now.len;
}
