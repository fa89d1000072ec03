#include "domain/location_tree.h"

#include "domain/location_tree_node.h"

#include <assert.h>

struct key {
    int32_t certificate_id;
    struct uuid store_id;
};

static struct key inner_low(const struct inner *inner, unsigned at)
{
    return (struct key){inner->low_certificates[at], inner->low_stores[at]};
}

static void inner_set(struct inner *inner, unsigned at, struct tree_node *child, struct key low)
{
    inner->children[at] = child;
    inner->low_certificates[at] = low.certificate_id;
    inner->low_stores[at] = low.store_id;
}

static size_t node_size(unsigned level)
{
    return level == 0 ? sizeof(struct leaf) : sizeof(struct inner);
}

static struct tree_node *node_new(struct location_tree *tree, unsigned level)
{
    struct tree_node *node = memory_alloc(tree->memory, node_size(level));
    if (node == NULL)
        return NULL;
    node->change = tree->change;
    node->level = (uint16_t)level;
    node->next_made = tree->made;
    tree->made = node;
    return node;
}

static bool retire(struct location_tree *tree, struct tree_node *node)
{
    return limbo_add(tree->limbo, node, LIMBO_NODE);
}

/* Makes the node in the slot one that this change may write to. */
static bool own(struct location_tree *tree, struct tree_node **slot)
{
    struct tree_node *node = *slot;
    if (node->change == tree->change)
        return true;
    struct tree_node *copy = node_new(tree, node->level);
    if (copy == NULL || !retire(tree, node))
        return false;
    size_t head = sizeof(struct tree_node);
    memcpy((char *)copy + head, (const char *)node + head, node_size(node->level) - head);
    copy->count = node->count;
    *slot = copy;
    return true;
}

static void leaf_move(struct leaf *to, unsigned at, const struct leaf *from, unsigned first, unsigned count)
{
    memmove(to->certificate_ids + at, from->certificate_ids + first, count * sizeof *to->certificate_ids);
    memmove(to->stores + at, from->stores + first, count * sizeof *to->stores);
}

static void inner_move(struct inner *to, unsigned at, const struct inner *from, unsigned first,
                       unsigned count)
{
    memmove(to->children + at, from->children + first, count * sizeof *to->children);
    memmove(to->low_certificates + at, from->low_certificates + first, count * sizeof *to->low_certificates);
    memmove(to->low_stores + at, from->low_stores + first, count * sizeof *to->low_stores);
}

/* What a node that was full left over: its right part, to be put behind it in its parent. */
struct split {
    struct tree_node *right; /* NULL: it was not full */
    struct key low;
};

/* How many items stay on the left: all if the new one goes behind them, so that rising keys leave full nodes.
 */
static unsigned split_at(unsigned count, unsigned at)
{
    return at == count ? count : count / 2;
}

static bool leaf_insert(struct location_tree *tree, struct leaf *leaf, unsigned at, int32_t certificate_id,
                        struct inventory_store *store, struct split *split)
{
    struct leaf *right = NULL;
    if (leaf->node.count == LEAF_MAX) {
        right = (struct leaf *)node_new(tree, 0);
        if (right == NULL)
            return false;
        unsigned stay = split_at(LEAF_MAX, at);
        leaf_move(right, 0, leaf, stay, LEAF_MAX - stay);
        right->node.count = (uint16_t)(LEAF_MAX - stay);
        leaf->node.count = (uint16_t)stay;
        if (at >= stay) {
            leaf = right;
            at -= stay;
        }
    }
    leaf_move(leaf, at + 1, leaf, at, leaf->node.count - at);
    leaf->certificate_ids[at] = certificate_id;
    leaf->stores[at] = store;
    leaf->node.count++;
    if (right != NULL)
        *split = (struct split){&right->node, {right->certificate_ids[0], right->stores[0]->id}};
    return true;
}

/* Puts the right part of a child behind it. */
static bool inner_insert(struct location_tree *tree, struct inner *inner, unsigned at,
                         const struct split *child, struct split *split)
{
    struct inner *right = NULL;
    if (inner->node.count == INNER_MAX) {
        right = (struct inner *)node_new(tree, inner->node.level);
        if (right == NULL)
            return false;
        unsigned stay = split_at(INNER_MAX, at);
        inner_move(right, 0, inner, stay, INNER_MAX - stay);
        right->node.count = (uint16_t)(INNER_MAX - stay);
        inner->node.count = (uint16_t)stay;
        if (at >= stay) {
            inner = right;
            at -= stay;
        }
    }
    inner_move(inner, at + 1, inner, at, inner->node.count - at);
    inner_set(inner, at, child->right, child->low);
    inner->node.count++;
    if (right != NULL)
        *split = (struct split){&right->node, inner_low(right, 0)};
    return true;
}

