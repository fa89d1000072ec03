/* certswap renew: says that a certificate was renewed (CertificateRenewed). */
#include "cli/event.h"
#include "cli/record_input.h"
#include "cli/subcommands.h"

static const struct option_row ROWS[] = {EVENT_ROWS,
                                         {.name = "renewed-certificate-id",
                                          .kind = OPTION_NUMBER,
                                          .of_record = true,
                                          .least = 1,
                                          .value = "ID",
                                          .help = "the certificate that was renewed"},
                                         {0}};

static bool add_renewed(const struct options *options, json_t *object, struct err *err)
{
    int32_t renewed = options_number(options, "renewed-certificate-id", 0);
    if (renewed == 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "--renewed-certificate-id is missing: which one was renewed?");
    return record_input_set(object, "renewedCertificateId", json_integer(renewed), err);
}

static int run(const struct options *options)
{
    return event_send(options, RECORD_CERTIFICATE_RENEWED, add_renewed);
}

const struct subcommand SUBCOMMAND_RENEW = {
    .name = "renew",
    .summary = "send a renewal: the successor of a certificate, with its key",
    .rows = ROWS,
    .needs_kafka = true,
    .details = "The renewed certificate can be used for 300 seconds from the moment it was acquired.\n\n"
               "  certswap renew -c 456 -r 9 -u alice --renewed-certificate-id 123 --pem new.pem\n",
    .run = run,
};
