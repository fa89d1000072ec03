/* Messages as JSON and back. */
#include "avro/json.h"
#include "samples.h"

#include <criterion/criterion.h>

static struct schema_set *set;
static struct codec *plain; /* of the set */

static void start(void)
{
    struct err err = {0};
    set = schema_set_new(NULL, &err);
    plain = codec_new(set);
}

static void stop(void)
{
    codec_free(plain);
    schema_set_free(set);
}

TestSuite(json, .init = start, .fini = stop);

static void to_json(enum record_kind kind, enum sample sample, bool show_secrets, struct buf *out)
{
    AUTO(buf) struct buf message = {0};
    struct err err = {0};
    sample_message(kind, sample, &message);
    cr_assert(record_to_json(plain, buf_span(&message), show_secrets, out, &err), "%s", err.text);
    buf_put_byte(out, '\0');
}

Test(json, a_command_as_people_see_it)
{
    AUTO(buf) struct buf out = {0};
    to_json(RECORD_REPLACE_COMMAND, SAMPLE_FULL, false, &out);
    cr_assert_str_eq(
        (char *)out.data,
        "{\"commandId\":\"c0c0c0c0-c0c0-c0c0-c0c0-c0c0c0c0c05a\",\"existingCertificateId\":-2147483648,"
        "\"certificateId\":-64,\"requestId\":63,\"password\":\"(hidden)\",\"jobTime\":"
        "\"2026-11-19T16:23:01Z\",\"principal\":{\"user\":\"EXAMPLE\\\\jörg\",\"permissions\":["
        "\"/certificates/enrollment/pfx/\",\"/certificate_stores/schedule/\"]},\"authorization\":"
        "\"(hidden)\",\"storeIds\":[\"51515151-5151-5151-5151-51515151515A\","
        "\"51515151-5151-5151-5151-51515151515B\"],\"dryRun\":true,\"issuedAt\":1700000000000}");
}

Test(json, secrets_are_shown_only_when_asked)
{
    AUTO(buf) struct buf hidden = {0};
    AUTO(buf) struct buf shown = {0};
    to_json(RECORD_STORE_JOB, SAMPLE_FULL, false, &hidden);
    to_json(RECORD_STORE_JOB, SAMPLE_FULL, true, &shown);
    cr_assert_not_null(
        strstr((char *)hidden.data, "\"content\":\"(hidden, 10 bytes)\",\"password\":\"(hidden)\""));
    cr_assert_not_null(
        strstr((char *)shown.data, "\"content\":\"AAF/gMMB/yJcCg==\",\"password\":\"pass-wörd-€-𝄞\""));
    cr_assert_not_null(strstr((char *)shown.data, "\"alias\":\"tls\\u0000x\""));
}

Test(json, sealed_material_is_no_secret)
{
    AUTO(buf) struct buf out = {0};
    to_json(RECORD_REPLACE_COMMAND, SAMPLE_SEALED, false, &out);
    cr_assert_not_null(
        strstr((char *)out.data, "\"password\":{\"recipient\":\"ff\",\"cms\":\"AAF/gMMB/yJcCg==\"}"));
}

Test(json, every_record_comes_back_byte_for_byte)
{
    for (int kind = 0; kind <= RECORD_REPLACE_RESULT; kind++)
        for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
            AUTO(buf) struct buf message = {0};
            AUTO(buf) struct buf json = {0};
            AUTO(buf) struct buf again = {0};
            struct err err = {0};
            sample_message((enum record_kind)kind, (enum sample)sample, &message);
            cr_assert(record_to_json(plain, buf_span(&message), true, &json, &err));
            cr_assert(
                record_from_json(plain, (enum record_kind)kind, (char *)json.data, json.len, &again, &err),
                "%s", err.text);
            /* JSON in writes GUIDs in lower case, also storeIds. */
            for (size_t i = 0; kind == RECORD_REPLACE_COMMAND && i + 4 < message.len; i++)
                if (memcmp(message.data + i, "5151", 4) == 0 && i + 12 <= message.len)
                    for (size_t k = i; k < i + 12; k++)
                        if (message.data[k] == 'A' || message.data[k] == 'B')
                            message.data[k] += 32;
            cr_assert(span_equal(buf_span(&message), buf_span(&again)), "%d %d", kind, sample);
        }
}

