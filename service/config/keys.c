#include "config/keys.h"

/* 32 bytes are 43 digits and one '='. */
enum { KEY_DIGITS = 43 };

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct span trim(struct span line)
{
    while (line.len > 0 && is_blank(line.data[0]))
        line = span_of(line.data + 1, line.len - 1);
    while (line.len > 0 && is_blank(line.data[line.len - 1]))
        line.len--;
    return line;
}

static struct span kid_of(struct span line)
{
    const uint8_t *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    return span_of(line.data, colon != NULL ? (size_t)(colon - line.data) : 0);
}

/* NULL or what is wrong with the line. */
static const char *check_line(struct span line)
{
    struct span kid = kid_of(line);
    if (kid.len == 0 || kid.len > STAGING_KID_MAX)
        return "has no kid of 1 to 64 characters before its colon";
    for (size_t i = 0; i < kid.len; i++)
        if (!is_word(kid.data[i]) && memchr("._-", kid.data[i], 3) == NULL)
            return "has a kid of other characters than a-z, A-Z, 0-9, '.', '_' and '-'";
    struct span key = span_of(line.data + kid.len + 1, line.len - kid.len - 1);
    for (size_t i = 0; i < key.len && i < KEY_DIGITS; i++)
        if (!is_word(key.data[i]) && memchr("+/", key.data[i], 2) == NULL)
            return "has a key that is no base64 of 32 bytes";
    return key.len == KEY_DIGITS + 1 && key.data[KEY_DIGITS] == '=' ? NULL
                                                                    : "has a key that is not 32 bytes long";
}

static struct span next_line(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
    struct span line = span_of(text->data, len);
    size_t taken = end != NULL ? len + 1 : len;
    *text = span_of(text->data + taken, text->len - taken);
    return trim(line);
}

static bool has_kid(struct span lines, struct span kid)
{
    while (lines.len > 0)
        if (span_equal(kid_of(next_line(&lines)), kid))
            return true;
    return false;
}

static bool fail(struct secret *keys, struct key_fault *fault, size_t line, const char *wrong)
{
    secret_free(keys);
    *fault = (struct key_fault){line, wrong};
    return false;
}

bool staging_keys_normalise(struct secret *keys, struct span text, struct key_fault *fault)
{
    if (!secret_alloc(keys, text.len + 1))
        return fail(keys, fault, 0, NULL);
    size_t len = 0;
    size_t number = 0;
    while (text.len > 0) {
        struct span line = next_line(&text);
        number++;
        if (line.len == 0)
            continue;
        const char *wrong = check_line(line);
        if (wrong == NULL && has_kid(span_of(keys->data, len), kid_of(line)))
            wrong = "has a kid that an earlier line has too";
        if (wrong != NULL)
            return fail(keys, fault, number, wrong);
        memcpy(keys->data + len, line.data, line.len);
        len += line.len;
        keys->data[len++] = '\n';
    }
    if (len == 0)
        return fail(keys, fault, 1, "is empty");
    keys->data[len] = '\0';
    keys->len = len;
    return true;
}
