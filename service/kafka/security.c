/* What secures a client's connections: why a broker's certificate is refused, and settings that weaken them.
 */
#include "kafka/client_private.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* librdkafka's own text tells a wrong name from a wrong CA in no way; OpenSSL's code does. Called by the
   thread of a broker's connection, for each certificate of the chain. */
static int on_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id, int *x509_error,
                          int depth, const char *der, size_t der_len, char *text, size_t text_size,
                          void *opaque)
{
    struct kafka_trouble *trouble = opaque;
    (void)client;
    (void)broker;
    (void)broker_id;
    (void)der;
    (void)der_len;
    bool good = *x509_error == X509_V_OK;
    if (trouble != NULL && (!good || depth == 0))
        atomic_store(&trouble->certificate_error, *x509_error);
    if (!good)
        snprintf(text, text_size, "%s", X509_verify_cert_error_string(*x509_error));
    return good;
}

const char *kafka_certificate_remedy(int x509_error)
{
    switch (x509_error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "use the name that it is for in CERTSWAP_KAFKA_BOOTSTRAP_SERVERS and the broker's "
               "advertised.listeners, or give the broker a certificate for this name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "give the broker a new certificate";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "give the broker a certificate that is valid now, or set this host's clock";
    default:
        return "set CERTSWAP_KAFKA_SSL_CA_LOCATION to the CA that has signed it";
    }
}

void kafka_secure_conf(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
}

static bool property_is(const struct kafka_property *property, const char *name, const char *value)
{
    return strcasecmp(property->name, name) == 0 && strcasecmp(property->value, value) == 0;
}

static bool any_is(const struct kafka_property *properties, size_t count, const char *name, const char *value)
{
    for (size_t i = 0; i < count; i++)
        if (property_is(&properties[i], name, value))
            return true;
    return false;
}

static bool names(const struct kafka_property *property, const char *name)
{
    return strcasecmp(property->name, name) == 0;
}

bool kafka_runs_programs(const struct kafka_property *properties, size_t count)
{
    bool sasl = false, kerberos = true;
    for (size_t i = 0; i < count; i++) {
        const struct kafka_property *one = &properties[i];
        if (names(one, "security.protocol"))
            sasl = strncasecmp(one->value, "SASL_", strlen("SASL_")) == 0;
        if (names(one, "sasl.mechanism") || names(one, "sasl.mechanisms"))
            kerberos = strcasecmp(one->value, "GSSAPI") == 0;
    }
    return sasl && kerberos && !any_is(properties, count, "sasl.kerberos.min.time.before.relogin", "0");
}

void kafka_warn_properties(const struct kafka_property *properties, size_t count, kafka_fault_fn *warn,
                           void *arg)
{
    for (size_t i = 0; i < count; i++) {
        const struct kafka_property *one = &properties[i];
        bool plain = any_is(properties, count, "sasl.mechanisms", "PLAIN") ||
                     any_is(properties, count, "sasl.mechanism", "PLAIN");
        if (property_is(one, "ssl.endpoint.identification.algorithm", "none"))
            warn(arg, one->name,
                 "any host with a certificate of the CA can pose as the broker; remove the setting and give "
                 "the "
                 "brokers certificates for their names");
        else if (property_is(one, "enable.ssl.certificate.verification", "false") ||
                 property_is(one, "enable.ssl.certificate.verification", "0"))
            warn(
                arg, one->name,
                "any host can pose as the broker; remove the setting and set CERTSWAP_KAFKA_SSL_CA_LOCATION");
        else if (property_is(one, "security.protocol", "SASL_PLAINTEXT") && plain)
            warn(arg, one->name, "the password is sent in the clear; use SASL_SSL, or a SCRAM mechanism");
    }
}
