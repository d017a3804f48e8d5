/* SPDX-License-Identifier: Apache-2.0 */
/* Between fork and exec only what is safe in a program with threads. */
#include "core/os_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY ((rlim_t)2 << 30)
#define CPU_S 30

size_t
os_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) /* more than the set can name */
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (size_t)n : 1;
}

bool
os_which(const char *name, char path[OS_PATH])
{
    const char *all = getenv("PATH");
    struct span rest = span_cstr(all && *all ? all : "/usr/local/bin:/usr/bin:/bin");
    while (rest.n) {
        struct span dir = span_cut(&rest, ':');
        char folder[OS_PATH];
        if (dir.n && span_copy(folder, sizeof folder, dir) &&
            os_join(path, OS_PATH, folder, name) == OK && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* Where the service itself may not set limits (EPERM: systemd's filter), those of the
 * service hold, and the deadline and the cap on output. */
static bool
limit(int what, rlim_t n)
{
    const struct rlimit l = {n, n};
    return setrlimit((unsigned)what, &l) == 0 || errno == EPERM;
}

/* In the child. */
static void
become(const struct os_run *what, int null, int out)
{
    static char *const nothing[] = {NULL};
    if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0 ||
        !limit(RLIMIT_AS, MEMORY) || !limit(RLIMIT_CPU, CPU_S) ||
        !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0))
        _exit(127);
    execve(what->argv[0], (char *const *)(uintptr_t)what->argv, nothing);
    _exit(127);
}

static enum err
take(const struct os_run *what, int in, struct buf *out)
{
    dur_us end = os_mono_us() + what->limit_us;
    size_t start = out->n;
    for (;;) {
        dur_us left = end - os_mono_us();
        struct pollfd p = {.fd = in, .events = POLLIN};
        if (left <= 0)
            return ERR_TIMEOUT;
        int ready = poll(&p, 1, (int)(left / 1000) + 1);
        if (ready < 0 && errno != EINTR)
            return ERR_IO;
        if (ready <= 0)
            continue;
        uint8_t chunk[16384];
        ssize_t n = read(in, chunk, sizeof chunk);
        if (n == 0)
            return OK;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        if (n > 0)
            buf_put(out, chunk, (size_t)n);
        if (out->bad || out->n - start > what->cap)
            return ERR_TOOBIG;
    }
}

enum err
os_run(const struct os_run *what, struct buf *out)
{
    int pipes[2] = {-1, -1}, status = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    enum err e = null >= 0 && pipe2(pipes, O_CLOEXEC) == 0 ? OK : ERR_IO;
    pid_t pid = -1;
    if (e == OK) {
        pid = fork();
        if (pid == 0)
            become(what, null, pipes[1]);
        e = pid > 0 ? OK : ERR_IO;
    }
    if (pipes[1] >= 0)
        close(pipes[1]);
    if (e == OK)
        e = take(what, pipes[0], out);
    if (pid > 0) {
        if (e != OK)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        if (e == OK && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
            e = ERR_INPUT;
    }
    if (pipes[0] >= 0)
        close(pipes[0]);
    if (null >= 0)
        close(null);
    return e;
}
