#include "crypto/sealing_pairs.h"

#include "config/source.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/pem_read.h"
#include "crypto/private_key.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct pfx_limits LIMITS = {.max_iterations = 5000000, .max_bytes = SETTINGS_FILE_MAX};

static void pair_free(struct sealing_pair *pair)
{
    if (pair == NULL)
        return;
    buf_free(&pair->der);
    secret_free(&pair->pkcs8);
    sealing_key_free(&pair->key);
    free(pair);
}

bool sealing_pair_renew(struct sealing_pair *pair)
{
    struct sealing_key fresh;
    const char *why;
    if (!sealing_key_private(secret_span(&pair->pkcs8), pair->certificate.public_key, &fresh, &why))
        return false;
    sealing_key_free(&pair->key);
    pair->key = fresh;
    return true;
}

static void drop_pairs(struct sealing_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        pair_free(pairs->pairs[i]);
    pairs->count = 0;
}

void sealing_pairs_free(struct sealing_pairs *pairs)
{
    if (pairs == NULL)
        return;
    drop_pairs(pairs);
    free(pairs->folder);
    free(pairs);
}

/* A fault of the reader's under our code, with the file's name before it. */
static bool pass_on(const char *name, const struct err *fault, struct err *err)
{
    if (fault->code == ERR_NO_MEMORY)
        return crypto_no_memory(err);
    return err_set(err, ERR_CONFIG_INVALID, "%s: %s", name, fault->text);
}

/* What a pair is read from. */
struct pair_source {
    const char *certificate_name, *key_name;
    struct span certificate, key; /* PEM */
    bool has_password;
    struct span password;
};

/* The subject key identifier's octets: an OCTET STRING in the extension (RFC 5280, section 4.2.1.2). */
static struct span read_key_id(const struct certificate *certificate)
{
    struct span value, key_id;
    if (!certificate_extension(certificate, SPAN_LITERAL("\x55\x1d\x0e"), &value) || value.len == 0 ||
        !der_take(&value, DER_OCTET_STRING, &key_id) || value.len > 0)
        return (struct span){0};
    return key_id;
}

/* The first certificate of the text, into the pair. */
static bool read_certificate(const struct pair_source *source, struct sealing_pair *pair, struct err *err)
{
    struct err fault = {0};
    /* The key may be in the same text. */
    AUTO(pem_reader)
    struct pem_reader reader = {
        .limits = &LIMITS, .has_password = source->has_password, .password = source->password};
    if (!pem_read(&reader, source->certificate, &fault))
        return pass_on(source->certificate_name, &fault, err);
    if (reader.cert_count == 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%s: there is no certificate in it: put the certificate there in PEM",
                       source->certificate_name);
    buf_put(&pair->der, reader.certs[0].data, reader.certs[0].len);
    if (pair->der.failed)
        return crypto_no_memory(err);
    if (!certificate_read(buf_span(&pair->der), &pair->certificate))
        return err_set(err, ERR_CONFIG_INVALID,
                       "%s: its first certificate cannot be read: put it there as it was issued",
                       source->certificate_name);
    pair->key_id = read_key_id(&pair->certificate);
    return true;
}

static bool read_key(const struct pair_source *source, struct sealing_pair *pair, struct err *err)
{
    struct err fault = {0};
    const char *why;
    AUTO(pem_reader)
    struct pem_reader reader = {
        .limits = &LIMITS, .has_password = source->has_password, .password = source->password};
    if (!pem_read(&reader, source->key, &fault))
        return pass_on(source->key_name, &fault, err);
    if (reader.key_count == 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%s: there is no private key in it: put the certificate's key there in PEM",
                       source->key_name);
    enum key_fit fit = private_key_fit(secret_span(&reader.key), &pair->certificate, &fault);
    if (fit == KEY_UNKNOWN)
        return pass_on(source->key_name, &fault, err);
    if (fit == KEY_DIFFERS)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%s: the key is not that of the certificate in %s: put both there from one issuance",
                       source->key_name, source->certificate_name);
    if (!secret_copy(&pair->pkcs8, secret_span(&reader.key)))
        return crypto_no_memory(err);
    if (sealing_key_private(secret_span(&pair->pkcs8), pair->certificate.public_key, &pair->key, &why))
        return true;
    if (why == NULL)
        return crypto_no_memory(err);
    return err_set(err, ERR_CONFIG_INVALID,
                   "%s: %s: use a certificate with an RSA key of at least 2048 bits or an EC key on P-256, "
                   "P-384 or P-521",
                   source->certificate_name, why);
}

