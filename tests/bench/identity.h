/* Keys and certificates for benchmarks, made by plain OpenSSL calls: a server's identity with its issuing CA,
   and the certificates of agents. */
#pragma once

#include "base/buf.h"
#include "crypto/material.h"

#include <openssl/x509.h>

/* "p256" or "rsa" (2048 bits). */
EVP_PKEY *make_key(const char *kind);

/* A certificate for the key, good for a year; issuer NULL: self-signed. */
X509 *make_certificate(EVP_PKEY *key, const char *common_name, long serial, X509 *issuer,
                       EVP_PKEY *issuer_key, bool is_ca);

/* A server's certificate, its key, and the CA that issued it. */
struct identity {
    EVP_PKEY *key;
    X509 *leaf;
    X509 *ca;
};
void identity_make(struct identity *identity, const char *kind);
/* The same as certswap holds it; the caller frees it. */
void identity_material(const struct identity *identity, struct material *material);

void certificate_der(X509 *certificate, struct buf *out);
/* The file of agent `number` in the folder. */
void agent_path(char *path, size_t size, const char *folder, long number);
void file_write(const char *path, struct span bytes);
void file_read(const char *path, struct buf *out);
