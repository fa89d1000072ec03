/* config/load: from the environment to struct settings, with every fault on the way. */
#include "config/check.h"
#include "config/names.h"
#include "config/source.h"
#include "config/values.h"

#include <stdlib.h>

#define PREFIX "CERTSWAP_"
#define KAFKA_PREFIX "CERTSWAP_KAFKA_"

struct loader {
    const struct settings_source *source;
    struct settings *settings;
    struct faults *faults;
};

/* Where the variable of that name stands in the environment; NULL where it does not. */
static const char *const *find_variable(const struct loader *loader, const char *name, size_t len)
{
    for (const char *const *entry = loader->source->environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return entry;
    return NULL;
}

/* Its value; NULL where it is not set or empty. */
static const char *variable(const struct loader *loader, const char *name)
{
    size_t len = strlen(name);
    const char *const *entry = find_variable(loader, name, len);
    return entry != NULL && (*entry)[len + 1] != '\0' ? *entry + len + 1 : NULL;
}

static bool read_twin(const struct loader *loader, const char *twin, const char *path, struct secret *value)
{
    int wrong = loader->source->read_file(loader->source->arg, path, value);
    if (wrong != 0) {
        faults_add(loader->faults, twin,
                   "%.200s cannot be read: %s; correct the path, or mount or permit the file", path,
                   strerror(wrong));
        return false;
    }
    source_strip_newline(value);
    if (value->len > 0 && memchr(value->data, '\0', value->len) == NULL)
        return true;
    faults_add(loader->faults, twin, "%.200s %s; write the value itself into the file", path,
               value->len == 0 ? "is empty" : "has a NUL byte in it");
    secret_free(value);
    return false;
}

static bool copy_path(const struct loader *loader, const char *path, char **file)
{
    *file = strdup(path);
    loader->faults->failed |= *file == NULL;
    return *file != NULL;
}

/* The value of `name`, or of the file that its twin names, whose path *file gets then. False: a fault was
   added, or out of memory. A value that is not set has data NULL. */
static bool read_value(const struct loader *loader, const char *name, bool has_twin, struct secret *value,
                       enum setting_origin *origin, char **file)
{
    char *twin = NULL;
    if (asprintf(&twin, "%s_FILE", name) < 0) {
        loader->faults->failed = true;
        return false;
    }
    const char *direct = variable(loader, name);
    const char *path = has_twin ? variable(loader, twin) : NULL;
    bool good = true;
    if (direct != NULL && path != NULL) {
        faults_add(loader->faults, name, "is set, and %s too; remove one of them", twin);
        good = false;
    } else if (path != NULL) {
        *origin = ORIGIN_FILE;
        good = read_twin(loader, twin, path, value) && (file == NULL || copy_path(loader, path, file));
    } else if (direct != NULL) {
        *origin = ORIGIN_ENVIRONMENT;
        good = secret_copy(value, span_text(direct));
        loader->faults->failed |= !good;
    }
    free(twin);
    return good;
}

static void store_fallback(const struct loader *loader, const struct setting *setting)
{
    char number[16];
    const char *text = setting->fallback;
    int cpus = loader->source->cpu_count > 0 ? loader->source->cpu_count : 1;
    switch (setting->fallback_from) {
    case FALLBACK_TEXT:
        break;
    case FALLBACK_CPU_COUNT:
        snprintf(number, sizeof number, "%d", cpus > setting->max ? setting->max : cpus);
        text = number;
        break;
    case FALLBACK_HOST_NAME:
        text = loader->source->host_name;
        if (text == NULL)
            faults_add(loader->faults, setting->name, "is not set, and the host has no name; set it");
        break;
    }
    if (text != NULL)
        setting_store(setting, text, loader->settings, loader->faults);
    else if (setting->required && !loader->source->offline && !(setting->service && loader->source->client))
        faults_add(loader->faults, setting->name, "is required; set it%s (%s)",
                   setting->secret ? " or its _FILE twin" : "", setting->form);
}

static void load_setting(const struct loader *loader, size_t row)
{
    const struct setting *setting = &settings_table[row];
    AUTO(secret) struct secret value = {0};
    enum setting_origin origin = ORIGIN_DEFAULT;
    if (!read_value(loader, setting->name, setting->secret, &value, &origin, &loader->settings->files[row]))
        return;
    loader->settings->origins[row] = (uint8_t)origin;
    if (value.data == NULL)
        store_fallback(loader, setting);
    else
        setting_store(setting, (const char *)value.data, loader->settings, loader->faults);
}

/* Takes the property's name and value. */
static void add_property(const struct loader *loader, struct kafka_setting property)
{
    struct settings *settings = loader->settings;
    struct kafka_setting *grown =
        reallocarray(settings->kafka_properties, settings->kafka_property_count + 1, sizeof *grown);
    if (grown == NULL) {
        loader->faults->failed = true;
        free(property.name);
        free(property.file);
        secret_free(&property.value);
        return;
    }
    settings->kafka_properties = grown;
    grown[settings->kafka_property_count++] = property;
}

/* A variable CERTSWAP_KAFKA_<suffix> that no row has. `name` without _FILE where it is the twin of a secret.
 */
static void load_property(const struct loader *loader, const char *name, char *property_name)
{
    struct kafka_setting property = {.name = property_name,
                                     .is_secret = kafka_property_is_secret(property_name)};
    const char *why = kafka_property_owned(property_name);
    if (why != NULL)
        faults_add(loader->faults, name, "%s cannot be set here: %s", property_name, why);
    if (why == NULL &&
        read_value(loader, name, property.is_secret, &property.value, &property.origin, &property.file) &&
        property.value.data != NULL) {
        add_property(loader, property);
        return;
    }
    free(property.file);
    secret_free(&property.value);
    free(property_name);
}

static void add_unknown(const struct loader *loader, const char *name)
{
    char nearest[NAME_MAX_LEN];
    name_nearest(name, nearest);
    char shown[NAME_MAX_LEN];
    snprintf(shown, sizeof shown, "%s", name);
    for (char *c = shown; *c != '\0'; c++)
        *c = *c >= 0x20 && *c < 0x7F ? *c : '?';
    faults_add(loader->faults, shown, "is no setting; remove it, or did you mean %s?", nearest);
}

static bool is_known(const char *name)
{
    static const char end[] = "_FILE";
    size_t len = strlen(name);
    size_t stem = len > strlen(end) && strcmp(name + len - strlen(end), end) == 0 ? len - strlen(end) : len;
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        if (strcmp(row->name, name) == 0 ||
            (row->secret && stem < len && strlen(row->name) == stem && strncmp(row->name, name, stem) == 0))
            return true;
    }
    return false;
}

