/* Mutates inside DER: takes one element of the tree, changes it, and writes the lengths of all around it
   anew, so that what is behind the outer structure is reached. To be included by one file a program;
   der_mutate() is what its LLVMFuzzerCustomMutator calls. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "crypto/der.h"

#include <stdlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum { DER_DEPTH = 24, DER_ELEMENTS = 512, DER_NO_PARENT = -1 };

struct der_element {
    int parent;         /* its index; DER_NO_PARENT at the top */
    struct span around; /* the parent's content, or the whole input */
    struct span whole, content;
    uint8_t tag;
};

struct der_tree {
    struct der_element elements[DER_ELEMENTS];
    int count;
};

/* Adds what the content is made of; nothing where it is not made of elements. */
static void der_collect(struct der_tree *tree, int parent, struct span content, int depth)
{
    struct span rest = content;
    int first = tree->count, end;
    while (rest.len > 0 && tree->count < DER_ELEMENTS) {
        struct der_element *element = &tree->elements[tree->count];
        *element = (struct der_element){.parent = parent, .around = content};
        if (!der_next(&rest, &element->tag, &element->content, &element->whole)) {
            tree->count = first;
            return;
        }
        tree->count++;
    }
    end = tree->count;
    for (int i = first; i < end && depth < DER_DEPTH; i++)
        der_collect(tree, i, tree->elements[i].content, depth + 1);
}

/* The content with one bit flipped, or as libFuzzer changes it. */
static void der_change_content(const struct der_element *element, struct buf *out, unsigned int *seed)
{
    size_t len = element->content.len, room = len + 64;
    uint8_t *copy = malloc(room);
    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, element->content.data, len);
    if (len > 0 && rand_r(seed) % 2 == 0)
        copy[(unsigned)rand_r(seed) % len] ^= (uint8_t)(1 << rand_r(seed) % 8);
    else
        len = LLVMFuzzerMutate(copy, len, room);
    der_put(out, element->tag, span_of(copy, len));
    free(copy);
}

/* What takes the element's place. */
static void der_change(const struct der_tree *tree, const struct der_element *element, struct buf *out,
                       unsigned int *seed)
{
    const struct der_element *other = &tree->elements[rand_r(seed) % tree->count];
    switch (rand_r(seed) % 16) {
    case 0: /* gone */
        return;
    case 1: /* twice */
        buf_put(out, element->whole.data, element->whole.len);
        buf_put(out, element->whole.data, element->whole.len);
        return;
    case 2: /* another tag */
        der_put(out, (uint8_t)(element->tag ^ 1 << rand_r(seed) % 8), element->content);
        return;
    case 3: /* another element of the message */
    case 4:
        buf_put(out, other->whole.data, other->whole.len);
        return;
    case 5: /* another's content */
    case 6:
        der_put(out, element->tag, other->content);
        return;
    default:
        der_change_content(element, out, seed);
    }
}

/* Changes one element; returns the new size, at most max_size. */
static size_t der_mutate(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static struct der_tree tree;
    tree.count = 0;
    der_collect(&tree, DER_NO_PARENT, span_of(data, size), 0);
    if (tree.count == 0 || rand_r(&seed) % 32 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    AUTO(buf) struct buf now = {0};
    int at = rand_r(&seed) % tree.count;
    der_change(&tree, &tree.elements[at], &now, &seed);
    for (; at != DER_NO_PARENT; at = tree.elements[at].parent) {
        /* From the element to what holds it: the parent's content, then the parent. */
        const struct der_element *element = &tree.elements[at];
        AUTO(buf) struct buf around = {0};
        size_t before = (size_t)(element->whole.data - element->around.data);
        buf_put(&around, element->around.data, before);
        buf_put(&around, now.data, now.len);
        buf_put(&around, element->whole.data + element->whole.len,
                element->around.len - before - element->whole.len);
        buf_reset(&now);
        if (element->parent != DER_NO_PARENT)
            der_put(&now, tree.elements[element->parent].tag, buf_span(&around));
        else
            buf_put(&now, around.data, around.len);
    }
    if (now.len > max_size || now.len == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, now.data, now.len);
    return now.len;
}
