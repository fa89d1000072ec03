/* crypto/credential_open: opens a record's Credential whatever its format is. */
#pragma once

#include "crypto/pfx_open.h"
#include "domain/record.h"

/* pfx_open or pem_open, by the credential's format. */
bool credential_open(const struct pfx_limits *limits, const struct credential *credential,
                     struct material *out, struct err *err);
