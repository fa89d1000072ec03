/* Round trips, and what a decoded record must hold. */
#include "samples.h"

#include <criterion/criterion.h>

struct fixture {
    struct schema_set *set;
    struct codec *codec;
    struct arena *arena;
    struct buf message;
};
static struct fixture f;

static void start(void)
{
    struct err err = {0};
    f.set = schema_set_new(NULL, &err);
    f.codec = codec_new(f.set);
    f.arena = arena_new(0);
}

static void stop(void)
{
    buf_free(&f.message);
    arena_free(f.arena);
    codec_free(f.codec);
    schema_set_free(f.set);
}

TestSuite(codec, .init = start, .fini = stop);

Test(codec, every_record_comes_back_byte_for_byte)
{
    for (int kind = RECORD_CERTIFICATE_ENROLLED; kind <= RECORD_REPLACE_RESULT; kind++)
        for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
            AUTO(buf) struct buf again = {0};
            struct err err = {0};
            buf_reset(&f.message);
            sample_message((enum record_kind)kind, (enum sample)sample, &f.message);
            cr_assert(
                sample_decode(f.codec, (enum record_kind)kind, buf_span(&f.message), f.arena, &again, &err),
                "%s %d: %s", record_full_name((enum record_kind)kind), sample, err.text);
            cr_assert(span_equal(buf_span(&f.message), buf_span(&again)), "%s %d",
                      record_full_name((enum record_kind)kind), sample);
        }
}

Test(codec, a_message_begins_with_the_little_endian_fingerprint)
{
    sample_message(RECORD_STORE_JOB, SAMPLE_FULL, &f.message);
    cr_assert_eq(f.message.data[0], 0xC3);
    cr_assert_eq(f.message.data[1], 0x01);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(f.message.data[2 + i], (uint8_t)(record_fingerprint(RECORD_STORE_JOB) >> 8 * i));
}

Test(codec, a_job_has_its_fields)
{
    struct err err = {0};
    struct store_job job;
    sample_message(RECORD_STORE_JOB, SAMPLE_FULL, &f.message);
    cr_assert(codec_decode_store_job(f.codec, buf_span(&f.message), f.arena, &job, &err));
    cr_assert_eq(job.agent_id.bytes[0], 4);
    cr_assert(job.has_container_id);
    cr_assert_eq(job.container_id, INT32_MAX);
    cr_assert(job.overwrite);
    cr_assert_eq(job.scheduled_at_ms, -1);
    cr_assert_not(job.credential.is_sealed);
    cr_assert_eq(job.credential.plain.format, CREDENTIAL_PEM);
    cr_assert_eq(job.credential.plain.content.len, 10);
    cr_assert(span_equal(job.credential.plain.password, SPAN_LITERAL("pass-wörd-€-𝄞")));
    cr_assert_eq(job.store_path.len, 3000);
    /* borrowed, not copied */
    cr_assert(job.alias.data > f.message.data && job.alias.data < f.message.data + f.message.len);
}

Test(codec, a_command_keeps_its_store_ids_as_written)
{
    struct err err = {0};
    struct replace_command command = sample_command(SAMPLE_FULL);
    struct span odd[] = {SPAN_LITERAL("no GUID"), SPAN_LITERAL("51515151-5151-5151-5151-51515151515A")};
    command.store_ids = odd;
    cr_assert(codec_encode_replace_command(f.codec, &command, &f.message, &err));
    struct replace_command out;
    cr_assert(codec_decode_replace_command(f.codec, buf_span(&f.message), f.arena, &out, &err), "%s",
              err.text);
    cr_assert_eq(out.store_id_count, 2);
    cr_assert(span_equal(out.store_ids[0], odd[0]));
    cr_assert(span_equal(out.store_ids[1], odd[1]));
    cr_assert_eq(out.password_kind, PASSWORD_PLAIN);
    cr_assert_eq(out.principal.permission_count, 2);
    cr_assert_eq(out.existing_certificate_id, INT32_MIN);
}

Test(codec, an_empty_array_of_store_ids_is_not_null)
{
    struct err err = {0};
    struct replace_command out;
    sample_message(RECORD_REPLACE_COMMAND, SAMPLE_SEALED, &f.message);
    cr_assert(codec_decode_replace_command(f.codec, buf_span(&f.message), f.arena, &out, &err), "%s",
              err.text);
    cr_assert(out.has_store_ids);
    cr_assert_eq(out.store_id_count, 0);
    cr_assert_eq(out.password_kind, PASSWORD_SEALED);
    cr_assert(span_equal(out.sealed_password.recipient, SPAN_LITERAL("ff")));
}

/* Puts a character that no GUID has into the first GUID, which is the first field of each record. */
static void spoil_guid(void)
{
    f.message.data[10 + 1] = 'x';
}

