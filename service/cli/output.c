#include "cli/output.h"

#include "base/secret.h"
#include "cli/subcommands.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool output_is_json(const struct options *options)
{
    const char *form = options_text(options, "output");
    return form != NULL ? strcmp(form, "json") == 0 : isatty(STDOUT_FILENO) == 0;
}

int output_fail(const struct options *options, int status, const char *format, ...)
{
    char text[2 * ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    AUTO(buf) struct buf clean = {0};
    table_put_clean(&clean, span_text(text));
    fprintf(stderr, "certswap %s: %.*s\n", options_subcommand(options)->name, SPAN_ARG(buf_span(&clean)));
    return status;
}

int output_fail_err(const struct options *options, const struct err *err)
{
    int status = STATUS_FAILED;
    switch (err_class(err->code)) {
    case ERR_CLASS_CONFIGURATION:
        status = STATUS_CONFIG;
        break;
    case ERR_CLASS_CONVERSION:
    case ERR_CLASS_REFUSAL:
    case ERR_CLASS_REJECTION:
        status = STATUS_DATA;
        break;
    case ERR_CLASS_ABORTABLE:
    case ERR_CLASS_FATAL:
        status = STATUS_UNAVAILABLE;
        break;
    case ERR_CLASS_RETRIABLE:
        status = err->code == ERR_NO_MEMORY ? STATUS_FAILED : STATUS_UNAVAILABLE;
        break;
    case ERR_CLASS_NONE:
    case ERR_CLASS_STORE_FAILURE:
    case ERR_CLASS_STORE_FAILURE_RETRYABLE:
        break;
    }
    return output_fail(options, status, "%s", err->text[0] != '\0' ? err->text : err_meaning(err->code));
}

int output_fail_input(const struct options *options, const struct err *err)
{
    if (err->code == ERR_INPUT_UNREADABLE)
        return output_fail(options, STATUS_NO_INPUT, "%s", err->text);
    if (err->code == ERR_CONFIG_INVALID)
        return output_fail(options, STATUS_USAGE, "%s", err->text);
    return output_fail_err(options, err);
}

bool output_put(const struct options *options, const struct buf *out)
{
    if (out->failed) {
        output_fail(options, STATUS_FAILED, "out of memory");
        return false;
    }
    if (fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
        return true;
    output_fail(options, STATUS_FAILED, "standard output cannot be written");
    return false;
}

/* The buffer remembers when it finds no memory, which jansson does not always look at. */
static int put_piece(const char *piece, size_t len, void *out)
{
    buf_put(out, piece, len);
    return 0;
}

void output_put_json(struct buf *out, const json_t *value, size_t flags)
{
    if (json_dump_callback(value, put_piece, out, flags | JSON_ENCODE_ANY) != 0)
        out->failed = true;
}

void output_put_lines(struct buf *out, struct span text)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        table_put_clean(out, span_of(text.data, len));
        buf_put_byte(out, '\n');
        size_t used = len + (end != NULL);
        text = span_of(text.data + used, text.len - used);
    }
}

bool output_json(const struct options *options, const json_t *value)
{
    AUTO(buf) struct buf out = {0};
    output_put_json(&out, value, JSON_COMPACT);
    buf_put_byte(&out, '\n');
    return output_put(options, &out);
}

void output_put_cell(struct buf *out, const json_t *value)
{
    size_t index;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_STRING:
        buf_put(out, json_string_value(value), json_string_length(value));
        return;
    case JSON_INTEGER:
        buf_put_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return;
    case JSON_REAL:
        buf_put_format(out, "%g", json_real_value(value));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        buf_put_text(out, json_is_true(value) ? "yes" : "no");
        return;
    case JSON_ARRAY:
        json_array_foreach(value, index, item)
        {
            buf_put_text(out, index > 0 ? ", " : "");
            output_put_cell(out, item);
        }
        return;
    case JSON_OBJECT:
    case JSON_NULL:
        return;
    }
}

bool output_fields(const struct options *options, json_t *object)
{
    size_t width = 0;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) width = strlen(name) > width ? strlen(name) : width;
    AUTO(buf) struct buf out = {0};
    AUTO(buf) struct buf cell = {0};
    json_object_foreach(object, name, value)
    {
        if (json_is_null(value))
            continue;
        buf_reset(&cell);
        output_put_cell(&cell, value);
        buf_put_format(&out, "%-*s  ", (int)width, name);
        table_put_clean(&out, buf_span(&cell));
        buf_put_byte(&out, '\n');
        out.failed |= cell.failed;
    }
    return output_put(options, &out);
}
