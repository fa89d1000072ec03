/* Prints the reference that docs/settings.md holds; script/settings-doc puts it there. */
#include "config/settings.h"

int main(void)
{
    settings_print_markdown(stdout);
    return ferror(stdout) || fflush(stdout) != 0;
}
