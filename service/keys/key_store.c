#include "keys/key_store.h"

#include "config/source.h"
#include "fetch/fetch.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    FILE_EVERY_MS = 5 * 1000,
    FILE_ASKED_MS = 1000,
    SERVER_EVERY_MS = 5 * 60 * 1000,
    SERVER_ASKED_MS = 30 * 1000,
    SERVER_FIRST_MS = 1000, /* doubled by each failure while there is no set */
    SERVER_ANSWER_MS = 10 * 1000,
};

struct key_snapshot {
    atomic_uint holders;
    struct jwk_set *set;
};

struct key_store {
    struct key_store_options options;
    bool is_server;
    pthread_mutex_t mutex; /* of what stands up to asked */
    pthread_cond_t wake;
    struct key_snapshot *current;
    int64_t looked_ms;
    bool asked;
    /* the keeping thread's own */
    bool looked;
    int64_t begun_ms;   /* the last look */
    int failures;       /* in a row */
    struct err trouble; /* of the last look */
    struct buf content; /* of which the set was made */
};

static bool is_url(const char *location)
{
    return strstr(location, "://") != NULL;
}

static void release(struct key_snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->holders, 1) != 1)
        return;
    jwk_set_free(snapshot->set);
    free(snapshot);
}

struct key_store *key_store_new(const struct key_store_options *options, struct err *err)
{
    pthread_condattr_t attributes;
    struct key_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the key set");
        return NULL;
    }

    store->options = *options;
    store->is_server = is_url(options->location);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return store;
}

void key_store_free(struct key_store *store)
{
    if (store == NULL)
        return;
    release(store->current);
    buf_free(&store->content);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory for the key set");
}

static bool read_file(const char *path, struct buf *content, struct err *err)
{
    AUTO(secret) struct secret file = {0};
    int wrong = source_read_file(NULL, path, &file);
    if (wrong == ENOMEM)
        return no_memory(err);
    if (wrong != 0)
        return err_set(err, ERR_CONFIG_INVALID, "%.200s cannot be read: %s", path,
                       wrong == EFBIG ? "it is larger than 64 KiB" : strerror(wrong));
    buf_put(content, file.data, file.len);
    return !content->failed || no_memory(err);
}

_Static_assert((int)JWK_SET_BYTES_MAX == (int)SETTINGS_FILE_MAX, "a set that is read is not too large");

static bool parse(const char *location, struct span content, struct jwk_set **set, struct err *err)
{
    struct err why = {0};
    if (jwk_set_parse(content, set, &why))
        return true;
    return why.code == ERR_NO_MEMORY ? err_set(err, why.code, "%s", why.text)
                                     : err_set(err, why.code, "%.200s %s", location, why.text);
}

bool key_store_check_file(const char *path, struct err *err)
{
    AUTO(buf) struct buf content = {0};
    AUTO(jwk_set) struct jwk_set *set = NULL;
    return read_file(path, &content, err) && parse(path, buf_span(&content), &set, err);
}

bool key_store_check_ca(const char *path, struct err *err)
{
    X509_STORE *issuers = X509_STORE_new();
    bool loaded = issuers != NULL && X509_STORE_load_file(issuers, path) == 1;
    X509_STORE_free(issuers);
    ERR_clear_error();
    return loaded || err_set(err, ERR_CONFIG_INVALID,
                             "%.200s cannot be used; give it a file of CA certificates in PEM", path);
}

/* With a client of its own each time: a new file of issuers counts at once. */
static bool read_server(const struct key_store_options *options, struct buf *content, struct err *err)
{
    const struct fetch_options how = {.server = "the key server",
                                      .failure = ERR_KEYS_UNAVAILABLE,
                                      .ca_file = options->ca_file,
                                      .https_only = true,
                                      .timeout_ms = SERVER_ANSWER_MS,
                                      .reply_max = JWK_SET_BYTES_MAX,
                                      .stop = options->stop};
    const struct fetch_request request = {.url = options->location,
                                          .accept = "application/jwk-set+json, application/json"};
    int status;
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&how, err);
    if (fetcher == NULL || !fetch(fetcher, &request, &status, content, err))
        return false;
    if (status >= 300 && status < 400)
        return err_set(
            err, ERR_KEYS_UNAVAILABLE,
            "the key server redirects (%d), which is not followed: set the address that it leads to", status);
    return status == 200 ||
           err_set(err, ERR_KEYS_UNAVAILABLE, "the key server's answer has status %d, not 200", status);
}

