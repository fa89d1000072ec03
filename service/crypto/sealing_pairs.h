/* crypto/sealing_pairs: the pairs of certificate and private key that open what was sealed to us. */
#pragma once

#include "base/secret.h"
#include "config/file_watch.h"
#include "crypto/certificate.h"
#include "crypto/sealing.h"
#include "crypto/sealing_key.h"

enum { SEALING_PAIRS_MAX = 64 };

struct sealing_pair {
    struct buf der; /* of the certificate */
    struct certificate certificate;
    struct span key_id;  /* its subject key identifier; empty without */
    struct secret pkcs8; /* the private key, DER */
    struct sealing_key key;
};

struct sealing_pairs {
    char *folder; /* NULL for a pair that came from elsewhere */
    struct file_watch watch;
    struct sealing_pair *pairs[SEALING_PAIRS_MAX];
    size_t count;
};

/* A pair of two PEM texts, which may be one and the same: the first certificate, the only private key
   (PKCS#8, PKCS#1 or SEC1; encrypted where a password is given). `certificate_name` and `key_name` are what
   errors call them. False with ERR_CONFIG_INVALID or ERR_NO_MEMORY. The caller frees *pairs; refreshing them
   does nothing. */
bool sealing_pairs_of(const char *certificate_name, struct span certificate, const char *key_name,
                      struct span key, bool has_password, struct span password, struct sealing_pairs **pairs,
                      struct err *err);
/* Makes the pair's key handle anew. False, and the old one stays, when out of memory. */
bool sealing_pair_renew(struct sealing_pair *pair);