/* A variable CERTSWAP_KAFKA_<suffix> that no row has; `name` is cut in place where it is the twin of a
 * secret. */
static void load_kafka(const struct loader *loader, char *name)
{
    static const char end[] = ".file";
    char *property = kafka_property_name(name + strlen(KAFKA_PREFIX), &loader->faults->failed);
    if (property == NULL) {
        add_unknown(loader, name);
        return;
    }
    size_t len = strlen(property);
    if (len > strlen(end) && strcmp(property + len - strlen(end), end) == 0) {
        property[len - strlen(end)] = '\0';
        if (!kafka_property_is_secret(property)) {
            property[len - strlen(end)] = '.';
        } else {
            name[strlen(name) - strlen(end)] = '\0';
            /* the variable without _FILE, where it stands too, looks at both */
            if (find_variable(loader, name, strlen(name)) != NULL) {
                free(property);
                return;
            }
        }
    }
    load_property(loader, name, property);
}

/* A variable that begins with CERTSWAP_; `name` is the caller's copy. */
static void load_other(const struct loader *loader, char *name)
{
    if (is_known(name) || name_is_service_link(name))
        return;
    if (strncmp(name, KAFKA_PREFIX, strlen(KAFKA_PREFIX)) == 0)
        load_kafka(loader, name);
    else
        add_unknown(loader, name);
}

