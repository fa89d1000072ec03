#include "domain/location_tree_node.h"

enum { CACHE_LINE = 64 };

/* Asks for a whole object at once: one wait for memory instead of one a line. A hint only. */
static inline void fetch(const void *object, size_t size)
{
    for (size_t at = 0; at < size; at += CACHE_LINE)
        __builtin_prefetch((const char *)object + at);
}

struct inventory_store *tree_find(const struct tree_node *root, int32_t certificate_id,
                                  const struct uuid *store_id)
{
    if (root == NULL)
        return NULL;
    while (root->level > 0) {
        const struct inner *inner = (const struct inner *)root;
        root = inner->children[inner_position(inner, certificate_id, store_id)];
    }
    const struct leaf *leaf = (const struct leaf *)root;
    unsigned at = leaf_position(leaf, certificate_id, store_id);
    return leaf_has(leaf, at, certificate_id, store_id) ? leaf->stores[at] : NULL;
}

/* The first item of the leaf with this certificate or a greater one. */
static unsigned leaf_first(const struct leaf *leaf, int32_t certificate_id)
{
    unsigned low = 0;
    unsigned high = leaf->node.count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (leaf->certificate_ids[middle] < certificate_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Counts the certificate's items under the node, up to `limit`, and fills `stores` with them unless it is
 * NULL. */
static size_t walk(const struct tree_node *node, int32_t certificate_id,
                   const struct inventory_store **stores, size_t limit)
{
    size_t found = 0;
    if (node->level == 0) {
        const struct leaf *leaf = (const struct leaf *)node;
        for (unsigned at = leaf_first(leaf, certificate_id);
             at < node->count && leaf->certificate_ids[at] == certificate_id && found < limit; at++) {
            fetch(leaf->stores[at], 2 * CACHE_LINE);
            if (stores != NULL)
                stores[found] = leaf->stores[at];
            found++;
        }
        return found;
    }
    const struct inner *inner = (const struct inner *)node;
    unsigned at = 0;
    while (at + 1 < node->count && inner->low_certificates[at + 1] < certificate_id)
        at++;
    do {
        fetch(inner->children[at], sizeof(struct leaf));
        found +=
            walk(inner->children[at], certificate_id, stores != NULL ? stores + found : NULL, limit - found);
        at++;
    } while (at < node->count && inner->low_certificates[at] <= certificate_id && found < limit);
    return found;
}

size_t tree_count(const struct tree_node *root, int32_t certificate_id, size_t limit)
{
    return root == NULL || limit == 0 ? 0 : walk(root, certificate_id, NULL, limit);
}

size_t tree_collect(const struct tree_node *root, int32_t certificate_id,
                    const struct inventory_store **stores, size_t limit)
{
    return root == NULL || limit == 0 ? 0 : walk(root, certificate_id, stores, limit);
}
