/* The trouble of a client: kept with its remedy, and asked after when nothing tells by itself that it is
 * over. */
#include "kafka/client_log.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/login.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* librdkafka repeats an error of the connections every 30 s while it lasts. */
enum { ASK_EVERY_MS = 2000, CAUSE_STANDS_MS = 45 * 1000 };

/* Keeps a client from the brokers, and does not pass by itself. */
static bool is_cause(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__SSL || code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM || code == RD_KAFKA_RESP_ERR__RESOLVE;
}

/* Says only that nothing was heard. */
static bool is_consequence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
           code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_BROKER;
}

bool kafka_trouble_is_cause(const struct kafka_trouble *trouble)
{
    return is_cause(trouble->code) && monotonic_ms() - trouble->noted_at < CAUSE_STANDS_MS;
}

/* A broker that refuses our certificate says so only once the connection stands: librdkafka then tells a
   failed transport. */
static rd_kafka_resp_err_t code_of(rd_kafka_resp_err_t code, const char *text)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(text, "SSL routines") != NULL
               ? RD_KAFKA_RESP_ERR__SSL
               : code;
}

/* librdkafka up to 2.6.0 sends its SCRAM nonce twice, which Kafka refuses since 3.8.1, as a wrong password
   (librdkafka #4895). */
static bool fails_at_scram(const char *text)
{
    return rd_kafka_version() < 0x02060100 && strstr(text, "SCRAM") != NULL;
}

static const char *remedy_of(rd_kafka_resp_err_t code, const char *text)
{
    bool other_protocol = strstr(text, "PLAINTEXT") != NULL || strstr(text, "security.protocol") != NULL ||
                          strstr(text, "wrong version number") != NULL;
    if (other_protocol && (code == RD_KAFKA_RESP_ERR__SSL || code == RD_KAFKA_RESP_ERR__TRANSPORT))
        return "check that CERTSWAP_KAFKA_SECURITY_PROTOCOL is that of the broker's listener";
    if (code == RD_KAFKA_RESP_ERR__SSL &&
        (strstr(text, "alert") != NULL || strstr(text, "client SSL authentication") != NULL))
        return "the broker wants another certificate: renew CERTSWAP_KAFKA_SSL_CERTIFICATE_LOCATION and "
               "CERTSWAP_KAFKA_SSL_KEY_LOCATION, and restart";
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION && strstr(text, "OAUTHBEARER") != NULL)
        return "check the CERTSWAP_KAFKA_SASL_OAUTHBEARER_ settings, and that the token server answers";
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION && fails_at_scram(text))
        return "check CERTSWAP_KAFKA_SASL_USERNAME and CERTSWAP_KAFKA_SASL_PASSWORD; to Kafka 3.8.1 and "
               "later, SCRAM "
               "needs librdkafka 2.6.1";
    return kafka_remedy(code);
}

/* Behind the parenthesis that begins at `open`, others within it counted. */
static const char *behind_parenthesis(const char *open)
{
    int depth = 0;
    do {
        depth += (*open == '(') - (*open == ')');
    } while (*open++ != '\0' && depth > 0);
    return depth == 0 ? open : "";
}

/* What is wrong and its remedy, without how long it took. */
static void describe(const struct kafka_trouble *trouble, rd_kafka_resp_err_t code, const char *text,
                     char line[ERR_TEXT_MAX])
{
    int certificate = trouble != NULL && code == RD_KAFKA_RESP_ERR__SSL
                          ? atomic_load(&trouble->certificate_error)
                          : X509_V_OK;
    if (certificate != X509_V_OK) {
        const char *end = strstr(text, ": ");
        snprintf(line, ERR_TEXT_MAX, "%.*s: the broker's certificate is refused: %s; %s",
                 end != NULL ? (int)(end - text) : 0, text, X509_verify_cert_error_string(certificate),
                 kafka_certificate_remedy(certificate));
        return;
    }
    const char *remedy = remedy_of(code, text);
    const char *after = remedy != NULL ? strstr(text, " (after ") : NULL;
    snprintf(line, ERR_TEXT_MAX, "%.*s%s%s%s", after != NULL ? (int)(after - text) : ERR_TEXT_MAX, text,
             after != NULL ? behind_parenthesis(after + 1) : "", remedy != NULL ? "; " : "",
             remedy != NULL ? remedy : "");
}

void kafka_trouble_note(struct kafka_trouble *trouble, const rd_kafka_t *client, rd_kafka_resp_err_t told,
                        const char *text)
{
    kafka_login_look(monotonic_ms());
    rd_kafka_resp_err_t code = code_of(told, text);
    if (trouble != NULL && is_consequence(code) && kafka_trouble_is_cause(trouble))
        return;
    char line[ERR_TEXT_MAX];
    describe(trouble, code, text, line);
    if (trouble == NULL || trouble->code != code)
        kafka_log_line(kafka_remedy(code) != NULL || kafka_classify_code(code) == ERR_KAFKA_FATAL ? 3 : 4,
                       rd_kafka_name(client), line);
    if (trouble != NULL) {
        trouble->code = code;
        memcpy(trouble->text, line, sizeof line);
        trouble->topic[0] = '\0';
        trouble->partition = RD_KAFKA_PARTITION_UA;
        trouble->noted_at = trouble->asked_at = monotonic_ms();
    }
}

void kafka_trouble_clear(struct kafka_trouble *trouble)
{
    trouble->code = RD_KAFKA_RESP_ERR_NO_ERROR;
    trouble->text[0] = trouble->topic[0] = '\0';
    trouble->partition = RD_KAFKA_PARTITION_UA;
    trouble->noted_at = trouble->asked_at = 0;
}

const char *kafka_trouble_text(const struct kafka_trouble *trouble)
{
    return trouble->code != RD_KAFKA_RESP_ERR_NO_ERROR ? trouble->text : NULL;
}

bool kafka_err_told(struct err *err, const struct kafka_trouble *trouble, rd_kafka_resp_err_t code,
                    const char *what)
{
    if (is_consequence(code) && kafka_trouble_is_cause(trouble))
        return err_set(err, ERR_KAFKA_RETRIABLE, "%s: %s", what, trouble->text);
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return err_set(err, ERR_KAFKA_RETRIABLE, "%s: %s; %s", what, rd_kafka_err2str(code), KAFKA_UNREACHED);
    return kafka_err_code(err, code, what);
}

void kafka_trouble_confine(struct kafka_trouble *trouble, const char *topic, int32_t partition)
{
    snprintf(trouble->topic, sizeof trouble->topic, "%s", topic);
    trouble->partition = partition;
}

bool kafka_trouble_is_due(struct kafka_trouble *trouble, int patience_ms)
{
    if (trouble->code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_classify_code(trouble->code) == ERR_KAFKA_FATAL)
        return false;
    int64_t now = monotonic_ms();
    if (now - trouble->noted_at < patience_ms || now - trouble->asked_at < ASK_EVERY_MS)
        return false;
    trouble->asked_at = now;
    return true;
}
