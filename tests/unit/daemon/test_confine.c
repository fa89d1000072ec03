/* What a confined process cannot do, and what it still can. Each try is in a child, since there is no way
 * back. */
#include "crypto/library.h"
#include "daemon/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

enum { PAGE = 4096, NETLINK_AUDIT_FAMILY = 9, STACK = 65536 };

static long start_program(void)
{
    return execl("/bin/true", "true", NULL);
}

static long start_program_by_handle(void)
{
    static const char *const arguments[] = {"true", NULL}, *const environment[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, environment, 0);
}

static long trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static char read_here[1], read_there[1];

static long read_process(void)
{
    struct iovec local = {read_here, 1}, remote = {read_there, 1};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static long write_process(void)
{
    struct iovec local = {read_here, 1}, remote = {read_there, 1};
    return process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static long become_who_we_are(void)
{
    return setuid(getuid());
}

static long leave_nothing(void)
{
    return unshare(0);
}

static long enter_nothing(void)
{
    return setns(-1, 0);
}

static int leave(void *arg)
{
    (void)arg;
    _exit(0);
}

static long clone_into_a_user_namespace(void)
{
    static char stack[STACK] __attribute__((aligned(16)));
    return clone(leave, stack + STACK, CLONE_NEWUSER | SIGCHLD, NULL);
}

static long make_writable_code(void)
{
    return mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                      : 0;
}

static long turn_data_into_code(void)
{
    void *data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(data, PAGE, PROT_READ | PROT_EXEC);
}

static long make_nameless_file(void)
{
    return memfd_create("x", 0);
}

static long allow_dumps(void)
{
    return prctl(PR_SET_DUMPABLE, 1);
}

static long open_kernel_crypto(void)
{
    return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long open_packets(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long open_bluetooth_of_old(void)
{
    return socket(AF_AX25, SOCK_DGRAM, 0);
}

static long open_audit(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT_FAMILY);
}

static long make_ring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL);
}

static long count_events(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long mount_nothing(void)
{
    return syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static long load_module(void)
{
    return syscall(SYS_init_module, NULL, 0, NULL);
}

static long load_program(void)
{
    return syscall(SYS_bpf, -1, NULL, 0);
}

static long load_kernel(void)
{
    return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

static long ask_for_key(void)
{
    return syscall(SYS_keyctl, 0, -3, 0);
}

static const struct {
    const char *name;
    long (*call)(void);
    bool needs_rights; /* who has them not, or is in a container, is answered EPERM anyhow */
} forbidden[] = {
    {"execve", start_program, false},
    {"execveat", start_program_by_handle, false},
    {"ptrace", trace, false},
    {"process_vm_readv", read_process, false},
    {"process_vm_writev", write_process, false},
    {"setuid", become_who_we_are, false},
    {"unshare", leave_nothing, true},
    {"setns", enter_nothing, true},
    {"clone into a namespace", clone_into_a_user_namespace, true},
    {"mmap of writable code", make_writable_code, false},
    {"mprotect of data to code", turn_data_into_code, false},
    {"memfd_create", make_nameless_file, false},
    {"prctl to allow dumps", allow_dumps, false},
    {"socket of AF_ALG", open_kernel_crypto, true},
    {"socket of AF_PACKET", open_packets, true},
    {"socket of AF_AX25", open_bluetooth_of_old, false},
    {"socket of the kernel's audit", open_audit, false},
    {"io_uring_setup", make_ring, true},
    {"perf_event_open", count_events, true},
    {"mount", mount_nothing, true},
    {"init_module", load_module, true},
    {"bpf", load_program, true},
    {"kexec_load", load_kernel, true},
    {"keyctl", ask_for_key, true},
};

enum { OTHERWISE, DENIED, NOT_CONFINED };

/* What becomes of a call in a child; OTHERWISE is 0, as the exit status of a program that it starts. */
static int outcome(long (*call)(void), bool confined)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct err err = {0};
        if (confined && !confine_process(&err))
            _exit(NOT_CONFINED);
        errno = 0;
        _exit(call() == -1 && errno == EPERM ? DENIED : OTHERWISE);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The kernel of a container may refuse filters: then there is nothing to see here. */
static bool cannot_be_confined(void)
{
    if (sanitized || outcome(leave_nothing, true) == NOT_CONFINED) {
        fprintf(stderr, "skipped: this build or this kernel does not confine processes\n");
        return true;
    }
    return false;
}

Test(confine, what_a_service_never_needs_is_denied)
{
    if (cannot_be_confined())
        return;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        cr_expect_eq(outcome(forbidden[i].call, true), DENIED, "%s is not denied", forbidden[i].name);
}

/* So that the test before can fail. */
Test(confine, without_the_filter_it_is_not)
{
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (!forbidden[i].needs_rights)
            cr_expect_neq(outcome(forbidden[i].call, false), DENIED, "%s is denied", forbidden[i].name);
}

static void *nothing(void *arg)
{
    return arg;
}

#define MUST(condition)                                                                                      \
    do                                                                                                       \
        if (!(condition))                                                                                    \
            return __LINE__;                                                                                 \
    while (0)

/* What certswapd and its libraries do. 0, or the line that fails. */
static int live(void)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_NETLINK};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        int handle = socket(families[i], families[i] == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0);
        MUST(handle >= 0);
        close(handle);
    }
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    struct addrinfo *addresses = NULL;
    MUST(getaddrinfo("localhost", "9092", NULL, &addresses) == 0);
    freeaddrinfo(addresses);
    /* loads a provider, which is code in a file */
    MUST(crypto_library_start(NULL));
    crypto_library_stop();
    FILE *file = tmpfile();
    MUST(file != NULL && fputs("text", file) >= 0 && fclose(file) == 0);
    void *memory = malloc(64 << 20);
    MUST(memory != NULL);
    free(memory);
    return 0;
}

Test(confine, a_service_lives_on)
{
    if (cannot_be_confined())
        return;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(confine_process(NULL) ? live() & 0xff : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "line %d fails", WEXITSTATUS(status));
}

Test(confine, no_new_privileges)
{
    forbid_new_privileges();
    cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
