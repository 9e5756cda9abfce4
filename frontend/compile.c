/* fe_compile: lex, parse, elaborate. */
#include "frontend/fe.h"

#include <string.h>

static const char *without_folders(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* "vae" of "models/vae.sg" */
static const char *model_name(Arena *a, const char *base)
{
    const char *dot = strrchr(base, '.');
    size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    return arena_copy(a, base, len);
}

static void check_dims(Fe *fe)
{
    for (size_t i = 0; i < fe->dims; i++)
        if (!fe->dim_used[i])
            fe_error(fe, (Span){0}, SG0111, "--dim %s: the model has no dim of this name",
                     fe->dim[i].name);
}

bool fe_compile(IrModel *m, const char *file, const char *text, const FeDim *dim, size_t dims,
                Diags *d)
{
    Fe fe = {.arena = m->arena, .diags = d, .model = m, .dim = dim, .dims = dims};
    fe.file = without_folders(file);
    fe.dim_used = arena_array(m->arena, bool, dims + 1);
    m->file = fe.file;
    m->name = model_name(m->arena, fe.file);
    uint32_t errors = diags_errors(d);
    Block statements = fe_parse(m->arena, fe_lex(m->arena, text, d), d);
    fe.statements = &statements;
    fe_open(&fe, SCOPE_FILE, fe.file);
    fe_file(&fe, &statements);
    check_dims(&fe);
    if (m->graphs == 0 && diags_errors(d) == errors)
        fe_error(&fe, (Span){0}, SG0511, "the model has no graph");
    return diags_errors(d) == errors;
}
