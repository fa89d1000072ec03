#include "cli/password.h"

#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What is read, and how long it may be. */
struct wanted {
    const char *name;
    size_t most;
};

static const struct wanted PASSWORD = {"password", PASSWORD_MAX}, TOKEN = {"token", TOKEN_MAX};

static bool take_line(const struct wanted *wanted, struct secret *secret, struct span bytes,
                      const char *where, struct err *err)
{
    const uint8_t *end = bytes.len > 0 ? memchr(bytes.data, '\n', bytes.len) : NULL;
    size_t len = end != NULL ? (size_t)(end - bytes.data) : bytes.len;
    if (len > 0 && bytes.data[len - 1] == '\r')
        len--;
    if (len > wanted->most)
        return err_set(err, ERR_CONFIG_INVALID, "the %s in %s is longer than %zu bytes", wanted->name, where,
                       wanted->most);
    if (len > 0 && memchr(bytes.data, '\0', len) != NULL)
        return err_set(err, ERR_CONFIG_INVALID, "the %s in %s has a NUL byte; is it the right file?",
                       wanted->name, where);
    if (!secret_copy(secret, span_of(bytes.data, len)))
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading the %s", wanted->name);
    return true;
}

static bool from_file(const struct wanted *wanted, const char *path, struct secret *secret, struct err *err)
{
    AUTO(secret) struct secret content = {0};
    return file_read(path, 64 * 1024, &content, err) &&
           take_line(wanted, secret, secret_span(&content), path, err);
}

static bool from_environment(const struct wanted *wanted, const char *name, struct secret *secret,
                             struct err *err)
{
    const char *value = getenv(name);
    if (value == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "the environment variable %.100s is not set; export it first",
                       name);
    return take_line(wanted, secret, span_text(value), name, err);
}

static bool from_terminal(struct secret *password, struct err *err)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before;
    if (tty < 0 || tcgetattr(tty, &before) != 0) {
        if (tty >= 0)
            close(tty);
        return err_set(err, ERR_CONFIG_INVALID, "there is no terminal to ask on; use --password-file");
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON;
    bool ok = tcsetattr(tty, TCSAFLUSH, &silent) == 0 && write(tty, "Password: ", 10) == 10;
    uint8_t line[PASSWORD_MAX + 2];
    ssize_t len = ok ? read(tty, line, sizeof line) : -1;
    tcsetattr(tty, TCSAFLUSH, &before);
    ok = ok && write(tty, "\n", 1) == 1;
    close(tty);
    ok = len > 0 ? take_line(&PASSWORD, password, span_of(line, (size_t)len), "your answer", err)
                 : err_set(err, ERR_CONFIG_INVALID, "no password was read from the terminal");
    secret_wipe(line, sizeof line);
    return ok;
}

bool password_read(const struct options *options, struct secret *password, bool *given, struct err *err)
{
    *given = true;
    *password = (struct secret){0};
    int sources = options_has(options, "password-file") + options_has(options, "password-env") +
                  options_has(options, "password-prompt");
    if (sources > 1)
        return err_set(err, ERR_CONFIG_INVALID,
                       "give one of --password-file, --password-env and --password-prompt");
    if (options_has(options, "password-file"))
        return from_file(&PASSWORD, options_text(options, "password-file"), password, err);
    if (options_has(options, "password-env"))
        return from_environment(&PASSWORD, options_text(options, "password-env"), password, err);
    if (options_has(options, "password-prompt"))
        return from_terminal(password, err);
    *given = false;
    return true;
}

bool token_read(const struct options *options, struct secret *token, bool *given, struct err *err)
{
    const char *file = options_text(options, "token-file");
    const char *variable = options_text(options, "token-env");
    *token = (struct secret){0};
    *given = file != NULL || variable != NULL;
    if (file != NULL && variable != NULL)
        return err_set(err, ERR_CONFIG_INVALID, "give one of --token-file and --token-env");
    if (*given && !(file != NULL ? from_file(&TOKEN, file, token, err)
                                 : from_environment(&TOKEN, variable, token, err)))
        return false;
    return !*given || token->len > 0 ||
           err_set(err, ERR_CONFIG_INVALID, "the token in %s is empty", file != NULL ? file : variable);
}
