#include <criterion/criterion.h>

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMEOUT_S = 100 };

static struct shim_test *tests;
static bool failed; /* in the child */

void shim_register(struct shim_test *test)
{
    test->next = tests;
    tests = test;
}

void shim_fail(bool is_fatal, const char *file, int line, const char *claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: not so: %s", file, line, claim);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    failed = true;
    if (is_fatal)
        exit(1);
}

static const struct shim_options *suite_options(const char *suite)
{
    static const struct shim_options none;
    for (const struct shim_test *test = tests; test != NULL; test = test->next)
        if (test->name == NULL && strcmp(test->suite, suite) == 0)
            return &test->options;
    return &none;
}

static void run_in_child(const struct shim_test *test, const struct shim_options *suite)
{
    alarm(test->options.timeout > 0 ? (unsigned)test->options.timeout : TIMEOUT_S);
    if (suite->init != NULL)
        suite->init();
    if (test->options.init != NULL)
        test->options.init();
    test->run();
    if (test->options.fini != NULL)
        test->options.fini();
    if (suite->fini != NULL)
        suite->fini();
    exit(failed ? 1 : 0);
}

/* The sanitizer, too, makes a child that it found something in end with a status of its own. */
static bool passes(const struct shim_test *test)
{
    const struct shim_options *suite = suite_options(test->suite);
    if (test->options.disabled || suite->disabled)
        return true;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(test, suite);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (test->options.signal != 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->options.signal;
    return WIFEXITED(status) && WEXITSTATUS(status) == test->options.exit_code;
}

int main(void)
{
    int count = 0;
    int bad = 0;
    for (const struct shim_test *test = tests; test != NULL; test = test->next) {
        if (test->name == NULL)
            continue;
        count++;
        if (!passes(test)) {
            bad++;
            fprintf(stderr, "FAIL %s::%s\n", test->suite, test->name);
        }
    }
    fprintf(stderr, "%d tests, %d failed\n", count, bad);
    return bad > 0 || count == 0;
}
