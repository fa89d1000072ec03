/* config/render: the table and the settings as texts: --help, --print-config, docs/settings.md. */
#include "config/values.h"

enum { HELP_WIDTH = 78, HELP_INDENT = 6 };

/* What a value looks like. */
static void print_form(FILE *out, const struct setting *setting)
{
    if (setting->form != NULL) {
        fputs(setting->form, out);
        return;
    }
    switch (setting->type) {
    case SETTING_INTEGER:
        fprintf(out, "%d to %d", setting->min, setting->max);
        break;
    case SETTING_BOOLEAN:
        fputs("true or false", out);
        break;
    case SETTING_CHOICE:
        for (int i = 0; setting->choices[i] != NULL; i++)
            fprintf(out, "%s%s",
                    i == 0                            ? ""
                    : setting->choices[i + 1] == NULL ? " or "
                                                      : ", ",
                    setting->choices[i]);
        break;
    case SETTING_TOPIC:
        fputs("topic name", out);
        break;
    case SETTING_PATH:
        fputs("path", out);
        break;
    default:
        fputs("text", out);
        break;
    }
}

/* "required", or the default's text; NULL where there is none. */
static const char *fallback_text(const struct setting *setting)
{
    if (setting->required)
        return "required";
    if (setting->fallback_from == FALLBACK_CPU_COUNT)
        return "number of CPUs";
    if (setting->fallback_from == FALLBACK_HOST_NAME)
        return "host name";
    return setting->fallback;
}

