/* certswap gateway: serves callers of Keyfactor's POST Enrollment/PFX/Replace. What it is told becomes the
   options of the room gateway, which does the work. */
#include "gateway/gateway.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/sealing.h"
#include "cli/session.h"
#include "cli/subcommands.h"
#include "config/values.h"
#include "crypto/library.h"
#include "kafka/client_log.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/kafka_of.h"
#include "pipeline/registry_of.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERMISSIONS_MAX = 32, PEM_MAX = 1024 * 1024, REGISTRY_TIMEOUT_MS = 2000 };

static const struct option_row ROWS[] = {
    {.name = "listen",
     .letter = 'l',
     .kind = OPTION_TEXT,
     .value = "HOST:PORT",
     .help = "where to serve (default: 127.0.0.1:8443)"},
    {.name = "prefix",
     .kind = OPTION_TEXT,
     .value = "PATH",
     .help = "what the paths begin with (default: /KeyfactorAPI)"},
    {.name = "tls-certificate",
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "serve by TLS with this certificate and its chain (PEM)"},
    {.name = "tls-key", .kind = OPTION_FILE, .value = "FILE", .help = "and this key (PEM)"},
    {.name = "plain-http",
     .kind = OPTION_FLAG,
     .help = "serve without TLS on more than loopback: a proxy in front does it"},
    {.name = "seal-to",
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "certswapd's certificate (PEM or DER): passwords are sealed to it"},
    {.name = "insecure-plain-passwords",
     .kind = OPTION_FLAG,
     .help = "send passwords to Kafka as they come; for development"},
    {.name = "insecure-principal",
     .kind = OPTION_TEXT,
     .value = "USER",
     .help = "serve everybody without a token, as this user; for development"},
    {.name = "insecure-permission",
     .kind = OPTION_TEXT,
     .repeats = true,
     .value = "PATH",
     .help = "a permission of that user"},
    {.name = "timeout",
     .letter = 't',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "SECONDS",
     .help = "how long a request waits for its result (default: 30)"},
    {.name = "max-waiting",
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "requests that wait at one time; more get 503 (default: 256)"},
    {.name = "max-connections",
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "connections at one time; more are kept waiting (default: 1024)"},
    {.name = "client-timeout",
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "SECONDS",
     .help = "to send a request, or to take an answer (default: 30)"},
    {.name = "drain",
     .kind = OPTION_NUMBER,
     .least = 0,
     .value = "SECONDS",
     .help = "after SIGTERM, for results still to come (default: 10)"},
    {.name = "health-listen",
     .kind = OPTION_TEXT,
     .value = "HOST:PORT",
     .help = "serve /livez, /readyz and /metrics there"},
    {0}};

/* What gateway_options points to. */
struct given {
    struct listen_address listen, health;
    char *prefix;
    struct secret certificate, key;
    struct buf seal_to;
    struct span permissions[PERMISSIONS_MAX];
};

static inline void auto_given(struct given *given)
{
    free(given->listen.host);
    free(given->health.host);
    free(given->prefix);
    secret_free(&given->certificate);
    secret_free(&given->key);
    buf_free(&given->seal_to);
}

static bool read_address(const struct options *options, const char *name, const char *otherwise,
                         struct listen_address *address, struct err *err)
{
    const char *text = options_text(options, name);
    bool no_memory = false;
    const char *wrong = host_port_parse(&address->host, &address->port, 0, -1,
                                        span_text(text != NULL ? text : otherwise), &no_memory);
    if (no_memory)
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    return wrong == NULL || err_set(err, ERR_CONFIG_INVALID, "--%s %s", name, wrong);
}