static bool read_source(const struct key_store *store, struct buf *content, struct err *err)
{
    const struct key_store_options *options = &store->options;
    return store->is_server ? read_server(options, content, err) : read_file(options->location, content, err);
}

/* Takes up what the source says now; the buffer's bytes go to the store. */
static bool take_up(struct key_store *store, struct buf *content, struct err *err)
{
    struct jwk_set *set;
    if (store->current != NULL && span_equal(buf_span(content), buf_span(&store->content)))
        return true;
    if (!parse(store->options.location, buf_span(content), &set, err))
        return false;
    struct key_snapshot *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        jwk_set_free(set);
        return no_memory(err);
    }
    atomic_init(&fresh->holders, 1);
    fresh->set = set;
    pthread_mutex_lock(&store->mutex);
    struct key_snapshot *old = store->current;
    store->current = fresh;
    pthread_mutex_unlock(&store->mutex);
    release(old);
    buf_free(&store->content);
    store->content = *content;
    *content = (struct buf){0};
    metric_set(METRIC_KEY_SET_KEYS, (int64_t)set->usable);
    log_info("key set read", log_str("from", store->options.location), log_int("keys", (int64_t)set->usable),
             log_int("others", (int64_t)(set->count - set->usable)));
    return true;
}

static int64_t pause_ms(const struct key_store *store, bool asked)
{
    if (!store->is_server)
        return asked ? FILE_ASKED_MS : FILE_EVERY_MS;
    if (store->current != NULL)
        return asked || store->failures > 0 ? SERVER_ASKED_MS : SERVER_EVERY_MS;
    int64_t pause = SERVER_FIRST_MS;
    for (int i = 1; i < store->failures && pause < SERVER_ASKED_MS; i++)
        pause *= 2;
    return pause < SERVER_ASKED_MS ? pause : SERVER_ASKED_MS;
}

/* Whoever asks while the source is looked at asks for the next look. */
static bool set_asked(struct key_store *store, bool asked)
{
    pthread_mutex_lock(&store->mutex);
    bool before = store->asked;
    store->asked = asked;
    pthread_mutex_unlock(&store->mutex);
    return before;
}

static void look(struct key_store *store, int64_t now_ms)
{
    AUTO(buf) struct buf content = {0};
    struct err err = {0};
    bool asked = set_asked(store, false);
    store->looked = true;
    store->begun_ms = now_ms;
    if (read_source(store, &content, &err) && take_up(store, &content, &err)) {
        pthread_mutex_lock(&store->mutex);
        store->looked_ms = now_ms;
        pthread_mutex_unlock(&store->mutex);
        store->failures = 0;
    } else {
        if (asked)
            set_asked(store, true);
        store->failures++;
        metric_add(METRIC_KEY_SET_REFRESH_FAILURES, 1);
        if (strcmp(err.text, store->trouble.text) != 0)
            log_error(store->current != NULL ? "the key set cannot be read; the one of before stays in use"
                                             : "the key set cannot be read",
                      log_str("from", store->options.location), log_err(&err));
    }
    store->trouble = err;
}

bool key_store_keep(struct key_store *store, struct err *err)
{
    int64_t now_ms = clock_now_ms(store->options.clock);
    pthread_mutex_lock(&store->mutex);
    bool asked = store->asked;
    pthread_mutex_unlock(&store->mutex);
    if (!store->looked || now_ms - store->begun_ms >= pause_ms(store, asked))
        look(store, now_ms);
    if (store->current != NULL)
        metric_set(METRIC_KEY_SET_AGE, (clock_now_ms(store->options.clock) - store->looked_ms) / 1000);
    return store->trouble.code == ERR_NONE || err_set(err, store->trouble.code, "%s", store->trouble.text);
}

void key_store_rest(struct key_store *store, int milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (int64_t)milliseconds * 1000000;
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&store->mutex);
    bool asked = store->asked;
    while (store->asked == asked && pthread_cond_timedwait(&store->wake, &store->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&store->mutex);
}

bool key_store_view(struct key_store *store, struct key_view *view)
{
    *view = (struct key_view){0};
    pthread_mutex_lock(&store->mutex);
    if (store->current != NULL) {
        atomic_fetch_add(&store->current->holders, 1);
        *view = (struct key_view){store->current->set, store->looked_ms, store->current};
    }
    pthread_mutex_unlock(&store->mutex);
    return view->set != NULL;
}

void key_view_release(struct key_view *view)
{
    release(view->snapshot);
    *view = (struct key_view){0};
}

void key_store_ask(struct key_store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->asked = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->mutex);
}
