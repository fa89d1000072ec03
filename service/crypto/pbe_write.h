/* crypto/pbe_write: the AlgorithmIdentifiers of the encryptions that certswap writes, and encryption with
 * them. */
#pragma once

#include "base/buf.h"
#include "crypto/pbe.h"

/* A derived key, to encrypt several parts with. */
struct pbe_writer {
    struct pbe pbe;
    uint8_t key[PBE_KEY_MAX];
};

/* PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, under a fresh salt; derives the key. */
bool pbe_writer_modern(struct pbe_writer *writer, const struct pbe_password *password, int iterations,
                       struct err *err);
/* pbeWithSHAAnd3-KeyTripleDES-CBC under a fresh salt; derives key and IV. One part each: the IV comes of the
 * salt. */
bool pbe_writer_legacy(struct pbe_writer *writer, const struct pbe_password *password, int iterations,
                       struct err *err);
/* Encrypts one part; a modern one gets a fresh IV. Appends the AlgorithmIdentifier to `out`, then the
   ciphertext under `tag`. */
bool pbe_write(struct pbe_writer *writer, struct span plain, uint8_t tag, struct buf *out, struct err *err);
static inline void auto_pbe_writer(struct pbe_writer *writer)
{
    secret_wipe(writer, sizeof *writer);
}
