#include "identity.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static X509 *certify(EVP_PKEY *key, int64_t begin_s, int64_t end_s)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    bool made =
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"recipient", -1, -1, 0) == 1 &&
        X509_set_subject_name(certificate, name) == 1 && X509_set_issuer_name(certificate, name) == 1 &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), begin_s) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), end_s) != NULL &&
        X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0;
    assert(made);
    X509_NAME_free(name);
    return certificate;
}

static FILE *file_in(const struct identity *identity, const char *name)
{
    char path[2 * IDENTITY_FOLDER_MAX];
    snprintf(path, sizeof path, "%s/%s", identity->folder, name);
    FILE *file = fopen(path, "w");
    assert(file != NULL);
    return file;
}

void identity_make(struct arena *arena, int64_t begin_s, int64_t end_s, struct identity *identity)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert(key != NULL);
    X509 *certificate = certify(key, begin_s, end_s);
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    assert(len > 0);
    identity->certificate = arena_copy(arena, span_of(der, (size_t)len));
    OPENSSL_free(der);
    snprintf(identity->folder, sizeof identity->folder, "/tmp/certswap-pairs-XXXXXX");
    bool made = mkdtemp(identity->folder) != NULL;
    assert(made);
    FILE *file = file_in(identity, "tls.crt");
    made = PEM_write_X509(file, certificate) == 1;
    fclose(file);
    assert(made);
    file = file_in(identity, "tls.key");
    made = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    fclose(file);
    assert(made);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void identity_free(struct identity *identity)
{
    static const char *const names[] = {"tls.crt", "tls.key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * IDENTITY_FOLDER_MAX];
        snprintf(path, sizeof path, "%s/%s", identity->folder, names[i]);
        unlink(path);
    }
    rmdir(identity->folder);
}
