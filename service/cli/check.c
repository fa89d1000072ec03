/* certswap check: whether certswapd would start with this environment. */
#include "pipeline/check.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/subcommands.h"

#include <stdio.h>
#include <unistd.h>

static int run(const struct options *options)
{
    AUTO(faults) struct faults faults = {0};
    AUTO(settings) struct settings *settings = settings_load(environ, check_settings, &faults);
    if (settings == NULL) {
        int status = output_fail(options, STATUS_CONFIG, "certswapd would not start:");
        faults_print(stderr, &faults);
        return status;
    }
    AUTO(json) json_t *line = json_pack("{s:b}", "valid", 1);
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
