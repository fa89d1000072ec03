#include "samples.h"

#include "avro/canonical.h"
#include "avro/fingerprint.h"
#include "avro/framing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static const uint8_t all_bytes[] = {0, 1, 0x7f, 0x80, 0xC3, 0x01, 0xff, '"', '\\', '\n'};
static const char long_text[3000] = {[0 ... 2999] = 'x'};

static struct uuid guid(uint8_t fill)
{
    struct uuid uuid;
    memset(uuid.bytes, fill, sizeof uuid.bytes);
    uuid.bytes[15] = 0x5a;
    return uuid;
}

static struct credential_or_sealed credential(enum sample sample)
{
    if (sample == SAMPLE_SEALED)
        return (struct credential_or_sealed){
            .is_sealed = true, .sealed = {SPAN_LITERAL("0011aa"), span_of(all_bytes, sizeof all_bytes)}};
    return (struct credential_or_sealed){
        .plain = {.format = sample == SAMPLE_FULL ? CREDENTIAL_PEM : CREDENTIAL_PKCS12,
                  .content = span_of(all_bytes, sizeof all_bytes),
                  .has_password = sample == SAMPLE_FULL,
                  .password = sample == SAMPLE_FULL ? SPAN_LITERAL("pass-wörd-€-𝄞") : (struct span){0}}};
}

struct certificate_event sample_event(enum sample sample, bool is_renewal)
{
    return (struct certificate_event){
        .is_renewal = is_renewal,
        .event_id = guid(0xE1),
        .occurred_at_ms = sample == SAMPLE_FULL ? INT64_MAX : 1700000000123,
        .certificate_id = sample == SAMPLE_FULL ? INT32_MAX : 1,
        .request_id = sample == SAMPLE_FULL ? INT32_MAX : 1,
        .requester = sample == SAMPLE_NULLS ? (struct span){0} : SPAN_LITERAL("EXAMPLE\\jörg"),
        .certificate_format = is_renewal ? (struct span){0} : SPAN_LITERAL("Replace"),
        .thumbprint = SPAN_LITERAL("A9993E364706816ABA3E25717850C26C9CD0D89D"),
        .credential = credential(sample),
        .renewed_certificate_id = is_renewal ? 41 : 0,
    };
}

struct store_inventory sample_inventory(enum sample sample)
{
    static struct store_entry entries[3];
    entries[0] = (struct store_entry){SPAN_LITERAL("tls"), 41, SPAN_LITERAL("AB"), 0, true};
    entries[1] = (struct store_entry){SPAN_LITERAL(""), INT32_MIN, SPAN_LITERAL(""), INT32_MAX, false};
    entries[2] = (struct store_entry){span_of(long_text, sizeof long_text), -1, SPAN_LITERAL("CD"), 1, true};
    return (struct store_inventory){
        .store_id = guid(0x51),
        .type = {SPAN_LITERAL("JKS"), CREDENTIAL_PKCS12, PKCS12_LEGACY, true, PRIVATE_KEY_REQUIRED, true},
        .has_container_id = sample == SAMPLE_FULL,
        .container_id = sample == SAMPLE_FULL ? INT32_MIN : 0,
        .client_machine = SPAN_LITERAL("web-1.example.com"),
        .store_path = SPAN_LITERAL("/etc/tls"),
        .approved = true,
        .has_agent = sample != SAMPLE_NULLS,
        .agent = sample == SAMPLE_NULLS
                     ? (struct agent){0}
                     : (struct agent){guid(0xA6), sample == SAMPLE_SEALED,
                                      sample == SAMPLE_SEALED ? SPAN_LITERAL("DER") : (struct span){0}},
        .entries = sample == SAMPLE_NULLS ? NULL : entries,
        .entry_count = sample == SAMPLE_NULLS ? 0 : 3,
        .inventoried_at_ms = INT64_MIN,
    };
}

