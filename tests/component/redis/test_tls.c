/* TLS to a real redis-server: who is trusted, what is told when it is not, and that files are read at each
   connection. */
#include "redis/staging.h"
#include "support/certificates.h"
#include "support/redis_fixture.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>

static struct certificate_folder folder;
static struct certificate_path ca, client_certificate, client_key;
static struct redis_tls tls;
static int port;

#define EXPIRED "-not_before 20200101000000Z -not_after 20200201000000Z"
#define ALL_NAMES "DNS:localhost,IP:127.0.0.1"

/* One that nobody listens on. */
static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* A command by the unix socket, where no TLS is; its words are separated by blanks. */
__attribute__((format(printf, 1, 2))) static bool admin(const char *format, ...)
{
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    redisContext *context = redisConnectUnix(server.socket);
    redisReply *reply = redisCommand(context, command);
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    if (!good)
        fprintf(stderr, "%s: %s\n", command, reply != NULL ? reply->str : "no answer");
    freeReplyObject(reply);
    redisFree(context);
    return good;
}

static void forget_connections(void)
{
    cr_assert(admin("CLIENT KILL TYPE normal SKIPME yes"));
}

/* The server shows <name>.crt from now on, and trusts <trusted>.crt. */
static void serve(const char *name, const char *trusted, const char *auth_clients)
{
    bool served = false;
    for (int i = 0; i < 5 && !served; i++) {
        port = free_port();
        served = admin("CONFIG SET tls-cert-file %s/%s.crt tls-key-file %s/%s.key tls-ca-cert-file %s/%s.crt "
                       "tls-auth-clients %s tls-port %d",
                       folder.path, name, folder.path, name, folder.path, trusted, auth_clients, port);
    }
    cr_assert(served);
    options.port = port;
}

static void start(void)
{
    redis_fixture_start();
    certificate_folder_make(&folder);
    certificate_ca(&folder, "ca");
    certificate_signed(&folder, "server", "ca", ALL_NAMES, "");
    ca = certificate_path(&folder, "ca.crt");
    client_certificate = certificate_path(&folder, "client.crt");
    client_key = certificate_path(&folder, "client.key");
    tls = (struct redis_tls){.ca = ca.text};
    options = (struct redis_options){.host = "127.0.0.1", .tls = &tls, .timeout_ms = 2000};
    serve("server", "ca", "no");
}

static void stop(void)
{
    certificate_folder_remove(&folder);
    redis_fixture_stop();
}

TestSuite(tls, .init = start, .fini = stop, .timeout = 60);

