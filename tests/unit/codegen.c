/* The object that a model becomes: its constants, its files, and what goes wrong. */
#include "codegen/codegen.h"
#include "tests/laws/native.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The compiler writes the numbers of ir.h where the runtime reads those of rt.h. */
#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a " is not " #b)
SAME(SGRT_FREE, IR_FREE);
SAME(SGRT_POSITIVE, IR_POSITIVE);
SAME(SGRT_UNIT_INTERVAL, IR_UNIT_INTERVAL);
SAME(SGRT_SIMPLEX, IR_SIMPLEX);
SAME(SGRT_ORDERED, IR_ORDERED);
SAME(SGRT_CHOLESKY, IR_CHOLESKY_FACTOR);
SAME(SGRT_RANGE, IR_RANGE);
SAME(SGRT_INIT_CONSTANT, IR_INIT_CONSTANT);
SAME(SGRT_INIT_IDENTITY, IR_INIT_IDENTITY);
SAME(SGRT_INIT_NORMAL, IR_INIT_NORMAL);
SAME(SGRT_INIT_UNIFORM, IR_INIT_UNIFORM);
SAME(SGRT_INIT_GLOROT, IR_INIT_GLOROT);
SAME(SGRT_INIT_HE, IR_INIT_HE);
SAME(SGRT_INIT_ORTHOGONAL, IR_INIT_ORTHOGONAL);

static const char program[] = "param w[3, 2] = normal(0.5)\n"
                              "param p[3] in simplex = ones()\n"
                              "param free[4] = zeros()\n"
                              "hyper beta = 1.5\n"
                              "graph fit {\n"
                              "  plate n = rows(8) {\n"
                              "    data x[3] in [0, 2]\n"
                              "    data c int\n"
                              "    z[2] ~ normal(x @ w, 1)\n"
                              "    cost beta * sum(sigmoid(z)) - log(p[c])\n"
                              "  }\n"
                              "}\n"
                              "graph show {\n"
                              "  plate k = 5 {\n"
                              "    u ~ uniform(0, 1)\n"
                              "    output both = square(p) * u\n"
                              "  }\n"
                              "}\n"
                              "graph wide {\n"
                              "  data y[100]\n"
                              "  output z = softplus(y) * 2\n"
                              "}\n"
                              "train fit { optimizer = adam(lr = 0.25)  epochs = 7 }\n";

static Native *compiled(const char *text)
{
    Native *n = native_text("model", text, NULL, 0, 4);
    if (!native_load(n)) {
        diags_render(n->diags, stderr);
        ck_abort_msg("the model does not load");
    }
    return n;
}

/* ---- constants ------------------------------------------------------------------------------ */

START_TEST(the_model_says_what_it_was_made_of)
{
    Native *n = compiled(program);
    const SgrtModel *m = n->code;
    ck_assert_int_eq(m->abi, SGRT_ABI);
    ck_assert_str_eq(m->version, "test");
    ck_assert_str_eq(m->hash, "0");
    ck_assert_int_eq(m->real, SGRT_F32);
    ck_assert_int_eq(m->parts, NATIVE_PARTS);
    ck_assert_int_eq(m->params, 3);
    ck_assert_int_eq(m->graphs, 3);
    ck_assert_int_eq(m->hypers, 1);
    ck_assert_str_eq(m->hyper[0].name, "beta");
    ck_assert_double_eq(m->hyper[0].value, 1.5);
    ck_assert_int_eq(m->trains, 1);
    ck_assert_str_eq(m->train[0].optimizer, "adam");
    ck_assert_double_eq(m->train[0].lr, 0.25);
    ck_assert(isnan(m->train[0].clip));
    ck_assert_int_eq(m->train[0].epochs, 7);
    ck_assert_int_eq(m->train[0].steps, -1);
    native_free(n);
}
END_TEST

