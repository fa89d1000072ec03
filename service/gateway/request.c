#include "gateway/request.h"

#include "base/json_text.h"

#include <stdlib.h>
#include <strings.h>

enum { NAME_SHOWN_MAX = 40 };

static const struct {
    enum request_route route;
    const char *method;
    const char *path;
} routes[] = {
    {ROUTE_REPLACE, "POST", "/Enrollment/PFX/Replace"},
    {ROUTE_ENDPOINTS, "GET", "/Status/Endpoints"},
};

enum request_route request_route(const char *prefix, const char *path)
{
    size_t prefix_len = strlen(prefix);
    if (strncasecmp(prefix, path, prefix_len) != 0)
        return ROUTE_NONE;
    path += prefix_len;
    size_t len = strlen(path);
    if (len > 1 && path[len - 1] == '/')
        len--;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (len == strlen(routes[i].path) && strncasecmp(path, routes[i].path, len) == 0)
            return routes[i].route;
    return ROUTE_NONE;
}

const char *request_method(enum request_route route)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].route == route)
            return routes[i].method;
    return "";
}

/* The text without blanks (RFC 9110, section 5.6.3) at its ends. */
static struct span trim(struct span text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Takes what stands before the first `stop` off the text; the rest begins behind it. */
static struct span cut(struct span *text, char stop)
{
    const uint8_t *at = text->len > 0 ? memchr(text->data, stop, text->len) : NULL;
    struct span part = span_of(text->data, at != NULL ? (size_t)(at - text->data) : text->len);
    size_t used = at != NULL ? part.len + 1 : part.len;
    *text = span_of(text->data + used, text->len - used);
    return trim(part);
}

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

static bool begins_with(struct span text, const char *word)
{
    return text.len >= strlen(word) && strncasecmp((const char *)text.data, word, strlen(word)) == 0;
}

static bool ends_with(struct span text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp((const char *)text.data + text.len - len, word, len) == 0;
}

static bool is_json_type(struct span type)
{
    return is_word(type, "application/json") || is_word(type, "text/json") ||
           is_word(type, "application/x-www-form-urlencoded") ||
           (begins_with(type, "application/") && ends_with(type, "+json"));
}

bool request_is_json(const char *content_type)
{
    struct span rest = span_text(content_type);
    if (rest.len > 0 && !is_json_type(cut(&rest, ';')))
        return false;
    while (rest.len > 0) {
        struct span value = cut(&rest, ';');
        struct span name = cut(&value, '=');
        value = trim(value);
        if (is_word(name, "charset") && !is_word(value, "utf-8") && !is_word(value, "\"utf-8\""))
            return false;
    }
    return true;
}

bool request_is_version_1(const char *version)
{
    struct span text = trim(span_text(version));
    return version == NULL || is_word(text, "1") || is_word(text, "1.0");
}

/* RFC 6750's b64token. */
static bool is_token_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/=", c) != NULL);
}

bool request_bearer(const char *authorization, struct span *token)
{
    struct span rest = trim(span_text(authorization));
    if (!is_word(cut(&rest, ' '), "Bearer"))
        return false;
    *token = trim(rest);
    for (size_t i = 0; i < token->len; i++)
        if (!is_token_character(token->data[i]))
            return false;
    return token->len > 0 && token->len <= REQUEST_TOKEN_MAX;
}

bool request_idempotency_key(const char *text, struct uuid *id)
{
    struct span key = trim(span_text(text));
    if (key.len == UUID_TEXT_LEN + 2 && key.data[0] == '"' && key.data[key.len - 1] == '"')
        key = span_of(key.data + 1, UUID_TEXT_LEN);
    return uuid_parse(id, key);
}

/* What a member's value is read with. */
struct reading {
    struct arena *arena;
    struct replace_command *command;
    struct err *err;
};

/* An id: null and 0, which .NET clients send for a number that was not set, are none. */
static bool read_id(const struct reading *r, const char *name, const json_t *value, bool *given, int32_t *id)
{
    if (json_is_null(value))
        return true;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX)
        return err_set(r->err, ERR_INVALID_COMMAND, "%s is no whole number of 32 bits; send an id or null",
                       name);
    *given = number != 0;
    *id = (int32_t)number;
    return true;
}

