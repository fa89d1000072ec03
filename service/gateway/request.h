/* gateway/request: what a caller sends, read and judged: headers, path, and the JSON body of Keyfactor's
   EnrollmentManagementRequest. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "domain/record.h"

enum {
    REQUEST_BODY_MAX = 64 * 1024,
    REQUEST_TOKEN_MAX = 16 * 1024,
    REQUEST_PASSWORD_MAX = 4096, /* bytes: what the service takes */
};

enum request_route { ROUTE_NONE, ROUTE_REPLACE, ROUTE_ENDPOINTS };

/* The path behind the prefix, in any case as in ASP.NET; a slash at its end may stand there. */
enum request_route request_route(const char *prefix, const char *path);
/* The method that a route has, "POST" for one. */
const char *request_method(enum request_route route);

/* Whether the Content-Type is application/json, text/json or application/<anything>+json, with no charset or
   UTF-8's. None (NULL), and what `curl -d` sends where it is told nothing, are taken for JSON too. */
bool request_is_json(const char *content_type);
/* Whether x-keyfactor-api-version (NULL: none, the first) asks for version 1. */
bool request_is_version_1(const char *version);
/* The token of "Bearer <token>" (RFC 6750, section 2.1), at most REQUEST_TOKEN_MAX bytes; false for anything
   else and for NULL. */
bool request_bearer(const char *authorization, struct span *token);
/* Idempotency-Key: a GUID, or one in double quotes. */
bool request_idempotency_key(const char *text, struct uuid *id);

/* Reads the body into *command: ids, password (PASSWORD_NONE or PASSWORD_PLAIN) and job time; the rest of it
   stays as it is. Member names count in any case, as in ASP.NET; an absent member, null, and a 0 for an id
   are the same. Members that are not known, twice the same, an id that is no whole number of 32 bits, and a
   password that is too long or holds a NUL are refused: ERR_INVALID_COMMAND, whose text names the member and
   never its value. ERR_NO_MEMORY. What *command points to lies in the arena. */
bool request_read(struct arena *arena, struct span body, struct replace_command *command, struct err *err);
