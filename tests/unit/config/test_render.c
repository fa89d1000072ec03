#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* What a printing function prints; the caller frees. */
static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    print(out);
    fclose(out);
    return text;
}

static char *printed_settings(const struct settings *settings)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    settings_print(out, settings);
    fclose(out);
    return text;
}

static char *read_text(const char *path)
{
    enum { MOST = 1024 * 1024 };
    FILE *in = fopen(path, "r");
    cr_assert_not_null(in, "%s", path);
    char *text = malloc(MOST);
    cr_assert_not_null(text);
    size_t len = fread(text, 1, MOST - 1, in);
    fclose(in);
    cr_assert_gt(len, 0);
    text[len] = '\0';
    return text;
}

Test(render, the_reference_in_docs_is_what_the_table_says)
{
    static const char begin[] = "<!-- settings: begin -->\n";
    static const char end[] = "<!-- settings: end -->";
    char *document = read_text(CERTSWAP_SOURCE_DIR "/docs/settings.md");
    char *from = strstr(document, begin);
    cr_assert_not_null(from);
    from += strlen(begin);
    char *to = strstr(from, end);
    cr_assert_not_null(to);
    *to = '\0';
    char *table = printed(settings_print_markdown);
    cr_assert(strcmp(from, table) == 0, "docs/settings.md is out of date: run script/settings-doc");
    free(table);
    free(document);
}

Test(render, help_names_every_kind_of_row)
{
    char *help = printed(settings_print_help);
    static const char *const lines[] = {
        "  CERTSWAP_STAGING_KEYS, CERTSWAP_STAGING_KEYS_FILE\n",
        "      (lines of <kid>:<base64 of 32 bytes>; required)\n",
        "      (1 to 300; default: 300)\n",
        "      (error, warn, info or debug; default: info)\n",
        "      (1 to 256; default: number of CPUs)\n",
        "  CERTSWAP_KAFKA_<PROPERTY>\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_assert_not_null(strstr(help, lines[i]), "%s", lines[i]);
    free(help);
}

Test(render, settings_are_printed_with_their_origin_and_without_secrets)
{
    struct faults faults = {0};
    const char *environ[] = {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b1:9092",
                             "CERTSWAP_REQUIRE_SEALED=false",
                             "CERTSWAP_STAGING_KEYS_FILE=/keys",
                             "CERTSWAP_REDIS_URL=redis://ann:swordfish@[::1]:6380/3",
                             "CERTSWAP_KAFKA_SSL_KEY_PEM=line\nswordfish",
                             "CERTSWAP_KAFKA_SASL_USERNAME=ann",
                             "CERTSWAP_HTTP_LISTEN=[::]:80",
                             NULL};
    AUTO(settings) struct settings *settings = load(environ, &faults);
    cr_assert_not_null(settings);
    char *text = printed_settings(settings);
    cr_assert_null(strstr(text, "swordfish"));
    cr_assert_null(strstr(text, "AAAA"));
    static const char *const lines[] = {
        "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b1:9092  # environment\n",
        "CERTSWAP_STAGING_KEYS=****  # file\n",
        "CERTSWAP_REDIS_URL=redis://ann:****@[::1]:6380/3  # environment\n",
        "CERTSWAP_STAGING_TTL_S=300  # default\n",
        "CERTSWAP_REQUIRE_SEALED=false  # environment\n",
        "CERTSWAP_SEALING_DIR=  # default\n",
        "CERTSWAP_INSTANCE_ID=host7  # default\n",
        "CERTSWAP_HTTP_LISTEN=[::]:80  # environment\n",
        "CERTSWAP_LOG_LEVEL=info  # default\n",
        "CERTSWAP_KAFKA_SSL_KEY_PEM=****  # environment\n",
        "CERTSWAP_KAFKA_SASL_USERNAME=ann  # environment\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_assert_not_null(strstr(text, lines[i]), "%s", lines[i]);
    free(text);
}

Test(render, faults_are_a_line_each)
{
    struct faults faults = {0};
    faults_add(&faults, "CERTSWAP_X", "is %d; make it %d", 1, 2);
    faults_add(&faults, "CERTSWAP_Y", "is wrong; make it right");
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    faults_print(out, &faults);
    fclose(out);
    cr_assert_str_eq(text, "CERTSWAP_X: is 1; make it 2\nCERTSWAP_Y: is wrong; make it right\n");
    free(text);
    faults_free(&faults);
}