/* A text: null is none. */
static bool read_text(const struct reading *r, const char *name, const json_t *value, bool *given,
                      struct span *text)
{
    if (json_is_null(value))
        return true;
    if (!json_is_string(value))
        return err_set(r->err, ERR_INVALID_COMMAND, "%s is no text; send a text or null", name);
    *text = arena_copy(r->arena, span_of(json_string_value(value), json_string_length(value)));
    *given = true;
    return text->data != NULL || err_set(r->err, ERR_NO_MEMORY, "out of memory while reading a request");
}

static bool read_existing(const struct reading *r, const char *name, const json_t *value)
{
    bool given = false;
    return read_id(r, name, value, &given, &r->command->existing_certificate_id);
}

static bool read_certificate(const struct reading *r, const char *name, const json_t *value)
{
    return read_id(r, name, value, &r->command->has_certificate_id, &r->command->certificate_id);
}

static bool read_request(const struct reading *r, const char *name, const json_t *value)
{
    return read_id(r, name, value, &r->command->has_request_id, &r->command->request_id);
}

static bool read_password(const struct reading *r, const char *name, const json_t *value)
{
    bool given = false;
    if (!read_text(r, name, value, &given, &r->command->password))
        return false;
    if (r->command->password.len > REQUEST_PASSWORD_MAX)
        return err_set(r->err, ERR_INVALID_COMMAND, "%s is longer than %d bytes; send a shorter one", name,
                       REQUEST_PASSWORD_MAX);
    r->command->password_kind = given && r->command->password.len > 0 ? PASSWORD_PLAIN : PASSWORD_NONE;
    return true;
}

static bool read_job_time(const struct reading *r, const char *name, const json_t *value)
{
    return read_text(r, name, value, &r->command->has_job_time, &r->command->job_time);
}

static const struct {
    const char *name;
    bool (*read)(const struct reading *r, const char *name, const json_t *value);
} members[] = {
    {"ExistingCertificateId", read_existing},
    {"CertificateId", read_certificate},
    {"RequestId", read_request},
    {"Password", read_password},
    {"JobTime", read_job_time},
};

enum { MEMBER_COUNT = sizeof members / sizeof *members };

/* A member's name as text that is safe to show. */
static void show_name(char shown[NAME_SHOWN_MAX + 1], const char *name)
{
    size_t len = strnlen(name, NAME_SHOWN_MAX);
    for (size_t i = 0; i < len; i++)
        shown[i] = (char)(name[i] >= ' ' && name[i] <= '~' && name[i] != '"' ? name[i] : '?');
    shown[len] = '\0';
}

static bool read_member(const struct reading *r, const char *name, const json_t *value, unsigned *seen)
{
    for (unsigned i = 0; i < MEMBER_COUNT; i++) {
        if (strcasecmp(name, members[i].name) != 0)
            continue;
        if (*seen & 1U << i)
            return err_set(r->err, ERR_INVALID_COMMAND, "%s stands in the body twice; send it once",
                           members[i].name);
        *seen |= 1U << i;
        return members[i].read(r, members[i].name, value);
    }
    char shown[NAME_SHOWN_MAX + 1];
    show_name(shown, name);
    return err_set(r->err, ERR_INVALID_COMMAND,
                   "there is no member \"%s\"; there are ExistingCertificateId, CertificateId, RequestId, "
                   "Password and JobTime",
                   shown);
}

static bool read_members(const struct reading *r, json_t *root)
{
    unsigned seen = 0;
    const char *name;
    json_t *value;
    if (!json_is_object(root))
        return err_set(r->err, ERR_INVALID_COMMAND, "the body is no JSON object; send one");
    json_object_foreach(root, name, value)
    {
        if (!read_member(r, name, value, &seen))
            return false;
    }
    return true;
}

bool request_read(struct arena *arena, struct span body, struct replace_command *command, struct err *err)
{
    static const uint8_t mark[3] = {0xEF, 0xBB, 0xBF};
    if (body.len >= sizeof mark && memcmp(body.data, mark, sizeof mark) == 0)
        body = span_of(body.data + sizeof mark, body.len - sizeof mark);
    json_error_t where;
    bool out_of_memory = false;
    json_t *root = json_text_load(body, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where, &out_of_memory);
    if (root == NULL && out_of_memory)
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading a request");
    if (root == NULL) /* jansson's own text quotes what it read, which may be a password */
        return err_set(err, ERR_INVALID_COMMAND,
                       "the body is no JSON, or has a member twice: look at line %d, "
                       "column %d",
                       where.line, where.column);
    const struct reading reading = {.arena = arena, .command = command, .err = err};
    bool read = read_members(&reading, root);
    json_decref(root);
    return read;
}
