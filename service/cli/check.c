/* certswap check: whether certswapd would start with this environment. */
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/session.h"
#include "cli/subcommands.h"
#include "config/settings.h"
#include "crypto/at_rest.h"
#include "kafka/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void add_kafka_fault(void *arg, const char *property, const char *text)
{
    char variable[SESSION_VARIABLE_MAX];
    session_kafka_variable(property, variable);
    faults_add(arg, variable, "%s", text);
}

/* What the settings' table alone cannot tell. */
static void check_deeper(const struct settings *settings, struct faults *faults)
{
    struct err err = {0};
    AUTO(keyring) struct keyring *keyring = keyring_parse(secret_span(&settings->staging_keys), &err);
    if (keyring == NULL)
        faults_add(faults, "CERTSWAP_STAGING_KEYS", "%s", err.text);
    size_t count = settings->kafka_property_count;
    struct kafka_property *properties = calloc(count + 1, sizeof *properties);
    if (properties == NULL) {
        faults->failed = true;
        return;
    }
    properties[0] =
        (struct kafka_property){.name = "bootstrap.servers", .value = settings->kafka_bootstrap_servers};
    for (size_t i = 0; i < count; i++)
        properties[i + 1] =
            (struct kafka_property){.name = settings->kafka_properties[i].name,
                                    .value = (const char *)settings->kafka_properties[i].value.data};
    kafka_check_properties(properties, count + 1, add_kafka_fault, faults);
    free(properties);
}

static int run(const struct options *options)
{
    struct faults faults __attribute__((cleanup(auto_faults))) = {0};
    AUTO(settings) struct settings *settings = settings_load(environ, &faults);
    if (settings != NULL)
        check_deeper(settings, &faults);
    if (!faults_none(&faults)) {
        int status = output_fail(options, STATUS_CONFIG, "certswapd would not start:");
        faults_print(stderr, &faults);
        return status;
    }
    json_t *line __attribute__((cleanup(auto_json))) = json_pack("{s:b}", "valid", 1);
    if (output_is_json(options))
        return line != NULL && output_json(options, line) ? STATUS_DONE : STATUS_FAILED;
    puts("the configuration is valid");
    return STATUS_DONE;
}

const struct subcommand SUBCOMMAND_CHECK = {
    .name = "check",
    .summary = "check the service's configuration, as certswapd --check-config",
    .details = "Reads the CERTSWAP_ variables of its own environment. Nothing is connected to.\n",
    .run = run,
};
