#include "tests/programs.h"
#include "tests/suites.h"

#include <stdlib.h>

const SmallProgram small_program[PROGRAMS] = {
    {"bandit", 0, {{"arms", 4}}},
    {"certigrad_aevb", 5, {{"pixels", 6}, {"encoder", 5}, {"decoder", 9}, {"latent", 3}}},
    {"gmm", 5, {{"clusters", 3}}},
    {"hmm", 5, {{"states", 3}, {"steps", 4}}},
    {"iwae", 3, {{"pixels", 6}, {"hidden", 5}, {"latent", 2}, {"copies", 3}}},
    {"logistic", 5, {{"features", 4}}},
    {"mlp", 5, {{"pixels", 6}, {"hidden", 9}, {"classes", 3}}},
    {"ppca", 5, {{"axes", 4}, {"latent", 2}}},
    {"sbn", 3, {{"pixels", 6}, {"latent", 4}}},
    {"vae", 5, {{"side", 3}, {"hidden", 8}, {"latent", 2}}},
};

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = calloc(1, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    return text;
}

void program_compile(Compiled *c, const SmallProgram *p, const PassOptions *options, PassHook *hook,
                     void *context)
{
    *c = (Compiled){.arena = arena_new()};
    char *path = arena_printf(c->arena, SGC_SOURCE_DIR "/examples/%s.sg", p->file);
    size_t dims = 0;
    while (dims < PROGRAM_DIMS && p->dim[dims].name)
        dims++;
    c->text = read_whole(path);
    c->diags = diags_new(path, c->text);
    ir_model_init(&c->model, c->arena);
    ck_assert_msg(fe_compile(&c->model, path, c->text, p->dim, dims, c->diags), "%s", path);
    PassCtx cx = {.options = options, .diags = c->diags, .arena = c->arena};
    c->entry = arena_alloc(c->arena, c->model.graphs, sizeof *c->entry, alignof(IrGraph));
    for (uint32_t i = 0; i < c->model.graphs; i++)
        ck_assert_msg(passes_run(&c->model.graph[i], c->entry[i], &cx, hook, context), "%s", path);
}

void program_free(Compiled *c)
{
    diags_free(c->diags);
    free(c->text);
    arena_free(c->arena);
}
