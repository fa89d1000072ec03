/* fetch against HTTP and HTTPS servers on loopback that answer as the path asks. */
#include "fetch/fetch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REPLY_MAX = 1000, TIMEOUT_MS = 60000, IMPATIENT_MS = 500 };

static char url[256];
static atomic_int asked; /* requests that came to the server */

static atomic_int system_looks; /* how often OpenSSL has looked into the system's folder of issuers */

/* glibc's stat(), which OpenSSL asks by whether the folder has a file of an issuer's name: it finds this one.
 */
__attribute__((visibility("default"))) int seen_stat(const char *path, struct stat *status) __asm__("stat");

int seen_stat(const char *path, struct stat *status)
{
    static const char system_folder[] = "/etc/ssl/certs/";
    if (strncmp(path, system_folder, sizeof system_folder - 1) == 0)
        atomic_fetch_add(&system_looks, 1);
    return fstatat(AT_FDCWD, path, status, 0);
}

/* What came of a request, told back in the reply's body. */
struct upload {
    char body[256];
    size_t len;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *text, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, memcpy(malloc(len + 1), text, len), free);
    MHD_add_response_header(response, "Location", "/body");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value != NULL ? value : "-";
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data, size_t *size,
                              void **state)
{
    (void)arg;
    (void)version;
    static char zeros[REPLY_MAX + 1];
    if (*state == NULL) {
        *state = calloc(1, sizeof(struct upload));
        return MHD_YES;
    }
    struct upload *upload = *state;
    if (*size > 0) {
        memcpy(upload->body + upload->len, data, *size);
        upload->len += *size;
        *size = 0;
        return MHD_YES;
    }
    atomic_fetch_add(&asked, 1);
    if (strcmp(path, "/slow") == 0)
        nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
    if (strcmp(path, "/most") == 0)
        return reply(connection, 200, zeros, REPLY_MAX);
    if (strcmp(path, "/more") == 0)
        return reply(connection, 200, zeros, REPLY_MAX + 1);
    if (strcmp(path, "/elsewhere") == 0)
        return reply(connection, 302, "over there", 10);
    if (strcmp(path, "/nowhere") == 0)
        return reply(connection, 404, "no", 2);
    char text[512];
    int len = snprintf(text, sizeof text, "%s %s accept=%s type=%s expect=%s auth=%s body=%.*s", method, path,
                       header(connection, "Accept"), header(connection, "Content-Type"),
                       header(connection, "Expect"), header(connection, "Authorization"), (int)upload->len,
                       upload->body);
    return reply(connection, 200, text, (size_t)len);
}

static void completed(void *arg, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)connection;
    (void)code;
    free(*state);
}

/* Listens on a free port of loopback; with a key by TLS. `url` says where. */
static struct MHD_Daemon *serve(const char *key, const char *certificate)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
                                         {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
                                         {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | (key != NULL ? MHD_USE_TLS : 0), 0,
        NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed,
        NULL, MHD_OPTION_ARRAY, key != NULL ? tls : none, MHD_OPTION_END);
    cr_assert_not_null(daemon);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d", key != NULL ? "https" : "http",
             MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return daemon;
}

static struct fetch_options options(void)
{
    return (struct fetch_options){.server = "the oracle",
                                  .failure = ERR_KAFKA_RETRIABLE,
                                  .timeout_ms = TIMEOUT_MS,
                                  .reply_max = REPLY_MAX};
}

static bool get(struct fetcher *fetcher, const char *path, int *status, struct buf *body, struct err *err)
{
    char whole[300];
    snprintf(whole, sizeof whole, "%s%s", url, path);
    struct fetch_request request = {.url = whole, .accept = "text/plain"};
    bool ok = fetch(fetcher, &request, status, body, err);
    if (ok)
        buf_put_byte(body, '\0');
    return ok;
}

static void assert_fails(struct fetch_options with, const char *path, const char *because)
{
    AUTO(buf) struct buf body = {0};
    struct err err = {0};
    int status = 0;
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&with, &err);
    cr_assert_not_null(fetcher);
    buf_put_text(&body, "before");
    cr_assert_not(get(fetcher, path, &status, &body, &err), "%s", path);
    cr_assert_eq(err.code, ERR_KAFKA_RETRIABLE);
    cr_assert_not_null(strstr(err.text, because), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "the oracle"), "%s", err.text);
    cr_assert_eq(body.len, 6);
}

Test(fetch, asks_and_posts)
{
    struct MHD_Daemon *daemon = serve(NULL, NULL);
    struct fetch_options with = options();
    with.user = "al:ice";
    with.password = "se cret";
    struct err err = {0};
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&with, &err);
    AUTO(buf) struct buf body = {0};
    int status = 0;
    cr_assert(get(fetcher, "/a", &status, &body, &err), "%s", err.text);
    cr_assert_eq(status, 200);
    cr_assert_str_eq((char *)body.data,
                     "GET /a accept=text/plain type=- expect=- auth=Basic YWw6aWNlOnNlIGNyZXQ= body=");
    char whole[300];
    snprintf(whole, sizeof whole, "%s/b", url);
    struct fetch_request request = {
        .url = whole, .accept = "text/plain", .content_type = "text/html", .body = SPAN_LITERAL("<p>hello")};
    buf_reset(&body);
    cr_assert(fetch(fetcher, &request, &status, &body, &err), "%s", err.text);
    buf_put_byte(&body, '\0');
    cr_assert_not_null(strstr((char *)body.data, "POST /b accept=text/plain type=text/html expect=- "));
    cr_assert_not_null(strstr((char *)body.data, "body=<p>hello"));
    buf_reset(&body);
    cr_assert(get(fetcher, "/c", &status, &body, &err), "a GET after a POST has no body: %s", err.text);
    cr_assert_not_null(strstr((char *)body.data, "GET /c accept=text/plain type=- expect=- "));
    MHD_stop_daemon(daemon);
}

