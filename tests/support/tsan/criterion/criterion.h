/* Criterion's interface, as far as the tests here use it, for builds with the thread sanitizer: Criterion
   itself maps memory where that sanitizer allows none, and does not start. runner.c runs the tests, each in a
   child. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shim_options {
    int signal; /* that the test is expected to die of */
    double timeout;
    int exit_code;
    bool disabled;
    const char *description;
    void (*init)(void);
    void (*fini)(void);
};

struct shim_test {
    const char *suite;
    const char *name; /* NULL: the options of the suite */
    void (*run)(void);
    struct shim_options options;
    struct shim_test *next;
};

void shim_register(struct shim_test *test);
void shim_fail(bool is_fatal, const char *file, int line, const char *claim, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define Test(suite_name, test_name, ...)                                                                     \
    static void shim_run_##suite_name##_##test_name(void);                                                   \
    __attribute__((constructor)) static void shim_add_##suite_name##_##test_name(void)                       \
    {                                                                                                        \
        static struct shim_test test = {                                                                     \
            #suite_name, #test_name, shim_run_##suite_name##_##test_name, {__VA_ARGS__}, NULL};              \
        shim_register(&test);                                                                                \
    }                                                                                                        \
    static void shim_run_##suite_name##_##test_name(void)

#define TestSuite(suite_name, ...)                                                                           \
    __attribute__((constructor)) static void shim_add_##suite_name(void)                                     \
    {                                                                                                        \
        static struct shim_test test = {#suite_name, NULL, NULL, {__VA_ARGS__}, NULL};                       \
        shim_register(&test);                                                                                \
    }                                                                                                        \
    struct shim_needs_semicolon

/* The space keeps a claim without a message from being an empty format. */
#define SHIM_CHECK(is_fatal, claim, ...)                                                                     \
    ((claim) ? (void)0 : shim_fail(is_fatal, __FILE__, __LINE__, #claim, " " __VA_ARGS__))
#define cr_assert(claim, ...) SHIM_CHECK(true, claim, __VA_ARGS__)
#define cr_assert_not(claim, ...) SHIM_CHECK(true, !(claim), __VA_ARGS__)
#define cr_assert_eq(a, b, ...) SHIM_CHECK(true, (a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...) SHIM_CHECK(true, (a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...) SHIM_CHECK(true, (a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...) SHIM_CHECK(true, (a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...) SHIM_CHECK(true, (a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...) SHIM_CHECK(true, (a) >= (b), __VA_ARGS__)
#define cr_assert_null(a, ...) SHIM_CHECK(true, (a) == NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) SHIM_CHECK(true, (a) != NULL, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) SHIM_CHECK(true, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) SHIM_CHECK(true, strcmp(a, b) != 0, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...) SHIM_CHECK(true, fabs((double)(a) - (double)(b)) <= (e), __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) SHIM_CHECK(true, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_assert_fail(...) SHIM_CHECK(true, false, __VA_ARGS__)
#define cr_expect(claim, ...) SHIM_CHECK(false, claim, __VA_ARGS__)
#define cr_expect_not(claim, ...) SHIM_CHECK(false, !(claim), __VA_ARGS__)
#define cr_expect_eq(a, b, ...) SHIM_CHECK(false, (a) == (b), __VA_ARGS__)
#define cr_expect_neq(a, b, ...) SHIM_CHECK(false, (a) != (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...) SHIM_CHECK(false, (a) < (b), __VA_ARGS__)
#define cr_expect_leq(a, b, ...) SHIM_CHECK(false, (a) <= (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...) SHIM_CHECK(false, (a) > (b), __VA_ARGS__)
#define cr_expect_geq(a, b, ...) SHIM_CHECK(false, (a) >= (b), __VA_ARGS__)
#define cr_expect_null(a, ...) SHIM_CHECK(false, (a) == NULL, __VA_ARGS__)
#define cr_expect_not_null(a, ...) SHIM_CHECK(false, (a) != NULL, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) SHIM_CHECK(false, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) SHIM_CHECK(false, strcmp(a, b) != 0, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) SHIM_CHECK(false, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_expect_fail(...) SHIM_CHECK(false, false, __VA_ARGS__)
#define cr_log_info(...) ((void)fprintf(stderr, __VA_ARGS__))