#define EVENT(id, at, rest)                                                                                  \
    "{\"eventId\":" id ",\"occurredAt\":" at ",\"certificateId\":42,\"requestId\":7,\"requester\":\"u\","    \
    "\"certificateFormat\":\"Replace\",\"thumbprint\":\"AB\"" rest "}"
#define GUID "\"E1E1E1E1-0000-0000-0000-00000000005A\""
#define PLAIN ",\"credential\":{\"format\":\"PEM\",\"content\":\"aGk=\"}"

Test(json, an_event_in_either_notation_of_time)
{
    static const char *const texts[] = {EVENT(GUID, "1795105381000", PLAIN),
                                        EVENT(GUID, "\"2026-11-19T16:23:01Z\"", PLAIN),
                                        EVENT(GUID, "\"2026-11-19T17:23:01.000+01:00\"", PLAIN)};
    AUTO(codec) struct codec *codec = codec_new(set);
    AUTO(arena) struct arena *arena = arena_new(0);
    for (size_t i = 0; i < 3; i++) {
        AUTO(buf) struct buf message = {0};
        struct err err = {0};
        struct certificate_event event;
        cr_assert(
            record_from_json(plain, RECORD_CERTIFICATE_ENROLLED, texts[i], strlen(texts[i]), &message, &err),
            "%s", err.text);
        cr_assert(codec_decode_certificate_event(codec, RECORD_CERTIFICATE_ENROLLED, buf_span(&message),
                                                 arena, &event, &err));
        cr_assert_eq(event.occurred_at_ms, 1795105381000);
        cr_assert_not(event.credential.is_sealed || event.credential.plain.has_password);
        cr_assert(span_equal(event.credential.plain.content, SPAN_LITERAL("hi")));
    }
}

static const struct {
    const char *json;
    const char *says;
} faults[] = {
    {"", "line 1"},
    {"[]", "write an object with the fields of CertificateEnrolled"},
    {"{\"eventId\":\"hunter2\",", "line 1"},
    {"{\"eventId\":1,\"eventId\":2}", "a field stands twice"},
    {EVENT("7", "1", PLAIN), "eventId: write a GUID"},
    {EVENT("\"x\"", "1", PLAIN), "eventId: write a GUID"},
    {EVENT(GUID, "\"2026-11-19\"", PLAIN), "occurredAt: write milliseconds"},
    {EVENT(GUID, "1.5", PLAIN), "occurredAt: write milliseconds"},
    {EVENT(GUID, "1", ""), "credential: the field is missing"},
    {EVENT(GUID, "1", ",\"credential\":null"), "credential: write an object with the fields of Credential"},
    {EVENT(GUID, "1", ",\"credential\":{\"format\":\"P12\",\"content\":\"\"}"),
     "credential.format: write one of PKCS12, PEM"},
    {EVENT(GUID, "1", ",\"credential\":{\"format\":\"PEM\",\"content\":\"hunter2\"}"),
     "credential.content: write the bytes"},
    {EVENT(GUID, "1", ",\"credential\":{\"format\":\"PEM\",\"content\":\"!!!!\"}"),
     "credential.content: the text is no"},
    {EVENT(GUID, "1", ",\"credential\":{\"recipient\":\"ab\"}"), "credential.cms: the field is missing"},
    {EVENT(GUID, "1", ",\"credential\":{\"cms\":\"\",\"content\":\"\"}"),
     "credential: fields of Credential and of"},
    {EVENT(GUID, "1", PLAIN ",\"thumbprnt\":\"AB\""), "no field \"thumbprnt\"; the nearest is thumbprint"},
};