static void load_others(const struct loader *loader)
{
    for (const char *const *entry = loader->source->environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL || strncmp(*entry, PREFIX, strlen(PREFIX)) != 0)
            continue;
        size_t len = (size_t)(equals - *entry);
        if (find_variable(loader, *entry, len) != entry)
            continue;
        char *name = strndup(*entry, len);
        if (name == NULL)
            loader->faults->failed = true;
        else
            load_other(loader, name);
        free(name);
    }
}

static int compare_properties(const void *a, const void *b)
{
    return strcmp(((const struct kafka_setting *)a)->name, ((const struct kafka_setting *)b)->name);
}

struct settings *settings_load_from(const struct settings_source *source, struct faults *faults)
{
    AUTO(settings) struct settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL) {
        faults->failed = true;
        return NULL;
    }
    const struct loader loader = {source, settings, faults};
    for (size_t row = 0; row < settings_table_count; row++)
        load_setting(&loader, row);
    load_others(&loader);
    settings_check(settings, faults);
    if (!source->client)
        settings_check_service(settings, faults);
    if (source->check != NULL)
        source->check(settings, faults);
    if (!faults_none(faults))
        return NULL;
    if (settings->kafka_property_count > 0)
        qsort(settings->kafka_properties, settings->kafka_property_count, sizeof *settings->kafka_properties,
              compare_properties);
    struct settings *loaded = settings;
    settings = NULL;
    return loaded;
}

static struct settings *load_process(char *const *environ, bool client, bool offline,
                                     settings_check_fn *check, struct faults *faults)
{
    char host_name[256];
    bool has_host_name = source_host_name(host_name, sizeof host_name);
    const struct settings_source source = {
        .environ = (const char *const *)environ,
        .read_file = source_read_file,
        .host_name = has_host_name ? host_name : NULL,
        .cpu_count = source_cpu_count(),
        .client = client,
        .offline = offline,
        .check = check,
    };
    return settings_load_from(&source, faults);
}

struct settings *settings_load(char *const *environ, settings_check_fn *check, struct faults *faults)
{
    return load_process(environ, false, false, check, faults);
}

struct settings *settings_load_client(char *const *environ, settings_check_fn *check, struct faults *faults)
{
    return load_process(environ, true, false, check, faults);
}

struct settings *settings_load_offline(char *const *environ, settings_check_fn *check, struct faults *faults)
{
    return load_process(environ, true, true, check, faults);
}

const char *settings_file_view(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].name, name) == 0)
            return settings->files[i];
    return NULL;
}

static void free_field(const struct setting *setting, struct settings *settings)
{
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_SERVERS:
    case SETTING_TOPIC:
    case SETTING_PATH:
    case SETTING_JWKS:
        free(*(char **)setting_field(setting, settings));
        break;
    case SETTING_HTTP_URL:
        http_address_free(setting_field(setting, settings));
        break;
    case SETTING_LISTEN:
        free(((struct listen_address *)setting_field(setting, settings))->host);
        break;
    case SETTING_REDIS:
        redis_address_free(setting_field(setting, settings));
        break;
    case SETTING_KEYS:
        secret_free(setting_field(setting, settings));
        break;
    case SETTING_INTEGER:
    case SETTING_BOOLEAN:
    case SETTING_CHOICE:
        break;
    }
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < settings_table_count; i++)
        free_field(&settings_table[i], settings);
    for (size_t i = 0; i < SETTINGS_MAX; i++)
        free(settings->files[i]);
    for (size_t i = 0; i < settings->kafka_property_count; i++) {
        free(settings->kafka_properties[i].name);
        free(settings->kafka_properties[i].file);
        secret_free(&settings->kafka_properties[i].value);
    }
    free(settings->kafka_properties);
    free(settings);
}
