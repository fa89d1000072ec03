#include "crypto/credential_open.h"

#include "crypto/pem_open.h"

typedef bool open_function(const struct pfx_limits *limits, struct span content, bool has_password,
                           struct span password, struct material *out, struct err *err);

static open_function *const formats[] = {
    [CREDENTIAL_PKCS12] = pfx_open,
    [CREDENTIAL_PEM] = pem_open,
};

bool credential_open(const struct pfx_limits *limits, const struct credential *credential,
                     struct material *out, struct err *err)
{
    return formats[credential->format](limits, credential->content, credential->has_password,
                                       credential->password, out, err);
}
