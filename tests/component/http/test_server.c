/* The server on a free port of loopback, asked over plain sockets. */
#include "http/server.h"
#include "metrics/metrics.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char loopback[] = "127.0.0.1";
static const struct listen_address any_port = {.host = loopback, .port = 0};

static bool not_ready(void *arg, struct buf *reasons)
{
    buf_put_format(reasons, "inventory: %d of 456 records read\n", *(int *)arg);
    buf_put_text(reasons, "redis: no answer\n");
    return false;
}

/* What a check has written is of no interest where it says that all is well. */
static bool ready_in_the_end(void *arg, struct buf *reasons)
{
    (void)arg;
    buf_put_text(reasons, "left over\n");
    return true;
}

static int connect_to(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends the bytes and reads until the server closes; the answer stays until the next call. */
static const char *exchange(int port, const char *request)
{
    static char answer[256 * 1024];
    int fd = connect_to(port);
    cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    size_t len = 0;
    ssize_t got;
    while ((got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0)
        len += (size_t)got;
    cr_assert_eq(got, 0, "the server did not close");
    answer[len] = '\0';
    close(fd);
    return answer;
}

static const char *ask(int port, const char *method, const char *path)
{
    char request[256];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    return exchange(port, request);
}

static void assert_answer(const char *answer, const char *status, const char *body)
{
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    cr_assert_eq(strncmp(answer, line, strlen(line)), 0, "%s", answer);
    const char *blank = strstr(answer, "\r\n\r\n");
    cr_assert_not_null(blank);
    cr_assert_str_eq(blank + 4, body);
}

Test(http, probes_and_metrics_are_answered)
{
    metrics_init();
    int records = 123;
    const struct http_options options = {.listen = &any_port, .ready = {.check = not_ready, .arg = &records}};
    struct err err = {0};
    AUTO(http_server) struct http_server *server = http_server_start(&options, &err);
    cr_assert_not_null(server, "%s", err.text);
    int port = http_server_port(server);
    cr_assert_gt(port, 0);
    assert_answer(ask(port, "GET", "/livez"), "200", "live\n");
    assert_answer(ask(port, "GET", "/livez?verbose=1"), "200", "live\n");
    assert_answer(ask(port, "GET", "/readyz"), "503",
                  "inventory: 123 of 456 records read\nredis: no answer\n");
    const char *metrics = ask(port, "GET", "/metrics");
    cr_assert_not_null(strstr(metrics, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    cr_assert_not_null(strstr(metrics, "\ncertswap_build_info{version=\"" CERTSWAP_VERSION "\"} 1\n"));
}

Test(http, ready_says_so)
{
    const struct http_options options = {.listen = &any_port, .ready = {.check = ready_in_the_end}};
    AUTO(http_server) struct http_server *server = http_server_start(&options, NULL);
    cr_assert_not_null(server);
    assert_answer(ask(http_server_port(server), "GET", "/readyz"), "200", "ready\n");
}

Test(http, head_has_no_body_and_the_rest_is_refused)
{
    const struct http_options options = {.listen = &any_port};
    AUTO(http_server) struct http_server *server = http_server_start(&options, NULL);
    cr_assert_not_null(server);
    int port = http_server_port(server);
    const char *head = ask(port, "HEAD", "/livez");
    cr_assert_not_null(strstr(head, "Content-Length: 5\r\n"));
    assert_answer(head, "200", "");
    static const char missing[] = "not found; there are /livez, /readyz and /metrics\n";
    assert_answer(ask(port, "GET", "/"), "404", missing);
    assert_answer(ask(port, "GET", "/livez/"), "404", missing);
    assert_answer(ask(port, "POST", "/elsewhere"), "404", missing);
    static const char refused[] = "method not allowed; use GET or HEAD\n";
    const char *deleted = ask(port, "DELETE", "/readyz");
    cr_assert_not_null(strstr(deleted, "Allow: GET, HEAD\r\n"));
    assert_answer(deleted, "405", refused);
    assert_answer(
        exchange(port,
                 "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"),
        "405", refused);
}

Test(http, what_is_no_http_does_no_harm)
{
    const struct http_options options = {.listen = &any_port};
    AUTO(http_server) struct http_server *server = http_server_start(&options, NULL);
    cr_assert_not_null(server);
    int port = http_server_port(server);
    exchange(port, "\x16\x03\x01 hello\r\n\r\n\r\n");
    static char long_line[64 * 1024];
    memset(long_line, 'a', sizeof long_line - 1);
    memcpy(long_line, "GET /", 5);
    int fd = connect_to(port);
    ssize_t sent = send(fd, long_line, sizeof long_line - 1, MSG_NOSIGNAL);
    cr_assert_gt(sent, 0);
    close(fd);
    assert_answer(ask(port, "GET", "/livez"), "200", "live\n");
}

/* A stop does not wait for clients that keep their connection open. */
Test(http, stops_with_clients_connected, .timeout = 5)
{
    const struct http_options options = {.listen = &any_port};
    struct http_server *server = http_server_start(&options, NULL);
    cr_assert_not_null(server);
    int fd = connect_to(http_server_port(server));
    cr_assert_eq(send(fd, "GET /livez HTTP/1.1\r\n", 21, MSG_NOSIGNAL), 21);
    http_server_stop(server);
    char byte;
    cr_assert_leq(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

Test(http, an_address_in_use_is_a_fault_of_the_settings)
{
    const struct http_options options = {.listen = &any_port};
    AUTO(http_server) struct http_server *server = http_server_start(&options, NULL);
    cr_assert_not_null(server);
    const struct listen_address taken = {.host = loopback, .port = http_server_port(server)};
    const struct http_options again = {.listen = &taken, .setting = "CERTSWAP_HTTP_LISTEN"};
    struct err err = {0};
    cr_assert_null(http_server_start(&again, &err));
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert_not_null(strstr(err.text, "in use"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "CERTSWAP_HTTP_LISTEN"));
    char nowhere_host[] = "a..b";
    const struct listen_address nowhere = {.host = nowhere_host, .port = 0};
    const struct http_options lost = {.listen = &nowhere, .setting = "CERTSWAP_HTTP_LISTEN"};
    struct err other = {0};
    cr_assert_null(http_server_start(&lost, &other));
    cr_assert_eq(other.code, ERR_CONFIG_INVALID);
}
