/* A request is answered, or refused, while each allocation of ours fails in turn; and the next one is
   answered. */
#include "http/server.h"
#include "metrics/metrics.h"
#include "support/failing_malloc.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char loopback[] = "127.0.0.1";

static bool not_ready(void *arg, struct buf *reasons)
{
    (void)arg;
    buf_put_text(reasons, "redis: no answer\n");
    return false;
}

/* The status of the answer; *body gets what stands behind its head. */
static int ask(int port, const char *path, const char **body)
{
    static char answer[256 * 1024];
    char request[128];
    struct timeval patience = {.tv_sec = 5};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    cr_assert_eq(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
    size_t got = 0;
    ssize_t more;
    while ((more = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0)
        got += (size_t)more;
    cr_assert_eq(more, 0, "the server did not close");
    close(fd);
    answer[got] = '\0';
    *body = strstr(answer, "\r\n\r\n");
    cr_assert_eq(strncmp(answer, "HTTP/1.1 ", 9), 0, "%s", answer);
    cr_assert_not_null(*body);
    *body += 4;
    return atoi(answer + 9);
}

static void in_turn(int port, const char *path, int status)
{
    const char *body;
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        fail_allocation(nth);
        int got = ask(port, path, &body);
        failed = fail_allocation_end();
        cr_assert_eq(got, failed ? 500 : status, "%s, allocation %ld", path, nth);
        cr_assert_eq(body[0] == '\0', failed, "%s, allocation %ld: %s", path, nth, body);
    }
    cr_assert_gt(nth, 2);
    cr_assert_eq(ask(port, path, &body), status);
}

Test(http_memory, a_page_is_whole_or_is_not_sent)
{
    metrics_init();
    const struct listen_address any_port = {.host = loopback};
    const struct http_options options = {.listen = &any_port, .ready = {.check = not_ready}};
    struct err err = {0};
    AUTO(http_server) struct http_server *server = http_server_start(&options, &err);
    cr_assert_not_null(server, "%s", err.text);
    in_turn(http_server_port(server), "/livez", 200);
    in_turn(http_server_port(server), "/readyz", 503);
    in_turn(http_server_port(server), "/metrics", 200);
    in_turn(http_server_port(server), "/nowhere", 404);
}

Test(http_memory, without_memory_there_is_no_server)
{
    const struct listen_address any_port = {.host = loopback};
    const struct http_options options = {.listen = &any_port};
    struct err err = {0};
    fail_allocation(1);
    cr_assert_null(http_server_start(&options, &err));
    cr_assert(fail_allocation_end());
    cr_assert_eq(err.code, ERR_NO_MEMORY, "%s", err.text);
}
