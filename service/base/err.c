#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *meaning;
    enum err_class class;
} errors[ERR_CODE_COUNT] = {
    [ERR_NONE] = {"NONE", "no error", ERR_CLASS_NONE},
#define ERR(name, class, text) [ERR_##name] = {#name, text, ERR_CLASS_##class},
#include "base/err.def"
#undef ERR
};

const char *err_name(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return errors[code].name;
}

enum err_class err_class(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return errors[code].class;
}

const char *err_meaning(enum err_code code)
{
    assert(code < ERR_CODE_COUNT);
    return errors[code].meaning;
}

bool err_is_retryable(enum err_code code)
{
    return err_class(code) == ERR_CLASS_STORE_FAILURE_RETRYABLE;
}

/* Drops a UTF-8 sequence that was cut in its middle at the end of the text. */
static void trim_cut_character(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (want > len - start)
        text[start - 1] = '\0';
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    assert(code != ERR_NONE && code < ERR_CODE_COUNT);
    if (err == NULL || err->code != ERR_NONE)
        return false;
    err->code = code;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (len >= (int)sizeof err->text)
        trim_cut_character(err->text);
    return false;
}
