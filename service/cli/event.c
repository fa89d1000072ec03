#include "cli/event.h"

#include "cli/file.h"
#include "cli/output.h"
#include "cli/send.h"
#include "cli/subcommands.h"
#include "crypto/credential_open.h"
#include "crypto/library.h"

/* What the tool opens to compute a thumbprint; the service has its own, stricter limits. */
static const struct pfx_limits LIMITS = {.max_iterations = 5000000, .max_bytes = 16 * 1024 * 1024};

/* The thumbprint of the leaf in the credential. */
static bool compute_thumbprint(const struct credential *credential, char text[THUMBPRINT_TEXT_LEN + 1],
                               struct err *err)
{
    if (!crypto_library_start(err))
        return false;
    AUTO(material) struct material material = {0};
    struct err fault = {0};
    bool ok = credential_open(&LIMITS, credential, &material, &fault);
    if (!ok)
        err_set(err, fault.code, "%s%s", fault.text,
                credential->has_password ? "" : " (--password-file, --password-env or --password-prompt)");
    else if (!material_thumbprint(&material, text))
        ok = err_set(err, ERR_NO_MEMORY, "out of memory while computing the thumbprint");
    return ok;
}

static bool set_credential(const struct options *options, const struct credential *credential, json_t *object,
                           struct err *err)
{
    char computed[THUMBPRINT_TEXT_LEN + 1];
    const char *thumbprint = options_text(options, "thumbprint");
    if (thumbprint == NULL) {
        bool ok = compute_thumbprint(credential, computed, err);
        crypto_library_stop();
        if (!ok)
            return false;
        thumbprint = computed;
    }
    json_t *fields = json_object();
    bool ok =
        fields != NULL &&
        record_input_set_text(fields, "format", span_text(credential_format_name(credential->format)), err) &&
        record_input_set_bytes(fields, "content", credential->content, err) &&
        (!credential->has_password || record_input_set_text(fields, "password", credential->password, err));
    if (!ok) {
        json_decref(fields);
        return err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    }
    return record_input_set(object, "credential", fields, err) &&
           record_input_set_text(object, "thumbprint", span_text(thumbprint), err);
}

static bool add_credential(const struct options *options, json_t *object, struct err *err)
{
    const char *pfx = options_text(options, "pfx");
    const char *pem = options_text(options, "pem");
    if ((pfx == NULL) == (pem == NULL))
        return err_set(err, ERR_CONFIG_INVALID,
                       "give the certificate and its key: either --pfx FILE or --pem FILE");
    AUTO(secret) struct secret content = {0};
    AUTO(secret) struct secret password = {0};
    struct credential credential = {.format = pfx != NULL ? CREDENTIAL_PKCS12 : CREDENTIAL_PEM};
    if (!file_read(pfx != NULL ? pfx : pem, LIMITS.max_bytes, &content, err) ||
        !password_read(options, &password, &credential.has_password, err))
        return false;
    credential.content = secret_span(&content);
    credential.password = secret_span(&password);
    return set_credential(options, &credential, object, err);
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
