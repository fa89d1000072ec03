#include "crypto/certificate.h"
#include "crypto/credential_open.h"
#include "crypto/material.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>

TestSuite(material, .init = start_library);

static struct material open_case(const char *name)
{
    struct credential_case one;
    struct material material = {0};
    struct err err = {0};
    case_load(&one, "valid", name);
    cr_assert(credential_open(&case_limits, &one.credential, &material, &err), "%s: %s", name, err.text);
    case_free(&one);
    return material;
}

static void fails_with(const struct material *material, const char *thumbprint, const char *words)
{
    struct err err = {0};
    cr_assert_not(material_check(material, span_text(thumbprint), &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
}

Test(material, check_takes_the_thumbprint_in_either_case)
{
    struct material material = open_case("openssl3-p256");
    char text[THUMBPRINT_TEXT_LEN + 1];
    struct err err = {0};
    cr_assert(material_thumbprint(&material, text));
    cr_assert(material_check(&material, span_text(text), &err), "%s", err.text);
    for (char *c = text; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c + 32 : *c);
    cr_assert(material_check(&material, span_text(text), &err), "%s", err.text);
    fails_with(&material, "", "with thumbprint");
    fails_with(&material, "00", "with thumbprint");
    text[39] = text[39] == '0' ? '1' : '0';
    fails_with(&material, text, "with thumbprint");
    material_free(&material);
}

Test(material, check_wants_the_key_of_the_leaf)
{
    enum { KINDS = 6 };
    const char *names[KINDS] = {"openssl3-p256",        "openssl3-p384",    "openssl3-rsa",
                                "openssl3-self-signed", "openssl3-ed25519", "openssl3-ed448"};
    struct material all[KINDS];
    for (size_t i = 0; i < KINDS; i++)
        all[i] = open_case(names[i]);
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t j = 0; j < KINDS; j++) {
            struct material mixed = {0};
            char thumbprint[THUMBPRINT_TEXT_LEN + 1];
            cr_assert(material_set(&mixed, secret_span(&all[i].key), all[j].leaf.der, NULL, 0, NULL));
            cr_assert(material_thumbprint(&mixed, thumbprint));
            if (i == j)
                cr_assert(material_check(&mixed, span_text(thumbprint), NULL));
            else
                fails_with(&mixed, thumbprint, "does not belong to the certificate");
            secret_free(&mixed.key);
            fails_with(&mixed, thumbprint, "has no private key");
            material_free(&mixed);
        }
    }
    for (size_t i = 0; i < KINDS; i++)
        material_free(&all[i]);
}

Test(material, chain_is_ordered_from_any_order)
{
    struct material right = open_case("openssl3-rsa"), unrelated = open_case("openssl3-self-signed");
    cr_assert_eq(right.chain_count, 2);
    struct span pool[4] = {right.leaf.der, right.chain[0].der, right.chain[1].der, unrelated.leaf.der};
    for (int order = 0; order < 256; order++) {
        struct span certs[4], chain[MATERIAL_CHAIN_MAX];
        size_t count = 0;
        bool has_issuing = false, has_root = false;
        for (int i = 0; i < 4; i++) {
            int pick = order >> (2 * i) & 3;
            certs[i] = pool[pick];
            has_issuing = has_issuing || pick == 1;
            has_root = has_root || pick == 2;
        }
        cr_assert(material_order_chain(right.leaf.der, certs, 4, chain, &count, NULL));
        cr_assert_eq(count, has_issuing ? (has_root ? 2 : 1) : 0, "order %x", order);
        if (count > 0)
            cr_assert(span_equal(chain[0], pool[1]));
        if (count > 1)
            cr_assert(span_equal(chain[1], pool[2]));
    }
    material_free(&right);
    material_free(&unrelated);
}

Test(material, common_name)
{
    const struct {
        const char *name;
        const char *common_name;
    } cases[] = {{"openssl3-rsa", "rsa.shop.example"}, {"unicode-name", "Straße 中文 shop"}};
    for (size_t i = 0; i < 2; i++) {
        struct material material = open_case(cases[i].name);
        struct buf out = {0};
        cr_assert(material_common_name(&material, &out));
        cr_assert(span_equal(buf_span(&out), span_text(cases[i].common_name)), "%.*s", SPAN_ARG(out));
        buf_free(&out);
        material_free(&material);
    }
}

Test(material, unpack_refuses_other_bytes)
{
    struct material material = open_case("openssl3-rsa"), out = {0};
    struct buf packed = {0};
    struct err err = {0};
    cr_assert(material_pack(&material, &packed));
    buf_put_byte(&packed, 0);
    cr_assert_not(material_unpack(buf_span(&packed), &out, &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    packed.len--;
    packed.data[0] = 2;
    cr_assert_not(material_unpack(buf_span(&packed), &out, NULL));
    packed.data[0] = 1;
    packed.data[1] = 0xff;
    cr_assert_not(material_unpack(buf_span(&packed), &out, NULL));
    cr_assert_not(material_unpack(SPAN_LITERAL("\1\0\0\0\0\0\0\0\0\0"), &out, NULL));
    material_free(&material);
    buf_free(&packed);
}

Test(material, without_key_packs_too)
{
    struct material material = open_case("openssl3-rsa"), bare = {0}, back = {0};
    struct buf packed = {0};
    struct span chain = material.chain[0].der;
    cr_assert(material_set(&bare, span_of(NULL, 0), material.leaf.der, &chain, 1, NULL));
    cr_assert(material_pack(&bare, &packed));
    cr_assert(material_unpack(buf_span(&packed), &back, NULL));
    cr_assert_eq(back.key.len, 0);
    cr_assert_eq(back.chain_count, 1);
    material_free(&material);
    material_free(&bare);
    material_free(&back);
    buf_free(&packed);
}
