#include "config/values.h"

#include "config/keys.h"

#include <stdlib.h>

/* A value as a message may show it: printable, and not long. */
struct shown {
    char text[64];
};

static struct shown show(const char *text)
{
    struct shown shown;
    size_t len = strnlen(text, sizeof shown.text - 1);
    for (size_t i = 0; i < len; i++)
        shown.text[i] = text[i] >= 0x20 && text[i] < 0x7F ? text[i] : '?';
    shown.text[len] = '\0';
    return shown;
}

static bool store_text(const struct setting *setting, const char *text, struct settings *settings,
                       struct faults *faults)
{
    char **field = setting_field(setting, settings);
    *field = strdup(text);
    faults->failed |= *field == NULL;
    return *field != NULL;
}

/* Characters 0x21 to 0x7E. */
static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= 0x20 || *text >= 0x7F)
            return false;
    return true;
}

static bool store_plain(const struct setting *setting, const char *text, struct settings *settings,
                        struct faults *faults)
{
    size_t len = strlen(text);
    if (len >= (size_t)setting->min && len <= (size_t)setting->max && is_graphic(text))
        return store_text(setting, text, settings, faults);
    faults_add(faults, setting->name,
               "is not usable; give it %d to %d printable ASCII characters without a space", setting->min,
               setting->max);
    return false;
}

static bool store_servers(const struct setting *setting, const char *text, struct settings *settings,
                          struct faults *faults)
{
    const char *wrong = "names no broker";
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ", ");
        if (len == 0)
            break;
        const char *scheme = memmem(at, len, "://", 3);
        size_t skip = scheme != NULL ? (size_t)(scheme + 3 - at) : 0;
        char *host = NULL;
        int port;
        wrong = host_port_parse(&host, &port, 1, 9092, span_of(at + skip, len - skip), &faults->failed);
        free(host);
        if (wrong != NULL)
            break;
        at += len;
    }
    if (wrong == NULL)
        return store_text(setting, text, settings, faults);
    faults_add(faults, setting->name, "%s (\"%s\"); write host:port, several with commas between them", wrong,
               show(text).text);
    return false;
}

static bool store_topic(const struct setting *setting, const char *text, struct settings *settings,
                        struct faults *faults)
{
    size_t len = strlen(text);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (len <= 249 && strspn(text, allowed) == len && strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
        return store_text(setting, text, settings, faults);
    faults_add(
        faults, setting->name,
        "\"%s\" is no name of a Kafka topic; use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
        show(text).text);
    return false;
}

static bool store_path(const struct setting *setting, const char *text, struct settings *settings,
                       struct faults *faults)
{
    if (strlen(text) < 4096 && !has_control(span_text(text)))
        return store_text(setting, text, settings, faults);
    faults_add(faults, setting->name, "is no path; give it less than 4096 bytes without control characters");
    return false;
}

/* https, a host, perhaps a port and a path; no user, which would stand in every log. */
static bool is_https_url(const char *text)
{
    size_t skip = strncmp(text, "https://", 8) == 0 ? 8 : 0;
    size_t len = strcspn(text + skip, "/?#");
    if (skip == 0 || strlen(text) > 2048 || !is_graphic(text))
        return false;
    char *host = NULL;
    int port;
    bool no_memory = false;
    const char *wrong = host_port_parse(&host, &port, 1, 443, span_of(text + skip, len), &no_memory);
    free(host);
    return wrong == NULL;
}

static bool store_http_url(const struct setting *setting, const char *text, struct settings *settings,
                           struct faults *faults)
{
    struct http_address address = {0};
    const char *wrong = http_address_parse(&address, text, &faults->failed);
    if (wrong == NULL) {
        *(struct http_address *)setting_field(setting, settings) = address;
        return true;
    }
    http_address_free(&address);
    faults_add(faults, setting->name,
               "%s; write https://user:password@host:port/path, with user and password percent-encoded",
               wrong);
    return false;
}

static bool store_jwks(const struct setting *setting, const char *text, struct settings *settings,
                       struct faults *faults)
{
    if (strstr(text, "://") == NULL)
        return store_path(setting, text, settings, faults);
    if (is_https_url(text))
        return store_text(setting, text, settings, faults);
    faults_add(faults, setting->name, "is no https URL; write https://host/path, or the path of a file");
    return false;
}

static bool store_integer(const struct setting *setting, const char *text, struct settings *settings,
                          struct faults *faults)
{
    if (integer_parse(setting_field(setting, settings), span_text(text), setting->min, setting->max))
        return true;
    faults_add(faults, setting->name, "\"%s\" is not possible; give it a whole number from %d to %d",
               show(text).text, setting->min, setting->max);
    return false;
}

static bool store_boolean(const struct setting *setting, const char *text, struct settings *settings,
                          struct faults *faults)
{
    bool *field = setting_field(setting, settings);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *field = text[0] == 't';
        return true;
    }
    faults_add(faults, setting->name, "\"%s\" is neither; write true or false", show(text).text);
    return false;
}