struct replace_command sample_command(enum sample sample)
{
    static struct span permissions[2];
    static struct span stores[2];
    permissions[0] = SPAN_LITERAL("/certificates/enrollment/pfx/");
    permissions[1] = SPAN_LITERAL("/certificate_stores/schedule/");
    stores[0] = SPAN_LITERAL("51515151-5151-5151-5151-51515151515A");
    stores[1] = SPAN_LITERAL("51515151-5151-5151-5151-51515151515B");
    bool nulls = sample == SAMPLE_NULLS;
    struct replace_command command = {
        .command_id = guid(0xC0),
        .existing_certificate_id = INT32_MIN,
        .has_certificate_id = !nulls,
        .certificate_id = nulls ? 0 : -64,
        .has_request_id = sample == SAMPLE_FULL,
        .request_id = sample == SAMPLE_FULL ? 63 : 0,
        .password_kind = nulls                     ? PASSWORD_NONE
                         : sample == SAMPLE_SEALED ? PASSWORD_SEALED
                                                   : PASSWORD_PLAIN,
        .has_job_time = !nulls,
        .job_time = nulls ? (struct span){0} : SPAN_LITERAL("2026-11-19T16:23:01Z"),
        .principal = {SPAN_LITERAL("EXAMPLE\\jörg"), nulls ? NULL : permissions, nulls ? 0 : 2},
        .has_authorization = !nulls,
        .authorization = nulls ? (struct span){0} : SPAN_LITERAL("Bearer eyJ"),
        .has_store_ids = !nulls,
        .store_ids = sample == SAMPLE_FULL ? stores : NULL,
        .store_id_count = sample == SAMPLE_FULL ? 2 : 0,
        .dry_run = sample == SAMPLE_FULL,
        .issued_at_ms = 1700000000000,
    };
    if (sample == SAMPLE_FULL)
        command.password = SPAN_LITERAL("hunter2 \xE2\x82\xAC");
    if (sample == SAMPLE_SEALED)
        command.sealed_password = (struct sealed){SPAN_LITERAL("ff"), span_of(all_bytes, sizeof all_bytes)};
    return command;
}

struct store_job sample_job(enum sample sample)
{
    bool nulls = sample == SAMPLE_NULLS;
    return (struct store_job){
        .job_id = guid(1),
        .command_id = guid(2),
        .store_id = guid(3),
        .agent_id = guid(4),
        .store_type = SPAN_LITERAL("PEM"),
        .client_machine = SPAN_LITERAL("web-1"),
        .store_path = span_of(long_text, sizeof long_text),
        .has_container_id = !nulls,
        .container_id = nulls ? 0 : INT32_MAX,
        .alias = SPAN_LITERAL("tls\0x"),
        .overwrite = true,
        .existing_certificate_id = 41,
        .existing_thumbprint = SPAN_LITERAL("AB"),
        .certificate_id = 42,
        .thumbprint = SPAN_LITERAL("CD"),
        .credential = credential(sample),
        .has_scheduled_at = !nulls,
        .scheduled_at_ms = nulls ? 0 : -1,
        .requested_by = SPAN_LITERAL("jörg"),
        .created_at_ms = 1700000000001,
    };
}

struct replace_result sample_result(enum sample sample)
{
    static struct uuid good[2];
    static struct uuid bad[1];
    static struct store_failure failures[1];
    good[0] = guid(1);
    good[1] = guid(2);
    bad[0] = guid(3);
    failures[0] =
        (struct store_failure){guid(3), SPAN_LITERAL("NO_AGENT"), SPAN_LITERAL("Give it one."), true};
    bool nulls = sample == SAMPLE_NULLS;
    return (struct replace_result){
        .result_id = guid(0x11),
        .command_id = guid(0x12),
        .status = sample == SAMPLE_SEALED ? REPLACE_REJECTED : REPLACE_PARTIAL,
        .successful_stores = nulls ? NULL : good,
        .successful_count = nulls ? 0 : 2,
        .failed_stores = nulls ? NULL : bad,
        .failed_count = nulls ? 0 : 1,
        .failures = nulls ? NULL : failures,
        .failure_count = nulls ? 0 : 1,
        .has_rejection = !nulls,
        .rejection_code = nulls ? (struct span){0} : SPAN_LITERAL("NOT_STAGED"),
        .rejection_message = nulls ? (struct span){0} : SPAN_LITERAL("Enroll it again."),
        .existing_certificate_id = 41,
        .has_certificate_id = !nulls,
        .certificate_id = nulls ? 0 : 42,
        .has_request_id = !nulls,
        .request_id = nulls ? 0 : 7,
        .job_count = 2,
        .has_scheduled_at = !nulls,
        .scheduled_at_ms = nulls ? 0 : INT64_MAX,
        .dry_run = true,
        .requested_by = SPAN_LITERAL("jörg"),
        .completed_at_ms = 0,
    };
}

