#include "gateway/gateway.h"

#include "http/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 10, DELIVER_MS = 2000 };

struct gateway {
    struct exchange *exchange;
    _Atomic(struct front *) front;
    struct http_server *health;
};

/* The exchange's thread turns before there is a front. */
static void tick(void *arg, int64_t now_ms)
{
    const struct gateway *gateway = arg;
    struct front *front = atomic_load(&gateway->front);
    if (front != NULL)
        front_sweep(front, now_ms);
}

static bool is_ready(void *arg, struct buf *reasons)
{
    const struct gateway *gateway = arg;
    return exchange_is_ready(gateway->exchange, reasons);
}

static bool start(struct gateway *gateway, const struct gateway_options *options, struct err *err)
{
    struct exchange_options exchange = options->exchange;
    exchange.tick = tick;
    exchange.tick_arg = gateway;
    gateway->exchange = exchange_start(&exchange, err);
    if (gateway->exchange == NULL)
        return false;
    if (options->health != NULL) {
        const struct http_options health = {
            .listen = options->health, .setting = "--health-listen", .ready = {is_ready, gateway}};
        gateway->health = http_server_start(&health, err);
        if (gateway->health == NULL)
            return false;
    }
    struct front *front = front_start(&options->front, gateway->exchange, err);
    atomic_store(&gateway->front, front);
    return front != NULL;
}

/* The exchange's thread looks at the front: it ends before that does. */
static void teardown(struct gateway *gateway)
{
    if (gateway->exchange != NULL)
        exchange_close(gateway->exchange);
    front_stop(atomic_exchange(&gateway->front, NULL));
    http_server_stop(gateway->health);
    if (gateway->exchange != NULL)
        exchange_free(gateway->exchange);
    free(gateway);
}

struct gateway *gateway_start(const struct gateway_options *options, struct err *err)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory at the start");
        return NULL;
    }
    if (start(gateway, options, err))
        return gateway;
    teardown(gateway);
    return NULL;
}

int gateway_port(const struct gateway *gateway)
{
    return front_port(atomic_load(&gateway->front));
}

int gateway_health_port(const struct gateway *gateway)
{
    return gateway->health != NULL ? http_server_port(gateway->health) : 0;
}

static void look_again(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

void gateway_stop(struct gateway *gateway, int drain_ms)
{
    struct front *front = atomic_load(&gateway->front);
    front_refuse(front);
    int64_t end = exchange_clock_ms() + drain_ms;
    while (exchange_waiting(gateway->exchange) > 0 && exchange_clock_ms() < end)
        look_again();
    exchange_close(gateway->exchange);
    end = exchange_clock_ms() + DELIVER_MS;
    while (front_open_requests(front) > 0 && exchange_clock_ms() < end)
        look_again();
    teardown(gateway);
}
