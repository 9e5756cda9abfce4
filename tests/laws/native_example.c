/* Example programs, compiled by the whole compiler, for the law that code is the evaluator. */
#include "tests/laws/native.h"

#include <check.h>
#include <stdlib.h>

static NativeRange param_range(const IrParam *p)
{
    (void)p;
    return (NativeRange){-0.4, 0.4, false};
}

static NativeRange data_range(const IrData *d)
{
    if (d->type.elem == IR_BOOL)
        return (NativeRange){0, 2, false};
    switch (d->in) {
    case IR_RANGE:
        return (NativeRange){d->lo, d->hi, false};
    case IR_FREE:
        return (NativeRange){-1, 1, false};
    default:
        return (NativeRange){0.1, 0.9, false};
    }
}

static char *read_file(Arena *a, const char *path)
{
    FILE *in = fopen(path, "rb");
    ck_assert_msg(in, "cannot read %s", path);
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    rewind(in);
    char *text = arena_array(a, char, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, in), (size_t)size);
    fclose(in);
    return text;
}

static void derive(Native *n)
{
    /* Sums of f32 products differ by their order, which a tolerance per root states. */
    static const NativeCase tolerance = {.name = "example", .ulps = 256, .floor = 1};
    PassOptions options = {.parts = n->options.parts, .real_bytes = n->options.real_bytes};
    PassCtx cx = {.options = &options, .diags = n->diags, .arena = n->arena};
    uint32_t graphs = n->model.graphs;
    n->of = arena_array(n->arena, const NativeCase *, graphs);
    n->entry = arena_alloc(n->arena, graphs, sizeof *n->entry, alignof(IrGraph));
    for (uint32_t i = 0; i < graphs; i++) {
        n->of[i] = &tolerance;
        ck_assert(passes_run(&n->model.graph[i], n->entry[i], &cx, NULL, NULL));
    }
}

Native *native_text(const char *name, const char *text, const FeDim *dim, size_t dims,
                    int64_t real_bytes)
{
    Native *n = native_new(name, real_bytes, false);
    n->param_range = param_range;
    n->data_range = data_range;
    if (!fe_compile(&n->model, name, text, dim, dims, n->diags)) {
        diags_render(n->diags, stderr);
        ck_abort_msg("%s does not compile", name);
    }
    derive(n);
    return n;
}

Native *native_example(const char *name, const FeDim *dim, size_t dims, int64_t real_bytes)
{
    Arena *a = arena_new();
    char *text = read_file(a, arena_printf(a, SGC_SOURCE_DIR "/examples/%s.sg", name));
    Native *n = native_text(name, text, dim, dims, real_bytes);
    n->text = a;
    return n;
}
