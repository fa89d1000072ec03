#include "cli/sealing.h"

#include "avro/codec.h"
#include "cli/file.h"
#include "cli/record_input.h"
#include "crypto/pem_read.h"

enum { CERTIFICATE_MAX = 1024 * 1024 };

bool seal_certificate_read(const char *path, struct buf *der, struct err *err)
{
    const struct pfx_limits limits = {.max_iterations = 1, .max_bytes = CERTIFICATE_MAX};
    AUTO(secret) struct secret file = {0};
    AUTO(pem_reader) struct pem_reader reader = {.limits = &limits};
    struct err fault = {0};
    if (!file_read(path, CERTIFICATE_MAX, &file, err))
        return false;
    struct span found = secret_span(&file);
    if (found.len > 0 && memmem(found.data, found.len, "-----BEGIN ", 11) != NULL) {
        if (!pem_read(&reader, found, &fault))
            return err_set(err, fault.code, "%.200s: %s", path, fault.text);
        if (reader.cert_count == 0)
            return err_set(err, ERR_CREDENTIAL_INVALID, "%.200s: there is no certificate in it", path);
        found = buf_span(&reader.certs[0]);
    }
    buf_put(der, found.data, found.len);
    return !der->failed || err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
}

bool seal_password(const char *certificate_path, struct span password, struct sealed_output *out,
                   struct err *err)
{
    AUTO(buf) struct buf der = {0};
    struct err fault = {0};
    if (!seal_certificate_read(certificate_path, &der, err))
        return false;
    if (sealing_seal(buf_span(&der), password, record_input_now_ms(), &out->cms, out->recipient, &fault))
        return true;
    enum err_code code = fault.code == ERR_SEALING_FAILED ? ERR_CREDENTIAL_INVALID : fault.code;
    return err_set(err, code, "%.200s: %s", certificate_path, fault.text);
}

bool seal_credential(const char *certificate_path, const struct credential *credential,
                     struct sealed_output *out, struct err *err)
{
    AUTO(schema_set) struct schema_set *schemas = schema_set_new(NULL, err);
    AUTO(codec) struct codec *codec = schemas != NULL ? codec_new(schemas) : NULL;
    AUTO(buf) struct buf body = {0};
    /* Room for all, so that a growing buffer leaves no copies behind. */
    if (codec == NULL || buf_reserve(&body, credential->content.len + credential->password.len + 64) == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory while sealing");
    return codec_encode_credential_body(codec, credential, &body, err) &&
           seal_password(certificate_path, buf_span(&body), out, err);
}

json_t *sealed_json(const struct sealed_output *sealed, struct err *err)
{
    json_t *record = json_object();
    if (record != NULL && record_input_set_text(record, "recipient", span_text(sealed->recipient), err) &&
        record_input_set_bytes(record, "cms", buf_span(&sealed->cms), err))
        return record;
    json_decref(record);
    err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    return NULL;
}
