#include "config/check.h"

#include "config/table.h"
#include "config/values.h"

static bool has_fault(const struct faults *faults, const char *variable)
{
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->items[i].variable, variable) == 0)
            return true;
    return false;
}

static void need(const char *value, const char *variable, const char *of, const char *otherwise,
                 struct faults *faults)
{
    if (value == NULL && !has_fault(faults, variable))
        faults_add(faults, variable, "is required by %s; set it, or set %s", of, otherwise);
}

static void refuse(const char *value, const char *variable, struct faults *faults)
{
    if (value != NULL && !has_fault(faults, variable))
        faults_add(faults, variable,
                   "is set, but CERTSWAP_AUTH=claims trusts commands without a token; set CERTSWAP_AUTH=jwt "
                   "or remove it");
}

static void check_auth(const struct settings *settings, struct faults *faults)
{
    const struct {
        const char *variable;
        const char *value;
    } jwt[] = {
        {"CERTSWAP_JWT_JWKS", settings->jwt_jwks},
        {"CERTSWAP_JWT_ISSUER", settings->jwt_issuer},
        {"CERTSWAP_JWT_AUDIENCE", settings->jwt_audience},
    };
    const char *ca = "CERTSWAP_JWT_CA";
    if (has_fault(faults, "CERTSWAP_AUTH"))
        return;
    for (size_t i = 0; i < sizeof jwt / sizeof *jwt; i++) {
        if (settings->auth == AUTH_JWT)
            need(jwt[i].value, jwt[i].variable, "CERTSWAP_AUTH=jwt", "CERTSWAP_AUTH=claims", faults);
        else
            refuse(jwt[i].value, jwt[i].variable, faults);
    }
    if (settings->auth == AUTH_CLAIMS)
        refuse(settings->jwt_ca, ca, faults);
    else if (settings->jwt_ca != NULL && settings->jwt_jwks != NULL &&
             strstr(settings->jwt_jwks, "://") == NULL)
        faults_add(faults, ca, "is of no use with a file in CERTSWAP_JWT_JWKS; remove it");
}

/* A topic in two roles would be read as records of the wrong kind, or feed certswap its own output. */
static void check_topics(const struct settings *settings, struct faults *faults)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        if (settings_table[i].type != SETTING_TOPIC)
            continue;
        const char *name = *(char *const *)setting_field_view(&settings_table[i], settings);
        for (size_t j = 0; j < i && name != NULL; j++) {
            if (settings_table[j].type != SETTING_TOPIC)
                continue;
            const char *other = *(char *const *)setting_field_view(&settings_table[j], settings);
            if (other != NULL && strcmp(name, other) == 0)
                faults_add(faults, settings_table[i].name, "\"%s\" is the topic of %s too; give each its own",
                           name, settings_table[j].name);
        }
    }
}

/* A file that is not looked at would let its owner believe that the connection is secured. */
static void check_redis_tls(const struct settings *settings, struct faults *faults)
{
    const struct {
        const char *variable;
        const char *value;
    } files[] = {
        {"CERTSWAP_REDIS_TLS_CA", settings->redis_tls_ca},
        {"CERTSWAP_REDIS_TLS_CERTIFICATE", settings->redis_tls_certificate},
        {"CERTSWAP_REDIS_TLS_KEY", settings->redis_tls_key},
    };
    bool is_plain = settings->redis.path != NULL ||
                    (settings->redis.host != NULL && settings->redis.scheme == REDIS_SCHEME_TCP);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].value != NULL && is_plain)
            faults_add(
                faults, files[i].variable,
                "is set, but CERTSWAP_REDIS_URL is without TLS; write rediss:// in it, or remove this");
    for (int i = 1; i <= 2; i++)
        if (files[i].value != NULL && files[3 - i].value == NULL && !has_fault(faults, files[3 - i].variable))
            faults_add(faults, files[i].variable, "is set, and %s is not; set both, or none",
                       files[3 - i].variable);
}

void settings_check(const struct settings *settings, struct faults *faults)
{
    check_topics(settings, faults);
    check_redis_tls(settings, faults);
    if (settings->avro_framing == FRAMING_SETTING_CONFLUENT)
        need(settings->schema_registry.url, "CERTSWAP_SCHEMA_REGISTRY_URL", "CERTSWAP_AVRO_FRAMING=confluent",
             "CERTSWAP_AVRO_FRAMING=single-object", faults);
    if (settings->schema_registry_ca != NULL)
        need(settings->schema_registry.url, "CERTSWAP_SCHEMA_REGISTRY_URL", "CERTSWAP_SCHEMA_REGISTRY_TLS_CA",
             "no CA", faults);
}

void settings_check_service(const struct settings *settings, struct faults *faults)
{
    if (settings->require_sealed)
        need(settings->sealing_dir, "CERTSWAP_SEALING_DIR", "CERTSWAP_REQUIRE_SEALED=true",
             "CERTSWAP_REQUIRE_SEALED=false for development", faults);
    check_auth(settings, faults);
}
