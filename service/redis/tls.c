#include "redis/tls.h"

#include "base/auto.h"
#include "base/secret.h"
#include "config/source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#ifdef CERTSWAP_REDIS_TLS
#include <hiredis/hiredis_ssl.h>
#endif
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

AUTO_DEFINE(ssl_ctx, SSL_CTX, SSL_CTX_free);
AUTO_DEFINE(bio, BIO, BIO_free_all);
AUTO_DEFINE(evp_pkey, EVP_PKEY, EVP_PKEY_free);

static const char CA[] = "CERTSWAP_REDIS_TLS_CA";
static const char CERTIFICATE[] = "CERTSWAP_REDIS_TLS_CERTIFICATE";
static const char KEY[] = "CERTSWAP_REDIS_TLS_KEY";

/* A file that cannot be used. */
struct unusable {
    const char *setting;
    char text[320];
};

#define TEXT_OF(value) #value
#define TEXT(macro) TEXT_OF(macro)
#define VERSION TEXT(HIREDIS_MAJOR) "." TEXT(HIREDIS_MINOR)

const char *redis_tls_refusal(void)
{
#ifdef CERTSWAP_REDIS_TLS
    return NULL;
#else
    return "is rediss://, but this certswap is built with hiredis " VERSION
           ", which has no TLS; build it on Debian 13, whose hiredis has, or write redis:// or unix:// and "
           "let a "
           "TLS proxy on this host connect to Redis";
#endif
}

struct redis_tls redis_tls_of(const struct settings *settings)
{
    return (struct redis_tls){settings->redis_tls_ca, settings->redis_tls_certificate,
                              settings->redis_tls_key};
}

/* False. */
static bool cannot(struct unusable *unusable, const char *setting, const char *path, const char *why)
{
    unusable->setting = setting;
    snprintf(unusable->text, sizeof unusable->text, "%.160s%s%s", path, path[0] != '\0' ? " " : "", why);
    ERR_clear_error();
    return false;
}

static bool is_there(const char *setting, const char *path, struct unusable *unusable)
{
    if (access(path, R_OK) == 0)
        return true;
    char why[128];
    snprintf(why, sizeof why, "cannot be read: %.40s; correct the path, or mount or permit the file",
             strerror(errno));
    return cannot(unusable, setting, path, why);
}

static bool load_ca(SSL_CTX *context, const struct redis_tls *tls, struct unusable *unusable)
{
    if (tls->ca == NULL) {
        if (SSL_CTX_set_default_verify_paths(context) == 1)
            return true;
        return cannot(unusable, CA, "", "is not set, and the system's CAs cannot be read; set it");
    }
    return is_there(CA, tls->ca, unusable) &&
           (SSL_CTX_load_verify_file(context, tls->ca) == 1 ||
            cannot(unusable, CA, tls->ca, "holds no certificate in PEM; put the CA's there"));
}

static bool load_certificate(SSL_CTX *context, const struct redis_tls *tls, struct unusable *unusable)
{
    return tls->certificate == NULL ||
           (is_there(CERTIFICATE, tls->certificate, unusable) &&
            (SSL_CTX_use_certificate_chain_file(context, tls->certificate) == 1 ||
             cannot(unusable, CERTIFICATE, tls->certificate,
                    "holds no certificate in PEM that OpenSSL takes; put our own there, then its chain")));
}

/* OpenSSL would ask the terminal. */
static int no_password(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool load_key(SSL_CTX *context, const struct redis_tls *tls, struct unusable *unusable)
{
    if (tls->key == NULL)
        return true;
    AUTO(secret) struct secret content = {0};
    if (!is_there(KEY, tls->key, unusable))
        return false;
    int wrong = source_read_file(NULL, tls->key, &content);
    if (wrong != 0)
        return cannot(unusable, KEY, tls->key, strerror(wrong));
    AUTO(bio) BIO *bio = BIO_new_mem_buf(content.data, (int)content.len);
    bool asked = false;
    AUTO(evp_pkey)
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked) : NULL;
    if (key == NULL)
        return cannot(unusable, KEY, tls->key,
                      asked ? "is under a password; store the key without one, readable for certswapd alone"
                            : "holds no private key in PEM; put the certificate's there");
    X509 *certificate = SSL_CTX_get0_certificate(context);
    if (certificate != NULL && X509_check_private_key(certificate, key) != 1)
        return cannot(unusable, KEY, tls->key,
                      "is not the key of CERTSWAP_REDIS_TLS_CERTIFICATE; put both there from one issuance");
    return SSL_CTX_use_PrivateKey(context, key) == 1 ||
           cannot(unusable, KEY, tls->key, "holds a key that OpenSSL does not take; issue another");
}

/* In this order: the key is compared with the certificate. */
static bool (*const loads[])(SSL_CTX *, const struct redis_tls *,
                             struct unusable *) = {load_ca, load_certificate, load_key};

