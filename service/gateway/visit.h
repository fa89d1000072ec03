/* One request on its way through the front. Private to the room. */
#pragma once

#include "gateway/exchange.h"
#include "gateway/request.h"

#include <microhttpd.h>

struct front;
struct peer;

enum { VISIT_PATH_SHOWN = 120 };

struct visit {
    struct waiter waiter; /* first: visit_wake() finds the visit by it */
    struct front *front;
    struct peer *peer;
    struct MHD_Connection *connection;
    enum request_route route;
    bool judged;   /* the whole request was read, and sent or refused */
    bool too_long; /* the body */
    struct buf body;
    size_t dropped;  /* bytes of a body that nobody wants */
    unsigned status; /* of the answer that was queued */
    int64_t began_ms;
    char method[16];
    char path[VISIT_PATH_SHOWN + 1];
};

/* What the visit's headers alone refuse: fills the answer, and returns false. `principal` as in
 * front_options. */
bool visit_check_headers(struct visit *visit, const struct principal *principal, bool stopping);
/* Reads the body and hands the command to the exchange. True: the visit waits. False: the answer is filled.
 */
bool visit_send(struct visit *visit, const struct principal *principal, struct exchange *exchange);
