#include "base/harden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* core(5): which mappings a core dump contains: none. Also gdb's gcore goes by it. */
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
    empty_core_dumps(); /* first: of an undumpable process the file is root's */
#ifdef POSTHORN_FAULT_POINTS
    if (getenv("POSTHORN_DUMPABLE") != NULL) /* a test wants to see what a core holds that is written all the same */
        return;
#endif
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}
