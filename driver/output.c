/* Files.  An output is made in a new directory beside its place and moved there when it is whole,
 * so a failure leaves what was there before. */
#include "driver/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The workspace that a signal has to remove: handlers have no other way to know it. */
static const char *volatile workspace_dir;

/* Called from signal handlers too: only functions that are safe there. */
static void remove_workspace(void)
{
    const char *dir = workspace_dir;
    if (!dir)
        return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    for (size_t k = 0; k < EMIT_KINDS; k++)
        unlinkat(fd, emit_info[k].name, 0);
    unlinkat(fd, WORKSPACE_CODE, 0);
    unlinkat(fd, WORKSPACE_PART, 0);
    close(fd);
    rmdir(dir);
    workspace_dir = NULL;
}

const char *workspace_open(const char *output, Arena *a)
{
    const char *slash = strrchr(output, '/');
    const char *dir = slash ? arena_copy(a, output, (size_t)(slash - output) + 1) : ".";
    char *made = arena_printf(a, "%s/.sgc-XXXXXX", dir);
    if (!mkdtemp(made)) {
        complain(SG1102, output, "cannot write to %s: %s", dir, strerror(errno));
        return NULL;
    }
    return workspace_dir = made;
}

void workspace_close(void)
{
    remove_workspace();
}

bool make_folder(const char *path)
{
    char part[4096];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0777); /* if it cannot be made, what is inside it cannot */
    }
    struct stat there;
    return mkdir(path, 0777) == 0 || (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) ||
           complain(SG1102, path, "cannot make the directory %s: %s", path, strerror(errno));
}

static bool copy(const char *made, int to)
{
    int from = open(made, O_RDONLY);
    char block[1 << 16];
    ssize_t got = from < 0 ? -1 : 0;
    while (from >= 0 && (got = read(from, block, sizeof block)) > 0)
        for (ssize_t put = 0, n; put < got; put += n)
            if ((n = write(to, block + put, (size_t)(got - put))) < 0) {
                close(from);
                return false;
            }
    if (from >= 0)
        close(from);
    return got == 0;
}

/* A pipe or a device is written to, never replaced. */
static bool write_through(const char *made, const char *output)
{
    int to = strcmp(output, "-") == 0 ? dup(STDOUT_FILENO) : open(output, O_WRONLY);
    bool ok = to >= 0 && copy(made, to);
    int error = errno;
    ok = (to < 0 || close(to) == 0) && ok;
    errno = error;
    return ok || cannot_write(output);
}

bool publish(const char *made, const char *output)
{
    struct stat there;
    bool exists = stat(output, &there) == 0;
    if (strcmp(output, "-") == 0 || (exists && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)))
        return write_through(made, output);
    return rename(made, output) == 0 || cannot_write(output);
}

char *read_text(const char *path, Arena *a)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    struct stat st;
    if (!in || (in != stdin && fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode))) {
        complain(SG1101, path, "cannot read %s: %s", path, strerror(in ? EISDIR : errno));
        if (in)
            fclose(in);
        return NULL;
    }
    char *text = NULL;
    size_t len = 0;
    int c;
    while ((c = getc(in)) != EOF && c != 0)
        *arena_push(a, text, len, char) = (char)c;
    size_t zero = len;
    *arena_push(a, text, len, char) = 0;
    bool failed = ferror(in);
    if (in != stdin)
        fclose(in);
    if (failed)
        complain(SG1101, path, "cannot read %s", path);
    else if (c == 0)
        complain(SG1101, path, "%s: offset %zu: a zero byte, so this is not text", path, zero);
    return failed || c == 0 ? NULL : text;
}

static void on_crash(int number)
{
    (void)number;
    crash_report();
    remove_workspace();
    _exit(SGC_INTERNAL);
}

static void on_interrupt(int number)
{
    remove_workspace();
    signal(number, SIG_DFL);
    raise(number);
}

void install_handlers(void)
{
    static const int crash[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static const int interrupt[] = {SIGINT, SIGTERM, SIGHUP};
    static char stack[1 << 16]; /* the crash may be that the other one is full */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    const struct sigaction on = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    /* A sanitizer's own report says more than ours; it leaves SIGABRT to us. */
    size_t crashes = *SGC_SANITIZERS ? 1 : sizeof crash / sizeof *crash;
    for (size_t i = 0; i < crashes; i++)
        sigaction(crash[i], &on, NULL);
    for (size_t i = 0; i < sizeof interrupt / sizeof *interrupt; i++)
        signal(interrupt[i], on_interrupt);
}
