/* A password file that changes, and what the clients of the process log in with. */
#include "kafka/client_log.h"
#include "kafka/client_private.h"
#include "kafka/login.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/certswap-login-XXXXXX";
static char path[64];
static int64_t clock_ms;
static char said[ERR_TEXT_MAX];
static int said_count;

/* librdkafka's own lines come with the client's name. */
static void keep(int level, const char *client, const char *text)
{
    (void)level;
    if (client[0] != '\0')
        return;
    snprintf(said, sizeof said, "%s", text);
    said_count++;
}

/* Moved into place, as a mounted secret is. */
static void write_password(const char *password)
{
    char fresh[80];
    snprintf(fresh, sizeof fresh, "%s.fresh", path);
    FILE *file = fopen(fresh, "w");
    cr_assert(file != NULL && fputs(password, file) >= 0 && fclose(file) == 0);
    cr_assert_eq(rename(fresh, path), 0);
}

static void setup(void)
{
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/password", folder);
    clock_ms = 1000000;
    kafka_log_to(keep);
}

static void teardown(void)
{
    kafka_login_end();
    unlink(path);
    rmdir(folder);
}

TestSuite(kafka_login, .init = setup, .fini = teardown);

static void look(void)
{
    clock_ms += 5000;
    kafka_login_look(clock_ms);
}

static rd_kafka_t *make_client(void)
{
    static const struct kafka_property properties[] = {{"security.protocol", "SASL_PLAINTEXT"},
                                                       {"sasl.mechanism", "PLAIN"},
                                                       {"sasl.username", "ada"},
                                                       {"sasl.password", "of the start"}};
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(properties, 4, KAFKA_PLAIN_PRODUCER, &err);
    cr_assert(conf != NULL, "%s", err.text);
    rd_kafka_t *client = kafka_client_new(RD_KAFKA_PRODUCER, conf, NULL, &err);
    cr_assert(client != NULL, "%s", err.text);
    return client;
}

static void expect_password(rd_kafka_t *client, const char *password)
{
    char text[64];
    size_t size = sizeof text;
    cr_assert_eq(rd_kafka_conf_get(rd_kafka_conf(client), "sasl.password", text, &size), RD_KAFKA_CONF_OK);
    cr_assert_str_eq(text, password);
}

Test(kafka_login, all_clients_take_what_the_file_holds_now)
{
    write_password("one\n");
    kafka_login_follow("ada", path);
    rd_kafka_t *early = make_client();
    expect_password(early, "of the start");
    look();
    expect_password(early, "one");
    cr_assert_eq(said_count, 0, "the password of the start is no news: %s", said);
    rd_kafka_t *gone = make_client();
    kafka_client_destroy(gone, 0);
    write_password("two");
    rd_kafka_t *late = make_client();
    expect_password(late, "one");
    kafka_login_look(clock_ms + 1);
    expect_password(early, "one");
    look();
    expect_password(early, "two");
    expect_password(late, "two");
    cr_assert(strstr(said, "CERTSWAP_KAFKA_SASL_PASSWORD_FILE") != NULL && strstr(said, "two") == NULL, "%s",
              said);
    rd_kafka_t *later = make_client();
    expect_password(later, "two");
    kafka_client_destroy(early, 0);
    kafka_client_destroy(late, 0);
    kafka_client_destroy(later, 0);
}

Test(kafka_login, a_file_that_cannot_be_read_leaves_the_password_of_before)
{
    write_password("one");
    kafka_login_follow("ada", path);
    rd_kafka_t *client = make_client();
    look();
    static const char *const wrong[] = {"", "\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        said_count = 0;
        write_password(wrong[i]);
        look();
        cr_assert(i > 0 ? said_count == 0 : said_count == 1 && strstr(said, "is empty") != NULL, "%s", said);
        look();
        expect_password(client, "one");
    }
    unlink(path);
    look();
    cr_assert(strstr(said, "No such file") != NULL, "%s", said);
    cr_assert(strstr(said, path) != NULL, "%s", said);
    expect_password(client, "one");
    write_password("two");
    look();
    expect_password(client, "two");
    kafka_client_destroy(client, 0);
}

/* The handles are in trouble then, and not polled: a wrong password is mended all the same. */
Test(kafka_login, trouble_makes_the_file_be_looked_at)
{
    write_password("one");
    kafka_login_follow("ada", path);
    rd_kafka_t *client = make_client();
    struct kafka_trouble trouble = {0};
    kafka_trouble_note(
        &trouble, client, RD_KAFKA_RESP_ERR__AUTHENTICATION,
        "b:1: SASL authentication error: no (after 302ms in state AUTH_REQ, 14 identical error(s) "
        "suppressed): so it is");
    expect_password(client, "one");
    cr_assert(strncmp(trouble.text, "b:1: SASL authentication error: no: so it is; check CERTSWAP_", 61) == 0,
              "%s", trouble.text);
    kafka_client_destroy(client, 0);
}

Test(kafka_login, without_a_file_nothing_is_followed)
{
    rd_kafka_t *client = make_client();
    look();
    expect_password(client, "of the start");
    kafka_client_destroy(client, 0);
    cr_assert_eq(said_count, 0);
}
