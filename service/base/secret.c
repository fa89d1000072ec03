#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

void secret_wipe(void *data, size_t len)
{
    if (data != NULL && len > 0)
        OPENSSL_cleanse(data, len);
}

void secret_free_memory(void *memory)
{
    if (memory != NULL)
        secret_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

bool secret_alloc(struct secret *secret, size_t len)
{
    *secret = (struct secret){0};
    if (len == SIZE_MAX)
        return false;
    secret->data = malloc(len + 1);
    if (secret->data == NULL)
        return false;
    secret->data[len] = 0;
    secret->len = len;
    return true;
}

bool secret_copy(struct secret *secret, struct span bytes)
{
    if (!secret_alloc(secret, bytes.len))
        return false;
    if (bytes.len > 0)
        memcpy(secret->data, bytes.data, bytes.len);
    return true;
}

void secret_free(struct secret *secret)
{
    secret_wipe(secret->data, secret->len);
    free(secret->data);
    *secret = (struct secret){0};
}