Test(json, faults_name_the_field_and_repeat_no_value)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        buf_put_text(&out, "before");
        cr_assert_not(record_from_json(plain, RECORD_CERTIFICATE_ENROLLED, faults[i].json,
                                       strlen(faults[i].json), &out, &err),
                      "%s", faults[i].json);
        cr_assert_eq(err.code, ERR_AVRO_INVALID);
        cr_assert_not_null(strstr(err.text, faults[i].says), "%s: %s", faults[i].json, err.text);
        cr_assert_null(strstr(err.text, "hunter2"), "%s", err.text);
        cr_assert_eq(out.len, 6);
    }
}

Test(json, of_a_command_defaults_may_be_absent_and_ranges_hold)
{
    static const struct {
        const char *rest;
        const char *says;
    } cases[] = {
        {"", NULL},
        {",\"password\":null,\"storeIds\":null,\"dryRun\":false", NULL},
        {",\"password\":7", "password: write null, a string or a SealedPassword"},
        {",\"storeIds\":[\"e1e1e1e1-0000-0000-0000-00000000005a\",7]", "storeIds[1]: write a GUID"},
        {",\"storeIds\":{}", "storeIds: write an array"},
        {",\"certificateId\":2147483648", "certificateId: the number is out of the range"},
        {",\"certificateId\":\"7\"", "certificateId: write a whole number"},
        {",\"dryRun\":0", "dryRun: write true or false"},
        {",\"jobTime\":1", "jobTime: write a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf) struct buf text = {0};
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        buf_put_format(&text,
                       "{\"commandId\":" GUID ",\"existingCertificateId\":1,\"principal\":{\"user\":\"u\","
                       "\"permissions\":[]},\"issuedAt\":1%s}",
                       cases[i].rest);
        bool done = record_from_json(plain, RECORD_REPLACE_COMMAND, (char *)text.data, text.len, &out, &err);
        cr_assert_eq(done, cases[i].says == NULL, "%s: %s", cases[i].rest, err.text);
        if (!done)
            cr_assert_not_null(strstr(err.text, cases[i].says), "%s", err.text);
    }
}

/* Each type that none of our records has. */
Test(json, another_writers_record_can_be_shown)
{
    static const char schema[] = "{\"type\":\"record\",\"name\":\"other.R\",\"fields\":[{\"name\":\"a\","
                                 "\"type\":{\"type\":\"map\",\"values\":"
                                 "\"null\"}},{\"name\":\"b\",\"type\":[\"double\",\"float\"]},{\"name\":"
                                 "\"c\",\"type\":\"float\"},{\"name\":\"d\","
                                 "\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},{\"name\":"
                                 "\"password\",\"type\":{\"type\":\"array\","
                                 "\"items\":[\"null\",\"string\"]}},{\"name\":\"e\",\"type\":\"string\"}]}";
    static const char body[] = "\x02\x02k\x00\x00\x00\x00\x00\x00\x00\x00\xF8\x3F\x00\x00\xC0\x7F"
                               "hi\x04\x02\x06pwd\x00\x00\x06\"\n\x7f";
    struct schema_set *with = sample_set_with(schema);
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    sample_head(schema, &message);
    buf_put(&message, body, sizeof body - 1);
    struct codec *reader = codec_new(with);
    bool done = record_to_json(reader, buf_span(&message), false, &out, &err);
    codec_free(reader);
    schema_set_free(with);
    cr_assert(done, "%s", err.text);
    buf_put_byte(&out, '\0');
    cr_assert_str_eq((char *)out.data, "{\"a\":{\"k\":null},\"b\":1.5,\"c\":null,\"d\":\"aGk=\",\"password\":"
                                       "[\"(hidden)\",null],\"e\":\"\\\"\\u000a\\u007f\"}");
}

Test(json, values_of_no_bytes_are_not_written_without_end)
{
    static const char schema[] = "{\"type\":\"array\",\"items\":\"null\"}";
    struct schema_set *with = sample_set_with(schema);
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    sample_head(schema, &message);
    buf_put(&message, "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 10); /* 2^62 elements */
    struct codec *reader = codec_new(with);
    bool done = record_to_json(reader, buf_span(&message), false, &out, &err);
    codec_free(reader);
    schema_set_free(with);
    cr_assert_not(done);
    cr_assert_not_null(strstr(err.text, "take no bytes"), "%s", err.text);
    cr_assert_eq(out.len, 0);
}
