#include "config/source.h"
#include "fixture.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const rich[] = {REQUIRED,
                                   "CERTSWAP_REDIS_URL_FILE=/redis",
                                   "CERTSWAP_HTTP_LISTEN=[::1]:0",
                                   "CERTSWAP_KAFKA_SASL_PASSWORD_FILE=/password",
                                   "CERTSWAP_KAFKA_SSL_CA_LOCATION=/ca.pem",
                                   "CERTSWAP_SCHEMAS_DIR=/schemas",
                                   NULL};
static const char *const faulty[] = {"CERTSWAP_REDIS_URL=redis://ann:@redis", "CERTSWAP_KAFKA_GROUP_ID=x",
                                     "CERTSWAP_LOGLEVEL=info", "CERTSWAP_STAGING_KEYS=k1:AAAA", NULL};

/* However early memory ends: no crash, no leak (the sanitizers see it), and no start. */
Test(settings, without_memory_there_are_no_settings)
{
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct faults faults = {0};
        fail_allocation(nth);
        struct settings *settings = load(rich, &faults);
        failed = fail_allocation_end();
        cr_assert_eq(settings == NULL, failed, "allocation %ld", nth);
        cr_assert_eq(faults_none(&faults), !failed);
        settings_free(settings);
        faults_free(&faults);
    }
    cr_assert_gt(nth, 60);
}

Test(settings, without_memory_for_a_fault_there_still_is_one)
{
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct faults faults = {0};
        fail_allocation(nth);
        cr_assert_null(load(faulty, &faults));
        failed = fail_allocation_end();
        cr_assert_not(faults_none(&faults), "allocation %ld", nth);
        faults_free(&faults);
    }
    cr_assert_gt(nth, 60);
}

Test(source, without_memory_a_file_is_not_read)
{
    char path[] = "/tmp/certswap-memory-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, "secret", 6) == 6);
    close(fd);
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct secret content = {0};
        fail_allocation(nth);
        int wrong = source_read_file(NULL, path, &content);
        failed = fail_allocation_end();
        cr_assert_eq(wrong, failed ? ENOMEM : 0, "allocation %ld", nth);
        cr_assert(span_equal(secret_span(&content), failed ? SPAN_LITERAL("") : SPAN_LITERAL("secret")));
        secret_free(&content);
    }
    unlink(path);
    cr_assert_gt(nth, 2);
}
