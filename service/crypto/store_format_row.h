/* crypto/store_format_row: what a row of the formats' table is made of. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pbe.h"
#include "crypto/store_format.h"

typedef bool store_format_builder(const struct store_format_request *request,
                                  const struct pbe_password *password, struct buf *out, struct err *err);

store_format_builder pfx_build;
store_format_builder pem_build;
