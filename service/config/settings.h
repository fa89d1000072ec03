/* config/settings: what the environment says, read once at the start, checked and typed. One table (table.c)
   feeds the parser, --help, --print-config and docs/settings.md. */
#pragma once

#include "base/auto.h"
#include "base/secret.h"
#include "config/faults.h"

enum { SETTINGS_MAX = 64, SETTINGS_FILE_MAX = 64 * 1024 };

enum setting_origin { ORIGIN_DEFAULT, ORIGIN_ENVIRONMENT, ORIGIN_FILE };

/* The zero of each is its default or the least that it can mean. */
enum auth_mode { AUTH_CLAIMS, AUTH_JWT };
enum framing_setting { FRAMING_SETTING_SINGLE_OBJECT, FRAMING_SETTING_CONFLUENT };
/* In the order of enum log_level and enum log_format. */
enum log_level_setting { LOG_SETTING_ERROR, LOG_SETTING_WARN, LOG_SETTING_INFO, LOG_SETTING_DEBUG };
enum log_format_setting { LOG_SETTING_JSON, LOG_SETTING_TEXT };

/* CERTSWAP_KAFKA_SASL_PASSWORD gives {"sasl.password", its value, true}. The value ends with a NUL,
 * uncounted. */
struct kafka_setting {
    char *name;
    struct secret value;
    char *file; /* that a _FILE twin gave, else NULL */
    bool is_secret;
    enum setting_origin origin;
};

enum redis_scheme { REDIS_SCHEME_TCP, REDIS_SCHEME_TLS, REDIS_SCHEME_UNIX };

struct redis_address {
    enum redis_scheme scheme;
    char *host; /* TCP and TLS; an IPv6 address without its brackets */
    int port;
    char *path; /* UNIX: of the socket */
    int db;
    char *user;             /* NULL: the default user */
    struct secret password; /* empty: no AUTH */
};

/* Where an HTTP server is: http:// or https://, a host, perhaps a port and a path. */
struct http_address {
    char *url;              /* without user and password, query and a slash at the end; NULL: not set */
    char *user;             /* NULL: none */
    struct secret password; /* with a user; may be empty */
};

struct listen_address {
    char *host; /* an IPv6 address without its brackets */
    int port;   /* 0: any free one */
};

struct topic_names {
    char *enrollments;
    char *renewals;
    char *inventory;
    char *commands;
    char *retry;
    char *dlq;
    char *jobs;
    char *results;
};

/* Texts that were not set and have no default are NULL. */
struct settings {
    char *kafka_bootstrap_servers; /* host:port, comma-separated */
    struct kafka_setting *kafka_properties;
    size_t kafka_property_count;
    struct topic_names topics;
    char *group_id;
    char *instance_id;
    struct redis_address redis;
    char *redis_tls_ca;
    char *redis_tls_certificate;
    char *redis_tls_key;
    struct secret
        staging_keys; /* lines "<kid>:<base64 of 32 bytes>\n", without empty ones; the first seals */
    int staging_ttl_s;
    char *sealing_dir;
    bool require_sealed;
    enum auth_mode auth;
    char *jwt_jwks; /* a file's path or an https URL */
    char *jwt_ca;   /* of an https URL; NULL: the system's issuers */
    char *jwt_issuer;
    char *jwt_audience;
    char *jwt_user_claim;
    char *jwt_permissions_claim;
    enum framing_setting avro_framing;
    struct http_address schema_registry;
    char *schema_registry_ca; /* a file of PEM */
    bool schema_auto_register;
    char *schemas_dir;
    int pipelines;
    int batch_max;
    int retry_delay_ms;
    int max_stores_per_command;
    int pkcs12_iterations;
    int pkcs12_max_iterations;
    int command_retention_s;
    struct listen_address http_listen;
    int stop_deadline_s;
    bool seccomp;
    enum log_level_setting log_level;
    enum log_format_setting log_format;
    uint8_t origins[SETTINGS_MAX]; /* enum setting_origin, in the table's order */
    char *files[SETTINGS_MAX];     /* in the same order: the path that a _FILE twin gave, else NULL */
};

/* Judges what the table cannot, and adds what is wrong. What has a fault already may be missing in the
   settings, also what is required. */
typedef void settings_check_fn(const struct settings *settings, struct faults *faults);

/* Where settings come from; tests give their own. */
struct settings_source {
    const char *const *environ; /* "NAME=value", ended by NULL; the first of a name counts */
    /* The file's bytes, or an errno value: EFBIG over SETTINGS_FILE_MAX. */
    int (*read_file)(void *arg, const char *path, struct secret *content);
    void *arg;
    const char *host_name; /* default of CERTSWAP_INSTANCE_ID */
    int cpu_count;         /* default of CERTSWAP_PIPELINES */
    bool client;           /* a client of the service asks: what only the service needs is not insisted on */
    bool offline;          /* a client that connects to nothing asks: nothing is insisted on */
    settings_check_fn *check; /* NULL: none */
};

/* Reads and checks every CERTSWAP_ variable; an empty value counts as not set. Every fault is added to
   *faults, those that `check` (NULL: none) finds too. NULL where there was a fault, or out of memory
   (faults->failed). The caller frees. */
struct settings *settings_load(char *const *environ, settings_check_fn *check, struct faults *faults);
/* The same for a client of the service. */
struct settings *settings_load_client(char *const *environ, settings_check_fn *check, struct faults *faults);
/* The same for one that connects to nothing. */
struct settings *settings_load_offline(char *const *environ, settings_check_fn *check, struct faults *faults);
struct settings *settings_load_from(const struct settings_source *source, struct faults *faults);
/* Frees, and wipes what is secret. */
void settings_free(struct settings *settings);
AUTO_DEFINE(settings, struct settings, settings_free);

/* The path of the file that the variable's value was read from; NULL where it did not come from one. Lives as
   long as the settings. */
const char *settings_file_view(const struct settings *settings, const char *name);

/* The environment's part of --help. */
void settings_print_help(FILE *out);
/* --print-config: "NAME=value  # where from" a line; secrets are written as ****. */
void settings_print(FILE *out, const struct settings *settings);
/* The reference in docs/settings.md, between its markers. */
void settings_print_markdown(FILE *out);
/* The same as JSON Schema (draft 7): {"settings": what may be set in the clear, "secrets": what comes out of
   a secret}. False: out of memory, or writing failed. */
bool settings_print_json_schema(FILE *out);
