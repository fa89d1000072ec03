#include "config/check.h"
#include "config/table.h"
#include "fixture.h"
#include "log/log.h"

#include <criterion/criterion.h>

Test(settings, the_defaults_are_those_of_the_contract)
{
    struct faults faults = {0};
    const char *environ[] = {"PATH=/bin", REQUIRED, NULL};
    AUTO(settings) struct settings *s = load(environ, &faults);
    cr_assert_not_null(s);
    cr_assert_str_eq(s->kafka_bootstrap_servers, "b1:9092,b2:9093");
    cr_assert_eq(s->kafka_property_count, 0);
    cr_assert_str_eq(s->topics.enrollments, "certificate.enrollments");
    cr_assert_str_eq(s->topics.renewals, "certificate.renewals");
    cr_assert_str_eq(s->topics.inventory, "certstore.inventory");
    cr_assert_str_eq(s->topics.commands, "certificate.replace.commands");
    cr_assert_str_eq(s->topics.retry, "certificate.replace.commands.retry");
    cr_assert_str_eq(s->topics.dlq, "certificate.replace.dlq");
    cr_assert_str_eq(s->topics.jobs, "certstore.jobs");
    cr_assert_str_eq(s->topics.results, "certificate.replace.results");
    cr_assert_str_eq(s->group_id, "certswap");
    cr_assert_str_eq(s->instance_id, "host7");
    cr_assert_str_eq(s->redis.host, "127.0.0.1");
    cr_assert_eq(s->redis.port, 6379);
    cr_assert_eq(s->redis.db, 0);
    cr_assert_str_eq((char *)s->staging_keys.data, GOOD_KEY "\n");
    cr_assert_eq(s->staging_ttl_s, 300);
    cr_assert_null(s->sealing_dir);
    cr_assert_eq(s->auth, AUTH_CLAIMS);
    cr_assert_str_eq(s->jwt_user_claim, "sub");
    cr_assert_str_eq(s->jwt_permissions_claim, "permissions");
    cr_assert_eq(s->avro_framing, FRAMING_SETTING_SINGLE_OBJECT);
    cr_assert(s->schema_auto_register);
    cr_assert_null(s->schemas_dir);
    cr_assert_eq(s->pipelines, 4);
    cr_assert_eq(s->batch_max, 100);
    cr_assert_eq(s->retry_delay_ms, 250);
    cr_assert_eq(s->max_stores_per_command, 4000);
    cr_assert_eq(s->pkcs12_iterations, 10000);
    cr_assert_eq(s->pkcs12_max_iterations, 5000000);
    cr_assert_eq(s->command_retention_s, 86400);
    cr_assert_str_eq(s->http_listen.host, "127.0.0.1");
    cr_assert_eq(s->http_listen.port, 9464);
    cr_assert_eq(s->stop_deadline_s, 25);
    cr_assert_eq(s->log_level, LOG_SETTING_INFO);
    cr_assert_eq(s->log_format, LOG_SETTING_JSON);
}

