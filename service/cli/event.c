#include "cli/event.h"

#include "cli/output.h"
#include "cli/sealing.h"
#include "cli/send.h"
#include "cli/subcommands.h"
#include "crypto/library.h"

/* The thumbprint of the leaf in the credential. */
static bool compute_thumbprint(const struct credential_file *file, char text[THUMBPRINT_TEXT_LEN + 1],
                               struct err *err)
{
    AUTO(material) struct material material = {0};
    if (!credential_file_open(file, &material, err))
        return false;
    return material_thumbprint(&material, text) ||
           err_set(err, ERR_NO_MEMORY, "out of memory while computing the thumbprint");
}

static json_t *plain_json(const struct credential *credential, struct err *err)
{
    json_t *fields = json_object();
    if (fields != NULL &&
        record_input_set_text(fields, "format", span_text(credential_format_name(credential->format)), err) &&
        record_input_set_bytes(fields, "content", credential->content, err) &&
        (!credential->has_password || record_input_set_text(fields, "password", credential->password, err)))
        return fields;
    json_decref(fields);
    err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    return NULL;
}

static json_t *credential_json(const struct options *options, const struct credential *credential,
                               struct err *err)
{
    const char *certificate = options_text(options, "seal-to");
    AUTO(sealed_output) struct sealed_output sealed = {0};
    if (certificate == NULL)
        return plain_json(credential, err);
    return seal_credential(certificate, credential, &sealed, err) ? sealed_json(&sealed, err) : NULL;
}

/* With the library started. */
static bool set_credential(const struct options *options, json_t *object, struct err *err)
{
    AUTO(credential_file) struct credential_file file = {0};
    char computed[THUMBPRINT_TEXT_LEN + 1];
    const char *thumbprint = options_text(options, "thumbprint");
    if (!credential_file_read(options, &file, err) ||
        (thumbprint == NULL && !compute_thumbprint(&file, computed, err)))
        return false;
    json_t *fields = credential_json(options, &file.credential, err);
    return fields != NULL && record_input_set(object, "credential", fields, err) &&
           record_input_set_text(object, "thumbprint", span_text(thumbprint != NULL ? thumbprint : computed),
                                 err);
}

static bool add_credential(const struct options *options, json_t *object, struct err *err)
{
    bool done = crypto_library_start(err) && set_credential(options, object, err);
    crypto_library_stop();
    return done;
}

static bool add_number(const struct options *options, const char *option, const char *field, json_t *object,
                       struct err *err)
{
    if (!options_has(options, option))
        return err_set(err, ERR_CONFIG_INVALID, "--%s is missing; 'certswap help %s' shows an example",
                       option, options_subcommand(options)->name);
    return record_input_set(object, field, json_integer(options_number(options, option, 0)), err);
}

/* The event that the flags describe, as an array of one. */
static json_t *from_flags(const struct options *options,
                          bool (*own)(const struct options *options, json_t *object, struct err *err),
                          struct err *err)
{
    json_t *object = json_object();
    const char *event_id = options_text(options, "event-id");
    const char *occurred_at = options_text(options, "occurred-at");
    const char *requester = options_text(options, "requester");
    bool ok =
        object != NULL && (requester != NULL ||
                           err_set(err, ERR_CONFIG_INVALID, "--requester is missing: who made the request?"));
    ok = ok && add_number(options, "certificate-id", "certificateId", object, err) &&
         add_number(options, "request-id", "requestId", object, err) &&
         record_input_set_text(object, "requester", span_text(requester), err) && own(options, object, err) &&
         (event_id == NULL || record_input_set_text(object, "eventId", span_text(event_id), err)) &&
         (occurred_at == NULL || record_input_set_text(object, "occurredAt", span_text(occurred_at), err)) &&
         add_credential(options, object, err);
    json_t *list = ok ? json_array() : NULL;
    if (list != NULL && json_array_append_new(list, object) == 0)
        return list;
    if (list == NULL)
        json_decref(object);
    json_decref(list);
    err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    return NULL;
}

static bool fill(json_t *objects, struct err *err)
{
    size_t index;
    json_t *object;
    json_array_foreach(
        objects, index,
        object) if (!record_input_fill_uuid(object, "eventId", err) ||
                    !record_input_fill_time(object, "occurredAt", record_input_now_ms(), err)) return false;
    return true;
}

int event_send(const struct options *options, enum record_kind kind,
               bool (*own)(const struct options *options, json_t *object, struct err *err))
{
    const char *path = options_text(options, "file");
    const char *other = options_of_record(options);
    if (path != NULL && other != NULL)
        return output_fail(options, STATUS_USAGE, "--file brings the whole record: leave out --%s, or --file",
                           other);
    struct err err = {0};
    AUTO(json)
    json_t *objects = path != NULL ? record_input_load(path, &err) : from_flags(options, own, &err);
    if (objects == NULL || !fill(objects, &err))
        return output_fail_input(options, &err);
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    bool renewal = kind == RECORD_CERTIFICATE_RENEWED;
    struct send_plan plan = {.kind = kind,
                             .topic = session_topic(session, renewal ? "renewals" : "enrollments"),
                             .key_field = "certificateId",
                             .id_field = "eventId",
                             .extra = (const char *const[]){"thumbprint", NULL}};
    return send_records(options, session, &plan, objects, false);
}
