/* What OpenSSL frees is wiped (linked with --wrap=free, to see it when it goes), and locked memory. */
#include "base/secret.h"
#include "crypto/memory.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SECRET = 0xa5, SIZE = 100, MEBIBYTE = 1 << 20 };

static const void *watched;
static int goes_clean; /* of the watched memory; -1: it has not gone */

void __real_free(void *memory);
void __wrap_free(void *memory);

void __wrap_free(void *memory)
{
    if (memory != NULL && memory == watched) {
        const uint8_t *bytes = memory;
        goes_clean = 1;
        for (size_t i = 0; i < malloc_usable_size(memory); i++)
            goes_clean = goes_clean == 1 && bytes[i] == 0;
        watched = NULL;
    }
    __real_free(memory);
}

static void watch(void *memory, size_t size)
{
    memset(memory, SECRET, size);
    watched = memory;
    goes_clean = -1;
}

/* OpenSSL takes its allocator before its first allocation only, and a library under Criterion makes one while
   it is loaded. */
static bool taken;

static void take(void)
{
    taken = wipe_openssl_memory();
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = take;

Test(wiping, what_openssl_frees)
{
    cr_assert(taken);
    void *memory = OPENSSL_malloc(SIZE);
    watch(memory, SIZE);
    OPENSSL_free(memory);
    cr_assert_eq(goes_clean, 1);
    cr_assert_null(OPENSSL_malloc(0));
    OPENSSL_free(NULL);
}

Test(wiping, what_openssl_moves)
{
    uint8_t *memory = OPENSSL_malloc(SIZE);
    watch(memory, SIZE);
    uint8_t *larger = OPENSSL_realloc(memory, MEBIBYTE);
    cr_assert_not_null(larger);
    cr_assert_eq(goes_clean, 1);
    for (size_t i = 0; i < SIZE; i++)
        cr_assert_eq(larger[i], SECRET);
    watch(larger, MEBIBYTE);
    cr_assert_eq(OPENSSL_realloc(larger, SIZE), larger);
    cr_assert_eq(larger[SIZE], SECRET);
    cr_assert_null(OPENSSL_realloc(larger, 0));
    cr_assert_eq(goes_clean, 1);
    uint8_t *new = OPENSSL_realloc(NULL, SIZE);
    watch(new, SIZE);
    OPENSSL_free(new);
    cr_assert_eq(goes_clean, 1);
}

Test(wiping, what_is_freed_for_a_library)
{
    void *memory = malloc(SIZE);
    watch(memory, SIZE);
    secret_free_memory(memory);
    cr_assert_eq(goes_clean, 1);
    secret_free_memory(NULL);
}

static long locked_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    cr_assert_not_null(status);
    char line[256];
    long kib = -1;
    while (kib < 0 && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %ld kB", &kib) != 1)
            kib = -1;
    fclose(status);
    return kib;
}

Test(locking, all_or_nothing)
{
    struct rlimit before, after;
    cr_assert_eq(getrlimit(RLIMIT_MEMLOCK, &before), 0);
    if (lock_memory() != MEMORY_LOCKED) {
        cr_assert_eq(locked_kib(), 0);
        cr_assert_eq(getrlimit(RLIMIT_MEMLOCK, &after), 0);
        cr_assert_eq(after.rlim_cur, before.rlim_cur);
        return;
    }
    long locked = locked_kib();
    cr_assert_gt(locked, 0);
    void *volatile much = malloc((size_t)64 * MEBIBYTE); /* volatile: clang would leave it out */
    cr_assert_not_null(much);
    cr_assert_geq(locked_kib(), locked + 64 * 1024);
    free(much);
}
