/* CPU features by the names LLVM gives them, looked up in the flags that the kernel reports. */
#include "runtime/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The features that change which instructions a compiler picks for loops.  A feature that is not
 * here cannot be decided, and does not keep a model from running. */
static const struct {
    const char *llvm, *kernel;
} feature_row[] = {
    {"sse3", "pni"},
    {"ssse3", "ssse3"},
    {"sse4.1", "sse4_1"},
    {"sse4.2", "sse4_2"},
    {"popcnt", "popcnt"},
    {"avx", "avx"},
    {"avx2", "avx2"},
    {"fma", "fma"},
    {"f16c", "f16c"},
    {"bmi", "bmi1"},
    {"bmi2", "bmi2"},
    {"lzcnt", "abm"},
    {"fma4", "fma4"},
    {"xop", "xop"},
    {"tbm", "tbm"},
    {"gfni", "gfni"},
    {"movbe", "movbe"},
    {"avx512f", "avx512f"},
    {"avx512cd", "avx512cd"},
    {"avx512bw", "avx512bw"},
    {"avx512dq", "avx512dq"},
    {"avx512vl", "avx512vl"},
    {"avx512ifma", "avx512ifma"},
    {"avx512vbmi", "avx512vbmi"},
    {"avx512vbmi2", "avx512_vbmi2"},
    {"avx512vnni", "avx512_vnni"},
    {"avx512bitalg", "avx512_bitalg"},
    {"avx512vpopcntdq", "avx512_vpopcntdq"},
    {"avx512bf16", "avx512_bf16"},
    {"avx512fp16", "avx512_fp16"},
    {"avxvnni", "avx_vnni"},
    {"amx-tile", "amx_tile"},
    {"amx-bf16", "amx_bf16"},
};

enum { FEATURES = sizeof feature_row / sizeof feature_row[0] };

/* The kernel's name of a feature, or NULL. */
static const char *kernel_name(const char *feature, size_t length)
{
    for (int i = 0; i < FEATURES; i++)
        if (strncmp(feature_row[i].llvm, feature, length) == 0 && !feature_row[i].llvm[length])
            return feature_row[i].kernel;
    return NULL;
}

/* The first line of flags, owned by the caller; NULL where there is none to ask. */
static char *kernel_flags(void)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (f && !found && getline(&line, &room, f) > 0)
        found = strncmp(line, "flags", 5) == 0;
    if (f)
        fclose(f);
    if (!found) {
        free(line);
        return NULL;
    }
    return line;
}

static bool has_flag(const char *flags, const char *wanted)
{
    for (const char *at = flags + strcspn(flags, ":"); *at;) {
        at += strspn(at, ": \t\n");
        size_t length = strcspn(at, " \t\n");
        if (length == strlen(wanted) && strncmp(at, wanted, length) == 0)
            return true;
        at += length;
    }
    return false;
}

static bool check(const SgrtModel *model, const char *flags, SgrtError *e)
{
    for (const char *at = model->needs; *at;) {
        size_t length = strcspn(at, ",");
        const char *name = kernel_name(at, length);
        if (name && !has_flag(flags, name))
            return sgrt_fail(e,
                             "built for the CPU %s, which has %.*s, and this machine has not; "
                             "rebuild with sgc --cpu=x86-64-v3, or with --cpu=native on this "
                             "machine",
                             model->cpu, (int)length, at);
        at += length + (at[length] == ',');
    }
    return true;
}

bool sgrt_cpu_check(const SgrtModel *model, SgrtError *e)
{
    char *flags = model->needs && *model->needs ? kernel_flags() : NULL;
    bool runs = !flags || check(model, flags, e);
    free(flags);
    return runs;
}