Test(fetch, other_answers_are_answers_and_no_redirect_is_followed)
{
    struct MHD_Daemon *daemon = serve(NULL, NULL);
    struct fetch_options with = options();
    struct err err = {0};
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&with, &err);
    AUTO(buf) struct buf body = {0};
    int status = 0;
    cr_assert(get(fetcher, "/nowhere", &status, &body, &err));
    cr_assert_eq(status, 404);
    cr_assert_str_eq((char *)body.data, "no");
    buf_reset(&body);
    atomic_store(&asked, 0);
    cr_assert(get(fetcher, "/elsewhere", &status, &body, &err));
    cr_assert_eq(status, 302);
    cr_assert_eq(atomic_load(&asked), 1);
    MHD_stop_daemon(daemon);
}

Test(fetch, bounds_bytes_and_time)
{
    struct MHD_Daemon *daemon = serve(NULL, NULL);
    struct fetch_options with = options();
    struct err err = {0};
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&with, &err);
    AUTO(buf) struct buf body = {0};
    int status = 0;
    buf_put_text(&body, "what is there already does not count");
    cr_assert(get(fetcher, "/most", &status, &body, &err), "%s", err.text);
    assert_fails(with, "/more", "more than 1000 bytes");
    MHD_stop_daemon(daemon);
    assert_fails(with, "/a", "connect");
    daemon = serve(NULL, NULL);
    with.timeout_ms = IMPATIENT_MS;
    assert_fails(with, "/slow", "timed out");
    MHD_stop_daemon(daemon);
}

Test(fetch, a_stop_breaks_off)
{
    struct MHD_Daemon *daemon = serve(NULL, NULL);
    atomic_bool stop = true;
    struct fetch_options with = options();
    with.stop = &stop;
    assert_fails(with, "/slow", "abort");
    MHD_stop_daemon(daemon);
}

static const char *read_all(const char *path, char *to, size_t size)
{
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s", path);
    to[fread(to, 1, size - 1, file)] = '\0';
    fclose(file);
    return to;
}

/* Makes a key and a certificate of the host, signed by itself. */
static void make_certificate(const char *folder, const char *name, const char *host)
{
    char command[600];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
             "-addext subjectAltName=%s -keyout %s/%s.key -out %s/%s.crt 2>%s/log",
             name, host, folder, name, folder, name, folder);
    cr_assert_eq(system(command), 0, "%s", command); /* NOLINT(cert-env33-c) */
}

Test(fetch, tls_trusts_the_named_authority_and_the_right_name_alone)
{
    char folder[] = "/tmp/certswap-fetch-XXXXXX";
    char key[4096];
    char certificate[4096];
    char right[100];
    char wrong[100];
    cr_assert_not_null(mkdtemp(folder));
    make_certificate(folder, "right", "IP:127.0.0.1");
    make_certificate(folder, "wrong", "DNS:other.example");
    snprintf(right, sizeof right, "%s/right.crt", folder);
    snprintf(wrong, sizeof wrong, "%s/wrong.crt", folder);
    snprintf(key, sizeof key, "%s/right.key", folder);
    struct MHD_Daemon *daemon =
        serve(read_all(key, key, sizeof key), read_all(right, certificate, sizeof certificate));
    struct fetch_options with = options();
    struct err err = {0};
    with.https_only = true;
    assert_fails(with, "/a", "certificate");
    cr_assert_gt(atomic_exchange(&system_looks, 0), 0, "without a file the system's folder counts");
    with.ca_file = wrong;
    assert_fails(with, "/a", "certificate");
    cr_assert_eq(atomic_load(&system_looks), 0, "with one it does not");
    with.ca_file = right;
    AUTO(fetcher) struct fetcher *fetcher = fetcher_new(&with, &err);
    AUTO(buf) struct buf body = {0};
    int status = 0;
    cr_assert(get(fetcher, "/a", &status, &body, &err), "%s", err.text);
    cr_assert_eq(status, 200);
    MHD_stop_daemon(daemon);

    snprintf(key, sizeof key, "%s/wrong.key", folder);
    daemon = serve(read_all(key, key, sizeof key), read_all(wrong, certificate, sizeof certificate));
    with.ca_file = wrong;
    assert_fails(with, "/a", "name");
    MHD_stop_daemon(daemon);

    daemon = serve(NULL, NULL);
    assert_fails(with, "/a", "rotocol");
    MHD_stop_daemon(daemon);
    char remove[100];
    snprintf(remove, sizeof remove, "rm -r %s", folder);
    cr_assert_eq(system(remove), 0); /* NOLINT(cert-env33-c) */
}