/* Moves items from the full leaf children[at] to a neighbour with room, so that leaves are split only where
   all three are full: random keys fill them to four fifths, not to two thirds. */
static bool spill(struct location_tree *tree, struct inner *inner, unsigned at)
{
    bool to_right = at + 1 < inner->node.count && inner->children[at + 1]->count <= LEAF_MAX - LEAF_ROOM;
    bool to_left = !to_right && at > 0 && inner->children[at - 1]->count <= LEAF_MAX - LEAF_ROOM;
    if (!to_right && !to_left)
        return true;
    unsigned left_at = to_right ? at : at - 1;
    if (!own(tree, &inner->children[left_at]) || !own(tree, &inner->children[left_at + 1]))
        return false;
    struct leaf *left = (struct leaf *)inner->children[left_at];
    struct leaf *right = (struct leaf *)inner->children[left_at + 1];
    unsigned moved = (LEAF_MAX - (to_right ? right : left)->node.count) / 2;
    if (to_right) {
        leaf_move(right, moved, right, 0, right->node.count);
        leaf_move(right, 0, left, left->node.count - moved, moved);
        left->node.count = (uint16_t)(left->node.count - moved);
        right->node.count = (uint16_t)(right->node.count + moved);
    } else {
        leaf_move(left, left->node.count, right, 0, moved);
        leaf_move(right, 0, right, moved, right->node.count - moved);
        left->node.count = (uint16_t)(left->node.count + moved);
        right->node.count = (uint16_t)(right->node.count - moved);
    }
    inner_set(inner, left_at + 1, &right->node,
              (struct key){right->certificate_ids[0], right->stores[0]->id});
    return true;
}

static bool set(struct location_tree *tree, struct tree_node **slot, int32_t certificate_id,
                struct inventory_store *store, struct split *split)
{
    if (!own(tree, slot))
        return false;
    if ((*slot)->level == 0) {
        struct leaf *leaf = (struct leaf *)*slot;
        unsigned at = leaf_position(leaf, certificate_id, &store->id);
        if (!leaf_has(leaf, at, certificate_id, &store->id))
            return leaf_insert(tree, leaf, at, certificate_id, store, split);
        leaf->stores[at] = store;
        return true;
    }
    struct inner *inner = (struct inner *)*slot;
    unsigned at = inner_position(inner, certificate_id, &store->id);
    if (inner->node.level == 1 && inner->children[at]->count == LEAF_MAX) {
        if (!spill(tree, inner, at))
            return false;
        at = inner_position(inner, certificate_id, &store->id);
    }
    struct split child = {0};
    if (!set(tree, &inner->children[at], certificate_id, store, &child))
        return false;
    return child.right == NULL || inner_insert(tree, inner, at + 1, &child, split);
}

bool tree_set(struct location_tree *tree, int32_t certificate_id, struct inventory_store *store)
{
    if (tree->root == NULL && (tree->root = node_new(tree, 0)) == NULL)
        return false;
    struct split split = {0};
    if (!set(tree, &tree->root, certificate_id, store, &split))
        return false;
    if (split.right == NULL)
        return true;
    struct inner *root = (struct inner *)node_new(tree, tree->root->level + 1U);
    if (root == NULL)
        return false;
    root->node.count = 2;
    root->children[0] = tree->root;
    inner_set(root, 1, split.right, split.low);
    tree->root = &root->node;
    return true;
}

bool tree_append(struct location_tree *tree, int32_t certificate_id, struct inventory_store *store)
{
    struct leaf *edge = tree->edge;
    if (edge != NULL && edge->node.count < LEAF_MAX) {
        edge->certificate_ids[edge->node.count] = certificate_id;
        edge->stores[edge->node.count] = store;
        edge->node.count++;
        return true;
    }
    if (!tree_set(tree, certificate_id, store))
        return false;
    struct tree_node *node = tree->root;
    while (node->level > 0)
        node = ((struct inner *)node)->children[node->count - 1];
    tree->edge = (struct leaf *)node;
    return true;
}

static void inner_take_out(struct inner *inner, unsigned at)
{
    inner_move(inner, at, inner, at + 1, inner->node.count - at - 1);
    inner->node.count--;
}

