/* certswap enroll: says that a certificate was enrolled (CertificateEnrolled). */
#include "cli/event.h"
#include "cli/record_input.h"
#include "cli/subcommands.h"

static const struct option_row ROWS[] = {
    EVENT_ROWS,
    {.name = "format",
     .kind = OPTION_TEXT,
     .of_record = true,
     .value = "NAME",
     .help = "what the enrollment was for; only Replace is staged (default: Replace)"},
    {0}};

static bool add_format(const struct options *options, json_t *object, struct err *err)
{
    const char *format = options_text(options, "format");
    return record_input_set_text(object, "certificateFormat", span_text(format != NULL ? format : "Replace"),
                                 err);
}

static int run(const struct options *options)
{
    return event_send(options, RECORD_CERTIFICATE_ENROLLED, add_format);
}

const struct subcommand SUBCOMMAND_ENROLL = {
    .name = "enroll",
    .summary = "send an enrollment: a new certificate with its key",
    .rows = ROWS,
    .needs_kafka = true,
    .details = "The new certificate can be used to replace an old one for 300 seconds from the moment it was "
               "acquired.\n\n"
               "  certswap enroll -c 456 -r 9 -u alice --pfx new.pfx --password-file new.pass\n",
    .run = run,
};