Test(codec, malformed_guids_are_refused_by_record)
{
    static const struct {
        enum record_kind kind;
        enum err_code code;
        const char *field;
    } cases[] = {
        {RECORD_CERTIFICATE_ENROLLED, ERR_EVENT_INVALID, "eventId"},
        {RECORD_CERTIFICATE_RENEWED, ERR_EVENT_INVALID, "eventId"},
        {RECORD_STORE_INVENTORY, ERR_INVENTORY_INVALID, "storeId"},
        {RECORD_REPLACE_COMMAND, ERR_COMMAND_ID_INVALID, "commandId"},
        {RECORD_STORE_JOB, ERR_AVRO_INVALID, "jobId"},
        {RECORD_REPLACE_RESULT, ERR_AVRO_INVALID, "resultId"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        buf_reset(&f.message);
        sample_message(cases[i].kind, SAMPLE_FULL, &f.message);
        spoil_guid();
        cr_assert_not(sample_decode(f.codec, cases[i].kind, buf_span(&f.message), f.arena, NULL, &err));
        cr_assert_eq(err.code, cases[i].code, "%s", err_name(err.code));
        cr_assert_not_null(strstr(err.text, cases[i].field), "%s", err.text);
    }
}

Test(codec, ids_below_one_refuse_an_event_but_no_inventory_and_no_command)
{
    for (int which = 0; which < 3; which++) {
        struct err err = {0};
        struct certificate_event event = sample_event(SAMPLE_FULL, true);
        struct certificate_event out;
        *(which == 0   ? &event.certificate_id
          : which == 1 ? &event.request_id
                       : &event.renewed_certificate_id) = 0;
        buf_reset(&f.message);
        cr_assert(codec_encode_certificate_event(f.codec, &event, &f.message, &err));
        cr_assert_not(codec_decode_certificate_event(f.codec, RECORD_CERTIFICATE_RENEWED,
                                                     buf_span(&f.message), f.arena, &out, &err));
        cr_assert_eq(err.code, ERR_EVENT_INVALID);
    }
}

Test(codec, a_refused_event_still_shows_its_format)
{
    struct err err = {0};
    struct certificate_event event = sample_event(SAMPLE_FULL, false);
    struct certificate_event out;
    event.certificate_id = -1;
    event.certificate_format = SPAN_LITERAL("PFX");
    cr_assert(codec_encode_certificate_event(f.codec, &event, &f.message, &err));
    cr_assert_not(codec_decode_certificate_event(f.codec, RECORD_CERTIFICATE_ENROLLED, buf_span(&f.message),
                                                 f.arena, &out, &err));
    cr_assert_eq(err.code, ERR_EVENT_INVALID);
    cr_assert(span_equal(out.certificate_format, SPAN_LITERAL("PFX")));
    cr_assert(span_equal(out.requester, event.requester));
}

Test(codec, what_cannot_be_decoded_outranks_what_is_refused)
{
    struct err err = {0};
    sample_message(RECORD_CERTIFICATE_ENROLLED, SAMPLE_FULL, &f.message);
    spoil_guid();
    buf_put_byte(&f.message, 0);
    cr_assert_not(
        sample_decode(f.codec, RECORD_CERTIFICATE_ENROLLED, buf_span(&f.message), f.arena, NULL, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
}

Test(codec, another_record_than_the_topic_holds_is_invalid)
{
    struct err err = {0};
    sample_message(RECORD_CERTIFICATE_ENROLLED, SAMPLE_FULL, &f.message);
    cr_assert_not(
        sample_decode(f.codec, RECORD_CERTIFICATE_RENEWED, buf_span(&f.message), f.arena, NULL, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
    cr_assert_not_null(strstr(err.text, "io.certswap.v1.CertificateEnrolled"), "%s", err.text);
}

Test(codec, a_credential_body_comes_back)
{
    struct err err = {0};
    struct credential in = {CREDENTIAL_PEM, SPAN_LITERAL("-----BEGIN"), true, SPAN_LITERAL("p")};
    struct credential out;
    cr_assert(codec_encode_credential_body(f.codec, &in, &f.message, &err));
    cr_assert_eq(f.message.data[0], 2); /* no framing: the symbol PEM comes first */
    cr_assert(codec_decode_credential_body(f.codec, buf_span(&f.message), f.arena, &out, &err), "%s",
              err.text);
    cr_assert_eq(out.format, CREDENTIAL_PEM);
    cr_assert(span_equal(out.content, in.content));
    cr_assert(out.has_password && span_equal(out.password, in.password));
    cr_assert_not(codec_decode_credential_body(f.codec, (struct span){0}, f.arena, &out, &err));
    cr_assert_eq(err.code, ERR_AVRO_INVALID);
}