/* Without slashes at its end. */
static bool read_prefix(const struct options *options, char **prefix, struct err *err)
{
    const char *text = options_text(options, "prefix");
    if (text == NULL)
        text = "/KeyfactorAPI";
    size_t len = strlen(text);
    if ((*text != '/' && *text != '\0') || strpbrk(text, "?#% ") != NULL)
        return err_set(err, ERR_CONFIG_INVALID, "--prefix takes a path such as /KeyfactorAPI");
    while (len > 0 && text[len - 1] == '/')
        len--;
    *prefix = strndup(text, len);
    return *prefix != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

static bool read_tls(const struct options *options, struct given *given, struct err *err)
{
    const char *certificate = options_text(options, "tls-certificate");
    const char *key = options_text(options, "tls-key");
    if ((certificate == NULL) != (key == NULL))
        return err_set(err, ERR_CONFIG_INVALID, "give both --tls-certificate and --tls-key, or neither");
    if (certificate == NULL)
        return true;
    if (options_has(options, "plain-http"))
        return err_set(err, ERR_CONFIG_INVALID, "give TLS files or --plain-http, not both");
    return file_read(certificate, PEM_MAX, &given->certificate, err) &&
           file_read(key, PEM_MAX, &given->key, err);
}

/* A certificate that cannot be sealed to is refused now, not with the first request. */
static bool read_seal(const struct options *options, struct given *given, struct err *err)
{
    const char *path = options_text(options, "seal-to");
    if ((path == NULL) != options_has(options, "insecure-plain-passwords"))
        return err_set(err, ERR_CONFIG_INVALID,
                       "give --seal-to with certswapd's certificate, or for development "
                       "--insecure-plain-passwords");
    AUTO(sealed_output) struct sealed_output probe = {0};
    return path == NULL || (seal_password(path, SPAN_LITERAL("probe"), &probe, err) &&
                            seal_certificate_read(path, &given->seal_to, err));
}

static bool read_principal(const struct options *options, struct given *given, struct principal *principal,
                           struct err *err)
{
    const char *user = options_text(options, "insecure-principal");
    size_t count = options_count(options, "insecure-permission");
    if (user != NULL && *user == '\0')
        return err_set(err, ERR_CONFIG_INVALID, "--insecure-principal takes the name of a user");
    if (user == NULL && count > 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "--insecure-permission is of use only with --insecure-principal");
    if (count > PERMISSIONS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "--insecure-permission may be given %d times",
                       PERMISSIONS_MAX);
    for (size_t i = 0; i < count; i++)
        given->permissions[i] = span_text(options_nth(options, "insecure-permission", i));
    *principal = (struct principal){
        .user = span_text(user), .permissions = given->permissions, .permission_count = count};
    return true;
}

/* Fills what the flags alone say. */
static bool read_options(const struct options *options, struct given *given, struct gateway_options *gateway,
                         struct err *err)
{
    if (!read_address(options, "listen", "127.0.0.1:8443", &given->listen, err) ||
        !read_prefix(options, &given->prefix, err) || !read_tls(options, given, err) ||
        !read_seal(options, given, err) || !read_principal(options, given, &gateway->front.principal, err))
        return false;
    if (options_has(options, "health-listen")) {
        if (!read_address(options, "health-listen", "", &given->health, err))
            return false;
        gateway->health = &given->health;
    }
    int timeout_s = options_number(options, "timeout", 30);
    int client_s = options_number(options, "client-timeout", 30);
    if (timeout_s > 3600 || client_s > 3600 || options_number(options, "drain", 10) > 3600)
        return err_set(err, ERR_CONFIG_INVALID,
                       "--timeout, --client-timeout and --drain take at most 3600 seconds");
    gateway->exchange.seal_to = buf_span(&given->seal_to);
    gateway->exchange.timeout_ms = timeout_s * 1000;
    gateway->exchange.most_waiting = (size_t)options_number(options, "max-waiting", 256);
    gateway->front.listen = &given->listen;
    gateway->front.prefix = given->prefix;
    gateway->front.tls_certificate = secret_span(&given->certificate);
    gateway->front.tls_key = secret_span(&given->key);
    gateway->front.plain_http = options_has(options, "plain-http");
    gateway->front.most_connections = options_number(options, "max-connections", 1024);
    gateway->front.client_timeout_ms = client_s * 1000;
    return true;
}

static void read_session(const struct session *session, struct gateway_options *gateway)
{
    struct exchange_options *exchange = &gateway->exchange;
    exchange->properties = session_properties(session, &exchange->property_count);
    exchange->schemas = session_schemas(session);
    exchange->group_id = session_settings(session)->group_id;
    exchange->commands_topic = session_topic(session, "commands");
    exchange->results_topic = session_topic(session, "results");
}

static void warn(const struct options *options)
{
    const char *user = options_text(options, "insecure-principal");
    if (user != NULL)
        log_warn(
            "INSECURE: whoever reaches this gateway replaces certificates, without a token, as one user; for "
            "development alone",
            log_str("option", "--insecure-principal"), log_str("user", user));
    if (options_has(options, "insecure-plain-passwords"))
        log_warn("INSECURE: passwords go to Kafka in clear; for development alone",
                 log_str("option", "--insecure-plain-passwords"));
    if (options_has(options, "plain-http"))
        log_warn("serving without TLS: tokens and passwords come in clear from the proxy in front",
                 log_str("option", "--plain-http"));
}

/* Serves until a signal comes. */
static int serve(const struct options *options, const struct gateway_options *gateway_options)
{
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    kafka_log_to(kafka_log_write);
    metrics_init();
    metrics_of_gateway();
    warn(options);
    struct err err = {0};
    struct gateway *gateway = gateway_start(gateway_options, &err);
    if (gateway == NULL)
        return output_fail_err(options, &err);
    log_info("listening", log_str("host", gateway_options->front.listen->host),
             log_int("port", gateway_port(gateway)), log_str("prefix", gateway_options->front.prefix),
             log_bool("tls", gateway_options->front.tls_certificate.len > 0),
             log_int("health_port", gateway_health_port(gateway)));
    int number;
    sigwait(&stop_signals, &number);
    log_info("stopping", log_str("signal", strsignal(number)));
    gateway_stop(gateway, options_number(options, "drain", 10) * 1000);
    log_info("stopped");
    return STATUS_DONE;
}

static int run_with_crypto(const struct options *options)
{
    struct err err = {0};
    int status = STATUS_DONE;
    AUTO(given) struct given given = {0};
    struct gateway_options gateway = {0};
    if (!read_options(options, &given, &gateway, &err))
        return output_fail_input(options, &err);
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    const struct settings *settings = session_settings(session);
    log_init((enum log_level)settings->log_level, (enum log_format)settings->log_format);
    read_session(session, &gateway);
    AUTO(registry) struct registry *registry = NULL;
    if (!registry_of(settings, session_schemas(session), REGISTRY_TIMEOUT_MS, NULL, &registry, &err))
        return output_fail_err(options, &err);
    gateway.exchange.registry = registry;
    return serve(options, &gateway);
}

static int run(const struct options *options)
{
    struct err err = {0};
    if (!crypto_library_start(&err))
        return output_fail_err(options, &err);
    int status = run_with_crypto(options);
    crypto_library_stop();
    return status;
}

const struct subcommand SUBCOMMAND_GATEWAY = {
    .name = "gateway",
    .summary = "serve callers of Keyfactor's POST Enrollment/PFX/Replace over HTTP",
    .rows = ROWS,
    .needs_kafka = true,
    .details = "  certswap gateway -l 0.0.0.0:8443 --tls-certificate tls.crt --tls-key tls.key --seal-to "
               "certswap.crt\n\n"
               "Each request becomes a command, with the caller's token, and is answered with its result. "
               "Certificates\n"
               "and keys are read at the start: restart it when they were renewed. It logs to standard "
               "error, a line a\n"
               "request; CERTSWAP_LOG_LEVEL and CERTSWAP_LOG_FORMAT count. SIGTERM stops it.\n",
    .run = run,
};
