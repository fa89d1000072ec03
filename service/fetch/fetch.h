/* fetch/fetch: one HTTP exchange at a time with a server that certswap asks (a schema registry, an issuer's
   key set), over libcurl: bounded in time and bytes, no redirect followed, no proxy, TLS 1.2 at least with
   the server's name checked. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

struct fetcher;

struct fetch_options {
    const char *server;      /* what errors call it: "the schema registry" */
    enum err_code failure;   /* the code of an exchange that failed */
    enum err_code too_large; /* the code of an answer over reply_max; ERR_NONE: `failure` */
    const char *ca_file;     /* PEM, of those that alone are trusted; NULL: the system's */
    const char *user;        /* basic authentication; NULL: none */
    const char *password;    /* with user */
    bool https_only;         /* http:// is refused */
    int timeout_ms;          /* of an exchange, from the connecting to the last byte */
    size_t reply_max;        /* bytes of a reply's body; more is too_large */
    const atomic_bool *stop; /* NULL, or what breaks an exchange off within about a second once it is true */
};

struct fetch_request {
    const char *url; /* without user and password */
    const char *accept;
    const char *content_type; /* of `body`; NULL: a GET without one */
    struct span body;         /* of a POST */
};

/* One a thread: it keeps its connection. Copies the options' texts. NULL with NO_MEMORY. */
struct fetcher *fetcher_new(const struct fetch_options *options, struct err *err);
void fetcher_free(struct fetcher *fetcher);
AUTO_DEFINE(fetcher, struct fetcher, fetcher_free);

/* Asks once. True with any answer: *status is what HTTP says (200, 404; 301 and the like too), and its body
   is appended to *body. False with the options' failure (cannot be reached, does not answer in time, says too
   much, has another certificate than it should), or NO_MEMORY. */
bool fetch(struct fetcher *fetcher, const struct fetch_request *request, int *status, struct buf *body,
           struct err *err);
