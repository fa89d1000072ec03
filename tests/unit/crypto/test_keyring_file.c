/* A keyring that follows a file: taken up when it changes, kept when it cannot be read. */
#include "crypto/at_rest.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//////////////////////////////////////////8="

static char path[] = "/tmp/certswap-keys-XXXXXX";
static struct keyring *ring;

static void write_keys(const char *text)
{
    char fresh[sizeof path + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "wb");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(rename(fresh, path), 0);
}

static void start(void)
{
    start_library();
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    write_keys("a:" KEY_A "\n");
    struct err err = {0};
    ring = keyring_parse(SPAN_LITERAL("a:" KEY_A), &err);
    cr_assert(ring != NULL && keyring_follow(ring, path, &err), "%s", err.text);
}

static void stop(void)
{
    keyring_free(ring);
    unlink(path);
}

TestSuite(keyring_file, .init = start, .fini = stop);

static void expect_keys(const char *first, bool a, bool b)
{
    cr_assert_str_eq(keyring_sealing_key(ring)->kid, first);
    cr_assert_eq(keyring_find(ring, SPAN_LITERAL("a")) != NULL, a);
    cr_assert_eq(keyring_find(ring, SPAN_LITERAL("b")) != NULL, b);
}

static void refresh(int64_t clock_ms, bool expected)
{
    struct err err = {0};
    bool changed;
    cr_assert(keyring_refresh(ring, clock_ms, &changed, &err), "%s", err.text);
    cr_assert_eq(changed, expected);
}

Test(keyring_file, is_read_again_when_it_changes)
{
    AUTO(buf) struct buf sealed = {0};
    AUTO(secret) struct secret plain = {0};
    struct err err = {0};
    refresh(0, false);
    expect_keys("a", true, false);
    cr_assert(at_rest_seal(ring, SPAN_LITERAL("here"), SPAN_LITERAL("plain"), &sealed, &err));
    write_keys("b:" KEY_B "\n\na:" KEY_A "\n");
    refresh(4999, false);
    expect_keys("a", true, false);
    refresh(5000, true);
    expect_keys("b", true, true);
    cr_assert(at_rest_open(ring, SPAN_LITERAL("here"), buf_span(&sealed), &plain, &err), "%s", err.text);
    secret_free(&plain);
    write_keys("b:" KEY_B "\n");
    refresh(10000, true);
    expect_keys("b", false, true);
    cr_assert_not(at_rest_open(ring, SPAN_LITERAL("here"), buf_span(&sealed), &plain, &err));
    cr_assert_not_null(strstr(err.text, "staging key a, which is not in the keyring"), "%s", err.text);
}

/* What changed between the settings' reading and the first look counts too. */
Test(keyring_file, the_first_look_reads)
{
    write_keys("b:" KEY_B "\na:" KEY_A "\n");
    refresh(123456, true);
    expect_keys("b", true, true);
}

Test(keyring_file, keeps_the_keys_of_before_while_it_cannot_be_read)
{
    static const char *const bad[] = {"", "b:" KEY_B "\nb:" KEY_A "\n", "b:AAEC\n", "no key\n"};
    int64_t clock_ms = 0;
    refresh(clock_ms, false);
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        bool changed;
        if (i < sizeof bad / sizeof *bad)
            write_keys(bad[i]);
        else
            unlink(path);
        for (int again = 0; again < 2; again++) {
            err = (struct err){0};
            cr_assert_not(keyring_refresh(ring, clock_ms += 5000, &changed, &err), "%zu", i);
            cr_assert(err.code == ERR_CONFIG_INVALID && !changed);
            cr_assert_null(strstr(err.text, "AAE"), "%s", err.text);
        }
        cr_assert(i < sizeof bad / sizeof *bad || strstr(err.text, "cannot be read: No such file") != NULL,
                  "%s", err.text);
        expect_keys("a", true, false);
    }
    write_keys("b:" KEY_B "\n");
    refresh(clock_ms + 5000, true);
    expect_keys("b", false, true);
}

Test(keyring_file, one_that_follows_none_stays_as_it_is)
{
    AUTO(keyring) struct keyring *alone = keyring_parse(SPAN_LITERAL("a:" KEY_A), NULL);
    bool changed;
    cr_assert(keyring_refresh(alone, 0, &changed, NULL) && !changed);
    cr_assert_str_eq(keyring_sealing_key(alone)->kid, "a");
}
