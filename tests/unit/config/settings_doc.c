/* Prints the reference that docs/settings.md holds (script/settings-doc puts it there), or with `schema` the
   settings' part of helm/certswap/values.schema.json (script/chart-schema). */
#include "config/settings.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "schema") == 0)
        return !settings_print_json_schema(stdout) || fflush(stdout) != 0;
    settings_print_markdown(stdout);
    return ferror(stdout) || fflush(stdout) != 0;
}