static bool add_pair(struct sealing_pairs *pairs, const struct pair_source *source, struct err *err)
{
    struct sealing_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return crypto_no_memory(err);
    if (!read_certificate(source, pair, err) || !read_key(source, pair, err)) {
        pair_free(pair);
        return false;
    }
    pairs->pairs[pairs->count++] = pair;
    return true;
}

bool sealing_pairs_of(const char *certificate_name, struct span certificate, const char *key_name,
                      struct span key, bool has_password, struct span password, struct sealing_pairs **pairs,
                      struct err *err)
{
    const struct pair_source source = {certificate_name, key_name, certificate, key, has_password, password};
    *pairs = NULL;
    struct sealing_pairs *made = calloc(1, sizeof *made);
    if (made == NULL)
        return crypto_no_memory(err);
    if (!add_pair(made, &source, err)) {
        sealing_pairs_free(made);
        return false;
    }
    *pairs = made;
    return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), end = strlen(suffix);
    return len > end && strcmp(name + len - end, suffix) == 0;
}

/* Not what begins with a dot: Kubernetes swaps a mounted secret by the link ..data. */
static int is_of_pair(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (has_suffix(entry->d_name, ".crt") || has_suffix(entry->d_name, ".key"));
}

struct listing {
    struct dirent **entries; /* by name */
    int count;
};

static void auto_listing(struct listing *listing)
{
    for (int i = 0; i < listing->count; i++)
        free(listing->entries[i]);
    free(listing->entries);
}

static bool list_folder(const char *folder, struct listing *listing, struct err *err)
{
    listing->count = scandir(folder, &listing->entries, is_of_pair, alphasort);
    if (listing->count >= 0)
        return true;
    *listing = (struct listing){0};
    if (errno == ENOMEM)
        return crypto_no_memory(err);
    return err_set(err, ERR_CONFIG_INVALID,
                   "the folder %.200s cannot be read: %s: name a folder with <name>.crt and <name>.key",
                   folder, strerror(errno));
}

/* What the folder's files are, without reading them: names, and which files stand behind them. */
static bool folder_state(void *self, uint64_t *state, struct err *err)
{
    const struct sealing_pairs *pairs = self;
    AUTO(listing) struct listing listing = {0};
    if (!list_folder(pairs->folder, &listing, err))
        return false;
    *state = FILE_STATE_START;
    for (int i = 0; i < listing.count; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", pairs->folder, listing.entries[i]->d_name) <
            (int)sizeof path)
            *state = file_state_add(*state, path);
    }
    return true;
}

static bool read_file(const char *path, struct secret *content, struct err *err)
{
    int wrong = source_read_file(NULL, path, content);
    if (wrong == 0)
        return true;
    if (wrong == ENOMEM)
        return crypto_no_memory(err);
    return err_set(err, ERR_CONFIG_INVALID, "%.300s cannot be read: %s", path,
                   wrong == EFBIG ? "it is larger than 64 KiB" : strerror(wrong));
}

