/* Records written by older and newer schemas than certswap's. */
#include "avro/encode.h"
#include "samples.h"

#include <criterion/criterion.h>

static const char guid[] = "c0c0c0c0-c0c0-c0c0-c0c0-c0c0c0c0c05a";

struct evolution {
    struct schema_set *set;
    struct codec *codec;
    struct arena *arena;
    struct buf message;
};

/* A message whose head says that it was written by the schema; its body is to be appended. */
static struct evolution written_by(const char *schema)
{
    struct evolution e = {.set = sample_set_with(schema)};
    e.codec = codec_new(e.set);
    e.arena = arena_new(0);
    sample_head(schema, &e.message);
    return e;
}

static void done(struct evolution *e)
{
    buf_free(&e->message);
    arena_free(e->arena);
    codec_free(e->codec);
    schema_set_free(e->set);
}

static void put_text(struct evolution *e, const char *text)
{
    encode_bytes(&e->message, span_text(text));
}

#define PRINCIPAL                                                                                            \
    "{\"name\":\"principal\",\"type\":{\"type\":\"record\",\"name\":\"Principal\",\"fields\":[{\"name\":"    \
    "\"user\","                                                                                              \
    "\"type\":\"string\"},{\"name\":\"permissions\",\"type\":{\"type\":\"array\",\"items\":\"string\"}}]}}"

/* An older writer: plain types where we have unions, none of the fields that have defaults, another order,
   another namespace. */
Test(evolution, an_older_writer_gets_the_defaults)
{
    struct err err = {0};
    struct replace_command out;
    struct evolution e = written_by(
        "{\"type\":\"record\",\"name\":\"ReplaceCommand\",\"namespace\":\"old\",\"fields\":["
        "{\"name\":\"issuedAt\",\"type\":\"int\"},{\"name\":\"certificateId\",\"type\":\"int\"}," PRINCIPAL
        ","
        "{\"name\":\"commandId\",\"type\":\"bytes\"},{\"name\":\"existingCertificateId\",\"type\":\"int\"},"
        "{\"name\":\"password\",\"type\":\"string\"},{\"name\":\"jobTime\",\"type\":[\"string\",\"null\"]}]"
        "}");
    encode_long(&e.message, 77);
    encode_long(&e.message, 42);
    put_text(&e, "user");
    encode_long(&e.message, 0);
    put_text(&e, guid);
    encode_long(&e.message, 41);
    put_text(&e, "secret");
    encode_long(&e.message, 0);
    put_text(&e, "2026-11-19T16:23:01Z");
    cr_assert(codec_decode_replace_command(e.codec, buf_span(&e.message), e.arena, &out, &err), "%s",
              err.text);
    cr_assert_eq(out.issued_at_ms, 77);
    cr_assert(out.has_certificate_id);
    cr_assert_eq(out.certificate_id, 42);
    cr_assert_not(out.has_request_id);
    cr_assert_eq(out.password_kind, PASSWORD_PLAIN);
    cr_assert(span_equal(out.password, SPAN_LITERAL("secret")));
    cr_assert(out.has_job_time && out.job_time.len == 20);
    cr_assert_not(out.has_authorization || out.has_store_ids || out.dry_run);
    cr_assert_eq(out.command_id.bytes[0], 0xC0);
    done(&e);
}

