/* domain/location_tree_node: nodes of a location tree and where a key stands in one; for its own files. */
#pragma once

#include "domain/location_tree.h"
#include "domain/store.h"

/* Sizes that fill malloc's chunks to the last byte. A full leaf gives to a neighbour that has LEAF_ROOM to
   spare. A leaf with fewer than LEAF_FEW items is joined with a neighbour where both fit in LEAF_JOINED; so
   too for inner nodes. */
enum {
    LEAF_MAX = 36,
    LEAF_ROOM = 4,
    LEAF_FEW = 9,
    LEAF_JOINED = 27,
    INNER_MAX = 16,
    INNER_FEW = 4,
    INNER_JOINED = 12
};

struct tree_node {
    uint64_t change; /* that made it */
    struct tree_node *next_made;
    uint16_t count;
    uint16_t level; /* 0: a leaf */
};

/* Certificates beside the stores, not in pairs: a search by certificate touches no store. */
struct leaf {
    struct tree_node node;
    int32_t certificate_ids[LEAF_MAX];
    struct inventory_store *stores[LEAF_MAX];
};

/* All keys under children[i] are at least low i and less than low i + 1; low 0 is not looked at. */
struct inner {
    struct tree_node node;
    int32_t low_certificates[INNER_MAX];
    struct tree_node *children[INNER_MAX];
    struct uuid low_stores[INNER_MAX];
};

/* Where the key stands in the leaf, or would. */
static inline unsigned leaf_position(const struct leaf *leaf, int32_t certificate_id,
                                     const struct uuid *store_id)
{
    unsigned low = 0;
    unsigned high = leaf->node.count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int32_t there = leaf->certificate_ids[middle];
        bool before = there < certificate_id ||
                      (there == certificate_id && uuid_compare(&leaf->stores[middle]->id, store_id) < 0);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool leaf_has(const struct leaf *leaf, unsigned at, int32_t certificate_id,
                            const struct uuid *store_id)
{
    return at < leaf->node.count && leaf->certificate_ids[at] == certificate_id &&
           uuid_equal(&leaf->stores[at]->id, store_id);
}

/* The child under which the key stands, or would. */
static inline unsigned inner_position(const struct inner *inner, int32_t certificate_id,
                                      const struct uuid *store_id)
{
    unsigned low = 1;
    unsigned high = inner->node.count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int32_t there = inner->low_certificates[middle];
        if (there < certificate_id ||
            (there == certificate_id && uuid_compare(&inner->low_stores[middle], store_id) <= 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}
