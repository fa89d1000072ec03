#include "unit/crypto/sealing_cases.h"

#include "crypto/pem_read.h"

#include <criterion/criterion.h>
#include <stdio.h>

void sealing_file(const char *path, struct buf *out)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", SEALING_CASES, path);
    FILE *file = fopen(whole, "rb");
    cr_assert_not_null(file, "%s cannot be read", whole);
    uint8_t chunk[4096];
    for (size_t len = fread(chunk, 1, sizeof chunk, file); len > 0; len = fread(chunk, 1, sizeof chunk, file))
        buf_put(out, chunk, len);
    fclose(file);
    cr_assert_not(out->failed);
}

void sealing_certificate(const char *path, struct buf *der)
{
    const struct pfx_limits limits = {.max_iterations = 1, .max_bytes = 1 << 20};
    struct err err = {0};
    AUTO(buf) struct buf text = {0};
    AUTO(pem_reader) struct pem_reader reader = {.limits = &limits};
    sealing_file(path, &text);
    cr_assert(pem_read(&reader, buf_span(&text), &err), "%s: %s", path, err.text);
    cr_assert_eq(reader.cert_count, 1);
    buf_put(der, reader.certs[0].data, reader.certs[0].len);
}

struct sealing_pairs *sealing_all_pairs(void)
{
    struct sealing_pairs *pairs;
    struct err err = {0};
    cr_assert(sealing_pairs_load(SEALING_CASES "/pairs", &pairs, &err), "%s", err.text);
    return pairs;
}

size_t sealing_each_case(const char *folder,
                         void (*check)(const char *name, struct span cms, const char *words))
{
    AUTO(buf) struct buf text = {0};
    size_t count = 0;
    sealing_file("cases.txt", &text);
    buf_put_byte(&text, '\0');
    for (char *line = strtok((char *)text.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char path[256], *name = strchr(line, '\t');
        cr_assert_not_null(name);
        *name++ = '\0';
        char *words = strchr(name, '\t');
        cr_assert_not_null(words);
        *words++ = '\0';
        if (strcmp(line, folder) != 0)
            continue;
        AUTO(buf) struct buf cms = {0};
        snprintf(path, sizeof path, "%s/%s.cms", folder, name);
        sealing_file(path, &cms);
        check(name, buf_span(&cms), words);
        count++;
    }
    return count;
}