Test(settings, every_fault_is_reported_at_once)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_STAGING_TTL_S=301", "CERTSWAP_PIPELINE=3", "CERTSWAP_LOG_LEVEL=loud",
                             "CERTSWAP_KAFKA_GROUP_ID=x", NULL};
    cr_assert_null(load(environ, &faults));
    cr_assert(has_fault(&faults, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS", "required"));
    cr_assert(has_fault(&faults, "CERTSWAP_STAGING_KEYS", "_FILE"));
    cr_assert(has_fault(&faults, "CERTSWAP_SEALING_DIR", "required by CERTSWAP_REQUIRE_SEALED=true"));
    cr_assert(has_fault(&faults, "CERTSWAP_STAGING_TTL_S", "1 to 300"));
    cr_assert(has_fault(&faults, "CERTSWAP_PIPELINE", "did you mean CERTSWAP_PIPELINES?"));
    cr_assert(has_fault(&faults, "CERTSWAP_LOG_LEVEL", "error, warn, info, debug"));
    cr_assert(has_fault(&faults, "CERTSWAP_KAFKA_GROUP_ID", "set CERTSWAP_GROUP_ID instead"));
    cr_assert_eq(faults.count, 7);
    faults_free(&faults);
}

static const struct {
    const char *variable; /* with its value, beside what is required */
    const char *words;    /* of the fault; NULL: it is taken */
} cases[] = {
    {"CERTSWAP_STAGING_TTL_S=1", NULL},
    {"CERTSWAP_STAGING_TTL_S=0", "1 to 300"},
    {"CERTSWAP_STAGING_TTL_S=+5", "1 to 300"},
    {"CERTSWAP_STAGING_TTL_S=5s", "1 to 300"},
    {"CERTSWAP_STAGING_TTL_S=99999999999999999999", "1 to 300"},
    {"CERTSWAP_STAGING_TTL_S=", NULL},
    {"CERTSWAP_MAX_STORES_PER_COMMAND=20000", NULL},
    {"CERTSWAP_MAX_STORES_PER_COMMAND=20001", "1 to 20000"},
    {"CERTSWAP_PKCS12_ITERATIONS=2047", "2048 to"},
    {"CERTSWAP_PKCS12_ITERATIONS=2048", NULL},
    {"CERTSWAP_SCHEMA_AUTO_REGISTER=yes", "true or false"},
    {"CERTSWAP_SCHEMA_AUTO_REGISTER=false", NULL},
    {"CERTSWAP_LOG_FORMAT=text", NULL},
    {"CERTSWAP_LOG_FORMAT=TEXT", "json, text"},
    {"CERTSWAP_TOPIC_JOBS=jobs-1", NULL},
    {"CERTSWAP_TOPIC_JOBS=jobs 1", "no name of a Kafka topic"},
    {"CERTSWAP_TOPIC_JOBS=..", "no name of a Kafka topic"},
    {"CERTSWAP_TOPIC_RESULTS=certstore.jobs", "the topic of CERTSWAP_TOPIC_JOBS too"},
    {"CERTSWAP_GROUP_ID=team a", "without a space"},
    {"CERTSWAP_GROUP_ID=team-a", NULL},
    {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=SSL://b1:9092, [::1]:9093 ,b3", NULL},
    {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b1:9092,b2:x", "no usable port"},
    {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=,", "names no broker"},
    {"CERTSWAP_HTTP_LISTEN=[::1]:0", NULL},
    {"CERTSWAP_HTTP_LISTEN=0.0.0.0:65535", NULL},
    {"CERTSWAP_HTTP_LISTEN=0.0.0.0:65536", "no usable port"},
    {"CERTSWAP_HTTP_LISTEN=::1:80", "no host"},
    {"CERTSWAP_HTTP_LISTEN=[1.2.3.4]:80", "no IPv6 address"},
    {"CERTSWAP_HTTP_LISTEN=[::1:80", "without its ]"},
    {"CERTSWAP_HTTP_LISTEN=[::1]80", "behind its ]"},
    {"CERTSWAP_HTTP_LISTEN=:80", "no host"},
    {"CERTSWAP_HTTP_LISTEN=localhost", "no port"},
    {"CERTSWAP_HTTP_LISTEN=local/host:1", "host name of other characters"},
    {"CERTSWAP_AUTH=ldap", "claims, jwt"},
    {"CERTSWAP_SEALING_DIR=/seal", NULL},
    {"CERTSWAP_SEALING_DIR=/se\nal", "no path"},
    {"CERTSWAP_REQUIRE_SEALED=yes", "true or false"},
    {"CERTSWAP_AVRO_FRAMING=avro", "single-object, confluent"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://registry", NULL},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=https://ann:s%40cret@[::1]:8080/apis/ccompat/v7/", NULL},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=registry:8080", "neither http:// nor https://"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=ftp://registry", "neither http:// nor https://"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://", "no host"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://registry:0", "no usable port"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://registry/?a=b", "a query"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://regi stry", "printable"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://ann@registry", "without a password"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://ann:@registry", "empty password"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://:secret@registry", "without a user"},
    {"CERTSWAP_SCHEMA_REGISTRY_URL=http://ann:100%@registry", "percent-encoded"},
    {"CERTSWAP_REDIS_URL=rediss://redis", NULL},
    {"CERTSWAP_REDIS_TLS_CA=/ca.pem", "CERTSWAP_REDIS_URL is without TLS"},
    {"CERTSWAP_REDIS_TLS_CA=/ca\n.pem", "no path"},
    {"CERTSWAP_REDIS_TLS_CA_FILE=/ca.pem", "did you mean CERTSWAP_REDIS_TLS_CA?"},
    {"CERTSWAP_JWT_JWKS=http://idp/jwks", "no https URL"},
    {"CERTSWAP_JWT_JWKS=/jwks.json", "CERTSWAP_AUTH=claims trusts"},
    {"CERTSWAP_JWT_CA=/ca.pem", "CERTSWAP_AUTH=claims trusts"},
    {"CERTSWAP_JWT_CA=/ca\n.pem", "no path"},
    {"CERTSWAP_SCHEMAS_DIR=schemas", NULL},
    {"CERTSWAP_SCHEMAS_DIR=/sch\nemas", "no path"},
    {"CERTSWAP_REDIS_URL=unix:///run/\nredis.sock", "no absolute path"},
    {"CERTSWAP_REDIS_URL=redis://redis", NULL},
    {"CERTSWAP_REDIS_URL=redis://:pw@[::1]:6379/15", NULL},
    {"CERTSWAP_REDIS_URL=unix:///run/redis.sock", NULL},
    {"CERTSWAP_REDIS_URL=unix://run/redis.sock", "has a host"},
    {"CERTSWAP_REDIS_URL=unix:///run/redis.sock?db=x", "another query"},
    {"CERTSWAP_REDIS_URL=redis://redis/zero", "another path"},
    {"CERTSWAP_REDIS_URL=redis://redis:0", "no usable port"},
    {"CERTSWAP_REDIS_URL=redis://ann@redis", "without a password"},
    {"CERTSWAP_REDIS_URL=redis://ann:@redis", "empty password"},
    {"CERTSWAP_REDIS_URL=redis://ann:100%@redis", "percent-encoded"},
    {"CERTSWAP_REDIS_URL=redis://ann:%00@redis", "percent-encoded"},
    {"CERTSWAP_REDIS_URL=http://redis", "none of redis://"},
    {"CERTSWAP_REDIS_URL=redis://", "no host"},
    {"CERTSWAP_STAGING_KEYS=" GOOD_KEY "\n\n k2:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB= \r\n", NULL},
    {"CERTSWAP_STAGING_KEYS=" GOOD_KEY "\n" GOOD_KEY, "line 2 has a kid that an earlier line has"},
    {"CERTSWAP_STAGING_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "no kid"},
    {"CERTSWAP_STAGING_KEYS=k 1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "kid of other characters"},
    {"CERTSWAP_STAGING_KEYS=k1:AAAA", "not 32 bytes"},
    {"CERTSWAP_STAGING_KEYS=k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-=", "no base64"},
    {"CERTSWAP_STAGING_KEYS=\n \n", "is empty"},
    {"CERTSWAP_KAFKA_SECURITY_PROTOCOL=SSL", NULL},
    {"CERTSWAP_KAFKA_TRANSACTIONAL_ID=x", "set CERTSWAP_INSTANCE_ID"},
    {"CERTSWAP_KAFKA_ENABLE_AUTO_COMMIT=false", "committed in the transaction"},
    {"CERTSWAP_KAFKA_ISOLATION_LEVEL=read_committed", "stay unseen"},
    {"CERTSWAP_KAFKA_sasl_username=x", "is no setting"},
    {"CERTSWAP_KAFKA_=x", "is no setting"},
    {"CERTSWAP_KAFKA_METADATA_BROKER_LIST=x", "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS instead"},
    {"CERTSWAP_BATCHMAX=5", "did you mean CERTSWAP_BATCH_MAX?"},
    {"CERTSWAP_STAGING_KEYFILE=/keys", "did you mean CERTSWAP_STAGING_KEYS_FILE?"},
    {"CERTSWAP_GROUP_ID_FILE=/group", "did you mean CERTSWAP_GROUP_ID?"},
    {"CERTSWAP_=x", "is no setting"},
    {"CERTSWAP_SERVICE_HOST=10.0.0.1", NULL},
    {"CERTSWAP_SERVICE_PORT=9464", NULL},
    {"CERTSWAP_SERVICE_PORT_HTTP=9464", NULL},
    {"CERTSWAP_REDIS_PORT=tcp://10.0.0.1:6379", NULL},
    {"CERTSWAP_KAFKA_PORT_9092_TCP_ADDR=10.0.0.1", NULL},
    {"CERTSWAP_KAFKA_SERVICE_HOST=10.0.0.1", NULL},
    {"certswap_x=y", NULL},
};

Test(settings, each_value_is_taken_or_refused_for_its_reason)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct faults faults = {0};
        AUTO(settings) struct settings *settings = load_with(cases[i].variable, &faults);
        const char *text = faults.count > 0 ? faults.items[0].text : "nothing";
        if (cases[i].words == NULL) {
            cr_assert_not_null(settings, "%s: %s", cases[i].variable, text);
        } else {
            cr_assert_null(settings, "%s was taken", cases[i].variable);
            cr_assert_eq(faults.count, 1, "%s: %zu faults", cases[i].variable, faults.count);
            size_t len = strcspn(cases[i].variable, "=");
            cr_assert_eq(strncmp(faults.items[0].variable, cases[i].variable, len), 0);
            cr_assert_eq(strlen(faults.items[0].variable), len);
            cr_assert_not_null(strstr(text, cases[i].words), "%s: %s", cases[i].variable, text);
            cr_assert(strchr(text, ';') != NULL, "%s does not say what to do: %s", cases[i].variable, text);
        }
        faults_free(&faults);
    }
}

Test(settings, addresses_are_taken_apart)
{
    struct faults faults = {0};
    AUTO(settings)
    struct settings *one = load_with("CERTSWAP_REDIS_URL=redis://:p%3aw@[2001:db8::1]:7000/15", &faults);
    cr_assert_str_eq(one->redis.host, "2001:db8::1");
    cr_assert_eq(one->redis.port, 7000);
    cr_assert_eq(one->redis.db, 15);
    cr_assert_null(one->redis.user);
    cr_assert_str_eq((char *)one->redis.password.data, "p:w");
    AUTO(settings)
    struct settings *two = load_with("CERTSWAP_REDIS_URL=unix://ann:a@b@/run/r.sock?db=2", &faults);
    cr_assert_eq(two->redis.scheme, REDIS_SCHEME_UNIX);
    cr_assert_str_eq(two->redis.path, "/run/r.sock");
    cr_assert_eq(two->redis.db, 2);
    cr_assert_str_eq(two->redis.user, "ann");
    cr_assert_str_eq((char *)two->redis.password.data, "a@b");
    AUTO(settings) struct settings *three = load_with("CERTSWAP_HTTP_LISTEN=[::1]:0", &faults);
    cr_assert_str_eq(three->http_listen.host, "::1");
    cr_assert_eq(three->http_listen.port, 0);
}

Test(settings, the_first_of_a_name_counts_and_empty_is_not_set)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_GROUP_ID=one", "CERTSWAP_GROUP_ID=two",
                             "CERTSWAP_INSTANCE_ID=", REQUIRED, NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_str_eq(settings->group_id, "one");
    cr_assert_str_eq(settings->instance_id, "host7");
}

Test(settings, kafka_properties_are_handed_through)
{
    struct faults faults = {0};
    const char *environ[] = {REQUIRED,
                             "CERTSWAP_KAFKA_SSL_CA_LOCATION=/ca.pem",
                             "CERTSWAP_KAFKA_SASL_PASSWORD_FILE=/password",
                             "CERTSWAP_KAFKA_LINGER_MS=",
                             "CERTSWAP_KAFKA_SASL_OAUTHBEARER_ASSERTION_FILE=/assertion",
                             NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_not_null(settings);
    cr_assert_eq(settings->kafka_property_count, 3);
    const struct kafka_setting *p = settings->kafka_properties;
    cr_assert_str_eq(p[0].name, "sasl.oauthbearer.assertion.file");
    cr_assert_not(p[0].is_secret);
    cr_assert_str_eq(p[1].name, "sasl.password");
    cr_assert(p[1].is_secret);
    cr_assert_eq(p[1].origin, ORIGIN_FILE);
    cr_assert_str_eq((char *)p[1].value.data, "hunter2\n", "one newline goes, not two");
    cr_assert_str_eq(p[2].name, "ssl.ca.location");
    cr_assert_str_eq((char *)p[2].value.data, "/ca.pem");
}

Test(settings, secrets_come_from_files)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b", "CERTSWAP_REQUIRE_SEALED=false",
                             "CERTSWAP_STAGING_KEYS_FILE=/keys", "CERTSWAP_REDIS_URL_FILE=/redis", NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_not_null(settings);
    cr_assert_str_eq((char *)settings->staging_keys.data, GOOD_KEY "\n");
    cr_assert_str_eq(settings->redis.host, "redis.example");
    cr_assert_str_eq(settings->redis.user, "ann");
    cr_assert_str_eq((char *)settings->redis.password.data, "p@ss");
    cr_assert_str_eq(settings_file_view(settings, "CERTSWAP_REDIS_URL"), "/redis");
    cr_assert_str_eq(settings_file_view(settings, "CERTSWAP_STAGING_KEYS"), "/keys");
    cr_assert_null(settings_file_view(settings, "CERTSWAP_GROUP_ID"));
}

Test(settings, files_for_tls_to_redis_go_together)
{
    static const struct {
        const char *url;
        const char *more[2];
        size_t count;
        const char *about;
    } sets[] = {
        {"CERTSWAP_REDIS_URL=rediss://redis", {"CERTSWAP_REDIS_TLS_CA=/ca"}, 0, NULL},
        {"CERTSWAP_REDIS_URL=rediss://redis",
         {"CERTSWAP_REDIS_TLS_CERTIFICATE=/c", "CERTSWAP_REDIS_TLS_KEY=/k"},
         0,
         NULL},
        {"CERTSWAP_REDIS_URL=rediss://redis",
         {"CERTSWAP_REDIS_TLS_CERTIFICATE=/c"},
         1,
         "CERTSWAP_REDIS_TLS_CERTIFICATE"},
        {"CERTSWAP_REDIS_URL=rediss://redis", {"CERTSWAP_REDIS_TLS_KEY=/k"}, 1, "CERTSWAP_REDIS_TLS_KEY"},
        {"CERTSWAP_REDIS_URL=unix:///run/redis",
         {"CERTSWAP_REDIS_TLS_CERTIFICATE=/c", "CERTSWAP_REDIS_TLS_KEY=/k"},
         2,
         "CERTSWAP_REDIS_TLS_KEY"},
        {"CERTSWAP_REDIS_URL=redis://redis:port", {"CERTSWAP_REDIS_TLS_CA=/ca"}, 1, "CERTSWAP_REDIS_URL"},
        {"CERTSWAP_REDIS_URL_FILE=/none", {"CERTSWAP_REDIS_TLS_CA=/ca"}, 1, "CERTSWAP_REDIS_URL_FILE"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const char *environ[] = {REQUIRED, sets[i].url, sets[i].more[0], sets[i].more[1], NULL};
        AUTO(faults) struct faults faults = {0};
        AUTO(settings) struct settings *settings = load(environ, &faults);
        cr_assert_eq(settings != NULL, sets[i].count == 0, "%zu", i);
        cr_assert_eq(faults.count, sets[i].count, "%zu", i);
        cr_assert(sets[i].about == NULL || has_fault(&faults, sets[i].about, ""), "%zu", i);
    }
}

Test(settings, a_file_that_gives_no_secret_is_a_fault)
{
    static const struct {
        const char *variable;
        const char *about;
        const char *words;
    } files[] = {
        {"CERTSWAP_STAGING_KEYS_FILE=/keys", "CERTSWAP_STAGING_KEYS",
         "and CERTSWAP_STAGING_KEYS_FILE too; remove"},
        {"CERTSWAP_REDIS_URL_FILE=/none", "CERTSWAP_REDIS_URL_FILE", "/none cannot be read: No such file"},
        {"CERTSWAP_REDIS_URL_FILE=/empty", "CERTSWAP_REDIS_URL_FILE", "/empty is empty"},
        {"CERTSWAP_KAFKA_SSL_KEY_PASSWORD_FILE=/nul", "CERTSWAP_KAFKA_SSL_KEY_PASSWORD_FILE", "NUL byte"},
        {"CERTSWAP_KAFKA_SASL_PASSWORD_FILE=/none", "CERTSWAP_KAFKA_SASL_PASSWORD_FILE", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct faults faults = {0};
        cr_assert_null(load_with(files[i].variable, &faults));
        cr_assert_eq(faults.count, 1, "%s", files[i].variable);
        cr_assert(has_fault(&faults, files[i].about, files[i].words), "%s: %s", faults.items[0].variable,
                  faults.items[0].text);
        faults_free(&faults);
    }
    struct faults faults = {0};
    const char *environ[] = {REQUIRED, "CERTSWAP_KAFKA_SASL_PASSWORD_FILE=/password",
                             "CERTSWAP_KAFKA_SASL_PASSWORD=x", NULL};
    cr_assert_null(load(environ, &faults));
    cr_assert_eq(faults.count, 1);
    cr_assert(has_fault(&faults, "CERTSWAP_KAFKA_SASL_PASSWORD", "remove one"));
    faults_free(&faults);
}

/* Whatever is wrong with a secret, its value is in no fault. */
Test(settings, no_fault_names_a_secret)
{
    static const char *const variables[] = {"CERTSWAP_REDIS_URL=redis://ann:swordfish@redis:port",
                                            "CERTSWAP_REDIS_URL=swordfish",
                                            "CERTSWAP_REDIS_URL=redis://swordfish@redis",
                                            "CERTSWAP_REDIS_URL=rediss://a:swordfish@redis:port",
                                            "CERTSWAP_STAGING_KEYS=k1:swordfish",
                                            "CERTSWAP_STAGING_KEYS=swordfish",
                                            "CERTSWAP_KAFKA_ENABLE_IDEMPOTENCE=swordfish",
                                            "CERTSWAP_SECRET=swordfish",
                                            "CERTSWAP_SCHEMA_REGISTRY_URL=http://a:swordfish@redis:port",
                                            "CERTSWAP_SCHEMA_REGISTRY_URL=swordfish",
                                            "CERTSWAP_JWT_JWKS=https://a:swordfish@idp",
                                            "CERTSWAP_REDIS_URL=unix://a:swordfish@host/run/x",
                                            "CERTSWAP_REDIS_URL=redis://a:sword/fish@redis"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        struct faults faults = {0};
        cr_assert_null(load_with(variables[i], &faults), "%s", variables[i]);
        for (size_t j = 0; j < faults.count; j++)
            cr_assert_null(strstr(faults.items[j].text, "fish"), "%s", faults.items[j].text);
        faults_free(&faults);
    }
}

Test(settings, combinations_that_do_not_fit_are_faults)
{
    struct faults faults = {0};
    char issuer[] = "https://idp", file[] = "/jwks.json";
    const struct settings settings = {.require_sealed = true,
                                      .auth = AUTH_JWT,
                                      .jwt_issuer = issuer,
                                      .avro_framing = FRAMING_SETTING_CONFLUENT};
    settings_check(&settings, &faults);
    cr_assert_eq(faults.count, 1);
    settings_check_service(&settings, &faults);
    cr_assert_eq(faults.count, 4);
    cr_assert(has_fault(&faults, "CERTSWAP_SEALING_DIR", "required by CERTSWAP_REQUIRE_SEALED=true"));
    cr_assert(has_fault(&faults, "CERTSWAP_JWT_JWKS", "required by CERTSWAP_AUTH=jwt"));
    cr_assert(has_fault(&faults, "CERTSWAP_JWT_AUDIENCE", "required by CERTSWAP_AUTH=jwt"));
    cr_assert(
        has_fault(&faults, "CERTSWAP_SCHEMA_REGISTRY_URL", "required by CERTSWAP_AVRO_FRAMING=confluent"));
    faults_free(&faults);
    const struct settings of_a_file = {
        .auth = AUTH_JWT, .jwt_issuer = issuer, .jwt_audience = issuer, .jwt_jwks = file, .jwt_ca = file};
    settings_check_service(&of_a_file, &faults);
    cr_assert_eq(faults.count, 1);
    cr_assert(has_fault(&faults, "CERTSWAP_JWT_CA", "of no use with a file"));
    faults_free(&faults);
}

Test(settings, a_registry_has_its_url_without_user_and_slash)
{
    struct faults faults = {0};
    const char *environ[] = {REQUIRED, "CERTSWAP_AVRO_FRAMING=confluent",
                             "CERTSWAP_SCHEMA_REGISTRY_URL=https://ann:s%40cret@[::1]:8080/apis/ccompat/v7/",
                             "CERTSWAP_SCHEMA_REGISTRY_TLS_CA=/ca.pem", NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_not_null(settings);
    cr_assert_str_eq(settings->schema_registry.url, "https://[::1]:8080/apis/ccompat/v7");
    cr_assert_str_eq(settings->schema_registry.user, "ann");
    cr_assert_str_eq((char *)settings->schema_registry.password.data, "s@cret");

    char ca[] = "/ca.pem";
    const struct settings alone = {.schema_registry_ca = ca};
    settings_check(&alone, &faults);
    cr_assert_eq(faults.count, 1);
    cr_assert(has_fault(&faults, "CERTSWAP_SCHEMA_REGISTRY_URL", "CERTSWAP_SCHEMA_REGISTRY_TLS_CA"));
    faults_free(&faults);
}

Test(settings, sealing_is_required_unless_it_is_switched_off)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b", "CERTSWAP_STAGING_KEYS=" GOOD_KEY,
                             "CERTSWAP_SEALING_DIR=/seal", NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_not_null(settings);
    cr_assert(settings->require_sealed);
    cr_assert_str_eq(settings->sealing_dir, "/seal");
    environ[2] = NULL;
    cr_assert_null(load(environ, &faults));
    cr_assert_eq(faults.count, 1);
    cr_assert(
        has_fault(&faults, "CERTSWAP_SEALING_DIR", "set CERTSWAP_REQUIRE_SEALED=false for development"));
    faults_free(&faults);
}

Test(settings, a_client_needs_nothing_that_only_the_service_needs)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_TOPIC_JOBS=jobs", "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b", NULL};
    struct settings_source source = source_of(environ);
    cr_assert_null(settings_load_from(&source, &faults));
    cr_assert_eq(faults.count, 2);
    faults_free(&faults);
    source.client = true;
    AUTO(settings) struct settings *settings = settings_load_from(&source, &faults);
    cr_assert_not_null(settings);
    cr_assert_eq(settings->staging_keys.len, 0);
    environ[1] = NULL;
    cr_assert_null(settings_load_from(&source, &faults));
    cr_assert_eq(faults.count, 1);
    cr_assert(has_fault(&faults, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS", "required"));
    faults_free(&faults);
}

static void dislike_the_group(const struct settings *settings, struct faults *faults)
{
    faults_add(faults, "CERTSWAP_GROUP_ID", "is %s; take another", settings->group_id);
}

Test(settings, what_the_table_cannot_judge_is_reported_with_the_rest)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_PIPELINES=many", REQUIRED, NULL};
    struct settings_source source = source_of(environ);
    source.check = dislike_the_group;
    cr_assert_null(settings_load_from(&source, &faults));
    cr_assert_eq(faults.count, 2);
    cr_assert(has_fault(&faults, "CERTSWAP_PIPELINES", "1 to 256"));
    cr_assert(has_fault(&faults, "CERTSWAP_GROUP_ID", "is certswap;"));
    faults_free(&faults);
    environ[0] = "CERTSWAP_PIPELINES=1";
    cr_assert_null(settings_load_from(&source, &faults));
    cr_assert_eq(faults.count, 1);
    faults_free(&faults);
}

Test(settings, the_table_is_sound)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        cr_assert_eq(strncmp(row->name, "CERTSWAP_", 9), 0);
        cr_assert_not_null(row->help, "%s", row->name);
        cr_assert(!row->required || row->form != NULL, "%s", row->name);
        cr_assert(row->type != SETTING_INTEGER || row->max > row->min, "%s", row->name);
        cr_assert(row->type != SETTING_CHOICE || row->choices[0] != NULL, "%s", row->name);
        for (size_t j = 0; j < i; j++) {
            cr_assert_str_neq(row->name, settings_table[j].name);
            cr_assert_neq(row->offset, settings_table[j].offset, "%s", row->name);
        }
    }
}

Test(settings, the_log_s_choices_are_in_the_log_s_order)
{
    cr_assert_eq((int)LOG_SETTING_ERROR, (int)LOG_LEVEL_ERROR);
    cr_assert_eq((int)LOG_SETTING_WARN, (int)LOG_LEVEL_WARN);
    cr_assert_eq((int)LOG_SETTING_INFO, (int)LOG_LEVEL_INFO);
    cr_assert_eq((int)LOG_SETTING_DEBUG, (int)LOG_LEVEL_DEBUG);
    cr_assert_eq((int)LOG_SETTING_JSON, (int)LOG_FORMAT_JSON);
    cr_assert_eq((int)LOG_SETTING_TEXT, (int)LOG_FORMAT_TEXT);
}