/* A new connection with the options as they are. */
static void cr_assert_works(void)
{
    AUTO(redis) struct redis *secured = redis_new(&options);
    struct err err = {0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
}

static void cr_assert_told(const char *words, const char *remedy)
{
    AUTO(redis) struct redis *secured = redis_new(&options);
    for (int i = 0; i < 2; i++) { /* the first failure leaves nothing behind for the second */
        struct err err = {0};
        cr_assert_not(redis_ping(secured, &err));
        cr_assert_eq(err.code, ERR_REDIS_UNAVAILABLE);
        cr_assert_not_null(strstr(err.text, words), "%s", err.text);
        cr_assert_not_null(strstr(err.text, remedy), "%s", err.text);
        cr_assert_null(strstr(err.text, "hunter"), "%s", err.text);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One that is larger than many records of TLS, and a batch of small ones. */
Test(tls, carries_what_is_staged)
{
    enum { LARGE = 3 * 1024 * 1024, BATCH = 100 };
    char *large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 31 + i / 251);
    struct certificate_event events[BATCH];
    struct stage_request requests[BATCH];
    enum stage_outcome outcomes[BATCH];
    for (int i = 0; i < BATCH; i++) {
        events[i] = (struct certificate_event){.event_id.bytes = {(uint8_t)i, 1},
                                               .occurred_at_ms = now_ms(),
                                               .certificate_id = i + 1,
                                               .request_id = i + 1,
                                               .requester = SPAN_LITERAL("alice")};
        requests[i] =
            (struct stage_request){.event = &events[i],
                                   .ends_ms = now_ms() + 300000,
                                   .record = i == 0 ? span_of(large, LARGE) : SPAN_LITERAL("sealed")};
    }
    AUTO(redis) struct redis *secured = redis_new(&options);
    struct err err = {0};
    cr_assert(staging_write(secured, requests, BATCH, outcomes, &err), "%s", err.text);
    struct staged_lookup lookup = {.id = 1};
    cr_assert(staging_ask(secured, &lookup, &err) && staging_answer(secured, arena, &lookup, &err), "%s",
              err.text);
    cr_assert_eq(lookup.state, STAGED_FOUND);
    cr_assert(span_equal(lookup.record, span_of(large, LARGE)));
    free(large);
}

Test(tls, the_certificate_must_be_for_the_host)
{
    cr_assert_works();
    options.host = "localhost";
    cr_assert_works();
    certificate_signed(&folder, "elsewhere", "ca", "DNS:elsewhere.example,IP:127.0.0.2", "");
    serve("elsewhere", "ca", "no");
    cr_assert_told("ostname mismatch", "CERTSWAP_REDIS_URL");
    options.host = "127.0.0.1";
    cr_assert_told("IP address mismatch", "CERTSWAP_REDIS_URL");
    /* a name that looks like the address, and the CA's own certificate, are not for it either */
    certificate_signed(&folder, "name", "ca", "DNS:127.0.0.1", "");
    serve("name", "ca", "no");
    cr_assert_told("IP address mismatch", "CERTSWAP_REDIS_URL");
    serve("ca", "ca", "no");
    cr_assert_told("IP address mismatch", "CERTSWAP_REDIS_URL");
}

Test(tls, the_ca_must_be_trusted)
{
    certificate_ca(&folder, "other");
    struct certificate_path other = certificate_path(&folder, "other.crt");
    tls.ca = other.text;
    cr_assert_told("certificate is refused", "CERTSWAP_REDIS_TLS_CA");
    tls.ca = NULL; /* the system's: this test's is not among them */
    cr_assert_told("certificate is refused", "CERTSWAP_REDIS_TLS_CA");
    setenv("SSL_CERT_FILE", ca.text, 1);
    cr_assert_works();
    unsetenv("SSL_CERT_FILE");
    tls.ca = "/nowhere/ca.crt";
    cr_assert_told("/nowhere/ca.crt cannot be read", "CERTSWAP_REDIS_TLS_CA");
}

Test(tls, the_certificate_must_be_valid_now)
{
    certificate_signed(&folder, "old", "ca", ALL_NAMES, EXPIRED);
    serve("old", "ca", "no");
    cr_assert_told("expired", "give Redis a new certificate");
    certificate_signed(&folder, "new", "ca", ALL_NAMES,
                       "-not_before 20900101000000Z -not_after 20910101000000Z");
    serve("new", "ca", "no");
    cr_assert_told("not yet valid", "this host's clock");
}

Test(tls, a_client_certificate_that_redis_asks_for)
{
    serve("server", "ca", "yes");
    /* without words: under TLS 1.3 the server's reason may be lost with the connection */
    cr_assert_told("", "CERTSWAP_REDIS_TLS_CERTIFICATE");
    certificate_ca(&folder, "other");
    certificate_signed(&folder, "client", "other", "DNS:client", "");
    tls.certificate = client_certificate.text;
    tls.key = client_key.text;
    cr_assert_told("", "CERTSWAP_REDIS_TLS_CERTIFICATE");
    certificate_signed(&folder, "client", "ca", "DNS:client", EXPIRED);
    cr_assert_told("", "CERTSWAP_REDIS_TLS_CERTIFICATE");
    certificate_signed(&folder, "client", "ca", "DNS:client", "");
    cr_assert_works();
    cr_assert(admin("CONFIG SET tls-protocols TLSv1.2"));
    cr_assert_works();
    certificate_signed(&folder, "client", "other", "DNS:client", "");
    cr_assert_told("unknown ca", "CERTSWAP_REDIS_TLS_CERTIFICATE");
    certificate_signed(&folder, "client", "ca", "DNS:client", EXPIRED);
    cr_assert_told("certificate expired", "CERTSWAP_REDIS_TLS_CERTIFICATE");
    tls.certificate = tls.key = NULL;
    cr_assert_told("handshake failure", "CERTSWAP_REDIS_TLS_CERTIFICATE");
}

/* Everything is rotated at once; the one connection lives on until it is ended, then takes the new files. */
Test(tls, files_are_read_at_each_connection)
{
    certificate_signed(&folder, "client", "ca", "DNS:client", "");
    tls.certificate = client_certificate.text;
    tls.key = client_key.text;
    serve("server", "ca", "yes");
    AUTO(redis) struct redis *secured = redis_new(&options);
    struct err err = {0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
    certificate_folder_run(&folder, "mv ca.crt ca-1.crt");
    certificate_ca(&folder, "ca");
    certificate_signed(&folder, "client", "ca", "DNS:client", "");
    cr_assert(redis_ping(secured, &err), "%s", err.text);
    int before = port;
    certificate_signed(&folder, "server", "ca", ALL_NAMES, "");
    serve("server", "ca", "yes");
    cr_assert_neq(port, before);
    forget_connections();
    cr_assert_not(redis_ping(secured, &err), "the connection was ended");
    redis_free(secured);
    secured = redis_new(&options);
    err = (struct err){0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
    forget_connections();
    cr_assert_not(redis_ping(secured, &err));
    err = (struct err){0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
}

Test(tls, acl_users_log_in)
{
    cr_assert(admin("ACL SETUSER ann on >hunter2 ~* +@all"));
    cr_assert(admin("ACL SETUSER default resetpass >hunter1"));
    cr_assert_told("NOAUTH", "CERTSWAP_REDIS_URL");
    options.user = "ann";
    options.password = "hunter3";
    cr_assert_told("WRONGPASS", "CERTSWAP_REDIS_URL");
    options.password = "hunter2";
    cr_assert_works();
}

Test(tls, the_other_side_speaks_something_else)
{
    options.tls = NULL;
    cr_assert_told("Redis at 127.0.0.1", "rediss:// in CERTSWAP_REDIS_URL");
    options.tls = &tls;
    int plain = free_port();
    cr_assert(admin("CONFIG SET port %d", plain));
    options.port = plain;
    options.timeout_ms = 300;
    cr_assert_told("TLS: ", "CERTSWAP_REDIS_URL names Redis' tls-port");
}

static int64_t monotonic_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(tls, time_limits_hold)
{
    options.timeout_ms = 300;
    AUTO(redis) struct redis *secured = redis_new(&options);
    struct err err = {0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
    kill(server.pid, SIGSTOP);
    int64_t began = monotonic_now_ms();
    cr_assert_not(redis_ping(secured, &err));
    cr_assert_not_null(strstr(err.text, "no answer in time"), "%s", err.text);
    err = (struct err){0};
    cr_assert_not(redis_ping(secured, &err), "the handshake");
    cr_assert_not_null(strstr(err.text, "no answer in time"), "%s", err.text);
    cr_assert_geq(monotonic_now_ms() - began, 590);
    cr_assert_lt(monotonic_now_ms() - began, 20000, "far from the test's own limit");
    kill(server.pid, SIGCONT);
    err = (struct err){0};
    cr_assert(redis_ping(secured, &err), "%s", err.text);
}
