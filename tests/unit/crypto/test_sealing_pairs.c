#include "crypto/sealing_pairs.h"
#include "unit/crypto/cases.h"
#include "unit/crypto/sealing_cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/certswap-pairs-XXXXXX";

static void start(void)
{
    start_library();
    cr_assert_not_null(mkdtemp(folder));
}

static void stop(void)
{
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(sealing_pairs, .init = start, .fini = stop);

static void write_file(const char *name, struct span content)
{
    char path[512], fresh[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(fresh, sizeof fresh, "%s/.fresh", folder);
    FILE *file = fopen(fresh, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(content.data, 1, content.len, file), content.len);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(rename(fresh, path), 0);
}

static void remove_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(unlink(path), 0);
}

/* Copies a file of the cases' pairs. */
static void copy(const char *from, const char *to)
{
    char path[128];
    AUTO(buf) struct buf text = {0};
    snprintf(path, sizeof path, "pairs/%s", from);
    sealing_file(path, &text);
    write_file(to, buf_span(&text));
}

static void copy_pair(const char *from, const char *to)
{
    char source[64], target[64];
    const char *ends[] = {"crt", "key"};
    for (int i = 0; i < 2; i++) {
        snprintf(source, sizeof source, "%s.%s", from, ends[i]);
        snprintf(target, sizeof target, "%s.%s", to, ends[i]);
        copy(source, target);
    }
}

static struct sealing_pairs *load(void)
{
    struct sealing_pairs *pairs;
    struct err err = {0};
    cr_assert(sealing_pairs_load(folder, &pairs, &err), "%s", err.text);
    return pairs;
}

static bool opens(const struct sealing_pairs *pairs, const char *name)
{
    char path[64];
    AUTO(buf) struct buf cms = {0};
    AUTO(buf) struct buf content = {0};
    snprintf(path, sizeof path, "valid/%s.cms", name);
    sealing_file(path, &cms);
    return sealing_open(pairs, buf_span(&cms), &content, NULL);
}

static void expect_fault(const char *words)
{
    struct sealing_pairs *pairs = NULL;
    struct err err = {0};
    cr_assert_not(sealing_pairs_load(folder, &pairs, &err), "%s", words);
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert_not_null(strstr(err.text, words), "\"%s\" without \"%s\"", err.text, words);
    cr_assert_null(pairs);
}

Test(sealing_pairs, any_pair_opens)
{
    copy_pair("rsa", "old");
    AUTO(sealing_pairs) struct sealing_pairs *one = load();
    cr_assert(opens(one, "oaep-sha256") && !opens(one, "p256"));
    copy_pair("p256", "new");
    AUTO(sealing_pairs) struct sealing_pairs *both = load();
    cr_assert(opens(both, "oaep-sha256") && opens(both, "p256") && !opens(both, "p384"));
}

Test(sealing_pairs, names_what_is_wrong)
{
    expect_fault("holds no pair");
    write_file("README", SPAN_LITERAL("x"));
    expect_fault("holds no pair");
    copy("rsa.crt", "a.crt");
    expect_fault("a.crt has no .key beside it");
    copy("p256.key", "a.key");
    expect_fault("a.key: the key is not that of the certificate in");
    copy("rsa-other.key", "a.key");
    expect_fault("a.key: the key is not that of the certificate in");
    copy("rsa.key", "a.key");
    copy("p256.key", "b.key");
    expect_fault("b.key has no .crt beside it");
    copy("p256.key", "b.crt");
    expect_fault("b.crt: there is no certificate in it");
    copy("p256.crt", "b.crt");
    copy("p256.crt", "b.key");
    expect_fault("b.key: there is no private key in it");
    write_file("b.key", SPAN_LITERAL("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    expect_fault("b.key: the private key cannot be read");
    write_file("b.key", SPAN_LITERAL(""));
    expect_fault("b.key: there is no private key in it");
    write_file(
        "b.key",
        SPAN_LITERAL("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"));
    expect_fault("b.key: the encrypted private key cannot be read");
    remove_file("b.key");
    char path[512];
    snprintf(path, sizeof path, "%s/b.key", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_fault("b.key cannot be read");
    struct sealing_pairs *pairs;
    struct err err = {0};
    cr_assert_not(sealing_pairs_load("/nowhere", &pairs, &err));
    cr_assert_not_null(strstr(err.text, "/nowhere cannot be read: No such file"), "%s", err.text);
}

Test(sealing_pairs, names_a_certificate_that_is_none)
{
    struct sealing_pairs *pairs = NULL;
    struct err err = {0};
    const struct span text = SPAN_LITERAL("-----BEGIN CERTIFICATE-----\n"
                                          "MIIBNDCB56ADAgECAhRA\n-----END CERTIFICATE-----\n");
    cr_assert_not(sealing_pairs_of("c", text, "k", text, false, (struct span){0}, &pairs, &err));
    cr_assert_not_null(strstr(err.text, "c: its first certificate cannot be read"), "%s", err.text);
}

/* As the kubelet mounts a secret: links through ..data, which is swapped in one rename. */
static void swap_to(const char *version, const char *pair)
{
    char path[512], link_to[512];
    const char *ends[] = {"crt", "key"};
    snprintf(path, sizeof path, "%s/..%s", folder, version);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (int i = 0; i < 2; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "%s.%s", pair, ends[i]);
        snprintf(to, sizeof to, "..%s/tls.%s", version, ends[i]);
        copy(from, to);
        snprintf(link_to, sizeof link_to, "..data/tls.%s", ends[i]);
        snprintf(path, sizeof path, "%s/tls.%s", folder, ends[i]);
        (void)!symlink(link_to, path);
    }
    char fresh[512];
    snprintf(link_to, sizeof link_to, "..%s", version);
    snprintf(fresh, sizeof fresh, "%s/..data_tmp", folder);
    snprintf(path, sizeof path, "%s/..data", folder);
    cr_assert_eq(symlink(link_to, fresh), 0);
    cr_assert_eq(rename(fresh, path), 0);
}

Test(sealing_pairs, a_mounted_secret_that_is_swapped_is_read_again)
{
    struct err err = {0};
    swap_to("2026_1", "rsa");
    copy("p521.crt", "ca.crt");
    AUTO(sealing_pairs) struct sealing_pairs *pairs = load();
    cr_assert(opens(pairs, "oaep-sha256") && !opens(pairs, "p256"));
    cr_assert(sealing_pairs_refresh(pairs, 1000, &err));
    swap_to("2026_2", "p256");
    cr_assert(sealing_pairs_refresh(pairs, 1001, &err));
    cr_assert(opens(pairs, "oaep-sha256"), "looked too soon");
    cr_assert(sealing_pairs_refresh(pairs, 6000, &err), "%s", err.text);
    cr_assert(!opens(pairs, "oaep-sha256") && opens(pairs, "p256"));
}

Test(sealing_pairs, keeps_the_old_ones_when_the_new_cannot_be_read)
{
    struct err err = {0};
    copy_pair("rsa", "a");
    AUTO(sealing_pairs) struct sealing_pairs *pairs = load();
    copy("p256.crt", "b.crt");
    cr_assert_not(sealing_pairs_refresh(pairs, 0, &err));
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert_not_null(strstr(err.text, "b.crt has no .key"), "%s", err.text);
    cr_assert(opens(pairs, "oaep-sha256"));
    err = (struct err){0};
    cr_assert_not(sealing_pairs_refresh(pairs, 5000, &err), "it is still wrong");
    err = (struct err){0};
    copy("p256.key", "b.key");
    cr_assert(sealing_pairs_refresh(pairs, 10000, &err), "%s", err.text);
    cr_assert(opens(pairs, "oaep-sha256") && opens(pairs, "p256"));
    remove_file("a.crt");
    remove_file("a.key");
    remove_file("b.crt");
    remove_file("b.key");
    cr_assert_not(sealing_pairs_refresh(pairs, 15000, &err));
    cr_assert(opens(pairs, "p256"));
}

Test(sealing_pairs, of_two_texts_or_one)
{
    struct err err = {0};
    AUTO(buf) struct buf text = {0};
    sealing_file("pairs/p384.key", &text);
    sealing_file("pairs/p384.crt", &text);
    sealing_file("pairs/p256.crt", &text);
    AUTO(sealing_pairs) struct sealing_pairs *pairs = NULL;
    cr_assert(
        sealing_pairs_of("c", buf_span(&text), "k", buf_span(&text), false, (struct span){0}, &pairs, &err),
        "%s", err.text);
    cr_assert(opens(pairs, "p384"));
    cr_assert(sealing_pairs_refresh(pairs, 0, &err));
}
