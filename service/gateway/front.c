#include "gateway/front.h"

#include "gateway/peers.h"
#include "gateway/visit.h"
#include "http/listen.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    IDLE_S = 75, /* longer than clients keep idle connections, so that it is them who close */
    CONNECTION_MEMORY = 48 * 1024,
    BODY_DROPPED_MAX = 1024 * 1024,
    RETRY_AFTER_S = 2,
    OPTIONS_MAX = 12,
};

struct front {
    struct front_options options;
    struct exchange *exchange;
    struct MHD_Daemon *daemon;
    int port;
    struct peers peers;
    _Atomic bool stopping;
    _Atomic int open_requests;
    _Atomic bool started;
    char detail[160]; /* what libmicrohttpd said last, until it has started */
};

static void give_time(struct front *front, struct peer *peer)
{
    peers_limit(&front->peers, peer, exchange_clock_ms() + front->options.client_timeout_ms);
}

/* MHD_NotifyConnectionCallback: called before the socket is closed. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct front *front = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        peers_remove(&front->peers, *state);
        *state = NULL;
    } else if (info != NULL) { /* without a peer its requests are not served */
        *state = peers_add(&front->peers, info->connect_fd,
                           exchange_clock_ms() + front->options.client_timeout_ms);
    }
}

void front_sweep(struct front *front, int64_t now_ms)
{
    peers_sweep(&front->peers, now_ms);
}

/* Answers */

/* False when out of memory. */
static bool add_headers(struct MHD_Response *response, const struct visit *visit)
{
    const struct answer *answer = &visit->waiter.answer;
    char text[UUID_TEXT_LEN + 1];
    bool ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      "application/json; charset=utf-8") == MHD_YES &&
              MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
    if (ok && answer->has_command_id) {
        uuid_format(&answer->command_id, text);
        ok = MHD_add_response_header(response, "x-certswap-command-id", text) == MHD_YES;
    }
    if (ok && answer->status == MHD_HTTP_UNAUTHORIZED)
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                     answer->has_command_id
                                         ? "Bearer realm=\"certswap\", error=\"invalid_token\""
                                         : "Bearer realm=\"certswap\"") == MHD_YES;
    if (ok && answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        ok =
            MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request_method(visit->route)) == MHD_YES;
    if (ok && answer->status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        snprintf(text, sizeof text, "%d", RETRY_AFTER_S);
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text) == MHD_YES;
    }
    if (ok && atomic_load(&visit->front->stopping))
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    return ok;
}

static enum MHD_Result respond(struct visit *visit)
{
    const struct answer *answer = &visit->waiter.answer;
    give_time(visit->front, visit->peer);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_NO;
    if (add_headers(response, visit))
        queued = MHD_queue_response(visit->connection, answer->status, response);
    if (queued == MHD_YES)
        visit->status = answer->status;
    MHD_destroy_response(response);
    return queued;
}

/* GET Status/Endpoints, by which Keyfactor's SDKs try their login. */
static void answer_endpoints(struct answer *answer)
{
    answer->status = MHD_HTTP_OK;
    buf_put_text(&answer->body, "[\"GET /Status/Endpoints\",\"POST /Enrollment/PFX/Replace\"]");
}

/* Requests */

static void wake(struct waiter *waiter)
{
    struct visit *visit = (struct visit *)waiter;
    MHD_resume_connection(visit->connection);
}

static struct visit *visit_new(struct front *front, struct MHD_Connection *connection, const char *path,
                               const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct visit *visit = info != NULL && info->socket_context != NULL ? calloc(1, sizeof *visit) : NULL;
    if (visit == NULL)
        return NULL;
    visit->front = front;
    visit->peer = info->socket_context;
    visit->connection = connection;
    visit->waiter.wake = wake;
    visit->route = request_route(front->options.prefix, path);
    visit->began_ms = exchange_clock_ms();
    snprintf(visit->method, sizeof visit->method, "%s", method);
    snprintf(visit->path, sizeof visit->path, "%s", path);
    atomic_fetch_add(&front->open_requests, 1);
    give_time(front, visit->peer);
    return visit;
}

/* Whether Content-Length tells of more than is taken. */
static bool is_announced_too_long(const struct visit *visit)
{
    const char *text =
        MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text != NULL && strtoull(text, NULL, 10) > REQUEST_BODY_MAX;
}

static enum MHD_Result refuse_long(struct visit *visit)
{
    char message[80];
    snprintf(message, sizeof message, "the body is larger than %d bytes; send less", REQUEST_BODY_MAX);
    answer_fault(&visit->waiter.answer, FAULT_BODY_TOO_LARGE, NULL, message);
    return respond(visit);
}

/* Takes a piece of the body, and wipes it where it came from, for it may hold a password. What is refused
   already is read to its end, within bounds, so that the client sees the answer. */
static enum MHD_Result take_body(struct visit *visit, const char *upload, size_t *upload_len)
{
    size_t len = *upload_len;
    if (visit->waiter.answer.status == 0 && visit->body.len + len > REQUEST_BODY_MAX) {
        visit->too_long = true;
        buf_reset(&visit->body);
    }
    bool wanted = visit->waiter.answer.status == 0 && !visit->too_long;
    if (wanted)
        buf_put(&visit->body, upload, len);
    else
        visit->dropped += len;
    secret_wipe((void *)(uintptr_t)upload, len);
    *upload_len = 0;
    return visit->dropped > BODY_DROPPED_MAX ? MHD_NO : MHD_YES;
}

