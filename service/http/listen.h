/* http/listen: the sockets that the project's HTTP servers listen on. */
#pragma once

#include "base/err.h"
#include "config/settings.h"

/* A listening, non-blocking socket, bound to the first address of the host that takes it; the caller closes
   it. -1 and ERR_CONFIG_INVALID, which names the setting that the address was read from. */
int http_listen(const struct listen_address *address, const char *setting, int backlog, struct err *err);
/* The port that it is bound to, also where port 0 was asked for; 0 when it cannot be told. */
int http_listen_port(int fd);
/* Whether only this machine can reach the socket. */
bool http_listen_is_loopback(int fd);
