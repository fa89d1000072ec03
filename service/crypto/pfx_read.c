#include "crypto/pfx_read.h"

#include "crypto/library.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>

static bool unreadable(struct err *err, const char *what)
{
    return crypto_fault(err, ERR_CREDENTIAL_INVALID,
                        "%s cannot be read: send a whole PKCS#12 file in DER, as exported", what);
}

static bool too_many(struct err *err, const char *what, int max)
{
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "the PKCS#12 file has more than %d %s: export the certificate, its key and its chain alone", max,
        what);
}

struct span pfx_octets(const ASN1_TYPE *value)
{
    if (value == NULL || value->type != V_ASN1_OCTET_STRING)
        return span_of(NULL, 0);
    return span_of(value->value.octet_string->data, (size_t)value->value.octet_string->length);
}

/* Decodes all of the bytes as `item`; NULL when they are something else, or more. */
static void *decode(struct span der, const ASN1_ITEM *item)
{
    const unsigned char *at = der.data;
    if (der.len == 0 || der.len > INT_MAX)
        return NULL;
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, (long)der.len, item);
    if (value != NULL && at != der.data + der.len) {
        ASN1_item_free(value, item);
        return NULL;
    }
    return value;
}

/* The encoding that an ASN1_TYPE keeps of a SEQUENCE. */
static struct span sequence_of(const ASN1_TYPE *value)
{
    if (value == NULL || value->type != V_ASN1_SEQUENCE)
        return span_of(NULL, 0);
    return span_of(value->value.sequence->data, (size_t)value->value.sequence->length);
}

static void wipe(ASN1_TYPE *value)
{
    struct span octets = pfx_octets(value), sequence = sequence_of(value);
    if (octets.len > 0)
        secret_wipe(value->value.octet_string->data, octets.len);
    if (sequence.len > 0)
        secret_wipe(value->value.sequence->data, sequence.len);
}

static void wipe_content(PFX_CONTENT *content)
{
    wipe(content->content);
}

void pfx_reader_free(struct pfx_reader *reader)
{
    for (size_t i = 0; i < reader->bag_list_count; i++) {
        STACK_OF(PFX_BAG) *bags = reader->bag_lists[i];
        for (int j = 0; j < sk_PFX_BAG_num(bags); j++)
            wipe(sk_PFX_BAG_value(bags, j)->value);
        ASN1_item_free((ASN1_VALUE *)bags, ASN1_ITEM_rptr(PFX_BAGS));
    }
    for (size_t i = 0; i < reader->cert_count; i++)
        ASN1_item_free((ASN1_VALUE *)reader->certs[i].owner, ASN1_ITEM_rptr(PFX_CERT));
    for (size_t i = 0; i < reader->encrypted_count; i++)
        ASN1_item_free((ASN1_VALUE *)reader->encrypted[i].data, ASN1_ITEM_rptr(PFX_ENCRYPTED));
    for (int i = 0; i < sk_PFX_CONTENT_num(reader->safes); i++)
        wipe_content(sk_PFX_CONTENT_value(reader->safes, i));
    ASN1_item_free((ASN1_VALUE *)reader->safes, ASN1_ITEM_rptr(PFX_SAFES));
    if (reader->file != NULL)
        wipe_content(reader->file->auth_safe);
    ASN1_item_free((ASN1_VALUE *)reader->file, ASN1_ITEM_rptr(PFX_FILE));
    X509_SIG_free(reader->shrouded_key);
    *reader = (struct pfx_reader){0};
}

/* The bag's localKeyId; empty if there is none. */
static struct span local_key_id(const PFX_BAG *bag)
{
    int at = X509at_get_attr_by_NID(bag->attributes, NID_localKeyID, -1);
    if (at < 0)
        return span_of(NULL, 0);
    return pfx_octets(X509_ATTRIBUTE_get0_type(X509at_get_attr(bag->attributes, at), 0));
}

static bool read_cert_bag(struct pfx_reader *reader, const PFX_BAG *bag, struct err *err)
{
    if (reader->cert_count == PFX_CERTS_MAX)
        return too_many(err, "certificates", PFX_CERTS_MAX);
    PFX_CERT *cert = decode(sequence_of(bag->value), ASN1_ITEM_rptr(PFX_CERT));
    if (cert == NULL)
        return unreadable(err, "a certificate bag");
    if (OBJ_obj2nid(cert->type) != NID_x509Certificate || pfx_octets(cert->value).len == 0) {
        ASN1_item_free((ASN1_VALUE *)cert, ASN1_ITEM_rptr(PFX_CERT));
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the PKCS#12 file holds a certificate that is not X.509: export X.509 certificates alone");
    }
    reader->certs[reader->cert_count++] = (struct pfx_found_cert){cert->value, cert, local_key_id(bag)};
    return true;
}

