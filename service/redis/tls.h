/* redis/tls: TLS 1.2 or later around a connection to Redis. The server's certificate must be signed by a CA
   that is trusted and be for the name or address that is connected to. */
#pragma once

#include "config/settings.h"

struct redisContext;

/* PEM files, read at each connection; all may be NULL. */
struct redis_tls {
    const char *ca;          /* NULL: the CAs that the system trusts */
    const char *certificate; /* our own, with its chain */
    const char *key;         /* of that certificate, under no password */
};

/* The settings' own; borrows their texts. */
struct redis_tls redis_tls_of(const struct settings *settings);
/* NULL, or why this build has no TLS, and what to do. */
const char *redis_tls_refusal(void);
/* Adds a fault for each file that could not be used now. */
void redis_tls_check(const struct redis_tls *tls, struct faults *faults);

/* Makes the handshake on a connection to `host`, a name or an address without brackets; the context's time
   limit holds for each of its reads and writes. False: `why` says what is wrong and what to do, and the
   context is only good for redisFree. */
bool redis_tls_start(struct redisContext *context, const struct redis_tls *tls, const char *host, char *why,
                     size_t size);
/* To be called before the context reads or writes. */
void redis_tls_before_io(void);
/* After a read or write that failed: writes why the server has ended TLS, and what to do; false where TLS is
   not the reason. Empties OpenSSL's queue of errors. */
bool redis_tls_told(char *why, size_t size);
