/* Certificates of a test's own, in a folder of its own, by the openssl command. Header only. */
#pragma once

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct certificate_folder {
    char path[64];
};

static inline void certificate_folder_make(struct certificate_folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "/tmp/certswap-certificates-XXXXXX");
    cr_assert_not_null(mkdtemp(folder->path));
}

/* Runs a command in the folder. */
__attribute__((format(printf, 2, 3))) static inline void
certificate_folder_run(const struct certificate_folder *folder, const char *format, ...)
{
    char command[512];
    char line[640];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    cr_assert_lt(len, (int)sizeof command);
    snprintf(line, sizeof line, "cd %s && { %s; } 2>>openssl.log", folder->path, command);
    cr_assert_eq(system(line), 0, "%s", line);
}

static inline void certificate_folder_remove(struct certificate_folder *folder)
{
    certificate_folder_run(folder, "rm -rf %s", folder->path);
}

/* A file's path in the folder. */
struct certificate_path {
    char text[128];
};

static inline struct certificate_path certificate_path(const struct certificate_folder *folder,
                                                       const char *name)
{
    struct certificate_path path;
    snprintf(path.text, sizeof path.text, "%s/%s", folder->path, name);
    return path;
}

#define CERTIFICATE_NEW                                                                                      \
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "             \
    "-keyout %s.key -out %s.crt "

/* <name>.crt and <name>.key of a CA. */
static inline void certificate_ca(const struct certificate_folder *folder, const char *name)
{
    certificate_folder_run(folder, CERTIFICATE_NEW "-addext basicConstraints=critical,CA:true", name, name,
                           name);
}

/* <name>.crt and <name>.key, signed by the CA; `names` as in subjectAltName: "DNS:localhost,IP:127.0.0.1". */
static inline void certificate_signed(const struct certificate_folder *folder, const char *name,
                                      const char *ca, const char *names, const char *more)
{
    certificate_folder_run(folder,
                           CERTIFICATE_NEW "-CA %s.crt -CAkey %s.key -addext basicConstraints=CA:false "
                                           "-addext subjectAltName=%s %s",
                           name, name, name, ca, ca, names, more);
}
