/* crypto/pfx_asn1: PKCS#12's structures (RFC 7292, section 4) as OpenSSL ASN.1 templates, which read BER as
   well as DER. Nested parts stay encoded (ASN1_TYPE), so that the reader decides how deep it goes. */
#pragma once

#include <openssl/asn1.h>
#include <openssl/safestack.h>
#include <openssl/x509.h>

/* ContentInfo */
typedef struct pfx_content {
    ASN1_OBJECT *type;
    ASN1_TYPE *content;
} PFX_CONTENT;

/* MacData; iterations are 1 if absent. */
typedef struct pfx_mac {
    X509_SIG *digest;
    ASN1_OCTET_STRING *salt;
    ASN1_INTEGER *iterations;
} PFX_MAC;

typedef struct pfx_file {
    ASN1_INTEGER *version;
    PFX_CONTENT *auth_safe;
    PFX_MAC *mac;
} PFX_FILE;

/* EncryptedContentInfo */
typedef struct pfx_encrypted_content {
    ASN1_OBJECT *type;
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *bytes;
} PFX_ENCRYPTED_CONTENT;

/* EncryptedData */
typedef struct pfx_encrypted {
    ASN1_INTEGER *version;
    PFX_ENCRYPTED_CONTENT *content;
} PFX_ENCRYPTED;

/* SafeBag */
typedef struct pfx_bag {
    ASN1_OBJECT *type;
    ASN1_TYPE *value;
    STACK_OF(X509_ATTRIBUTE) * attributes;
} PFX_BAG;

/* CertBag */
typedef struct pfx_cert {
    ASN1_OBJECT *type;
    ASN1_TYPE *value;
} PFX_CERT;

DEFINE_STACK_OF(PFX_CONTENT)
DEFINE_STACK_OF(PFX_BAG)

DECLARE_ASN1_ITEM(PFX_FILE)
DECLARE_ASN1_ITEM(PFX_ENCRYPTED)
DECLARE_ASN1_ITEM(PFX_CERT)
DECLARE_ASN1_ITEM(PFX_SAFES) /* AuthenticatedSafe: STACK_OF(PFX_CONTENT) */
DECLARE_ASN1_ITEM(PFX_BAGS)  /* SafeContents: STACK_OF(PFX_BAG) */
