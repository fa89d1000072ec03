#include "daemon/confine.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* By name, as libseccomp resolves it: what an architecture or an older libseccomp does not know is left out.
 */
static const char *const denied[] = {
    /* programs */
    "execve",
    "execveat",
    /* other processes */
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "pidfd_getfd",
    "kcmp",
    "move_pages",
    "migrate_pages",
    /* rights */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    /* namespaces and file systems */
    "unshare",
    "setns",
    "mount",
    "umount",
    "umount2",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "pivot_root",
    "chroot",
    "mknod",
    "mknodat",
    "swapon",
    "swapoff",
    "quotactl",
    "quotactl_fd",
    "open_by_handle_at",
    "fanotify_init",
    /* the kernel and its keys */
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "add_key",
    "keyctl",
    "request_key",
    "acct",
    "syslog",
    "iopl",
    "ioperm",
    "modify_ldt",
    "personality",
    "uselib",
    "vhangup",
    "lookup_dcookie",
    "nfsservctl",
    /* the machine's time and names */
    "settimeofday",
    "clock_settime",
    "stime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    /* files without a name, which would be a way to code of one's own */
    "memfd_create",
    "memfd_secret",
};

/* Calls that are denied where the arguments are as given. */
static const struct {
    const char *name;
    unsigned count;
    struct scmp_arg_cmp arguments[2];
} denied_with[] = {
    /* new namespaces */
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWNS, CLONE_NEWNS}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWCGROUP, CLONE_NEWCGROUP}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWUTS, CLONE_NEWUTS}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWIPC, CLONE_NEWIPC}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWPID, CLONE_NEWPID}}},
    {"clone", 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_NEWNET, CLONE_NEWNET}}},
    /* code that was data before */
    {"mmap", 1, {{2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC}}},
    {"mprotect", 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC}}},
    {"pkey_mprotect", 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC}}},
    /* core dumps after all */
    {"prctl", 1, {{0, SCMP_CMP_EQ, PR_SET_DUMPABLE, 0}}},
    /* getaddrinfo asks netlink for the host's addresses; nothing else is asked for there */
    {"socket", 2, {{0, SCMP_CMP_EQ, AF_NETLINK, 0}, {2, SCMP_CMP_NE, NETLINK_ROUTE, 0}}},
    {"socket", 1, {{0, SCMP_CMP_GT, AF_NETLINK, 0}}},
};

/* Only UNIX, INET, INET6 and NETLINK are allowed; what is above NETLINK is in the table. */
static bool is_denied_family(int family)
{
    return family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK;
}

/* 0, or a negative errno, as libseccomp's functions. A call that the architecture does not have is no fault.
 */
static int deny(scmp_filter_ctx filter, int error, const char *name, unsigned count,
                const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)error), number, count, arguments);
    return result == -EDOM ? 0 : result;
}

static int add_rules(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof denied / sizeof *denied; i++)
        result = deny(filter, EPERM, denied[i], 0, NULL);
    for (size_t i = 0; result == 0 && i < sizeof denied_with / sizeof *denied_with; i++)
        result = deny(filter, EPERM, denied_with[i].name, denied_with[i].count, denied_with[i].arguments);
    for (int family = 0; result == 0 && family < AF_NETLINK; family++)
        if (is_denied_family(family))
            result = deny(filter, EPERM, "socket", 1,
                          &(struct scmp_arg_cmp){0, SCMP_CMP_EQ, (scmp_datum_t)family, 0});
    /* A filter cannot see clone3's flags. The C library goes on with clone where there is no clone3. */
    return result == 0 ? deny(filter, ENOSYS, "clone3", 0, NULL) : result;
}

void forbid_new_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool confine_process(struct err *err)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)err;
    return true;
#endif
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for the filter of system calls");
    int result = add_rules(filter);
    if (result == 0) {
        /* What is denied goes to the audit log, where the kernel can. */
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    return result == 0 || err_set(err, ERR_INTERNAL, "%s", strerror(-result));
}
