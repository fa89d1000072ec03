/* base/json_text: JSON texts read by jansson, which on its own takes a string whose memory it did not find as
   a shorter one, or as a fault of the text. Here a failed allocation is told apart. All memory of jansson's
   is wiped when it is freed: texts hold passwords. */
#pragma once

#include "base/span.h"

#include <jansson.h>

/* json_loadb, with its flags. NULL: *out_of_memory says whether memory or the text is at fault; for the text
   *where says what and where, but its text repeats what stands there, which may be secret. The caller owns
   the value. */
json_t *json_text_load(struct span text, size_t flags, json_error_t *where, bool *out_of_memory);
