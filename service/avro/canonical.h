/* avro/canonical: Parsing Canonical Form (Avro specification, "Parsing Canonical Form for Schemas"). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Appends the canonical form of the schema to *out. Fails with ERR_CONFIG_INVALID for a text that is no Avro
   schema (the error says where), ERR_NO_MEMORY. */
bool canonical_form(struct span schema_json, struct buf *out, struct err *err);
