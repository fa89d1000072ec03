#include "crypto/jwk_set.h"

#include "base/base64.h"
#include "base/json_text.h"
#include "crypto/der.h"

#include <stdlib.h>

static void auto_json(json_t **json)
{
    json_decref(*json);
}

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"

static const struct {
    const char *name;
    struct span oid;
    size_t size;
} curves[] = {
    {"P-256", SPAN_LITERAL("\x2a\x86\x48\xce\x3d\x03\x01\x07"), 32},
    {"P-384", SPAN_LITERAL("\x2b\x81\x04\x00\x22"), 48},
    {"P-521", SPAN_LITERAL("\x2b\x81\x04\x00\x23"), 66},
};

/* A member's text; NULL data where there is none or it is no text. */
static struct span text_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return json_is_string(member) ? span_of(json_string_value(member), json_string_length(member))
                                  : (struct span){0};
}

/* The bytes of a base64url member, none where it has no such; memory shows in `out`. */
static bool bytes_of(const json_t *object, const char *name, struct buf *out)
{
    struct span text = text_of(object, name);
    return text.len > 0 && base64url_decode(out, text) && out->len > 0;
}

/* A non-negative INTEGER of big-endian bytes. */
static void put_number(struct buf *out, struct span number)
{
    size_t start = der_begin(out, DER_INTEGER);
    while (number.len > 1 && number.data[0] == 0)
        number = span_of(number.data + 1, number.len - 1);
    if ((number.data[0] & 0x80) != 0)
        buf_put_byte(out, 0);
    buf_put(out, number.data, number.len);
    der_end(out, start);
}

/* SubjectPublicKeyInfo: the form that sealing_key_public judges. */
static bool put_rsa(const json_t *object, struct buf *spki)
{
    AUTO(buf) struct buf n = {0};
    AUTO(buf) struct buf e = {0};
    bool whole = bytes_of(object, "n", &n) && bytes_of(object, "e", &e);
    spki->failed = spki->failed || n.failed || e.failed;
    if (!whole || spki->failed)
        return false;
    size_t info = der_begin(spki, DER_SEQUENCE);
    size_t algorithm = der_begin(spki, DER_SEQUENCE);
    der_put(spki, DER_OID, SPAN_LITERAL(OID_RSA));
    der_put(spki, DER_NULL, (struct span){0});
    der_end(spki, algorithm);
    size_t bits = der_begin(spki, DER_BIT_STRING);
    buf_put_byte(spki, 0);
    size_t numbers = der_begin(spki, DER_SEQUENCE);
    put_number(spki, buf_span(&n));
    put_number(spki, buf_span(&e));
    der_end(spki, numbers);
    der_end(spki, bits);
    der_end(spki, info);
    return !spki->failed;
}

static bool put_ec(const json_t *object, struct buf *spki)
{
    struct span name = text_of(object, "crv");
    size_t i = 0, count = sizeof curves / sizeof *curves;
    while (i < count && !span_equal(name, span_text(curves[i].name)))
        i++;
    AUTO(buf) struct buf x = {0};
    AUTO(buf) struct buf y = {0};
    bool whole = i < count && bytes_of(object, "x", &x) && bytes_of(object, "y", &y) &&
                 x.len == curves[i].size && y.len == curves[i].size;
    spki->failed = spki->failed || x.failed || y.failed;
    if (!whole || spki->failed)
        return false;
    size_t info = der_begin(spki, DER_SEQUENCE);
    size_t algorithm = der_begin(spki, DER_SEQUENCE);
    der_put(spki, DER_OID, SPAN_LITERAL(OID_EC));
    der_put(spki, DER_OID, curves[i].oid);
    der_end(spki, algorithm);
    size_t bits = der_begin(spki, DER_BIT_STRING);
    buf_put_byte(spki, 0);
    buf_put_byte(spki, 4); /* uncompressed */
    buf_put(spki, x.data, x.len);
    buf_put(spki, y.data, y.len);
    der_end(spki, bits);
    der_end(spki, info);
    return !spki->failed;
}

/* Whether `use`, `key_ops` and `alg` let the key verify; *why otherwise. */
static bool is_for_verifying(const json_t *object, struct jwk *jwk)
{
    const json_t *use = json_object_get(object, "use");
    const json_t *operations = json_object_get(object, "key_ops");
    const json_t *algorithm = json_object_get(object, "alg");
    if (use != NULL && !span_equal(text_of(object, "use"), SPAN_LITERAL("sig"))) {
        jwk->why = "it is not for signatures (use)";
        return false;
    }
    bool verifies = operations == NULL;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        verifies = verifies || (operation != NULL && strcmp(operation, "verify") == 0);
    }
    if (!verifies) {
        jwk->why = "it is not for verifying (key_ops)";
        return false;
    }
    jwk->only = algorithm != NULL ? jws_algorithm_find(text_of(object, "alg")) : NULL;
    if (algorithm != NULL && jwk->only == NULL)
        jwk->why = "it is for another algorithm than RS, PS and ES with 256, 384 or 512 (alg)";
    return jwk->why == NULL;
}

