#include "http/server.h"

#include "http/listen.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

/* Probes and scrapes are few; more than this is somebody else's mistake, or an attack. */
enum { CONNECTIONS_MAX = 32, CONNECTIONS_PER_ADDRESS = 16, TIMEOUT_S = 10, CONNECTION_MEMORY = 16 * 1024 };

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_probe live;
    struct http_probe ready;
    int port;
};

struct route {
    const char *path;
    const char *content_type;
    /* Writes the answer's body, returns its status. */
    unsigned (*answer)(struct http_server *server, struct buf *body);
};

static unsigned answer_probe(const struct http_probe *probe, const char *well, struct buf *body)
{
    if (probe->check == NULL || probe->check(probe->arg, body)) {
        buf_reset(body);
        buf_put_text(body, well);
        return MHD_HTTP_OK;
    }
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned answer_live(struct http_server *server, struct buf *body)
{
    return answer_probe(&server->live, "live\n", body);
}

static unsigned answer_ready(struct http_server *server, struct buf *body)
{
    return answer_probe(&server->ready, "ready\n", body);
}

static unsigned answer_metrics(struct http_server *server, struct buf *body)
{
    (void)server;
    metrics_render(body);
    return MHD_HTTP_OK;
}

static const struct route routes[] = {
    {"/livez", "text/plain; charset=utf-8", answer_live},
    {"/readyz", "text/plain; charset=utf-8", answer_ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", answer_metrics},
};

/* Sends a copy of the body; a HEAD gets its length alone. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *content_type,
                               const struct buf *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result sent = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    if (sent == MHD_YES)
        sent = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (sent == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        sent = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (sent == MHD_YES)
        sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

static unsigned answer(struct http_server *server, const char *path, const char *method, struct buf *body,
                       const char **content_type)
{
    *content_type = "text/plain; charset=utf-8";
    const struct route *route = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(routes[i].path, path) == 0)
            route = &routes[i];
    if (route == NULL) {
        buf_put_text(body, "not found; there are /livez, /readyz and /metrics\n");
        return MHD_HTTP_NOT_FOUND;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        buf_put_text(body, "method not allowed; use GET or HEAD\n");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    *content_type = route->content_type;
    return route->answer(server, body);
}

/* Called once with the headers, again with each piece of a request's body, and once with none left. The
   answer comes at once where there is no body to wait for; a body is read and dropped, bounded by the
   connection's timeout. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload, size_t *upload_len,
                              void **state)
{
    (void)version;
    (void)upload;
    static const char seen;
    if (*state == NULL) {
        *state = (void *)(uintptr_t)&seen;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    AUTO(buf) struct buf body = {0};
    const char *content_type;
    unsigned status = answer(arg, path, method, &body, &content_type);
    if (body.failed) {
        buf_reset(&body);
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return respond(connection, status, content_type, &body);
}

__attribute__((format(printf, 2, 0))) static void log_daemon(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = '\0';
    log_debug("http", log_str("detail", text));
}

struct http_server *http_server_start(const struct http_options *options, struct err *err)
{
    int fd = http_listen(options->listen, options->setting, CONNECTIONS_MAX, err);
    if (fd < 0)
        return NULL;
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        close(fd);
        err_set(err, ERR_NO_MEMORY, "no memory for the HTTP server; give the process more");
        return NULL;
    }
    server->live = options->live;
    server->ready = options->ready;
    server->port = http_listen_port(fd);
    server->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, server,
        MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(fd);
        free(server);
        err_set(err, ERR_INTERNAL, "the HTTP server does not start: %s; look at the process' limits",
                strerror(errno));
        return NULL;
    }
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