/* A newer writer: fields that we do not know, of every type, between those that we do. */
Test(evolution, a_newer_writers_fields_are_passed_over)
{
    struct err err = {0};
    struct replace_command out;
    struct evolution e = written_by(
        "{\"type\":\"record\",\"name\":\"ReplaceCommand\",\"namespace\":\"io.certswap.v1\",\"fields\":["
        "{\"name\":\"n1\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},{\"name\":\"commandId\","
        "\"type\":\"string\"},"
        "{\"name\":\"n2\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Tag\","
        "\"fields\":["
        "{\"name\":\"k\",\"type\":\"string\"},{\"name\":\"v\",\"type\":[\"null\",\"long\",\"Tag\"]}]}}},"
        "{\"name\":\"existingCertificateId\",\"type\":\"int\"},"
        "{\"name\":\"n3\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}}," PRINCIPAL ","
        "{\"name\":\"n4\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
        "{\"name\":\"n5\",\"type\":\"float\"},{\"name\":\"n6\",\"type\":\"null\"},{\"name\":\"n7\",\"type\":"
        "\"boolean\"},"
        "{\"name\":\"issuedAt\",\"type\":[\"int\",\"long\"]},{\"name\":\"storeIds\",\"type\":{\"type\":"
        "\"array\","
        "\"items\":[\"bytes\",\"string\"]}}]}");
    buf_put(&e.message, "\x02\x02k12345678\x00", 12); /* n1 */
    put_text(&e, guid);
    buf_put(&e.message, "\x02\x02k\x04\x02l\x02\x07\x01\x06\x02m\x00\x00", 14);
    /* n2: one with one within, then a block with its length */
    encode_long(&e.message, 41);
    buf_put(&e.message, "abc", 3); /* n3 */
    put_text(&e, "user");
    encode_long(&e.message, -1); /* a block of one with its length, then one without */
    encode_long(&e.message, 3);
    put_text(&e, "p1");
    encode_long(&e.message, 1);
    put_text(&e, "p2");
    encode_long(&e.message, 0);
    buf_put(&e.message, "\x02zzzz\x01", 6); /* n4, n5, n7 */
    encode_long(&e.message, 1);
    encode_long(&e.message, INT64_MIN);
    encode_long(&e.message, 2); /* storeIds */
    encode_long(&e.message, 0);
    put_text(&e, "one");
    encode_long(&e.message, 1);
    put_text(&e, "two");
    encode_long(&e.message, 0);
    bool decoded = codec_decode_replace_command(e.codec, buf_span(&e.message), e.arena, &out, &err);
    cr_assert(decoded, "%s", err.text);
    cr_assert_eq(out.existing_certificate_id, 41);
    cr_assert_eq(out.principal.permission_count, 2);
    cr_assert(span_equal(out.principal.permissions[1], SPAN_LITERAL("p2")));
    cr_assert_eq(out.issued_at_ms, INT64_MIN);
    cr_assert(out.has_store_ids && out.store_id_count == 2);
    cr_assert(span_equal(out.store_ids[1], SPAN_LITERAL("two")));
    done(&e);
}