static bool read_key_bag(struct pfx_reader *reader, const PFX_BAG *bag, bool shrouded, struct err *err)
{
    if (++reader->key_count > 1)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PKCS#12 file holds more than one private key: export one entry alone");
    reader->key_id = local_key_id(bag);
    struct span bytes = sequence_of(bag->value);
    if (bytes.len == 0)
        return unreadable(err, "the key bag");
    if (!shrouded) {
        reader->plain_key = bytes;
        return true;
    }
    reader->shrouded_key = decode(bytes, ASN1_ITEM_rptr(X509_SIG));
    if (reader->shrouded_key == NULL)
        return unreadable(err, "the key bag");
    const X509_ALGOR *algorithm = NULL;
    X509_SIG_get0(reader->shrouded_key, &algorithm, NULL);
    return pbe_read(algorithm, "the key bag", &reader->key_pbe, err) &&
           pbe_spend(&reader->budget, &reader->key_pbe.kdf, "the key bag", err);
}

static bool read_bags_at(struct pfx_reader *reader, struct span der, int depth, struct err *err);

static bool read_bag(struct pfx_reader *reader, const PFX_BAG *bag, int depth, struct err *err)
{
    if (++reader->bag_count > PFX_BAGS_MAX)
        return too_many(err, "bags", PFX_BAGS_MAX);
    switch (OBJ_obj2nid(bag->type)) {
    case NID_keyBag:
        return read_key_bag(reader, bag, false, err);
    case NID_pkcs8ShroudedKeyBag:
        return read_key_bag(reader, bag, true, err);
    case NID_certBag:
        return read_cert_bag(reader, bag, err);
    case NID_safeContentsBag:
        return read_bags_at(reader, sequence_of(bag->value), depth + 1, err);
    default: /* revocation lists, secrets, what others may add: not ours */
        return true;
    }
}

static bool read_bags_at(struct pfx_reader *reader, struct span der, int depth, struct err *err)
{
    if (depth > PFX_DEPTH_MAX)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PKCS#12 file nests its safes more than %d deep: export it again", PFX_DEPTH_MAX);
    if (reader->bag_list_count == PFX_BAGS_MAX)
        return too_many(err, "bags", PFX_BAGS_MAX);
    STACK_OF(PFX_BAG) *bags = decode(der, ASN1_ITEM_rptr(PFX_BAGS));
    if (bags == NULL)
        return unreadable(err, "a safe of the PKCS#12 file");
    reader->bag_lists[reader->bag_list_count++] = bags;
    for (int i = 0; i < sk_PFX_BAG_num(bags); i++) {
        if (!read_bag(reader, sk_PFX_BAG_value(bags, i), depth, err))
            return false;
    }
    return true;
}

bool pfx_read_bags(struct pfx_reader *reader, struct span der, struct err *err)
{
    return read_bags_at(reader, der, 0, err);
}

static bool read_encrypted_safe(struct pfx_reader *reader, const PFX_CONTENT *safe, struct err *err)
{
    PFX_ENCRYPTED *data = decode(sequence_of(safe->content), ASN1_ITEM_rptr(PFX_ENCRYPTED));
    if (data == NULL)
        return unreadable(err, "an encrypted safe of the PKCS#12 file");
    struct pfx_safe *slot = &reader->encrypted[reader->encrypted_count++];
    slot->data = data;
    if (data->content->bytes == NULL || OBJ_obj2nid(data->content->type) != NID_pkcs7_data)
        return unreadable(err, "an encrypted safe of the PKCS#12 file");
    return pbe_read(data->content->algorithm, "an encrypted safe", &slot->pbe, err) &&
           pbe_spend(&reader->budget, &slot->pbe.kdf, "an encrypted safe", err);
}

struct span pfx_mac_input(const struct pfx_reader *reader)
{
    return pfx_octets(reader->file->auth_safe->content);
}

bool pfx_read_file(struct pfx_reader *reader, struct span der, struct err *err)
{
    reader->file = decode(der, ASN1_ITEM_rptr(PFX_FILE));
    if (reader->file == NULL || ASN1_INTEGER_get(reader->file->version) != 3)
        return unreadable(err, "the PKCS#12 file");
    if (OBJ_obj2nid(reader->file->auth_safe->type) == NID_pkcs7_signed)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the PKCS#12 file is protected by a signature, which is unsupported: export it with a password");
    if (OBJ_obj2nid(reader->file->auth_safe->type) != NID_pkcs7_data || pfx_mac_input(reader).len == 0)
        return unreadable(err, "the PKCS#12 file");
    reader->safes = decode(pfx_mac_input(reader), ASN1_ITEM_rptr(PFX_SAFES));
    if (reader->safes == NULL)
        return unreadable(err, "the PKCS#12 file");
    if (sk_PFX_CONTENT_num(reader->safes) > PFX_SAFES_MAX)
        return too_many(err, "safes", PFX_SAFES_MAX);
    for (int i = 0; i < sk_PFX_CONTENT_num(reader->safes); i++) {
        const PFX_CONTENT *safe = sk_PFX_CONTENT_value(reader->safes, i);
        int type = OBJ_obj2nid(safe->type);
        bool read = type == NID_pkcs7_data        ? pfx_read_bags(reader, pfx_octets(safe->content), err)
                    : type == NID_pkcs7_encrypted ? read_encrypted_safe(reader, safe, err)
                                                  : unreadable(err, "a safe of the PKCS#12 file");
        if (!read)
            return false;
    }
    return true;
}
