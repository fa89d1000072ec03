/* certswap seal: makes a SealedCredential or a SealedPassword for one recipient. */
#include "cli/credential.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/sealing.h"
#include "cli/subcommands.h"
#include "crypto/library.h"

static const struct option_row ROWS[] = {
    SEAL_TO_ROW,
    CREDENTIAL_ROWS,
    {.name = "cms",
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "write the CMS there, in DER, instead of printing the record"},
    {0}};

static bool seal(const struct options *options, struct sealed_output *out, struct err *err)
{
    const char *certificate = options_text(options, "seal-to");
    if (certificate == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "--seal-to is missing: whose certificate is it sealed to?");
    if (options_has(options, "pfx") || options_has(options, "pem")) {
        AUTO(credential_file) struct credential_file file = {0};
        /* What does not open is found out here, where somebody can mend it. */
        AUTO(material) struct material material = {0};
        return credential_file_read(options, &file, err) && credential_file_open(&file, &material, err) &&
               seal_credential(certificate, &file.credential, out, err);
    }
    AUTO(secret) struct secret password = {0};
    bool given = false;
    if (!password_read(options, &password, &given, err))
        return false;
    if (!given)
        return err_set(err, ERR_CONFIG_INVALID,
                       "what is to be sealed? Give --pfx or --pem for a credential, or a password alone by "
                       "--password-file, --password-env or --password-prompt");
    return seal_password(certificate, secret_span(&password), out, err);
}

static int print(const struct options *options, const struct sealed_output *sealed)
{
    struct err err = {0};
    AUTO(json) json_t *record = sealed_json(sealed, &err);
    if (record == NULL)
        return output_fail_err(options, &err);
    bool done = output_is_json(options) ? output_json(options, record) : output_fields(options, record);
    return done ? STATUS_DONE : STATUS_FAILED;
}

static int run(const struct options *options)
{
    struct err err = {0};
    AUTO(sealed_output) struct sealed_output sealed = {0};
    const char *cms = options_text(options, "cms");
    bool done = crypto_library_start(&err) && seal(options, &sealed, &err);
    crypto_library_stop();
    if (done && cms != NULL)
        done = file_write(cms, buf_span(&sealed.cms), &err);
    if (!done)
        return output_fail_input(options, &err);
    return cms != NULL ? STATUS_DONE : print(options, &sealed);
}

const struct subcommand SUBCOMMAND_SEAL = {
    .name = "seal",
    .summary = "seal a credential or a password to a certificate",
    .rows = ROWS,
    .details =
        "Prints the SealedCredential (of --pfx or --pem and its password) or the SealedPassword (of a\n"
        "password alone), as it stands in the field credential or password of a record.\n\n"
        "  certswap seal --seal-to certswap.crt --pfx new.pfx --password-file new.pass\n"
        "  certswap seal --seal-to certswap.crt --password-file store.pass --cms store.cms\n",
    .run = run,
};