START_TEST(parameters_have_shape_and_constraint)
{
    Native *n = compiled(program);
    const SgrtParam *w = &n->code->param[0], *p = &n->code->param[1];
    ck_assert_str_eq(w->name, "w");
    ck_assert_int_eq(w->rank, 2);
    ck_assert_int_eq(w->dim[0], 3);
    ck_assert_int_eq(w->dim[1], 2);
    ck_assert_int_eq(w->size, 6);
    ck_assert_int_eq(w->in.kind, SGRT_FREE);
    ck_assert_int_eq(w->init, SGRT_INIT_NORMAL);
    ck_assert_double_eq(w->a, 0.5);
    ck_assert_int_eq(p->in.kind, SGRT_SIMPLEX);
    ck_assert_int_eq(p->rank, 1);
    native_free(n);
}
END_TEST

START_TEST(a_graph_has_columns_costs_sites_and_entries)
{
    Native *n = compiled(program);
    const SgrtGraph *g = &n->code->graph[0];
    ck_assert_str_eq(g->name, "fit");
    ck_assert_int_eq(g->batch, 8);
    ck_assert_int_eq(g->columns, 2);
    ck_assert_str_eq(g->column[0].name, "x");
    ck_assert_int_eq(g->column[0].elem, SGRT_F32);
    ck_assert_int_eq(g->column[0].by_rows, 1);
    ck_assert_int_eq(g->column[0].in.kind, SGRT_RANGE);
    ck_assert_double_eq(g->column[0].in.hi, 2);
    ck_assert_str_eq(g->column[1].name, "c");
    ck_assert_int_eq(g->column[1].elem, SGRT_I32);
    ck_assert_int_eq(g->column[1].rank, 0);
    ck_assert_int_eq(g->costs, 1);
    ck_assert_ptr_nonnull(strstr(g->cost[0], "model"));
    ck_assert_ptr_nonnull(g->step);
    ck_assert_ptr_nonnull(g->eval);
    ck_assert_ptr_null(g->run);
    ck_assert_int_eq(g->trained[0] + g->trained[1], 2);
    ck_assert_int_eq(g->trained[2], 0);
    ck_assert_int_eq(g->step->sites, 1);
    ck_assert_str_eq(g->step->site[0].name, "z");
    ck_assert_int_eq(g->step->site[0].normal, 1);
    ck_assert_int_eq(g->step->site[0].size, 2);
    ck_assert_int_eq(g->step->site[0].by_rows, 1);
    native_free(n);
}
END_TEST

START_TEST(an_output_has_its_static_plates_first)
{
    Native *n = compiled(program);
    const SgrtGraph *g = &n->code->graph[1];
    ck_assert_int_eq(g->batch, 0);
    ck_assert_ptr_null(g->step);
    ck_assert_int_eq(g->outputs, 1);
    ck_assert_str_eq(g->output[0].name, "both");
    ck_assert_int_eq(g->output[0].rank, 2);
    ck_assert_int_eq(g->output[0].dim[0], 5);
    ck_assert_int_eq(g->output[0].dim[1], 3);
    ck_assert_int_eq(g->output[0].size, 15);
    ck_assert_int_eq(g->output[0].by_rows, 0);
    ck_assert_int_eq(g->run->site[0].normal, 0);
    ck_assert_int_eq(g->run->site[0].size, 5);
    ck_assert_int_eq(g->run->site[0].by_rows, 0);
    native_free(n);
}
END_TEST

