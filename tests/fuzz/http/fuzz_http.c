/* What a peer sends to the HTTP port, in pieces whose size the first byte gives. The server's own handler and
   limits, on a daemon without a thread: every request is served within the run. What is answered is one of
   the server's three pages or an error, and a request cannot make it say anything else. */
#include "http/server.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct MHD_Daemon *daemon_of_runs;
static MHD_AccessHandlerCallback handler;
static void *handler_arg;

struct MHD_Daemon *__real_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                           void *accept_arg, MHD_AccessHandlerCallback handle, void *arg,
                                           ...);
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                           void *accept_arg, MHD_AccessHandlerCallback handle, void *arg,
                                           ...);

/* Takes the limits over; leaves out the thread and the socket. */
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                           void *accept_arg, MHD_AccessHandlerCallback handle, void *arg, ...)
{
    size_t memory = 0;
    unsigned connections = 0;
    va_list args;
    (void)flags;
    handler = handle;
    handler_arg = arg;
    va_start(args, arg);
    for (enum MHD_OPTION option; (option = va_arg(args, enum MHD_OPTION)) != MHD_OPTION_END;) {
        if (option == MHD_OPTION_CONNECTION_MEMORY_LIMIT)
            memory = va_arg(args, size_t);
        else if (option == MHD_OPTION_CONNECTION_LIMIT)
            connections = va_arg(args, unsigned);
        else if (option == MHD_OPTION_EXTERNAL_LOGGER)
            (void)va_arg(args, void *), (void)va_arg(args, void *);
        else if (option == MHD_OPTION_LISTEN_SOCKET)
            close(va_arg(args, int));
        else
            (void)va_arg(args, unsigned);
    }
    va_end(args);
    assert(memory > 0 && connections > 0);
    daemon_of_runs = __real_MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, port, accept, accept_arg, handle, arg,
                                             MHD_OPTION_CONNECTION_LIMIT, connections,
                                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_END);
    return daemon_of_runs;
}

static bool not_ready(void *arg, struct buf *reasons)
{
    (void)arg;
    buf_put_text(reasons, "redis: no answer\n");
    return false;
}

static void start_once(void)
{
    static char loopback[] = "127.0.0.1";
    static const struct listen_address any_port = {.host = loopback};
    static const struct http_options options = {.listen = &any_port, .ready = {.check = not_ready}};
    if (daemon_of_runs != NULL)
        return;
    metrics_init();
    assert(http_server_start(&options, NULL) != NULL && daemon_of_runs != NULL);
}

static void receive(int fd, struct buf *answers)
{
    uint8_t *at;
    ssize_t got;
    do {
        at = buf_reserve(answers, 65536);
        assert(at != NULL);
        got = recv(fd, at, 65536, MSG_DONTWAIT);
        answers->len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
}

static bool contains(struct span text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* The first answer; the others of a connection are of the same kind. */
static void check(struct span answers)
{
    if (answers.len == 0)
        return;
    assert(answers.len > 12 && memcmp(answers.data, "HTTP/1.", 7) == 0);
    int status = atoi((const char *)answers.data + 9);
    assert(status == 100 || status == 200 || (status >= 400 && status < 500) || status == 501 ||
           status == 503 || status == 505);
    assert(status != 503 || contains(answers, "redis: no answer\n") || !contains(answers, "\r\n\r\n") ||
           contains(answers, "Content-Length: 17\r\n"));
    assert(!contains(answers, "Set-Cookie") && !contains(answers, "Location:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct buf answers = {0};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(0x7f000001)}};
    if (size == 0)
        return 0;
    start_once();
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    assert(MHD_add_connection(daemon_of_runs, ends[1], (struct sockaddr *)&peer, sizeof peer) == MHD_YES);
    size_t piece = data[0] == 0 ? size : (size_t)data[0] * 4;
    for (size_t at = 1; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        if (send(ends[0], data + at, len, MSG_NOSIGNAL) < 0)
            break; /* the server has hung up */
        for (int i = 0; i < 3; i++)
            MHD_run(daemon_of_runs);
        receive(ends[0], &answers);
    }
    shutdown(ends[0], SHUT_WR);
    const union MHD_DaemonInfo *info;
    for (int i = 0; i < 1000; i++) {
        MHD_run(daemon_of_runs);
        receive(ends[0], &answers);
        info = MHD_get_daemon_info(daemon_of_runs, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        if (info->num_connections == 0)
            break;
    }
    assert(info->num_connections == 0);
    check(buf_span(&answers));
    buf_free(&answers);
    close(ends[0]);
    return 0;
}
