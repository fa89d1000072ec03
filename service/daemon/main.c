/* certswapd, the service: reads the environment, starts, waits for SIGTERM, stops. */
#include "crypto/memory.h"
#include "daemon/boot.h"
#include "daemon/confine.h"
#include "kafka/client.h"
#include "log/log.h"
#include "pipeline/check.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78, EXIT_LATE = 1 };

enum mode { MODE_RUN, MODE_CHECK, MODE_PRINT };

static void print_help(void)
{
    puts("usage: certswapd [--check-config | --print-config | --help | --version]\n"
         "\n"
         "Replaces a TLS certificate everywhere it is installed: takes replace commands from Kafka, finds "
         "every\n"
         "certificate store that holds the old certificate, and writes one job a store and alias, and one "
         "result.\n"
         "\n"
         "  --check-config  say what is wrong with the settings, exit 0 or 78\n"
         "  --print-config  print the settings, secrets masked, and where each comes from\n"
         "  --help          print this\n"
         "  --version       print the version\n"
         "\n"
         "Exit status: 0 stopped cleanly, 1 not within CERTSWAP_STOP_DEADLINE_S, 64 usage, 78 settings.\n"
         "\n"
         "Settings are environment variables:\n");
    settings_print_help(stdout);
}

/* Returns the exit status where the arguments alone decide, else -1. */
static int read_arguments(int argc, char **argv, enum mode *mode)
{
    static const struct option options[] = {
        {"check-config", no_argument, NULL, 'c'},
        {"print-config", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    *mode = MODE_RUN;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (option) {
        case 'c':
            *mode = MODE_CHECK;
            break;
        case 'p':
            *mode = MODE_PRINT;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case 'v':
            puts("certswapd " CERTSWAP_VERSION);
            return EXIT_SUCCESS;
        default:
            fputs("try: certswapd --help\n", stderr);
            return EXIT_USAGE;
        }
    if (optind == argc)
        return -1;
    fprintf(stderr, "certswapd takes no argument such as '%s'; try: certswapd --help\n", argv[optind]);
    return EXIT_USAGE;
}

/* The settings, or NULL after all that is wrong with them was printed. */
static struct settings *load(void)
{
    AUTO(faults) struct faults faults = {0};
    struct settings *settings = settings_load(environ, check_settings, &faults);
    if (settings != NULL)
        return settings;
    fprintf(stderr, "certswapd cannot start with these settings (see certswapd --help):\n");
    faults_print(stderr, &faults);
    return NULL;
}

static void on_alarm(int number)
{
    (void)number;
    static const char text[] =
        "certswapd: not stopped within CERTSWAP_STOP_DEADLINE_S: leaving as after a crash; "
        "what was not committed is taken up again\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(EXIT_LATE);
}

/* What the system does not let us have is no reason not to start, and one to say so. */
static void protect(const struct settings *settings, bool openssl_wipes)
{
    struct err err = {0};
    if (!openssl_wipes)
        log_warn("OpenSSL does not wipe what it frees",
                 log_str("reason", "something else in this process has used it before"));
    if (lock_memory() == MEMORY_SWAPPED)
        log_warn("memory is not locked",
                 log_str("reason", "secrets may reach swap space; lift the limit of locked memory "
                                   "(LimitMEMLOCK=infinity, ulimit -l unlimited), or turn swap off"));
    if (settings->seccomp && !confine_process(&err))
        log_warn("system calls are not confined", log_err(&err));
}

static int run(const struct settings *settings, bool openssl_wipes)
{
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    log_init((enum log_level)settings->log_level, (enum log_format)settings->log_format);

    warn_of_settings(settings);
    protect(settings, openssl_wipes);
    struct err err = {0};
    struct service *service = service_start(settings, &err);
    if (service == NULL) {
        log_error("start refused", log_err(&err));
        return err_class(err.code) == ERR_CLASS_CONFIGURATION ? EXIT_CONFIG : EXIT_FAILURE;
    }
    log_info("started", log_str("version", CERTSWAP_VERSION), log_int("pipelines", settings->pipelines));
    int number;
    sigwait(&stop_signals, &number);
    log_info("stopping", log_str("signal", strsignal(number)));
    alarm((unsigned)settings->stop_deadline_s);
    service_stop(service);
    alarm(0);
    int left = kafka_clients_left();
    if (left > 0)
        log_warn("Kafka clients do not end; leaving without them", log_int("clients", left));
    log_info("stopped");
    /* What their threads still use must not be torn down. */
    if (left > 0)
        _exit(EXIT_SUCCESS);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    enum mode mode;
    forbid_core_dumps();
    forbid_new_privileges();
    bool openssl_wipes = wipe_openssl_memory();
    int status = read_arguments(argc, argv, &mode);
    if (status >= 0)
        return status;
    AUTO(settings) struct settings *settings = load();
    if (settings == NULL)
        return EXIT_CONFIG;
    if (mode == MODE_PRINT)
        settings_print(stdout, settings);
    else if (mode == MODE_CHECK)
        puts("the settings are good");
    return mode == MODE_RUN ? run(settings, openssl_wipes) : EXIT_SUCCESS;
}
