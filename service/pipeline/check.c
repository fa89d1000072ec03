#include "pipeline/check.h"

#include "crypto/library.h"
#include "crypto/sealing.h"
#include "keys/key_store.h"
#include "log/log.h"
#include "pipeline/kafka_of.h"
#include "redis/tls.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

/* "ssl.ca.location" as CERTSWAP_KAFKA_SSL_CA_LOCATION */
static void variable_of(const char *property, char *variable, size_t size)
{
    int prefix = snprintf(variable, size, "CERTSWAP_KAFKA_%s", property);
    for (int i = 0; i < prefix && (size_t)i + 1 < size; i++)
        variable[i] = variable[i] == '.' ? '_' : (char)toupper((unsigned char)variable[i]);
}

static void add_kafka_fault(void *arg, const char *property, const char *text)
{
    char variable[256];
    variable_of(property, variable, sizeof variable);
    faults_add(arg, variable, "%s", text);
}

static void log_weakness(void *arg, const char *property, const char *text)
{
    (void)arg;
    char variable[256];
    variable_of(property, variable, sizeof variable);
    log_warn("weak setting", log_str("setting", variable), log_str("reason", text));
}

void warn_of_settings(const struct settings *settings)
{
    size_t count;
    struct kafka_property *properties = kafka_properties_of(settings, &count);
    if (properties != NULL)
        kafka_warn_properties(properties, count, log_weakness, NULL);
    if (properties != NULL && settings->seccomp && kafka_runs_programs(properties, count))
        log_warn("Kerberos cannot work",
                 log_str("reason",
                         "librdkafka runs kinit for it, which CERTSWAP_SECCOMP=true forbids; set it to "
                         "false, or let another program renew the tickets and set "
                         "CERTSWAP_KAFKA_SASL_KERBEROS_MIN_TIME_BEFORE_RELOGIN=0"));
    free(properties);
    const struct http_address *registry = &settings->schema_registry;
    if (registry->user != NULL && strncmp(registry->url, "http://", 7) == 0)
        log_warn("weak setting", log_str("setting", "CERTSWAP_SCHEMA_REGISTRY_URL"),
                 log_str("reason", "its password is sent in the clear: use https"));
}

static void check_kafka(const struct settings *settings, struct faults *faults)
{
    size_t count;
    struct kafka_property *properties = kafka_properties_of(settings, &count);
    if (properties == NULL) {
        faults->failed = true;
        return;
    }
    kafka_check_properties(properties, count, add_kafka_fault, faults);
    free(properties);
}

static void check_staging_keys(const struct settings *settings, struct faults *faults)
{
    struct err err = {0};
    AUTO(keyring) struct keyring *keyring = NULL;
    if (settings->staging_keys.len > 0 &&
        (keyring = keyring_parse(secret_span(&settings->staging_keys), &err)) == NULL)
        faults_add(faults, "CERTSWAP_STAGING_KEYS", "%s", err.text);
}

static void check_schemas(const struct settings *settings, struct faults *faults)
{
    struct err err = {0};
    AUTO(schema_set) struct schema_set *schemas = schema_set_new(settings->schemas_dir, &err);
    if (schemas == NULL)
        faults_add(faults, "CERTSWAP_SCHEMAS_DIR", "%s", err.text);
}

static void check_registry(const struct settings *settings, struct faults *faults)
{
    if (settings->schema_registry_ca == NULL)
        return;
    X509_STORE *store = X509_STORE_new();
    if (store == NULL)
        faults->failed = true;
    else if (X509_STORE_load_file(store, settings->schema_registry_ca) != 1)
        faults_add(faults, "CERTSWAP_SCHEMA_REGISTRY_TLS_CA",
                   "%.200s holds no certificate that can be read; give it a file of PEM",
                   settings->schema_registry_ca);
    X509_STORE_free(store);
    ERR_clear_error();
}

static void check_sealing(const struct settings *settings, struct faults *faults)
{
    if (settings->sealing_dir == NULL)
        return;
    struct err err = {0};
    struct sealing_pairs *pairs = NULL;
    if (crypto_library_start(&err) && sealing_pairs_load(settings->sealing_dir, &pairs, &err))
        sealing_pairs_free(pairs);
    else
        faults_add(faults, "CERTSWAP_SEALING_DIR", "%s", err.text);
    crypto_library_stop();
}

static void check_redis(const struct settings *settings, struct faults *faults)
{
    const struct redis_tls tls = redis_tls_of(settings);
    if (settings->redis.scheme != REDIS_SCHEME_TLS)
        return;
    if (redis_tls_refusal() != NULL)
        faults_add(faults, "CERTSWAP_REDIS_URL", "%s", redis_tls_refusal());
    redis_tls_check(&tls, faults);
}

static void check_keys(const struct settings *settings, struct faults *faults)
{
    struct err err = {0};
    struct err ca = {0};
    if (settings->auth != AUTH_JWT)
        return;
    bool is_file = settings->jwt_jwks != NULL && strstr(settings->jwt_jwks, "://") == NULL;
    if (is_file && (!crypto_library_start(&err) || !key_store_check_file(settings->jwt_jwks, &err)))
        faults_add(faults, "CERTSWAP_JWT_JWKS", "%s", err.text);
    if (is_file)
        crypto_library_stop();
    if (settings->jwt_ca != NULL && !key_store_check_ca(settings->jwt_ca, &ca))
        faults_add(faults, "CERTSWAP_JWT_CA", "%s", ca.text);
}

void check_settings(const struct settings *settings, struct faults *faults)
{
    check_kafka(settings, faults);
    check_redis(settings, faults);
    check_staging_keys(settings, faults);
    check_schemas(settings, faults);
    check_registry(settings, faults);
    check_sealing(settings, faults);
    check_keys(settings, faults);
}