Test(evolution, a_required_field_that_the_writer_lacks_is_named)
{
    struct err err = {0};
    struct replace_command out;
    struct evolution e =
        written_by("{\"type\":\"record\",\"name\":\"io.certswap.v1.ReplaceCommand\",\"fields\":["
                   "{\"name\":\"commandId\",\"type\":\"string\"}]}");
    put_text(&e, guid);
    cr_assert_not(codec_decode_replace_command(e.codec, buf_span(&e.message), e.arena, &out, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
    cr_assert_not_null(strstr(err.text, "existingCertificateId"), "%s", err.text);
    done(&e);
}

/* One field of another type than ours, and a null where none may be. */
static const struct {
    const char *type;
    const char *bytes;
    size_t len;
    const char *says;
} mismatches[] = {
    {"\"long\"", "\x02", 1, "field existingCertificateId of ReplaceCommand: the writer has long"},
    {"\"string\"", "\x02x", 2, "the writer has string"},
    {"[\"null\",\"int\"]", "\x00", 1, "null"},
    {"{\"type\":\"array\",\"items\":\"int\"}", "\x00", 1, "the writer has array"},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":1}", "x", 1, "the writer has F"},
};

Test(evolution, types_that_do_not_resolve_are_named)
{
    for (size_t i = 0; i < sizeof mismatches / sizeof *mismatches; i++) {
        struct err err = {0};
        struct replace_command out;
        AUTO(buf) struct buf schema = {0};
        buf_put_format(
            &schema,
            "{\"type\":\"record\",\"name\":\"ReplaceCommand\",\"fields\":[{\"name\":\"commandId\",\"type\":"
            "\"string\"},{\"name\":\"existingCertificateId\",\"type\":%s},%s,{\"name\":\"issuedAt\",\"type\":"
            "\"long\"}]}",
            mismatches[i].type, PRINCIPAL);
        buf_put_byte(&schema, '\0');
        struct evolution e = written_by((const char *)schema.data);
        put_text(&e, guid);
        buf_put(&e.message, mismatches[i].bytes, mismatches[i].len);
        put_text(&e, "user");
        buf_put(&e.message, "\x00\x02", 2);
        cr_assert_not(codec_decode_replace_command(e.codec, buf_span(&e.message), e.arena, &out, &err));
        cr_assert_eq(err.code, ERR_AVRO_INVALID);
        cr_assert_not_null(strstr(err.text, mismatches[i].says), "%s", err.text);
        done(&e);
    }
}

#define STORE_TYPE(profiles, formats)                                                                        \
    "{\"type\":\"record\",\"name\":\"StoreInventory\",\"fields\":[{\"name\":\"storeId\",\"type\":"           \
    "\"string\"},"                                                                                           \
    "{\"name\":\"storeType\",\"type\":{\"type\":\"record\",\"name\":\"StoreType\",\"fields\":["              \
    "{\"name\":\"shortName\",\"type\":\"string\"},{\"name\":\"format\",\"type\":{\"type\":\"enum\","         \
    "\"name\":"                                                                                              \
    "\"CredentialFormat\",\"symbols\":" formats "}}" profiles                                                \
    ",{\"name\":\"entryPasswordRequired\",\"type\":\"boolean\"},{\"name\":\"privateKey\",\"type\":{"         \
    "\"type\":\"enum\","                                                                                     \
    "\"name\":\"PrivateKeyPolicy\",\"symbols\":[\"REQUIRED\"]}},{\"name\":\"addSupported\",\"type\":"        \
    "\"boolean\"}]}},"                                                                                       \
    "{\"name\":\"clientMachine\",\"type\":\"string\"},{\"name\":\"storePath\",\"type\":\"string\"},"         \
    "{\"name\":\"approved\",\"type\":\"boolean\"},{\"name\":\"entries\",\"type\":{\"type\":\"array\","       \
    "\"items\":"                                                                                             \
    "{\"type\":\"record\",\"name\":\"StoreEntry\",\"fields\":[]}}},{\"name\":\"inventoriedAt\",\"type\":"    \
    "\"long\"}]}"
#define PROFILES(symbols)                                                                                    \
    ",{\"name\":\"pkcs12Profile\",\"type\":{\"type\":\"enum\",\"name\":\"Pkcs12Profile\","                   \
    "\"symbols\":" symbols "}}"

static bool decode_store_type(const char *schema, bool with_profile, struct store_inventory *out,
                              struct err *err)
{
    struct evolution e = written_by(schema);
    put_text(&e, guid);
    put_text(&e, "JKS");
    encode_long(&e.message, 1); /* the second symbol of the format's enum */
    if (with_profile)
        encode_long(&e.message, 1);
    buf_put(&e.message, "\x01\x00\x01", 3);
    put_text(&e, "m");
    put_text(&e, "p");
    buf_put(&e.message, "\x01\x00\x00", 3);
    bool decoded = codec_decode_store_inventory(e.codec, buf_span(&e.message), e.arena, out, err);
    done(&e);
    return decoded;
}

/* The array's items lack fields that we need: no matter while there are none, but here they also take no
 * bytes. */
Test(evolution, symbols_go_by_name)
{
    struct err err = {0};
    struct store_inventory out;
    cr_assert_not(decode_store_type(STORE_TYPE("", "[\"PEM\",\"PKCS12\"]"), false, &out, &err));
    cr_assert_not_null(strstr(err.text, "array's elements"), "%s", err.text);
    cr_assert_eq(out.type.format, CREDENTIAL_PKCS12);
    cr_assert_eq(out.type.private_key, PRIVATE_KEY_REQUIRED);
    cr_assert_eq(out.type.pkcs12_profile, PKCS12_MODERN);
}

Test(evolution, an_unknown_profile_is_the_enums_default)
{
    struct err err = {0};
    struct store_inventory out = {.type.pkcs12_profile = PKCS12_LEGACY};
    decode_store_type(STORE_TYPE(PROFILES("[\"LEGACY\",\"FUTURE\"]"), "[\"PEM\",\"PKCS12\"]"), true, &out,
                      &err);
    cr_assert_eq(out.type.pkcs12_profile, PKCS12_MODERN);
    cr_assert_not_null(strstr(err.text, "array's elements"), "%s", err.text);
}

Test(evolution, an_unknown_symbol_without_a_default_is_named)
{
    struct err err = {0};
    struct store_inventory out;
    cr_assert_not(decode_store_type(STORE_TYPE("", "[\"PEM\",\"PKCS7\"]"), false, &out, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
    cr_assert_not_null(strstr(err.text, "PKCS7"), "%s", err.text);
}
