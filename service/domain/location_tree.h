/* domain/location_tree: a persistent (copy on write) B+ tree of the pairs (certificate id, store GUID), each
   with its store. Nodes that a published root reaches never change, so a reader that has a root needs no
   lock.

   The writer works in changes: tree_begin, any number of tree_set and tree_erase, then tree_commit or
   tree_rollback. Nodes made by the change are changed in place; others are copied first, and the original
   goes to the limbo. */
#pragma once

#include "base/uuid.h"
#include "domain/limbo.h"

struct inventory_store;
struct leaf;
struct tree_node;

/* The writer's side. Zero-initialise, then set `memory` and `limbo`. */
struct location_tree {
    struct memory *memory;
    struct limbo *limbo;
    struct tree_node *root;      /* of the change in hand; NULL: empty */
    struct tree_node *committed; /* what readers may see */
    struct tree_node *made;      /* the nodes made by the change in hand */
    struct leaf *edge; /* the last leaf, when the change in hand has made it by tree_append(); or NULL */
    uint64_t change;   /* number of the change in hand */
};

void tree_begin(struct location_tree *tree);
/* The pair gets this store, whether it was there or not. False when out of memory: roll back. */
bool tree_set(struct location_tree *tree, int32_t certificate_id, struct inventory_store *store);
/* As tree_set(), of a pair that is greater than all that are there. For a change that does nothing else. */
bool tree_append(struct location_tree *tree, int32_t certificate_id, struct inventory_store *store);
/* Takes the pair, which is there, out. False when out of memory: roll back. */
bool tree_erase(struct location_tree *tree, int32_t certificate_id, const struct uuid *store_id);
/* tree->committed is what to publish then. The caller commits the limbo. */
void tree_commit(struct location_tree *tree);
/* Frees what the change made. The caller rolls the limbo back. */
void tree_rollback(struct location_tree *tree);
/* Frees all nodes of the committed tree at once, and hands each store that stands under certificate 0 to
 * `drop`. */
void tree_free(struct location_tree *tree, void (*drop)(void *arg, struct inventory_store *store), void *arg);
/* Frees one node that came out of the limbo. */
void tree_node_free(struct location_tree *tree, struct tree_node *node);

/* Reading, from a published root (NULL: empty). */
struct inventory_store *tree_find(const struct tree_node *root, int32_t certificate_id,
                                  const struct uuid *store_id);
/* How many stores stand under the certificate; stops at `limit`. */
size_t tree_count(const struct tree_node *root, int32_t certificate_id, size_t limit);
/* Fills stores[0..limit) with the first stores under the certificate, by GUID; returns how many it filled. */
size_t tree_collect(const struct tree_node *root, int32_t certificate_id,
                    const struct inventory_store **stores, size_t limit);