enum { LOAD_COUNT = sizeof loads / sizeof *loads };

static SSL_CTX *make_context(void)
{
    AUTO(ssl_ctx) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX *made = context;
    context = NULL;
    return made;
}

void redis_tls_check(const struct redis_tls *tls, struct faults *faults)
{
    AUTO(ssl_ctx) SSL_CTX *context = make_context();
    faults->failed |= context == NULL;
    for (size_t i = 0; context != NULL && i < LOAD_COUNT; i++) {
        struct unusable unusable;
        if (!loads[i](context, tls, &unusable))
            faults_add(faults, unusable.setting, "%s", unusable.text);
    }
    ERR_clear_error();
}

void redis_tls_before_io(void)
{
    /* hiredis_ssl judges a failed read by errno alone, which the end of TLS leaves as it was. */
    errno = 0;
    ERR_clear_error();
}

/* What an operator does about the way in which the server ends TLS. */
static const char *remedy(unsigned long code)
{
    static const char other[] =
        "give certswap a certificate that Redis takes: CERTSWAP_REDIS_TLS_CERTIFICATE and _KEY";
    switch (ERR_GET_REASON(code)) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: /* what TLS 1.2 says for it */
        return "Redis may want a client certificate: set CERTSWAP_REDIS_TLS_CERTIFICATE and _KEY";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        return other;
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return "let Redis offer TLS 1.2 or later: its tls-protocols";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "check that CERTSWAP_REDIS_URL names Redis' tls-port";
    default:
        return "see the server's log";
    }
}

bool redis_tls_told(char *why, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return false;
    const char *reason = ERR_reason_error_string(code);
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return false;
    snprintf(why, size, "TLS: %s (%s)", reason != NULL ? reason : "no reason given", remedy(code));
    return true;
}

#ifdef CERTSWAP_REDIS_TLS
AUTO_DEFINE(ssl, SSL, SSL_free);

static const char *certificate_remedy(long verified)
{
    switch (verified) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "use the name that it is for in CERTSWAP_REDIS_URL, or give Redis a certificate for this name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "give Redis a new certificate";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "give Redis a certificate that is valid now, or set this host's clock";
    default:
        return "set CERTSWAP_REDIS_TLS_CA to the CA that has signed it";
    }
}

/* Names are sent along (SNI), addresses must not be (RFC 6066, section 3). */
static bool expect_host(SSL *ssl, const char *host)
{
    uint8_t address[sizeof(struct in6_addr)];
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    char name[256]; /* OpenSSL's macro takes the const of `host` away; a setting's host is shorter */
    int len = snprintf(name, sizeof name, "%s", host);
    return len < (int)sizeof name && SSL_set1_host(ssl, host) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static void tell_handshake(SSL *ssl, const redisContext *context, char *why, size_t size)
{
    long verified = SSL_get_verify_result(ssl);
    bool waits = SSL_want_read(ssl) || SSL_want_write(ssl);
    if (verified != X509_V_OK)
        snprintf(why, size, "its certificate is refused: %s (%s)", X509_verify_cert_error_string(verified),
                 certificate_remedy(verified));
    else if (redis_tls_told(why, size))
        ;
    else if (waits)
        snprintf(why, size, "TLS: no answer in time (check that CERTSWAP_REDIS_URL names Redis' tls-port)");
    else
        snprintf(why, size, "TLS: %.120s (check that CERTSWAP_REDIS_URL names Redis' tls-port)",
                 context->errstr);
    ERR_clear_error();
}

bool redis_tls_start(redisContext *context, const struct redis_tls *tls, const char *host, char *why,
                     size_t size)
{
    AUTO(ssl_ctx) SSL_CTX *made = make_context();
    for (size_t i = 0; made != NULL && i < LOAD_COUNT; i++) {
        struct unusable unusable;
        if (!loads[i](made, tls, &unusable)) {
            snprintf(why, size, "%s: %s", unusable.setting, unusable.text);
            return false;
        }
    }
    AUTO(ssl) SSL *ssl = made != NULL ? SSL_new(made) : NULL;
    if (ssl == NULL || !expect_host(ssl, host)) {
        snprintf(why, size, "TLS cannot be set up: out of memory");
        ERR_clear_error();
        return false;
    }
    redis_tls_before_io();
    if (redisInitiateSSL(context, ssl) != REDIS_OK) {
        tell_handshake(ssl, context, why, size);
        return false;
    }
    ssl = NULL; /* the context's now */
    return true;
}
#else
bool redis_tls_start(redisContext *context, const struct redis_tls *tls, const char *host, char *why,
                     size_t size)
{
    (void)context;
    (void)tls;
    (void)host;
    snprintf(why, size, "%s", redis_tls_refusal());
    return false;
}
#endif
