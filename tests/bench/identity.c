#include "bench/identity.h"
#include "bench/common.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key = NULL;
    if (strcmp(kind, "p256") == 0)
        key = EVP_EC_gen("P-256");
    else if (strcmp(kind, "rsa") == 0)
        key = EVP_RSA_gen(2048);
    if (key == NULL)
        die("%s: no such kind of key", kind);
    return key;
}

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
        die("an extension cannot be made");
    X509_EXTENSION_free(extension);
}

X509 *make_certificate(EVP_PKEY *key, const char *common_name, long serial, X509 *issuer,
                       EVP_PKEY *issuer_key, bool is_ca)
{
    X509 *certificate = X509_new();
    X509_NAME *name = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
    if (name == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), 365L * 24 * 3600) == NULL ||
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"Example Bank", -1, -1, 0) !=
            1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1, -1, 0) != 1 ||
        X509_set_pubkey(certificate, key) != 1 ||
        X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : name) != 1)
        die("a certificate cannot be made");
    extend(certificate, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (X509_sign(certificate, issuer_key != NULL ? issuer_key : key, EVP_sha256()) <= 0)
        die("a certificate cannot be signed");
    return certificate;
}

void identity_make(struct identity *identity, const char *kind)
{
    EVP_PKEY *ca_key = make_key(kind);
    identity->ca = make_certificate(ca_key, "Example Issuing CA", 1, NULL, NULL, true);
    identity->key = make_key(kind);
    identity->leaf = make_certificate(identity->key, "www.bank.example", 2, identity->ca, ca_key, false);
    EVP_PKEY_free(ca_key);
}

void certificate_der(X509 *certificate, struct buf *out)
{
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    if (len <= 0)
        die("a certificate cannot be written");
    buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
}

void identity_material(const struct identity *identity, struct material *material)
{
    AUTO(buf) struct buf leaf = {0};
    AUTO(buf) struct buf ca = {0};
    struct err err = {0};
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(identity->key);
    uint8_t *key = NULL;
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &key) : 0;
    if (len <= 0)
        die("a key cannot be written");
    certificate_der(identity->leaf, &leaf);
    certificate_der(identity->ca, &ca);
    struct span others[] = {buf_span(&ca)};
    need(material_set(material, span_of(key, (size_t)len), buf_span(&leaf), others, 1, &err), &err);
    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_clear_free(key, (size_t)len);
}

void agent_path(char *path, size_t size, const char *folder, long number)
{
    snprintf(path, size, "%s/agent-%ld.der", folder, number);
}

void file_write(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.len, file) != bytes.len || fclose(file) != 0)
        die("%s cannot be written", path);
}

void file_read(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t piece[65536];
    size_t len;
    if (file == NULL)
        die("%s cannot be read", path);
    while ((len = fread(piece, 1, sizeof piece, file)) > 0)
        buf_put(out, piece, len);
    fclose(file);
    if (out->failed)
        die("out of memory");
}
