#include "crypto/sealing_key.h"

#include "base/auto.h"
#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/private_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

AUTO_DEFINE(evp_pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free);

#define OID(bytes)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                          \
    }

static const char UNREADABLE[] = "its key cannot be read";

/* Algorithms of keys that nothing can be sealed to, and why. */
static const struct {
    struct span oid;
    const char *why;
} refused[] = {
    {OID("\x2b\x65\x70"), "its key (Ed25519) is for signatures only"},
    {OID("\x2b\x65\x71"), "its key (Ed448) is for signatures only"},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "its key (RSASSA-PSS) is for signatures only"},
    {OID("\x2a\x86\x48\xce\x38\x04\x01"), "its key (DSA) is for signatures only"},
};

static const struct {
    struct span oid; /* DER */
    const char *name;
    size_t size;
} curves[] = {
    {OID("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), "P-256", 32},
    {OID("\x06\x05\x2b\x81\x04\x00\x22"), "P-384", 48},
    {OID("\x06\x05\x2b\x81\x04\x00\x23"), "P-521", 66},
};

/* What EVP_PKEY_fromdata takes: numbers in the machine's own byte order, in memory that is wiped. */
struct numbers {
    struct secret room;
    size_t used;
    OSSL_PARAM params[10];
    size_t count;
};

static bool no_memory(const char **why)
{
    *why = NULL;
    return false;
}

static bool refuse(const char **why, const char *text)
{
    *why = text;
    return false;
}

/* A positive INTEGER's bytes without the zeros in front. */
static bool take_number(struct span *in, struct span *number)
{
    if (!der_take(in, DER_INTEGER, number) || number->len == 0 || (number->data[0] & 0x80) != 0)
        return false;
    while (number->len > 0 && number->data[0] == 0)
        *number = span_of(number->data + 1, number->len - 1);
    return number->len > 0;
}

static size_t bits_of(struct span number)
{
    size_t bits = number.len * 8;
    for (uint8_t top = number.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static void add_number(struct numbers *numbers, const char *name, struct span big_endian)
{
    uint8_t *to = numbers->room.data + numbers->used;
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    for (size_t i = 0; i < big_endian.len; i++)
        to[i] = big_endian.data[little ? big_endian.len - 1 - i : i];
    numbers->used += big_endian.len;
    numbers->params[numbers->count++] = OSSL_PARAM_construct_BN(name, to, big_endian.len);
}

static bool make(const char *type, int selection, struct numbers *numbers, struct sealing_key *out,
                 const char **why)
{
    numbers->params[numbers->count] = OSSL_PARAM_construct_end();
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(crypto_library()->context, type, NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1) {
        crypto_ran_out_of_memory();
        return no_memory(why);
    }
    if (EVP_PKEY_fromdata(context, &out->handle, selection, numbers->params) == 1)
        return true;
    out->handle = NULL;
    return crypto_ran_out_of_memory() ? no_memory(why) : refuse(why, UNREADABLE);
}

static bool read_public_rsa(const struct key_parts *parts, struct span *n, struct span *e, const char **why)
{
    struct span rest = parts->key, fields;
    if (!der_take(&rest, DER_SEQUENCE, &fields) || rest.len > 0 || !take_number(&fields, n) ||
        !take_number(&fields, e) || fields.len > 0)
        return refuse(why, UNREADABLE);
    if (bits_of(*n) < SEALING_RSA_MIN_BITS)
        return refuse(why, "its RSA key is shorter than 2048 bits");
    if (bits_of(*n) > SEALING_RSA_MAX_BITS)
        return refuse(why, "its RSA key is longer than 16384 bits");
    /* With the exponent 1 the content key would stand in the message as it is. */
    bool is_one = e->len == 1 && e->data[0] == 1;
    if ((n->data[n->len - 1] & 1) == 0 || (e->data[e->len - 1] & 1) == 0 || is_one)
        return refuse(why, UNREADABLE);
    return true;
}

static bool make_rsa(const struct key_parts *public, const struct key_parts *private, struct sealing_key *out,
                     const char **why)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    enum { NUMBERS = sizeof names / sizeof names[0], PUBLIC_NUMBERS = 2 };
    struct span found[NUMBERS];
    size_t count = PUBLIC_NUMBERS;
    if (!read_public_rsa(public, &found[0], &found[1], why))
        return false;
    if (private != NULL) {
        struct span rest = private->key, fields, version;
        if (!der_take(&rest, DER_SEQUENCE, &fields) || !der_take(&fields, DER_INTEGER, &version))
            return refuse(why, UNREADABLE);
        for (count = 0; count < NUMBERS; count++)
            if (!take_number(&fields, &found[count]))
                return refuse(why, UNREADABLE);
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += found[i].len;
    struct numbers numbers = {.used = 0};
    if (!secret_alloc(&numbers.room, total))
        return no_memory(why);
    for (size_t i = 0; i < count; i++)
        add_number(&numbers, names[i], found[i]);
    out->kind = SEALING_RSA;
    out->size = (bits_of(found[0]) + 7) / 8;
    bool made = make("RSA", private != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, &numbers, out, why);
    secret_free(&numbers.room);
    return made;
}

static bool read_private_ec(const struct key_parts *private, struct span *number)
{
    struct span rest = private->key, fields, version;
    return der_take(&rest, DER_SEQUENCE, &fields) && der_take(&fields, DER_INTEGER, &version) &&
           der_take(&fields, DER_OCTET_STRING, number) && number->len > 0;
}

/* OSSL_PARAM takes non-const pointers and only reads through them. */
static void *readable(const void *data)
{
    return (void *)(uintptr_t)data;
}

static bool make_ec(const struct key_parts *public, const struct key_parts *private, struct sealing_key *out,
                    const char **why)
{
    size_t i = 0, count = sizeof curves / sizeof curves[0];
    while (i < count && !span_equal(curves[i].oid, public->params))
        i++;
    if (i == count)
        return refuse(why, "its EC key is on another curve than P-256, P-384 and P-521");
    struct span number = {0};
    if (private != NULL && !read_private_ec(private, &number))
        return refuse(why, UNREADABLE);
    struct numbers numbers = {.used = 0};
    if (!secret_alloc(&numbers.room, number.len))
        return no_memory(why);
    numbers.params[numbers.count++] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, readable(curves[i].name), 0);
    numbers.params[numbers.count++] = OSSL_PARAM_construct_octet_string(
        OSSL_PKEY_PARAM_PUB_KEY, readable(public->key.data), public->key.len);
    if (private != NULL)
        add_number(&numbers, OSSL_PKEY_PARAM_PRIV_KEY, number);
    out->kind = SEALING_EC;
    out->size = curves[i].size;
    out->curve = curves[i].oid;
    bool made = make("EC", private != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, &numbers, out, why);
    secret_free(&numbers.room);
    return made;
}

static bool make_key(struct span spki, const struct key_parts *private, struct sealing_key *out,
                     const char **why)
{
    static const struct span rsa = OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
                             ec = OID("\x2a\x86\x48\xce\x3d\x02\x01");
    struct key_parts public;
    *out = (struct sealing_key){0};
    if (!key_parts_of_public(spki, &public))
        return refuse(why, UNREADABLE);
    if (span_equal(public.oid, rsa))
        return make_rsa(&public, private, out, why);
    if (span_equal(public.oid, ec))
        return make_ec(&public, private, out, why);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (span_equal(public.oid, refused[i].oid))
            return refuse(why, refused[i].why);
    return refuse(why, "its key is neither RSA nor EC");
}

bool sealing_key_public(struct span spki, struct sealing_key *out, const char **why)
{
    return make_key(spki, NULL, out, why);
}

bool sealing_key_private(struct span pkcs8, struct span spki, struct sealing_key *out, const char **why)
{
    struct key_parts private;
    if (!key_parts_of_private(pkcs8, &private))
        return refuse(why, UNREADABLE);
    return make_key(spki, &private, out, why);
}

void sealing_key_free(struct sealing_key *key)
{
    EVP_PKEY_free(key->handle);
    *key = (struct sealing_key){0};
}
