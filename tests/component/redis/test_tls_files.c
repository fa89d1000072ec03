/* The files of TLS to Redis, as the start looks at them. */
#include "redis/tls.h"
#include "support/certificates.h"

static struct certificate_folder folder;

static void start(void)
{
    certificate_folder_make(&folder);
    certificate_ca(&folder, "ca");
    certificate_signed(&folder, "client", "ca", "DNS:client", "");
    certificate_folder_run(&folder, "openssl genrsa -out rsa.key 2048");
    certificate_folder_run(&folder,
                           "openssl pkcs8 -topk8 -in client.key -out locked.key -passout pass:hunter2");
    certificate_folder_run(&folder, "echo nothing >empty.pem");
}

static void stop(void)
{
    certificate_folder_remove(&folder);
}

TestSuite(tls_files, .init = start, .fini = stop, .timeout = 30);

/* The faults of these files, "setting: text" a line each; a name without a dot is not set. */
static void cr_expect_faults(const char *ca, const char *certificate, const char *key, size_t count,
                             const char *setting, const char *words)
{
    struct certificate_path paths[] = {certificate_path(&folder, ca), certificate_path(&folder, certificate),
                                       certificate_path(&folder, key)};
    struct redis_tls tls = {strchr(ca, '.') != NULL ? paths[0].text : NULL,
                            strchr(certificate, '.') != NULL ? paths[1].text : NULL,
                            strchr(key, '.') != NULL ? paths[2].text : NULL};
    AUTO(faults) struct faults faults = {0};
    redis_tls_check(&tls, &faults);
    cr_assert_eq(faults.count, count, "%s %s %s: %zu faults, first %s", ca, certificate, key, faults.count,
                 faults.count > 0 ? faults.items[0].text : "");
    cr_assert_not(faults.failed);
    if (count > 0) {
        cr_expect_str_eq(faults.items[0].variable, setting);
        cr_expect_not_null(strstr(faults.items[0].text, words), "%s", faults.items[0].text);
    }
}

Test(tls_files, what_can_be_used)
{
    cr_expect_faults("none", "none", "none", 0, NULL, NULL);
    cr_expect_faults("ca.crt", "none", "none", 0, NULL, NULL);
    cr_expect_faults("ca.crt", "client.crt", "client.key", 0, NULL, NULL);
}

Test(tls_files, each_that_cannot_be_used_is_a_fault)
{
    static const char ca[] = "CERTSWAP_REDIS_TLS_CA", certificate[] = "CERTSWAP_REDIS_TLS_CERTIFICATE",
                      key[] = "CERTSWAP_REDIS_TLS_KEY";
    cr_expect_faults("not-there.pem", "none", "none", 1, ca, "not-there.pem cannot be read: No such file");
    cr_expect_faults("empty.pem", "none", "none", 1, ca, "no certificate in PEM");
    cr_expect_faults("client.key", "none", "none", 1, ca, "no certificate in PEM");
    cr_expect_faults("ca.crt", "empty.pem", "client.key", 1, certificate, "no certificate in PEM");
    cr_expect_faults("ca.crt", "client.crt", "empty.pem", 1, key, "no private key");
    cr_expect_faults("ca.crt", "client.crt", "ca.key", 1, key, "not the key of");
    cr_expect_faults("ca.crt", "client.crt", "rsa.key", 1, key, "not the key of");
    cr_expect_faults("ca.crt", "client.crt", "locked.key", 1, key, "under a password");
    cr_expect_faults("empty.pem", "not-there.pem", "not-there.pem", 3, ca, "no certificate in PEM");
}
