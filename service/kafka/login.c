#include "kafka/login.h"

#include "base/secret.h"
#include "config/file_watch.h"
#include "config/source.h"
#include "kafka/client_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_ERROR = 3, LEVEL_NOTICE = 5 };

static struct {
    pthread_mutex_t lock;
    const char *user;
    const char *file; /* NULL: nothing is followed */
    struct file_watch watch;
    struct secret password; /* what the file held last; empty: nothing was read yet */
    struct secret fresh;
    struct err trouble; /* of the last look */
    rd_kafka_t **clients;
    size_t client_count;
} login = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool state_of(void *self, uint64_t *state, struct err *err)
{
    (void)self;
    (void)err;
    *state = file_state_add(FILE_STATE_START, login.file);
    return true;
}

static bool read_fresh(void *self, struct err *err)
{
    (void)self;
    const char *wrong = source_read_value(login.file, &login.fresh);
    return wrong == NULL || err_set(err, ERR_CONFIG_INVALID,
                                    "%.200s %s: write the password itself into the file", login.file, wrong);
}

static void drop_fresh(void *self)
{
    (void)self;
    secret_free(&login.fresh);
}

static const struct watched watched = {NULL, state_of, read_fresh, drop_fresh};

void kafka_login_follow(const char *user, const char *password_file)
{
    login.user = user;
    login.file = password_file;
}

void kafka_login_end(void)
{
    secret_free(&login.password);
    free(login.clients);
    login.clients = NULL;
    login.client_count = 0;
    login.user = login.file = NULL;
    login.watch = (struct file_watch){0};
    login.trouble = (struct err){0};
}

static void give_to(rd_kafka_t *client)
{
    rd_kafka_error_t *error =
        rd_kafka_sasl_set_credentials(client, login.user, (const char *)login.password.data);
    if (error == NULL)
        return;
    kafka_log_line(LEVEL_ERROR, rd_kafka_name(client), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* Called with the lock. True: there is another password. */
static bool read_again(int64_t clock_ms, struct err *err)
{
    bool touched;
    if (!file_watch_look(&login.watch, &watched, clock_ms, &touched, err) || !touched ||
        !file_watch_read(&login.watch, &watched, err))
        return false;
    bool changed = !span_equal(secret_span(&login.fresh), secret_span(&login.password));
    secret_free(&login.password);
    login.password = login.fresh;
    login.fresh = (struct secret){0};
    return changed;
}

void kafka_login_look(int64_t clock_ms)
{
    if (login.file == NULL)
        return;
    pthread_mutex_lock(&login.lock);
    struct err err = {0};
    bool first = login.password.data == NULL;
    if (read_again(clock_ms, &err)) {
        for (size_t i = 0; i < login.client_count; i++)
            give_to(login.clients[i]);
        if (!first)
            kafka_log_line(LEVEL_NOTICE, "",
                           "the password of CERTSWAP_KAFKA_SASL_PASSWORD_FILE has changed: new "
                           "connections log in with it");
    }
    if (err.code != ERR_NONE && strcmp(err.text, login.trouble.text) != 0)
        kafka_log_line(LEVEL_ERROR, "", err.text);
    if (err.code != ERR_NONE)
        login.watch.state = 0; /* not read: it is looked at again */
    login.trouble = err;
    pthread_mutex_unlock(&login.lock);
}

void kafka_login_configure(rd_kafka_conf_t *conf)
{
    if (login.file == NULL)
        return;
    pthread_mutex_lock(&login.lock);
    if (login.password.data != NULL)
        rd_kafka_conf_set(conf, "sasl.password", (const char *)login.password.data, NULL, 0);
    pthread_mutex_unlock(&login.lock);
}

bool kafka_login_add(rd_kafka_t *client)
{
    if (login.file == NULL)
        return true;
    pthread_mutex_lock(&login.lock);
    rd_kafka_t **clients = reallocarray(login.clients, login.client_count + 1, sizeof(rd_kafka_t *));
    if (clients != NULL) {
        login.clients = clients;
        clients[login.client_count++] = client;
    }
    pthread_mutex_unlock(&login.lock);
    return clients != NULL;
}

void kafka_login_remove(rd_kafka_t *client)
{
    if (login.file == NULL)
        return;
    pthread_mutex_lock(&login.lock);
    for (size_t i = 0; i < login.client_count; i++)
        if (login.clients[i] == client) {
            login.clients[i] = login.clients[--login.client_count];
            break;
        }
    pthread_mutex_unlock(&login.lock);
}
