/* gateway/gateway: an HTTP front for callers of Keyfactor's POST Enrollment/PFX/Replace: each request becomes
   a command on Kafka, and its result the answer. */
#pragma once

#include "gateway/front.h"

struct gateway_options {
    struct exchange_options exchange; /* its tick is set here */
    struct front_options front;
    const struct listen_address *health; /* of /livez, /readyz and /metrics; NULL: none */
};

struct gateway;

/* Starts all; as of exchange_start() and front_start(). */
struct gateway *gateway_start(const struct gateway_options *options, struct err *err);
int gateway_port(const struct gateway *gateway);
/* 0 without such a listener. */
int gateway_health_port(const struct gateway *gateway);
/* Takes no more requests, gives those that wait drain_ms for their results, answers the rest with STOPPING,
   and frees. */
void gateway_stop(struct gateway *gateway, int drain_ms);
