/* base/err: one map of error codes with a class each. The code says what happened; the class alone decides
   what becomes of it. Functions that can fail take a struct err of the caller's, and fill it once: the first
   wins. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum err_code {
    ERR_NONE = 0,
#define ERR(name, class, text) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_CODE_COUNT
};

enum err_class {
    ERR_CLASS_NONE = 0,
    ERR_CLASS_REJECTION,               /* the command's result says so */
    ERR_CLASS_STORE_FAILURE,           /* the result lists the store as failed */
    ERR_CLASS_STORE_FAILURE_RETRYABLE, /* so too; the same command under a new id may succeed later */
    ERR_CLASS_CONVERSION,              /* dead letter, stage VALUE_CONVERTER */
    ERR_CLASS_REFUSAL,                 /* dead letter, stage TRANSFORMATION */
    ERR_CLASS_RETRIABLE,               /* wait, then the same call again */
    ERR_CLASS_ABORTABLE,               /* abort the transaction, rewind, go again */
    ERR_CLASS_FATAL,                   /* rebuild the pipeline */
    ERR_CLASS_CONFIGURATION,           /* refuse the start */
};

enum { ERR_TEXT_MAX = 400 };

/* What went wrong. Zero-initialise before the call. `text` is for people, says what to do next, holds no
 * secret. */
struct err {
    enum err_code code;
    char text[ERR_TEXT_MAX];
};

/* The code's name as the contract writes it, "NOT_STAGED" for one; "NONE" for ERR_NONE. */
const char *err_name(enum err_code code);
enum err_class err_class(enum err_code code);
/* The code's meaning in a few words. */
const char *err_meaning(enum err_code code);
/* Whether a store failure says that the same command under a new id may succeed later. */
bool err_is_retryable(enum err_code code);

/* Fills *err unless it is filled or NULL. Text over ERR_TEXT_MAX - 1 bytes is cut at a character's border.
   Returns false, so that a caller can `return err_set(...)`. */
bool err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