static bool read_pair(struct sealing_pairs *pairs, const char *folder, const char *certificate_file,
                      struct err *err)
{
    char certificate_path[PATH_MAX], key_path[PATH_MAX];
    int stem = (int)strlen(certificate_file) - 4;
    if (snprintf(certificate_path, sizeof certificate_path, "%s/%s", folder, certificate_file) >=
            (int)sizeof certificate_path ||
        snprintf(key_path, sizeof key_path, "%s/%.*s.key", folder, stem, certificate_file) >=
            (int)sizeof key_path)
        return err_set(err, ERR_CONFIG_INVALID, "the folder's path is too long: use a shorter one");
    if (pairs->count == SEALING_PAIRS_MAX)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%.200s holds more than %d pairs: remove those that nobody seals to any more", folder,
                       SEALING_PAIRS_MAX);
    AUTO(secret) struct secret certificate = {0};
    AUTO(secret) struct secret key = {0};
    if (!read_file(certificate_path, &certificate, err) || !read_file(key_path, &key, err))
        return false;
    const struct pair_source source = {.certificate_name = certificate_path,
                                       .key_name = key_path,
                                       .certificate = secret_span(&certificate),
                                       .key = secret_span(&key)};
    return add_pair(pairs, &source, err);
}

static bool is_listed(const struct listing *listing, const char *name, const char *suffix)
{
    size_t stem = strlen(name) - 4;
    for (int i = 0; i < listing->count; i++) {
        const char *other = listing->entries[i]->d_name;
        if (strlen(other) == stem + 4 && memcmp(other, name, stem) == 0 && has_suffix(other, suffix))
            return true;
    }
    return false;
}

static bool read_listed(struct sealing_pairs *pairs, const char *folder, const struct listing *listing,
                        struct err *err)
{
    for (int i = 0; i < listing->count; i++) {
        const char *name = listing->entries[i]->d_name;
        bool is_key = has_suffix(name, ".key");
        if (is_listed(listing, name, is_key ? ".crt" : ".key")) {
            if (!is_key && !read_pair(pairs, folder, name, err))
                return false;
            continue;
        }
        /* The issuer's certificate, which cert-manager puts beside the pair. */
        if (strcmp(name, "ca.crt") == 0)
            continue;
        return err_set(err, ERR_CONFIG_INVALID,
                       "%.200s/%.100s has no %s beside it: put certificate and key there under one name",
                       folder, name, is_key ? ".crt" : ".key");
    }
    if (pairs->count == 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%.200s holds no pair: put a certificate <name>.crt and its key <name>.key there",
                       folder);
    return true;
}

static bool read_folder(void *self, struct err *err)
{
    struct sealing_pairs *pairs = self;
    AUTO(listing) struct listing listing = {0};
    return list_folder(pairs->folder, &listing, err) && read_listed(pairs, pairs->folder, &listing, err);
}

static void drop_read(void *self)
{
    drop_pairs(self);
}

static struct watched watched(struct sealing_pairs *pairs)
{
    return (struct watched){pairs, folder_state, read_folder, drop_read};
}

bool sealing_pairs_load(const char *folder, struct sealing_pairs **pairs, struct err *err)
{
    *pairs = NULL;
    struct sealing_pairs *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->folder = strdup(folder);
    if (made == NULL || made->folder == NULL) {
        free(made);
        return crypto_no_memory(err);
    }
    struct watched what = watched(made);
    if (!file_watch_read(&made->watch, &what, err)) {
        sealing_pairs_free(made);
        return false;
    }
    *pairs = made;
    return true;
}

bool sealing_pairs_refresh(struct sealing_pairs *pairs, int64_t clock_ms, struct err *err)
{
    bool changed;
    struct watched what = watched(pairs);
    if (pairs->folder == NULL)
        return true;
    if (!file_watch_look(&pairs->watch, &what, clock_ms, &changed, err))
        return false;
    if (!changed)
        return true;
    struct sealing_pairs fresh = {.folder = pairs->folder};
    what = watched(&fresh);
    if (!file_watch_read(&fresh.watch, &what, err))
        return false;
    drop_pairs(pairs);
    memcpy(pairs->pairs, fresh.pairs, sizeof pairs->pairs);
    pairs->count = fresh.count;
    pairs->watch.state = fresh.watch.state;
    return true;
}