static bool encode(struct codec *codec, enum record_kind kind, enum sample sample, struct buf *out,
                   struct err *err)
{
    struct certificate_event event = sample_event(sample, kind == RECORD_CERTIFICATE_RENEWED);
    struct store_inventory inventory = sample_inventory(sample);
    struct replace_command command = sample_command(sample);
    struct store_job job = sample_job(sample);
    struct replace_result result = sample_result(sample);
    switch (kind) {
    case RECORD_CERTIFICATE_ENROLLED:
    case RECORD_CERTIFICATE_RENEWED:
        return codec_encode_certificate_event(codec, &event, out, err);
    case RECORD_STORE_INVENTORY:
        return codec_encode_store_inventory(codec, &inventory, out, err);
    case RECORD_REPLACE_COMMAND:
        return codec_encode_replace_command(codec, &command, out, err);
    case RECORD_STORE_JOB:
        return codec_encode_store_job(codec, &job, out, err);
    default:
        return codec_encode_replace_result(codec, &result, out, err);
    }
}

void sample_message(enum record_kind kind, enum sample sample, struct buf *out)
{
    struct err err = {0};
    AUTO(schema_set) struct schema_set *set = schema_set_new(NULL, &err);
    AUTO(codec) struct codec *codec = codec_new(set);
    cr_assert(encode(codec, kind, sample, out, &err), "%s", err.text);
}

bool sample_decode(struct codec *codec, enum record_kind kind, struct span message, struct arena *arena,
                   struct buf *again, struct err *err)
{
    struct certificate_event event;
    struct store_inventory inventory;
    struct replace_command command;
    struct store_job job;
    struct replace_result result;
    switch (kind) {
    case RECORD_CERTIFICATE_ENROLLED:
    case RECORD_CERTIFICATE_RENEWED:
        return codec_decode_certificate_event(codec, kind, message, arena, &event, err) &&
               (again == NULL || codec_encode_certificate_event(codec, &event, again, err));
    case RECORD_STORE_INVENTORY:
        return codec_decode_store_inventory(codec, message, arena, &inventory, err) &&
               (again == NULL || codec_encode_store_inventory(codec, &inventory, again, err));
    case RECORD_REPLACE_COMMAND:
        return codec_decode_replace_command(codec, message, arena, &command, err) &&
               (again == NULL || codec_encode_replace_command(codec, &command, again, err));
    case RECORD_STORE_JOB:
        return codec_decode_store_job(codec, message, arena, &job, err) &&
               (again == NULL || codec_encode_store_job(codec, &job, again, err));
    default:
        return codec_decode_replace_result(codec, message, arena, &result, err) &&
               (again == NULL || codec_encode_replace_result(codec, &result, again, err));
    }
}

struct schema_set *sample_set_with(const char *schema_text)
{
    char dir[] = "/tmp/certswap-schemas-XXXXXX";
    char path[64];
    struct err err = {0};
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/writer.avsc", dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(schema_text, file);
    fclose(file);
    struct schema_set *set = schema_set_new(dir, &err);
    unlink(path);
    rmdir(dir);
    cr_assert_not_null(set, "%s", err.text);
    return set;
}

void sample_head(const char *schema_text, struct buf *out)
{
    AUTO(buf) struct buf canonical = {0};
    struct err err = {0};
    cr_assert(canonical_form(span_text(schema_text), &canonical, &err), "%s", err.text);
    framing_put_single_object(out, fingerprint_crc64(buf_span(&canonical)));
}
