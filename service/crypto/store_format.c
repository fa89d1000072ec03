#include "crypto/store_format.h"

#include "base/auto.h"
#include "crypto/store_format_row.h"

#include <assert.h>

static const struct {
    store_format_builder *build;
    bool encrypts_without_key;
} formats[] = {
    [CREDENTIAL_PKCS12] = {pfx_build, true},
    [CREDENTIAL_PEM] = {pem_build, false},
};

bool store_format_build(const struct store_format_request *request, struct buf *out,
                        bool *content_is_encrypted, struct err *err)
{
    assert(request->iterations >= 1);
    bool encrypts = request->with_key || formats[request->format].encrypts_without_key;
    *content_is_encrypted = encrypts;
    if (request->with_key && request->material->key.len == 0)
        return err_set(
            err, ERR_PACKAGING_FAILED,
            "the store wants the private key and none is staged: enroll or renew the certificate again");
    if (encrypts && request->password.len == 0)
        return err_set(err, ERR_PACKAGING_FAILED,
                       "there is no password to encrypt with: send one in the command");
    if (request->password.len > 0 && memchr(request->password.data, 0, request->password.len) != NULL)
        return err_set(err, ERR_PACKAGING_FAILED,
                       "the password has a zero character, which no reader takes: choose another");
    AUTO(pbe_password) struct pbe_password password = {0};
    return pbe_password_set(&password, true, request->password, ERR_PACKAGING_FAILED, err) &&
           formats[request->format].build(request, &password, out, err);
}
