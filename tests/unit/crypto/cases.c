#include "unit/crypto/cases.h"

#include "crypto/library.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

const struct pfx_limits case_limits = {.max_iterations = 5000000, .max_bytes = 1 << 20};

void start_library(void)
{
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    uint8_t chunk[4096];
    for (size_t len = fread(chunk, 1, sizeof chunk, file); len > 0; len = fread(chunk, 1, sizeof chunk, file))
        buf_put(out, chunk, len);
    fclose(file);
    return true;
}

static void read_line(struct credential_case *out, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *value = strstr(line, ": ");
    if (value != NULL) {
        *value = '\0';
        value += 2;
    } else {
        value = line + strlen(line);
        line[strcspn(line, ":")] = '\0';
    }
    if (strcmp(line, "format") == 0)
        out->credential.format = strcmp(value, "PEM") == 0 ? CREDENTIAL_PEM : CREDENTIAL_PKCS12;
    if (strcmp(line, "password") == 0) {
        out->credential.has_password = true;
        snprintf(out->password, sizeof out->password, "%s", value);
    }
    if (strcmp(line, "thumbprint") == 0)
        snprintf(out->thumbprint, sizeof out->thumbprint, "%s", value);
    if (strcmp(line, "error") == 0)
        snprintf(out->error, sizeof out->error, "%s", value);
    if (strcmp(line, "chain") == 0)
        out->chain_count = strtoul(value, NULL, 10);
}

void case_load(struct credential_case *out, const char *folder, const char *name)
{
    char path[512], line[CASE_TEXT_MAX];
    *out = (struct credential_case){0};
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(path, sizeof path, "%s/tests/cases/credential/%s/%s/case.txt", CERTSWAP_SOURCE_DIR, folder,
             name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s cannot be read", path);
    while (fgets(line, sizeof line, file) != NULL)
        read_line(out, line);
    fclose(file);
    snprintf(path, sizeof path, "%s/tests/cases/credential/%s/%s/credential.%s", CERTSWAP_SOURCE_DIR, folder,
             name, out->credential.format == CREDENTIAL_PEM ? "pem" : "p12");
    cr_assert(read_file(path, &out->content), "%s cannot be read", path);
    out->credential.content = buf_span(&out->content);
    out->credential.password = span_text(out->password);
}

void case_free(struct credential_case *one)
{
    buf_free(&one->content);
}

size_t for_each_case(const char *folder, void (*check)(const struct credential_case *, void *), void *arg)
{
    char path[512];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/tests/cases/credential/%s", CERTSWAP_SOURCE_DIR, folder);
    DIR *dir = opendir(path);
    cr_assert_not_null(dir, "%s cannot be read", path);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        struct credential_case one;
        case_load(&one, folder, entry->d_name);
        check(&one, arg);
        case_free(&one);
        count++;
    }
    closedir(dir);
    return count;
}
