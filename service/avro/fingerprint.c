#include "avro/fingerprint.h"

/* The fingerprint of no bytes, and the polynomial. */
static const uint64_t empty = 0xc15d213aa4d7a795u;

/* Bit by bit, without a table: schemas are fingerprinted at the start alone. */
uint64_t fingerprint_crc64(struct span bytes)
{
    uint64_t crc = empty;
    for (size_t i = 0; i < bytes.len; i++) {
        uint64_t low = (crc ^ bytes.data[i]) & 0xff;
        for (int bit = 0; bit < 8; bit++)
            low = low >> 1 ^ (empty & -(low & 1));
        crc = crc >> 8 ^ low;
    }
    return crc;
}
