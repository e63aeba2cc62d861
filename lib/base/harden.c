#include "base/harden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Excludes all mappings from core dumps (core(5)). gdb's gcore also obeys this. */
static void empty_core_dumps(void)
{
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t ignored = write(fd, "0", 1);
    (void)ignored;
    close(fd);
}

void harden_process(void)
{
    const struct rlimit none = {0, 0};
    empty_core_dumps(); /* first: in an undumpable process the file belongs to root */
#ifdef POSTHORN_FAULT_POINTS
    if (getenv("POSTHORN_DUMPABLE") != NULL) /* for a test that looks at what a forced core contains */
        return;
#endif
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}
