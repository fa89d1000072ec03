/* A hiredis without TLS: rediss:// is refused and says why; nothing is ever sent in the clear instead. */
#include "support/redis_fixture.h"

TestSuite(tls_refused, .init = redis_fixture_start, .fini = redis_fixture_stop, .timeout = 30);

Test(tls_refused, says_why_and_what_to_do)
{
    const char *refusal = redis_tls_refusal();
    cr_assert_not_null(refusal);
    cr_assert_not_null(strstr(refusal, "hiredis 0.14, which has no TLS;"), "%s", refusal);
}

Test(tls_refused, nothing_is_sent_without_tls)
{
    struct redis_tls tls = {0};
    options.tls = &tls;
    AUTO(redis) struct redis *secured = redis_new(&options);
    struct err err = {0};
    cr_assert_not(redis_ping(secured, &err));
    cr_assert_eq(err.code, ERR_REDIS_UNAVAILABLE);
    cr_assert_not_null(strstr(err.text, "has no TLS"), "%s", err.text);
}