/* The whole request is there: answers it, or has it wait. */
static enum MHD_Result judge(struct front *front, struct visit *visit)
{
    visit->judged = true;
    if (visit->waiter.answer.status != 0)
        return respond(visit);
    if (visit->too_long)
        return refuse_long(visit);
    if (visit->route == ROUTE_ENDPOINTS) {
        answer_endpoints(&visit->waiter.answer);
        return respond(visit);
    }
    /* Before it waits: it may be woken at once. */
    peers_limit(&front->peers, visit->peer, 0);
    MHD_suspend_connection(visit->connection);
    if (!visit_send(visit, &front->options.principal, front->exchange))
        MHD_resume_connection(visit->connection);
    return MHD_YES;
}

/* MHD_AccessHandlerCallback: called once with the headers, with each piece of the body, with none left, and
   again when a request that waited was woken. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload, size_t *upload_len,
                              void **state)
{
    (void)version;
    struct front *front = arg;
    struct visit *visit = *state;
    if (visit == NULL) {
        visit = visit_new(front, connection, path, method);
        *state = visit;
        if (visit == NULL)
            return MHD_NO;
        bool fine = visit_check_headers(visit, &front->options.principal, atomic_load(&front->stopping));
        return fine && is_announced_too_long(visit) ? refuse_long(visit) : MHD_YES;
    }
    if (*upload_len > 0)
        return take_body(visit, upload, upload_len);
    return visit->judged ? respond(visit) : judge(front, visit);
}

/* The client's address, without its port. */
static void client_of(const struct visit *visit, char text[64])
{
    text[0] = '\0';
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(visit->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL)
        return;
    socklen_t len =
        info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, len, text, 64, NULL, 0, NI_NUMERICHOST) != 0)
        text[0] = '\0';
}

static void log_visit(const struct visit *visit, bool delivered)
{
    const struct answer *answer = &visit->waiter.answer;
    char client[64];
    client_of(visit, client);
    log_info("request", log_str("client", client), log_str("method", visit->method),
             log_str("path", visit->path), log_int("status", visit->status),
             log_str("code",
                     visit->status != 0 && answer->status != MHD_HTTP_OK ? fault_name(answer->fault) : NULL),
             answer->has_command_id ? log_uuid("command_id", &answer->command_id)
                                    : log_str("command_id", NULL),
             log_bool("delivered", delivered), log_int("ms", exchange_clock_ms() - visit->began_ms));
}

/* MHD_RequestCompletedCallback */
static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    struct front *front = arg;
    struct visit *visit = *state;
    if (visit == NULL)
        return;
    log_visit(visit, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    metric_add(METRIC_GATEWAY_REQUESTS, 1, metric_status(visit->status));
    metric_observe(METRIC_GATEWAY_DURATION, (double)(exchange_clock_ms() - visit->began_ms) / 1000);
    peers_limit(&front->peers, visit->peer, exchange_clock_ms() + IDLE_S * 1000);
    buf_free(&visit->body);
    answer_free(&visit->waiter.answer);
    free(visit);
    *state = NULL;
    atomic_fetch_sub(&front->open_requests, 1);
}

/* Start and stop */

__attribute__((format(printf, 2, 0))) static void log_daemon(void *arg, const char *format, va_list args)
{
    struct front *front = arg;
    char text[sizeof front->detail];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = '\0';
    if (!atomic_load(&front->started))
        memcpy(front->detail, text, sizeof text);
    log_debug("http", log_str("detail", text));
}

static struct MHD_Daemon *start_daemon(struct front *front, int fd)
{
    const struct front_options *o = &front->options;
    bool tls = o->tls_certificate.len > 0;
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    static char priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
    struct MHD_OptionItem items[OPTIONS_MAX] = {{MHD_OPTION_END, 0, NULL}};
    if (tls) {
        items[0] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls_certificate.data};
        items[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key.data};
        items[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
        items[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    return MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0U), 0, NULL, NULL, handle, front,
                            MHD_OPTION_EXTERNAL_LOGGER, log_daemon, front, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, front, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, front, MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->most_connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_ARRAY,
                            items, MHD_OPTION_END);
}

static int listen_or_refuse(const struct front_options *options, struct err *err)
{
    int fd = http_listen(options->listen, "--listen", BACKLOG, err);
    if (fd < 0 || options->tls_certificate.len > 0 || options->plain_http || http_listen_is_loopback(fd))
        return fd;
    close(fd);
    err_set(err, ERR_CONFIG_INVALID,
            "tokens and passwords would come in clear over the network: give --tls-certificate and "
            "--tls-key, or, "
            "where a proxy in front does TLS, --plain-http");
    return -1;
}

struct front *front_start(const struct front_options *options, struct exchange *exchange, struct err *err)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL || !peers_init(&front->peers)) {
        free(front);
        err_set(err, ERR_NO_MEMORY, "out of memory at the start");
        return NULL;
    }
    front->options = *options;
    front->exchange = exchange;
    int fd = listen_or_refuse(options, err);
    if (fd >= 0) {
        front->port = http_listen_port(fd);
        front->daemon = start_daemon(front, fd);
    }
    if (front->daemon != NULL) {
        atomic_store(&front->started, true);
        return front;
    }
    if (fd >= 0) {
        close(fd);
        err_set(err, ERR_CONFIG_INVALID,
                "the HTTP server does not start (%s); do --tls-certificate and --tls-key fit?",
                front->detail[0] != '\0' ? front->detail : strerror(errno));
    }
    peers_free(&front->peers);
    free(front);
    return NULL;
}

int front_port(const struct front *front)
{
    return front->port;
}

void front_refuse(struct front *front)
{
    atomic_store(&front->stopping, true);
    MHD_socket fd = MHD_quiesce_daemon(front->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

int front_open_requests(const struct front *front)
{
    return atomic_load(&front->open_requests);
}

void front_stop(struct front *front)
{
    if (front == NULL)
        return;
    MHD_stop_daemon(front->daemon);
    peers_free(&front->peers);
    free(front);
}
