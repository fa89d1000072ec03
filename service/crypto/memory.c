#include "crypto/memory.h"

#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

void forbid_core_dumps(void)
{
    if (sanitized)
        return;
    /* Both: a core_pattern that is a pipe does not ask for the limit. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? malloc(size) : NULL;
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    secret_free_memory(memory);
}

/* By copy and wipe where it must move. */
static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    size_t old = memory != NULL ? malloc_usable_size(memory) : 0;
    if (size > 0 && size <= old)
        return memory;
    void *larger = openssl_malloc(size, file, line);
    if (larger != NULL && memory != NULL)
        memcpy(larger, memory, old);
    if (larger != NULL || size == 0)
        openssl_free(memory, file, line);
    return larger;
}

bool wipe_openssl_memory(void)
{
    return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}

static bool has_swap(void)
{
    struct sysinfo info;
    return sysinfo(&info) != 0 || info.totalswap > 0;
}

enum memory_lock lock_memory(void)
{
    struct rlimit limit;
    if (!sanitized && getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        /* Under a limit of 0 only who is exempt from limits may lock. */
        rlim_t wanted = limit.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : 0;
        if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){wanted, limit.rlim_max}) == 0 &&
            mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
            return MEMORY_LOCKED;
        setrlimit(RLIMIT_MEMLOCK, &limit);
    }
    return has_swap() ? MEMORY_SWAPPED : MEMORY_WITHOUT_SWAP;
}