/* Puts children[at + 1] behind what children[at] holds, if both are few enough. */
static bool join(struct location_tree *tree, struct inner *inner, unsigned at)
{
    const struct tree_node *right = inner->children[at + 1];
    unsigned most = right->level == 0 ? LEAF_JOINED : INNER_JOINED;
    if (inner->children[at]->count + right->count > most)
        return true;
    if (!own(tree, &inner->children[at]) || !retire(tree, inner->children[at + 1]))
        return false;
    struct tree_node *left = inner->children[at];
    unsigned behind = left->count;
    left->count = (uint16_t)(behind + right->count);
    if (left->level == 0) {
        leaf_move((struct leaf *)left, behind, (const struct leaf *)right, 0, right->count);
    } else {
        const struct inner *from = (const struct inner *)right;
        inner_move((struct inner *)left, behind, from, 0, from->node.count);
        inner_set((struct inner *)left, behind, from->children[0], inner_low(inner, at + 1));
    }
    inner_take_out(inner, at + 1);
    return true;
}

/* After something was taken out from under children[at]. */
static bool tidy(struct location_tree *tree, struct inner *inner, unsigned at)
{
    struct tree_node *child = inner->children[at];
    if (child->count == 0) {
        inner_take_out(inner, at);
        return retire(tree, child);
    }
    if (child->count >= (child->level == 0 ? LEAF_FEW : INNER_FEW))
        return true;
    unsigned before = inner->node.count;
    if (at + 1 < inner->node.count && !join(tree, inner, at))
        return false;
    return inner->node.count != before || at == 0 || join(tree, inner, at - 1);
}

static bool erase(struct location_tree *tree, struct tree_node **slot, int32_t certificate_id,
                  const struct uuid *store_id)
{
    if (!own(tree, slot))
        return false;
    if ((*slot)->level == 0) {
        struct leaf *leaf = (struct leaf *)*slot;
        unsigned at = leaf_position(leaf, certificate_id, store_id);
        assert(leaf_has(leaf, at, certificate_id, store_id));
        leaf_move(leaf, at, leaf, at + 1, leaf->node.count - at - 1);
        leaf->node.count--;
        return true;
    }
    struct inner *inner = (struct inner *)*slot;
    unsigned at = inner_position(inner, certificate_id, store_id);
    return erase(tree, &inner->children[at], certificate_id, store_id) && tidy(tree, inner, at);
}

bool tree_erase(struct location_tree *tree, int32_t certificate_id, const struct uuid *store_id)
{
    assert(tree->root != NULL);
    if (!erase(tree, &tree->root, certificate_id, store_id))
        return false;
    while (tree->root != NULL &&
           (tree->root->count == 0 || (tree->root->level > 0 && tree->root->count == 1))) {
        struct tree_node *root = tree->root;
        if (!retire(tree, root))
            return false;
        tree->root = root->count == 0 ? NULL : ((struct inner *)root)->children[0];
    }
    return true;
}

void tree_begin(struct location_tree *tree)
{
    assert(tree->made == NULL && tree->root == tree->committed);
    tree->change++;
    tree->edge = NULL;
}

void tree_commit(struct location_tree *tree)
{
    tree->committed = tree->root;
    tree->made = NULL;
}

void tree_rollback(struct location_tree *tree)
{
    while (tree->made != NULL) {
        struct tree_node *node = tree->made;
        tree->made = node->next_made;
        memory_free(tree->memory, node);
    }
    tree->root = tree->committed;
}

void tree_node_free(struct location_tree *tree, struct tree_node *node)
{
    memory_free(tree->memory, node);
}

static void free_under(struct location_tree *tree, struct tree_node *node,
                       void (*drop)(void *arg, struct inventory_store *store), void *arg)
{
    for (unsigned i = 0; i < node->count; i++) {
        const struct leaf *leaf = (const struct leaf *)node;
        if (node->level > 0)
            free_under(tree, ((const struct inner *)node)->children[i], drop, arg);
        else if (leaf->certificate_ids[i] == 0)
            drop(arg, leaf->stores[i]);
    }
    tree_node_free(tree, node);
}

void tree_free(struct location_tree *tree, void (*drop)(void *arg, struct inventory_store *store), void *arg)
{
    if (tree->committed != NULL)
        free_under(tree, tree->committed, drop, arg);
    tree->root = tree->committed = NULL;
}
