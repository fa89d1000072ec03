#include "cli/credential.h"

#include "cli/file.h"
#include "crypto/credential_open.h"

/* What the tool opens; the service has its own, stricter limits. */
static const struct pfx_limits LIMITS = {.max_iterations = 5000000, .max_bytes = CREDENTIAL_FILE_MAX};

bool credential_file_read(const struct options *options, struct credential_file *out, struct err *err)
{
    const char *pfx = options_text(options, "pfx");
    const char *pem = options_text(options, "pem");
    if ((pfx == NULL) == (pem == NULL))
        return err_set(err, ERR_CONFIG_INVALID,
                       "give the certificate and its key: either --pfx FILE or --pem FILE");
    out->credential.format = pfx != NULL ? CREDENTIAL_PKCS12 : CREDENTIAL_PEM;
    if (!file_read(pfx != NULL ? pfx : pem, CREDENTIAL_FILE_MAX, &out->content, err) ||
        !password_read(options, &out->password, &out->credential.has_password, err))
        return false;
    out->credential.content = secret_span(&out->content);
    out->credential.password = secret_span(&out->password);
    return true;
}

bool credential_file_open(const struct credential_file *file, struct material *out, struct err *err)
{
    struct err fault = {0};
    return credential_open(&LIMITS, &file->credential, out, &fault) ||
           err_set(err, fault.code, "%s%s", fault.text,
                   file->credential.has_password ? ""
                                                 : " (--password-file, --password-env or --password-prompt)");
}
