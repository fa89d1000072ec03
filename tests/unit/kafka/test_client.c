#include "config/names.h"
#include "kafka/client.h"
#include "kafka/errors.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static const char *get(rd_kafka_conf_t *conf, const char *name)
{
    static char text[256];
    size_t size = sizeof text;
    cr_assert_eq(rd_kafka_conf_get(conf, name, text, &size), RD_KAFKA_CONF_OK, "%s", name);
    return text;
}

Test(kafka_client, roles_have_what_their_promises_rest_on)
{
    static const struct {
        enum kafka_role role;
        const char *name, *value;
    } cases[] = {
        {KAFKA_REPLACE_CONSUMER, "isolation.level", "read_committed"},
        {KAFKA_REPLACE_CONSUMER, "enable.auto.commit", "false"},
        {KAFKA_REPLACE_CONSUMER, "enable.auto.offset.store", "false"},
        {KAFKA_REPLACE_CONSUMER, "auto.offset.reset", "smallest"}, /* librdkafka's name for earliest */
        {KAFKA_REPLACE_CONSUMER, "heartbeat.interval.ms", "500"},
        {KAFKA_STAGING_CONSUMER, "isolation.level", "read_committed"},
        {KAFKA_STAGING_CONSUMER, "enable.auto.commit", "false"},
        {KAFKA_STAGING_CONSUMER, "enable.partition.eof", "true"},
        {KAFKA_ENDS, "isolation.level", "read_uncommitted"},
        {KAFKA_INVENTORY_CONSUMER, "isolation.level", "read_committed"},
        {KAFKA_INVENTORY_CONSUMER, "enable.partition.eof", "true"},
        {KAFKA_TRANSACTIONAL_PRODUCER, "partitioner", "murmur2_random"},
        {KAFKA_TRANSACTIONAL_PRODUCER, "enable.idempotence", "true"},
        {KAFKA_TRANSACTIONAL_PRODUCER, "transaction.timeout.ms", "30000"},
        {KAFKA_TRANSACTIONAL_PRODUCER, "socket.nagle.disable", "true"},
        {KAFKA_PLAIN_PRODUCER, "partitioner", "murmur2_random"},
        {KAFKA_PLAIN_PRODUCER, "enable.idempotence", "true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        AUTO(kafka_conf) rd_kafka_conf_t *conf = kafka_conf_new(NULL, 0, cases[i].role, &err);
        cr_assert(conf != NULL, "%s", err.text);
        const char *value = get(conf, cases[i].name);
        if (strcmp(cases[i].name, "auto.offset.reset") == 0)
            cr_expect(strcmp(value, "smallest") == 0 || strcmp(value, "earliest") == 0, "%s", value);
        else
            cr_expect_str_eq(value, cases[i].value);
    }
}

Test(kafka_client, the_user_may_tune)
{
    struct kafka_property properties[] = {{"bootstrap.servers", "a:1,b:2"}, {"session.timeout.ms", "6000"}};
    struct err err = {0};
    AUTO(kafka_conf) rd_kafka_conf_t *conf = kafka_conf_new(properties, 2, KAFKA_REPLACE_CONSUMER, &err);
    cr_assert(conf != NULL, "%s", err.text);
    cr_expect_str_eq(get(conf, "session.timeout.ms"), "6000");
    cr_expect_str_eq(get(conf, "bootstrap.servers"), "a:1,b:2");
}

struct faults {
    int count;
    char all[2000];
};

static void note_fault(void *arg, const char *property, const char *text)
{
    struct faults *faults = arg;
    size_t used = strlen(faults->all);
    faults->count++;
    snprintf(faults->all + used, sizeof faults->all - used, "[%s] %s\n", property, text);
}

Test(kafka_client, every_wrong_property_is_told_by_name)
{
    static const struct kafka_property properties[] = {
        {"bootstrap.servers", "localhost:9092"},
        {"no.such.property", "1"},
        {"session.timeout.ms", "soon"},
        {"isolation.level", "read_uncommitted"},
        {"group.id", "mine"},
        {"security.protocol", "CARRIER_PIGEON"},
    };
    struct faults faults = {0};
    cr_expect_not(kafka_check_properties(properties, 6, note_fault, &faults));
    cr_expect_eq(faults.count, 5, "%s", faults.all);
    cr_expect(strstr(faults.all, "[no.such.property]") != NULL, "%s", faults.all);
    cr_expect(strstr(faults.all, "[session.timeout.ms]") != NULL, "%s", faults.all);
    cr_expect(strstr(faults.all, "[isolation.level] certswap sets") != NULL, "%s", faults.all);
    cr_expect(strstr(faults.all, "[group.id] certswap sets") != NULL, "%s", faults.all);
    cr_expect(strstr(faults.all, "CARRIER_PIGEON") != NULL, "%s", faults.all);
    struct err err = {0};
    cr_expect_null(kafka_conf_new(properties, 2, KAFKA_ADMIN, &err));
    cr_expect(err.code == ERR_CONFIG_INVALID && strstr(err.text, "no.such.property") != NULL, "%s", err.text);
}

Test(kafka_client, good_properties_pass_and_those_that_do_not_fit_together_do_not)
{
    static const struct kafka_property good[] = {{"bootstrap.servers", "localhost:9"},
                                                 {"compression.type", "lz4"}};
    static const struct kafka_property apart[] = {{"security.protocol", "SASL_PLAINTEXT"},
                                                  {"sasl.mechanisms", "NO-SUCH-MECHANISM"},
                                                  {"sasl.password", "hunter2"}};
    static const struct kafka_property missing[] = {{"security.protocol", "ssl"},
                                                    {"ssl.ca.location", "/nonexistent/ca.pem"}};
    struct faults faults = {0};
    cr_expect(kafka_check_properties(good, 2, note_fault, &faults), "%s", faults.all);
    cr_expect_not(kafka_check_properties(apart, 3, note_fault, &faults));
    cr_expect(strstr(faults.all, "NO-SUCH-MECHANISM") != NULL, "%s", faults.all);
    cr_expect_not(kafka_check_properties(missing, 2, note_fault, &faults));
    cr_expect(strstr(faults.all, "ssl.ca.location") != NULL, "%s", faults.all);
    cr_expect_null(strstr(faults.all, "hunter2"));
}

Test(kafka_client, a_secret_value_is_never_shown)
{
    cr_expect(kafka_property_is_secret("sasl.password"));
    cr_expect(kafka_property_is_secret("SSL.Key.PEM"));
    cr_expect_not(kafka_property_is_secret("sasl.username"));
    static const char *const secret[] = {"ssl.key.password",
                                         "ssl.key.pem",
                                         "ssl.keystore.password",
                                         "sasl.oauthbearer.client.secret",
                                         "sasl.oauthbearer.config",
                                         "sasl.oauthbearer.assertion.private.key.pem",
                                         "sasl.oauthbearer.assertion.private.key.passphrase"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        cr_expect(kafka_property_is_secret(secret[i]), "%s", secret[i]);
    cr_expect_not(kafka_property_is_secret("ssl.ca.pem"));
    cr_expect_not(kafka_property_is_secret("ssl.certificate.pem"));
    static const struct kafka_property properties[] = {{"ssl.key.pem", "hunter2"}};
    struct faults faults = {0};
    kafka_check_properties(properties, 1, note_fault, &faults);
    cr_expect_null(strstr(faults.all, "hunter2"), "%s", faults.all);
}

Test(kafka_client, what_weakens_the_connections_is_told)
{
    static const struct kafka_property weak[] = {{"ssl.endpoint.identification.algorithm", "none"},
                                                 {"enable.ssl.certificate.verification", "FALSE"},
                                                 {"security.protocol", "sasl_plaintext"},
                                                 {"sasl.mechanism", "PLAIN"}};
    static const struct kafka_property strong[] = {{"ssl.endpoint.identification.algorithm", "https"},
                                                   {"security.protocol", "SASL_SSL"},
                                                   {"sasl.mechanism", "PLAIN"}};
    struct faults faults = {0};
    kafka_warn_properties(weak, 4, note_fault, &faults);
    cr_expect_eq(faults.count, 3, "%s", faults.all);
    cr_expect(strstr(faults.all, "[security.protocol]") != NULL, "%s", faults.all);
    faults = (struct faults){0};
    kafka_warn_properties(strong, 3, note_fault, &faults);
    cr_expect_eq(faults.count, 0, "%s", faults.all);
}

Test(kafka_client, kerberos_runs_a_program)
{
    static const struct {
        struct kafka_property properties[3];
        size_t count;
        bool runs;
    } cases[] = {
        {{{"security.protocol", "SASL_SSL"}}, 1, true},
        {{{"security.protocol", "sasl_plaintext"}, {"sasl.mechanism", "gssapi"}}, 2, true},
        {{{"security.protocol", "SASL_SSL"}, {"sasl.mechanisms", "SCRAM-SHA-512"}}, 2, false},
        {{{"security.protocol", "SASL_SSL"}, {"sasl.kerberos.min.time.before.relogin", "0"}}, 2, false},
        {{{"security.protocol", "SSL"}}, 1, false},
        {{{"sasl.mechanism", "GSSAPI"}}, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(kafka_runs_programs(cases[i].properties, cases[i].count), cases[i].runs, "case %zu", i);
}

Test(kafka_errors, bare_codes)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum err_code fate;
        bool needs_a_person;
    } cases[] = {
        {RD_KAFKA_RESP_ERR_NO_ERROR, ERR_NONE, false},
        {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_KAFKA_RETRIABLE, false},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_KAFKA_RETRIABLE, false},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_KAFKA_RETRIABLE, true},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_KAFKA_RETRIABLE, true},
        {RD_KAFKA_RESP_ERR__FATAL, ERR_KAFKA_FATAL, false},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ERR_KAFKA_FATAL, true},
        {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERR_KAFKA_FATAL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        cr_expect_eq(kafka_classify_code(cases[i].code), cases[i].fate);
        cr_expect_eq(kafka_remedy(cases[i].code) != NULL, cases[i].needs_a_person);
        cr_expect_eq(kafka_err_code(&err, cases[i].code, "what"), cases[i].fate == ERR_NONE);
        cr_expect_eq(err.code, cases[i].fate);
        if (cases[i].needs_a_person)
            cr_expect(strstr(err.text, kafka_remedy(cases[i].code)) != NULL, "%s", err.text);
    }
}

Test(kafka_errors, an_error_without_flags_is_fatal)
{
    struct err err = {0};
    cr_expect_eq(kafka_classify(NULL), ERR_NONE);
    cr_expect(kafka_err_take(&err, NULL, "what"));
    cr_expect_not(
        kafka_err_take(&err, rd_kafka_error_new(RD_KAFKA_RESP_ERR__STATE, "in state %d", 7), "what"));
    cr_expect_eq(err.code, ERR_KAFKA_FATAL);
    cr_expect_str_eq(err.text, "what: in state 7");
}
