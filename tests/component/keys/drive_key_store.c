/* A key store that a test drives by lines on standard input, each answered by one on standard output:
   at MS        the store's clock says so from now on
   keep         its thread's turn: "good", or what is wrong
   start, join  the same turn, in a thread of its own; stop: it is given up
   ask          a key is asked for
   key KID      whether the set has a key of that kid that verifies: "yes MS", "no MS" (when the look began),
   or "none" */
#include "crypto/library.h"
#include "keys/key_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic int64_t clock_ms;
static atomic_bool stop;
static struct key_store *store;
static struct err outcome;

static int64_t now_ms(void *arg)
{
    (void)arg;
    return atomic_load(&clock_ms);
}

static void *keep(void *arg)
{
    outcome = (struct err){0};
    key_store_keep(store, &outcome);
    return arg;
}

static void answer_key(const char *kid)
{
    struct key_view view;
    bool found = false;
    if (!key_store_view(store, &view)) {
        puts("none");
        return;
    }
    for (size_t i = 0; i < view.set->count; i++)
        found = found || (view.set->keys[i].why == NULL && view.set->keys[i].kid != NULL &&
                          strcmp(view.set->keys[i].kid, kid) == 0);
    printf("%s %lld\n", found ? "yes" : "no", (long long)view.looked_ms);
    key_view_release(&view);
}

static void answer(char *line, pthread_t *thread)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "at ", 3) == 0)
        atomic_store(&clock_ms, atoll(line + 3));
    else if (strcmp(line, "start") == 0)
        pthread_create(thread, NULL, keep, NULL);
    else if (strcmp(line, "stop") == 0)
        atomic_store(&stop, true);
    else if (strcmp(line, "ask") == 0)
        key_store_ask(store);
    if (strcmp(line, "keep") == 0)
        keep(NULL);
    if (strcmp(line, "join") == 0)
        pthread_join(*thread, NULL);
    if (strncmp(line, "key ", 4) == 0)
        answer_key(line + 4);
    else if (strcmp(line, "keep") == 0 || strcmp(line, "join") == 0)
        puts(outcome.code == ERR_NONE ? "good" : outcome.text);
    else
        puts("done");
}

int main(int count, char **arguments)
{
    static const struct clock clock = {now_ms, NULL};
    struct err err = {0};
    char line[256];
    pthread_t thread = 0;
    if (count < 2 || !crypto_library_start(&err))
        return EXIT_FAILURE;
    store = key_store_new(
        &(struct key_store_options){arguments[1], count > 2 ? arguments[2] : NULL, &clock, &stop}, &err);
    if (store == NULL)
        return EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL)
        answer(line, &thread);
    key_store_free(store);
    crypto_library_stop();
    return EXIT_SUCCESS;
}
