/* A user and password that are rotated in the file of CERTSWAP_REDIS_URL_FILE, against a real redis-server.
 */
#include "support/certificates.h"
#include "support/redis_fixture.h"

#include <hiredis/hiredis.h>

static struct certificate_folder folder;
static struct certificate_path url_file;

static void start(void)
{
    redis_fixture_start();
    certificate_folder_make(&folder);
    url_file = certificate_path(&folder, "url");
    redis_free(redis);
    options.url_file = url_file.text;
    redis = redis_new(&options);
}

static void stop(void)
{
    certificate_folder_remove(&folder);
    redis_fixture_stop();
}

TestSuite(login, .init = start, .fini = stop, .timeout = 30);

static void write_url(const char *login, const char *rest)
{
    FILE *file = fopen(url_file.text, "w");
    cr_assert_not_null(file);
    fprintf(file, "unix://%s%s%s\n", login, server.socket, rest);
    cr_assert_eq(fclose(file), 0);
}

/* Gives a user another password and ends its connections. */
static void set_login(const char *user, const char *password)
{
    redisContext *admin = redisConnectUnix(server.socket);
    char rule[64];
    snprintf(rule, sizeof rule, ">%s", password);
    freeReplyObject(redisCommand(admin, "AUTH the-test admin"));
    freeReplyObject(redisCommand(admin, "ACL SETUSER the-test on >admin ~* +@all"));
    freeReplyObject(redisCommand(admin, "AUTH the-test admin"));
    freeReplyObject(redisCommand(admin, "ACL SETUSER default off"));
    redisReply *set = redisCommand(admin, "ACL SETUSER %s on resetpass %s ~* +@all", user, rule);
    cr_assert(set != NULL && set->type == REDIS_REPLY_STATUS);
    freeReplyObject(set);
    freeReplyObject(redisCommand(admin, "CLIENT KILL TYPE normal SKIPME yes"));
    redisFree(admin);
}

/* Until it answers: each call that fails makes a new connection the next time. */
static void cr_assert_answers(void)
{
    struct err lost = {0}, err = {0};
    cr_assert(redis_ping(redis, &lost) || redis_ping(redis, &err), "%s", err.text);
}

static void cr_assert_refused(const char *words)
{
    struct err lost = {0}, err = {0};
    cr_assert_not(redis_ping(redis, &lost));
    cr_assert_not(redis_ping(redis, &err));
    cr_assert_eq(err.code, ERR_REDIS_UNAVAILABLE);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
    cr_assert_null(strstr(err.text, "hunter"), "%s", err.text);
}

Test(login, a_rotated_password_counts_from_the_next_connection)
{
    set_login("ann", "hunter1");
    write_url("ann:hunter1@", "");
    cr_assert_answers();
    set_login("ann", "hunter2");
    cr_assert_refused("CERTSWAP_REDIS_URL_FILE");
    write_url("ann:hunter2@", "?db=0");
    cr_assert_answers();
    set_login("bob", "hunter%3");
    set_login("ann", "hunter4");
    write_url("bob:hunter%253@", "");
    cr_assert_answers();
}

Test(login, a_file_that_cannot_be_used_leaves_the_last_login_in_force)
{
    set_login("ann", "hunter1");
    write_url("ann:hunter1@", "");
    cr_assert_answers();
    static const char *const unusable[] = {"ann@", "ann:hunter1@elsewhere"};
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        write_url(unusable[i], "");
        redis_reset(redis);
        cr_assert_answers();
    }
    unlink(url_file.text);
    redis_reset(redis);
    cr_assert_answers();
    set_login("ann", "hunter2");
    cr_assert_refused("No such file");
}

Test(login, a_file_for_another_server_or_database_is_not_used)
{
    set_login("ann", "hunter2");
    write_url("ann:hunter2@", "?db=1");
    cr_assert_refused("names another server");
    write_url("ann:hunter2@", "x");
    cr_assert_refused("names another server");
    write_url("ann:hunter2@", "");
    cr_assert_answers();
}

Test(login, the_files_login_goes_before_the_one_of_the_start)
{
    set_login("ann", "hunter2");
    options.user = "ann";
    options.password = "hunter1";
    AUTO(redis) struct redis *other = redis_new(&options);
    struct err err = {0};
    cr_assert_not(redis_ping(other, &err));
    write_url("ann:hunter2@", "");
    err = (struct err){0};
    cr_assert(redis_ping(other, &err), "%s", err.text);
    /* and none at all, where the default user needs none */
    options.user = options.password = NULL;
    write_url("", "");
    AUTO(redis) struct redis *open = redis_new(&options);
    err = (struct err){0};
    cr_assert_not(redis_ping(open, &err));
    cr_assert_not_null(strstr(err.text, "NOAUTH"), "%s", err.text);
}