/* Words of the text, broken into lines of HELP_WIDTH. */
static void print_wrapped(FILE *out, const char *text)
{
    int column = 0;
    while (*text != '\0') {
        int len = (int)strcspn(text, " ");
        if (column > 0 && column + 1 + len > HELP_WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = fprintf(out, "%*s", HELP_INDENT, "");
        else
            column += fprintf(out, " ");
        column += fprintf(out, "%.*s", len, text);
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static const char pass_through[] = "Any other librdkafka property: CERTSWAP_KAFKA_SECURITY_PROTOCOL=SASL_SSL "
                                   "is security.protocol=SASL_SSL. Those "
                                   "that certswap's promises rest on (group.id, transactional.id, "
                                   "isolation.level and the like) and unknown ones "
                                   "refuse the start.";
static const char general[] = "An empty value counts as not set. Each secret can be given in a file instead: "
                              "the variable with _FILE behind its "
                              "name holds the file's path, and a newline at the file's end is not part of "
                              "the secret. An unknown CERTSWAP_ "
                              "variable refuses the start, except those that Kubernetes makes for services "
                              "(CERTSWAP_PORT and the like).";

static void print_help_row(FILE *out, const struct setting *setting)
{
    const char *fallback = fallback_text(setting);
    fprintf(out, "  %s%s", setting->name, setting->secret ? ", " : "");
    if (setting->secret)
        fprintf(out, "%s_FILE", setting->name);
    fputs("\n", out);
    fprintf(out, "%*s(", HELP_INDENT, "");
    print_form(out, setting);
    if (setting->required)
        fputs("; required", out);
    else if (fallback != NULL)
        fprintf(out, "; default: %s", fallback);
    fputs(")\n", out);
    print_wrapped(out, setting->help);
}

void settings_print_help(FILE *out)
{
    fputs("Settings (environment variables):\n", out);
    for (size_t i = 0; i < settings_table_count; i++) {
        if (settings_table[i].section != NULL)
            fprintf(out, "\n%s\n", settings_table[i].section);
        print_help_row(out, &settings_table[i]);
    }
    fputs("\nlibrdkafka\n  CERTSWAP_KAFKA_<PROPERTY>\n", out);
    print_wrapped(out, pass_through);
    fputc('\n', out);
    print_wrapped(out, general);
}

/* In a cell of a table a | would end it, and <…> would be taken for a tag. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '<')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_markdown_row(FILE *out, const struct setting *setting)
{
    const char *fallback = fallback_text(setting);
    bool is_word = setting->required || setting->fallback_from != FALLBACK_TEXT || fallback == NULL;
    fprintf(out, "| `%s`%s | ", setting->name, setting->secret ? " (or `_FILE`)" : "");
    fprintf(out, is_word ? "%s" : "`%s`", fallback != NULL ? fallback : "none");
    fputs(" | ", out);
    if (setting->form != NULL)
        print_cell(out, setting->form);
    else
        print_form(out, setting);
    fputs(" | ", out);
    print_cell(out, setting->help);
    fputs(" |\n", out);
}

void settings_print_markdown(FILE *out)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        if (settings_table[i].section != NULL)
            fprintf(out, "%s### %s\n\n| variable | default | value | meaning |\n|---|---|---|---|\n",
                    i > 0 ? "\n" : "", settings_table[i].section);
        print_markdown_row(out, &settings_table[i]);
    }
    fprintf(out, "\n### librdkafka\n\n`CERTSWAP_KAFKA_<PROPERTY>`: %s\n\n%s\n", pass_through, general);
}

static void print_host_port(FILE *out, const char *host, int port)
{
    bool is_ipv6 = strchr(host, ':') != NULL;
    fprintf(out, "%s%s%s:%d", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
}

static void print_redis(FILE *out, const struct redis_address *redis)
{
    static const char *const schemes[] = {
        [REDIS_SCHEME_TCP] = "redis", [REDIS_SCHEME_TLS] = "rediss", [REDIS_SCHEME_UNIX] = "unix"};
    fprintf(out, "%s://", schemes[redis->scheme]);
    if (redis->password.len > 0)
        fprintf(out, "%s:****@", redis->user != NULL ? redis->user : "");
    if (redis->scheme == REDIS_SCHEME_UNIX) {
        fprintf(out, "%s?db=%d", redis->path, redis->db);
        return;
    }
    print_host_port(out, redis->host, redis->port);
    fprintf(out, "/%d", redis->db);
}

static void print_http(FILE *out, const struct http_address *http)
{
    if (http->url == NULL)
        return;
    int scheme = (int)(strstr(http->url, "://") + 3 - http->url);
    fprintf(out, "%.*s", scheme, http->url);
    if (http->user != NULL)
        fprintf(out, "%s:****@", http->user);
    fputs(http->url + scheme, out);
}

static void print_value(FILE *out, const struct setting *setting, const struct settings *settings)
{
    const void *field = setting_field_view(setting, settings);
    const struct listen_address *listen = field;
    switch (setting->type) {
    case SETTING_INTEGER:
        fprintf(out, "%d", *(const int *)field);
        break;
    case SETTING_BOOLEAN:
        fputs(*(const bool *)field ? "true" : "false", out);
        break;
    case SETTING_CHOICE:
        fputs(setting->choices[*(const unsigned *)field], out);
        break;
    case SETTING_LISTEN:
        print_host_port(out, listen->host, listen->port);
        break;
    case SETTING_REDIS:
        print_redis(out, field);
        break;
    case SETTING_HTTP_URL:
        print_http(out, field);
        break;
    case SETTING_KEYS:
        fputs("****", out);
        break;
    default:
        fputs(*(char *const *)field != NULL ? *(char *const *)field : "", out);
        break;
    }
}

static const char *origin_text(enum setting_origin origin)
{
    static const char *const texts[] = {
        [ORIGIN_DEFAULT] = "default", [ORIGIN_ENVIRONMENT] = "environment", [ORIGIN_FILE] = "file"};
    return texts[origin];
}

/* One line, whatever is in the value. */
static void print_property(FILE *out, const struct kafka_setting *property)
{
    fputs("CERTSWAP_KAFKA_", out);
    for (const char *c = property->name; *c != '\0'; c++)
        fputc(*c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fputc('=', out);
    if (property->is_secret)
        fputs("****", out);
    for (size_t i = 0; i < property->value.len && !property->is_secret; i++)
        fputc(property->value.data[i] < 0x20 ? ' ' : property->value.data[i], out);
    fprintf(out, "  # %s\n", origin_text(property->origin));
}

void settings_print(FILE *out, const struct settings *settings)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        fprintf(out, "%s=", settings_table[i].name);
        print_value(out, &settings_table[i], settings);
        fprintf(out, "  # %s\n", origin_text((enum setting_origin)settings->origins[i]));
    }
    for (size_t i = 0; i < settings->kafka_property_count; i++)
        print_property(out, &settings->kafka_properties[i]);
}