START_TEST(a_fault_names_what_was_indexed)
{
    Native *n = compiled(program);
    const SgrtGraph *g = &n->code->graph[0];
    ck_assert_ptr_nonnull(strstr(g->place[0], "model:10:"));
    ck_assert_ptr_nonnull(strstr(g->place[0], "p[c]"));
    native_free(n);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

static bool compile_to(Native *n, CgEmit emit, const char *path)
{
    return cg_compile(&n->model, n->entry, &n->options, emit, path, n->diags);
}

START_TEST(the_same_program_gives_the_same_bytes)
{
    char *bytes[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        Native *n = native_text("model", program, NULL, 0, 8);
        ck_assert(compile_to(n, CG_OBJECT, scratch_path("same.o")));
        bytes[i] = scratch_read("same.o", &size[i]);
        native_free(n);
    }
    ck_assert_uint_eq(size[0], size[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}
END_TEST

START_TEST(text_forms_define_the_model_too)
{
    static const CgEmit form[] = {CG_ASSEMBLY, CG_LLVM};
    static const char *const word[] = {"sgrt_model:", "@sgrt_model ="};
    for (int i = 0; i < 2; i++) {
        Native *n = native_text("model", program, NULL, 0, 4);
        ck_assert(compile_to(n, form[i], scratch_path("text")));
        size_t size;
        char *text = scratch_read("text", &size);
        ck_assert_ptr_nonnull(strstr(text, word[i]));
        free(text);
        native_free(n);
    }
}
END_TEST

/* ---- targets -------------------------------------------------------------------------------- */

#ifdef __x86_64__
static char *llvm_for(const char *cpu)
{
    Native *n = native_text("model", program, NULL, 0, 4);
    n->options.cpu = cpu;
    ck_assert(compile_to(n, CG_LLVM, scratch_path("llvm")));
    native_free(n);
    size_t size;
    return scratch_read("llvm", &size);
}

START_TEST(a_model_needs_the_features_of_its_cpu)
{
    static const struct {
        const char *cpu, *needs;
    } row[] = {{"x86-64", "c\"\\00\""},
               {"x86-64-v3", "\"sse4.2,avx,avx2,fma,f16c,bmi,bmi2,lzcnt\\00\""},
               {"bdver1", "\"sse4.2,avx,lzcnt,fma4,xop\\00\""},
               {"x86-64-v4",
                "\"sse4.2,avx,avx2,fma,f16c,bmi,bmi2,lzcnt,avx512f,avx512bw,avx512dq,avx512vl,"
                "avx512cd\\00\""}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *text = llvm_for(row[i].cpu);
        if (i > 0)
            ck_assert_ptr_nonnull(strstr(text, row[i].needs));
        else
            ck_assert_ptr_null(strstr(text, "sse4.2"));
        free(text);
    }
}
END_TEST

START_TEST(loops_fill_the_registers_of_the_cpu)
{
    static const struct {
        const char *cpu, *vector;
    } row[] = {
        {"x86-64", "<4 x float>"}, {"x86-64-v3", "<8 x float>"}, {"x86-64-v4", "<16 x float>"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *text = llvm_for(row[i].cpu);
        const char *phase = strstr(text, "define internal void @wide.run.0");
        ck_assert_ptr_nonnull(phase);
        const char *vector = strstr(phase, row[i].vector), *end = strstr(phase, "\n}\n");
        ck_assert_msg(vector && vector < end, "%s: no %s", row[i].cpu, row[i].vector);
        free(text);
    }
}
END_TEST
#endif

START_TEST(an_unknown_cpu_is_an_error)
{
    Native *n = native_text("model", program, NULL, 0, 4);
    n->options.cpu = "abacus";
    ck_assert(!compile_to(n, CG_OBJECT, scratch_path("none.o")));
    ck_assert_uint_eq(diags_errors(n->diags), 1);
    ck_assert_int_ne(access(scratch_path("none.o"), F_OK), 0);
    native_free(n);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    Native *n = native_text("model", program, NULL, 0, 4);
    ck_assert(!compile_to(n, CG_OBJECT, scratch_path("no/such/folder.o")));
    ck_assert_uint_eq(diags_errors(n->diags), 1);
    native_free(n);
}
END_TEST

Suite *codegen_suite(void)
{
    Suite *s = suite_create("codegen");
    TCase *t = tcase_create("codegen");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, the_model_says_what_it_was_made_of);
    tcase_add_test(t, parameters_have_shape_and_constraint);
    tcase_add_test(t, a_graph_has_columns_costs_sites_and_entries);
    tcase_add_test(t, an_output_has_its_static_plates_first);
    tcase_add_test(t, a_fault_names_what_was_indexed);
    tcase_add_test(t, the_same_program_gives_the_same_bytes);
    tcase_add_test(t, text_forms_define_the_model_too);
#ifdef __x86_64__
    tcase_add_test(t, a_model_needs_the_features_of_its_cpu);
    tcase_add_test(t, loops_fill_the_registers_of_the_cpu);
#endif
    tcase_add_test(t, an_unknown_cpu_is_an_error);
    tcase_add_test(t, a_folder_that_is_not_there_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
