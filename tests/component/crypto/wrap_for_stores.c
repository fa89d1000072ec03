/* Writes what certswap makes for stores into a folder, for other programs to read: wrap_for_stores DIR
   PASSWORD ITERATIONS. The files are <key>-<profile>-<key|bare>.{p12,pem}. */
#include "crypto/credential_open.h"
#include "crypto/library.h"
#include "crypto/store_format.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    uint8_t chunk[4096];
    for (size_t len = fread(chunk, 1, sizeof chunk, file); len > 0; len = fread(chunk, 1, sizeof chunk, file))
        buf_put(out, chunk, len);
    fclose(file);
    return !out->failed;
}

static bool write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool written = fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    return fclose(file) == 0 && written;
}

static bool open_case(const char *kind, struct material *out, struct err *err)
{
    char path[1024];
    struct buf der = {0};
    const struct pfx_limits limits = {.max_iterations = 100000, .max_bytes = 1 << 20};
    snprintf(path, sizeof path, "%s/tests/cases/credential/valid/openssl3-%s/credential.p12",
             CERTSWAP_SOURCE_DIR, kind);
    bool opened = (read_file(path, &der) || err_set(err, ERR_INTERNAL, "%s cannot be read", path)) &&
                  pfx_open(&limits, buf_span(&der), true, SPAN_LITERAL("changeit"), out, err);
    buf_free(&der);
    return opened;
}

static bool wrap(const char *dir, const char *kind, const struct material *material, int shape,
                 const char *password, int iterations, struct err *err)
{
    static const char *const profiles[] = {"modern", "legacy", "pem"};
    int profile = shape % 3;
    struct store_format_request request = {
        .format = profile == 2 ? CREDENTIAL_PEM : CREDENTIAL_PKCS12,
        .profile = profile == 1 ? PKCS12_LEGACY : PKCS12_MODERN,
        .material = material,
        .with_key = shape >= 3,
        .password = span_text(password),
        .iterations = iterations,
    };
    char path[1024];
    bool encrypted;
    struct buf content = {0};
    snprintf(path, sizeof path, "%s/%s-%s-%s.%s", dir, kind, profiles[profile],
             request.with_key ? "key" : "bare", profile == 2 ? "pem" : "p12");
    bool wrapped =
        store_format_build(&request, &content, &encrypted, err) &&
        (write_file(path, buf_span(&content)) || err_set(err, ERR_INTERNAL, "%s cannot be written", path));
    buf_free(&content);
    return wrapped;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"rsa", "p256", "ed25519"};
    struct err err = {0};
    if (argc != 4 || !crypto_library_start(&err)) {
        fprintf(stderr, "usage: wrap_for_stores DIR PASSWORD ITERATIONS %s\n", err.text);
        return 64;
    }
    for (size_t i = 0; i < 3; i++) {
        struct material material = {0};
        bool done = open_case(kinds[i], &material, &err);
        for (int shape = 0; done && shape < 6; shape++)
            done = wrap(argv[1], kinds[i], &material, shape, argv[2], atoi(argv[3]), &err);
        material_free(&material);
        if (!done) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    crypto_library_stop();
    return 0;
}
