/* config/render_schema: the table as JSON Schema, for the chart's values: what may stand in a ConfigMap, and
   what comes out of a Secret. */
#include "config/names.h"
#include "config/values.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>

#define KAFKA_PREFIX "CERTSWAP_KAFKA_"

/* YAML writes a number or a truth value with or without quotes. */
static json_t *integer_schema(const struct setting *setting)
{
    return json_pack("{s:[s,s], s:i, s:i, s:s}", "type", "integer", "string", "minimum", setting->min,
                     "maximum", setting->max, "pattern", "^[0-9]+$");
}

static json_t *choice_schema(const struct setting *setting)
{
    json_t *choices = json_array();
    for (int i = 0; setting->choices[i] != NULL; i++)
        json_array_append_new(choices, json_string(setting->choices[i]));
    return json_pack("{s:o}", "enum", choices);
}

static json_t *value_schema(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_INTEGER:
        return integer_schema(setting);
    case SETTING_BOOLEAN:
        return json_pack("{s:[b,b,s,s]}", "enum", 1, 0, "true", "false");
    case SETTING_CHOICE:
        return choice_schema(setting);
    case SETTING_REDIS: /* with a password it is a secret */
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[^@]+$");
    default:
        return json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
    }
}

/* Adds the row's description and default to what its value must be. Steals `schema`. */
static json_t *described(json_t *schema, const struct setting *setting)
{
    json_object_set_new(schema, "description", json_string(setting->help));
    if (setting->fallback != NULL)
        json_object_set_new(schema, "default", json_string(setting->fallback));
    return schema;
}

/* Names of librdkafka properties that are secret, as a regular expression over variables' names. */
static json_t *secret_pattern(void)
{
    char pattern[512] = KAFKA_PREFIX ".*(";
    size_t len = strlen(pattern);
    for (size_t i = 0; kafka_secret_parts[i] != NULL; i++) {
        if (i > 0)
            pattern[len++] = '|';
        for (const char *c = kafka_secret_parts[i]; *c != '\0' && len < sizeof pattern - 2; c++)
            pattern[len++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
    pattern[len++] = ')';
    return json_stringn(pattern, len);
}

static json_t *settings_schema(void)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < settings_table_count; i++)
        if (settings_table[i].type != SETTING_KEYS)
            json_object_set_new(properties, settings_table[i].name,
                                described(value_schema(&settings_table[i]), &settings_table[i]));
    return json_pack("{s:s, s:b, s:{s:{s:o}}, s:o, s:{s:{s:[s,s,s,s], s:s}}}", "type", "object",
                     "additionalProperties", 0, "propertyNames", "not", "pattern", secret_pattern(),
                     "properties", properties, "patternProperties", "^" KAFKA_PREFIX "[A-Z0-9_]+$", "type",
                     "string", "number", "integer", "boolean", "description",
                     "A librdkafka property, with underscores for dots.");
}

static json_t *secrets_schema(void)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < settings_table_count; i++)
        if (settings_table[i].secret)
            json_object_set_new(properties, settings_table[i].name,
                                json_pack("{s:[{s:s}], s:s}", "allOf", "$ref", "#/definitions/secretKey",
                                          "description", settings_table[i].help));
    return json_pack("{s:s, s:b, s:o, s:{s:{s:s}}}", "type", "object", "additionalProperties", 0,
                     "properties", properties, "patternProperties", "^" KAFKA_PREFIX "[A-Z0-9_]+$", "$ref",
                     "#/definitions/secretKey");
}

bool settings_print_json_schema(FILE *out)
{
    json_t *schema = json_pack("{s:o, s:o}", "settings", settings_schema(), "secrets", secrets_schema());
    bool done = schema != NULL && json_dumpf(schema, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
                fputc('\n', out) == '\n';
    json_decref(schema);
    return done;
}
