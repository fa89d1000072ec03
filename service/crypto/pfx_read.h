/* crypto/pfx_read: a PKCS#12 file taken apart: which encrypted safes, which certificates, which key. pfx_open
   decides what to derive for it and when. */
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/pbe.h"
#include "crypto/pfx_asn1.h"

enum { PFX_SAFES_MAX = 16, PFX_BAGS_MAX = 200, PFX_CERTS_MAX = 100, PFX_DEPTH_MAX = 4 };

/* An EncryptedData of the file. */
struct pfx_safe {
    PFX_ENCRYPTED *data;
    struct pbe pbe;
};

struct pfx_found_cert {
    ASN1_TYPE *octets;
    PFX_CERT *owner;
    struct span key_id; /* localKeyId; empty if there is none */
};

/* Owns what is in it; everything that may be secret is wiped by pfx_reader_free. Borrowed spans point into
 * it. */
struct pfx_reader {
    struct pbe_budget budget;
    PFX_FILE *file;
    STACK_OF(PFX_CONTENT) * safes;
    struct pfx_safe encrypted[PFX_SAFES_MAX];
    size_t encrypted_count;
    STACK_OF(PFX_BAG) * bag_lists[PFX_BAGS_MAX];
    size_t bag_list_count;
    size_t bag_count;
    struct pfx_found_cert certs[PFX_CERTS_MAX];
    size_t cert_count;
    size_t key_count;
    struct span plain_key;  /* PKCS#8 in clear, in a list of bags */
    X509_SIG *shrouded_key; /* PKCS#8 encrypted */
    struct pbe key_pbe;
    struct span key_id;
};

/* Decodes the file, every safe in clear and the algorithms of the encrypted ones; nothing is derived. */
bool pfx_read_file(struct pfx_reader *reader, struct span der, struct err *err);
/* Decodes a decrypted safe's bags. */
bool pfx_read_bags(struct pfx_reader *reader, struct span der, struct err *err);
/* The octets that the MAC is over. */
struct span pfx_mac_input(const struct pfx_reader *reader);
void pfx_reader_free(struct pfx_reader *reader);
static inline void auto_pfx_reader(struct pfx_reader *reader)
{
    pfx_reader_free(reader);
}
/* The octets of an OCTET STRING; empty for another type. */
struct span pfx_octets(const ASN1_TYPE *value);