static bool store_choice(const struct setting *setting, const char *text, struct settings *settings,
                         struct faults *faults)
{
    char all[128] = "";
    for (int i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(text, setting->choices[i]) == 0) {
            *(unsigned *)setting_field(setting, settings) = (unsigned)i;
            return true;
        }
        strcat(strcat(all, i > 0 ? ", " : ""), setting->choices[i]);
    }
    faults_add(faults, setting->name, "\"%s\" is not known; write one of %s", show(text).text, all);
    return false;
}

static bool store_listen(const struct setting *setting, const char *text, struct settings *settings,
                         struct faults *faults)
{
    struct listen_address *field = setting_field(setting, settings);
    const char *wrong = host_port_parse(&field->host, &field->port, 0, -1, span_text(text), &faults->failed);
    if (wrong == NULL)
        return true;
    faults_add(faults, setting->name, "\"%s\" %s; write host:port, 0.0.0.0:9464 for all addresses",
               show(text).text, wrong);
    return false;
}

static bool store_redis(const struct setting *setting, const char *text, struct settings *settings,
                        struct faults *faults)
{
    struct redis_address address = {0};
    const char *wrong = redis_address_parse(&address, text, &faults->failed);
    if (wrong == NULL) {
        *(struct redis_address *)setting_field(setting, settings) = address;
        return true;
    }
    redis_address_free(&address);
    faults_add(faults, setting->name,
               "%s; write redis://user:password@host:port/db, with user and password percent-encoded", wrong);
    return false;
}

static bool store_keys(const struct setting *setting, const char *text, struct settings *settings,
                       struct faults *faults)
{
    struct key_fault fault = {0};
    if (staging_keys_normalise(setting_field(setting, settings), span_text(text), &fault))
        return true;
    if (fault.line == 0)
        faults->failed = true;
    else
        faults_add(
            faults, setting->name,
            "line %zu %s; write <kid>:<base64 of 32 bytes> on each, as made by: openssl rand -base64 32",
            fault.line, fault.wrong);
    return false;
}

bool setting_store(const struct setting *setting, const char *text, struct settings *settings,
                   struct faults *faults)
{
    static bool (*const stores[])(const struct setting *, const char *, struct settings *,
                                  struct faults *) = {
        [SETTING_TEXT] = store_plain,        [SETTING_SERVERS] = store_servers,
        [SETTING_TOPIC] = store_topic,       [SETTING_PATH] = store_path,
        [SETTING_HTTP_URL] = store_http_url, [SETTING_JWKS] = store_jwks,
        [SETTING_INTEGER] = store_integer,   [SETTING_BOOLEAN] = store_boolean,
        [SETTING_CHOICE] = store_choice,     [SETTING_LISTEN] = store_listen,
        [SETTING_REDIS] = store_redis,       [SETTING_KEYS] = store_keys,
    };
    return stores[setting->type](setting, text, settings, faults);
}