/* Makes the key's handle. False only with want of memory; what is wrong with the key is in jwk->why. */
static bool make_key(const json_t *object, struct jwk *jwk)
{
    struct span kind = text_of(object, "kty");
    AUTO(buf) struct buf spki = {0};
    bool rsa = span_equal(kind, SPAN_LITERAL("RSA"));
    if (!rsa && !span_equal(kind, SPAN_LITERAL("EC"))) {
        jwk->why = "it is neither RSA nor EC (kty)";
        return true;
    }
    if (!(rsa ? put_rsa : put_ec)(object, &spki)) {
        jwk->why = rsa ? "it lacks n or e in base64url"
                       : "it is on none of P-256, P-384 and P-521 (crv), or lacks x or y in base64url";
        return !spki.failed;
    }
    /* OpenSSL 3.0 does not always say that it gave up for want of memory: the key is judged again then. */
    bool made = false;
    for (int i = 0; i < 2 && !made; i++)
        if (!crypto_memory_at_hand() ||
            (!(made = sealing_key_public(buf_span(&spki), &jwk->key, &jwk->why)) && jwk->why == NULL))
            return false;
    if (!made)
        return true;
    jwk->why = NULL;
    if (jwk->only != NULL && !jws_algorithm_fits(jwk->only, &jwk->key))
        jwk->why = "it does not fit its own alg";
    return true;
}

static bool read_key(const json_t *object, struct jwk *jwk)
{
    const json_t *kid = json_object_get(object, "kid");
    if (!json_is_object(object)) {
        jwk->why = "it is no JSON object";
        return true;
    }
    if (kid != NULL && !json_is_string(kid)) {
        jwk->why = "its kid is no text";
        return true;
    }
    if (kid != NULL && (jwk->kid = strdup(json_string_value(kid))) == NULL)
        return false;
    return !is_for_verifying(object, jwk) || make_key(object, jwk);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory for a key set");
}

static bool read_keys(const json_t *list, struct jwk_set *set, struct err *err)
{
    size_t count = json_array_size(list);
    set->keys = calloc(count > 0 ? count : 1, sizeof *set->keys);
    if (set->keys == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        set->count = i + 1;
        if (!read_key(json_array_get(list, i), &set->keys[i]))
            return no_memory(err);
        set->usable += set->keys[i].why == NULL;
    }
    if (set->usable > 0)
        return true;
    return count == 0 ? err_set(err, ERR_CONFIG_INVALID, "has no keys; publish the issuer's there")
                      : err_set(err, ERR_CONFIG_INVALID,
                                "has no key that verifies tokens; of the first one: %s", set->keys[0].why);
}

bool jwk_set_parse(struct span json, struct jwk_set **set, struct err *err)
{
    json_error_t where;
    bool out_of_memory;
    *set = NULL;
    if (json.len > JWK_SET_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "is larger than %d KiB", JWK_SET_BYTES_MAX / 1024);
    __attribute__((cleanup(auto_json))) json_t *root =
        json_text_load(json, JSON_REJECT_DUPLICATES, &where, &out_of_memory);
    if (root == NULL)
        return out_of_memory ? no_memory(err)
                             : err_set(err, ERR_CONFIG_INVALID, "is no JSON text (line %d, column %d)",
                                       where.line, where.column);
    const json_t *list = json_object_get(root, "keys");
    if (!json_is_array(list))
        return err_set(err, ERR_CONFIG_INVALID, "is no JWK Set: an object with an array \"keys\"");
    if (json_array_size(list) > JWK_SET_KEYS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "has more than %d keys", JWK_SET_KEYS_MAX);
    struct jwk_set *made = calloc(1, sizeof *made);
    if (made == NULL)
        return no_memory(err);
    if (!read_keys(list, made, err)) {
        jwk_set_free(made);
        return false;
    }
    *set = made;
    return true;
}

void jwk_set_free(struct jwk_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++) {
        free(set->keys[i].kid);
        sealing_key_free(&set->keys[i].key);
    }
    free(set->keys);
    free(set);
}
