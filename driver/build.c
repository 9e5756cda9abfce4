/* sgc build, sgc check: the pipeline, from text to files. */
#include "driver/driver.h"

#include "certify/certify.h"
#include "codegen/codegen.h"
#include "driver/interface.h"
#include "frontend/unparse.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Session {
    const Options *options;
    const char *input;
    Arena *arena;
    Diags *diags;
    const char *text;         /* of the input */
    const char *file, *lines; /* what places are in, and its text; NULL: it is not here */
    Program program;
    Watch *watch;
    const IrGraph **step; /* estimator graphs of --emit=sg: as derived, not yet scheduled */
    uint32_t steps;
    Fractions *fractions;
    const Cert **cert; /* of --emit=proof,cert */
    uint32_t certs;
    bool broken; /* a pass left a graph invalid */
} Session;

/* "vae.sgir", a graph that was printed */
static bool is_dump(const Session *s)
{
    const char *dot = strrchr(s->input, '.');
    if (strcmp(s->input, "-") == 0)
        return strncmp(s->text, "sgir ", 5) == 0;
    return dot && strcmp(dot, ".sgir") == 0;
}

/* FNV-1a of the source and of every option that the result depends on. */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

static const char *hash_text(const Session *s)
{
    const Options *o = s->options;
    uint64_t hash = mix(mix(0xcbf29ce484222325u, s->text), o->cpu);
    hash = mix(hash, arena_printf(s->arena, "%" PRId64 " %" PRId64, o->real_bytes, o->parts));
    hash = mix(hash, o->target ? o->target : "");
    for (size_t i = 0; i < o->dims; i++)
        hash = mix(hash, arena_printf(s->arena, "%s=%" PRId64, o->dim[i].name, o->dim[i].value));
    return arena_printf(s->arena, "%016" PRIx64, hash);
}

/* The places in a dump are those of the model that it was made of. */
static void look_at_source(Session *s, const char *file)
{
    diags_free(s->diags);
    s->file = file;
    s->lines = NULL;
    s->diags = open_diags(s->options, file, NULL);
}

static bool parse(Session *s)
{
    const Options *o = s->options;
    IrModel *m = arena_make(s->arena, IrModel);
    ir_model_init(m, s->arena);
    crash_keep_model(o, s->text, is_dump(s), "--stop-after=frontend --emit=ir", s->arena);
    bool ok = is_dump(s) ? ir_parse(m, s->text, s->diags)
                         : fe_compile(m, s->input, s->text, o->dim, o->dims, s->diags);
    if (ok && is_dump(s))
        look_at_source(s, m->file);
    if (ok && o->name)
        m->name = o->name;
    if (ok)
        program_group(&s->program, m, s->arena);
    return ok;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What stands after -o, or the model's name, or that of the input without its suffix. */
static const char *output_stem(const Session *s)
{
    if (!s->options->output && s->options->name)
        return s->options->name;
    const char *base = last_part(s->input), *dot = strrchr(base, '.');
    size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    return s->options->output ? s->options->output : arena_copy(s->arena, base, len);
}

/* "dir/vae.sg" makes "vae", "vae.o", ... here; several kinds hang on the name after -o. */
static const char *output_name(const Session *s, Emit kind)
{
    const Options *o = s->options;
    if (o->output && o->emit == 1u << kind)
        return o->output;
    const char *stem = output_stem(s);
    if (!o->out_dir && stem[0] == '-' && stem[1]) /* no option of the linker's */
        stem = arena_printf(s->arena, "./%s", stem);
    const char *base = last_part(stem);
    return arena_printf(s->arena, "%s%s%.*s%s%s%s", o->out_dir ? o->out_dir : "",
                        o->out_dir ? "/" : "", (int)(base - stem), stem, emit_info[kind].prefix,
                        base, emit_info[kind].suffix);
}

/* "vae" of -o dir/libvae.so, where -o names one file */
static const char *library_stem(const Session *s)
{
    const char *base = last_part(output_stem(s));
    if (!s->options->output || strncmp(base, "lib", 3) != 0)
        return base;
    return arena_copy(s->arena, base + 3, strcspn(base + 3, "."));
}

/* ---- files --------------------------------------------------------------------------------- */

typedef void WriteFn(const IrModel *m, FILE *out);

static bool write_graphs(const Session *s, WriteFn *write, const char *path)
{
    FILE *out = fopen(path, "w");
    const IrModel m = program_flat(&s->program, s->arena);
    if (out)
        write(&m, out);
    return (out && fclose(out) == 0) || cannot_write(path);
}

/* Of the whole file; returns false. */
static bool refuse(const Session *s, DiagCode code, const char *why)
{
    diag_error(s->diags, (Span){0}, code, "%s", why);
    return false;
}

static bool write_sg(const Session *s, const char *path)
{
    if (s->steps == 0)
        return refuse(s, SG0802, "--emit=sg: no graph has a cost, or the graphs are scheduled");
    FILE *out = fopen(path, "w");
    bool ok = out && fe_unparse(s->program.model, s->step, s->steps, s->diags, out);
    return (out && fclose(out) == 0) ? ok : cannot_write(path);
}

/* The certificate point: the derivation is done, and nothing is simplified or fused yet. */
static void certify(Session *s, const IrGraph *g)
{
    Cert *c = arena_make(s->arena, Cert);
    if (!s->fractions)
        s->fractions = fractions_new(s->arena);
    if (certify_graph(g, s->arena, s->fractions, c, s->diags))
        *arena_push(s->arena, s->cert, s->certs, const Cert *) = c;
}

static bool write_certs(const Session *s, void (*print)(const Cert *const *, uint32_t, FILE *),
                        const char *path)
{
    if (s->certs == 0)
        return refuse(s, SG0902,
                      "no certificate: no graph has a cost, or the graphs begin after the "
                      "pass estimate");
    FILE *out = fopen(path, "w");
    if (out)
        print(s->cert, s->certs, out);
    return (out && fclose(out) == 0) || cannot_write(path);
}

static Interface *make_interface(const Session *s)
{
    return interface_of(&s->program, s->options, s->text, hash_text(s), s->arena);
}

static bool write_manifest(const Session *s, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out)
        fprintf(out, "%s\n", make_interface(s)->manifest);
    return (out && fclose(out) == 0) || cannot_write(path);
}

/* Unless it is NULL, *needs becomes what the code needs of the CPU. */
static bool write_code_at(const Session *s, CgLevel level, CgEmit kind, const char *path,
                          const char **needs)
{
    const Options *o = s->options;
    const Interface *interface = make_interface(s);
    const CgOptions options = {.cpu = o->cpu,
                               .target = o->target,
                               .level = level,
                               .real_bytes = o->real_bytes,
                               .parts = o->parts,
                               .hash = interface->hash,
                               .version = SGC_VERSION,
                               .manifest = interface->manifest,
                               .interface = interface->number,
                               .needs = needs,
                               .watch = o->watch};
    return cg_compile(s->program.model, s->program.entry, &options, kind, path, s->diags);
}

static CgLevel level_of(const Options *o)
{
    static const CgLevel level[] = {CG_NONE, CG_LITTLE, CG_FULL};
    return level[o->level];
}

/* The same, timed. */
static bool write_code(const Session *s, CgEmit kind, const char *path, const char **needs)
{
    double start = milliseconds();
    bool ok = write_code_at(s, level_of(s->options), kind, path, needs);
    watch_stage(s->watch, "codegen", milliseconds() - start);
    return ok;
}

/* What follows the passes: the code as it is made, and as LLVM's optimiser leaves it. */
static bool dump_code(const Session *s)
{
    const char *dir = s->options->dump_dir;
    const char *lower = arena_printf(s->arena, "%s/%02zu.lower.ll", dir, pass_count + 1);
    const char *opt = arena_printf(s->arena, "%s/%02zu.opt.ll", dir, pass_count + 2);
    return write_code_at(s, CG_NONE, CG_LLVM, lower, NULL) &&
           write_code_at(s, level_of(s->options), CG_LLVM, opt, NULL);
}

static bool write_executable(const Session *s, const char *dir, const char *path)
{
    const char *code = arena_printf(s->arena, "%s/" WORKSPACE_CODE, dir);
    const char *needs;
    if (!write_code(s, CG_OBJECT, code, &needs))
        return false;
    double start = milliseconds();
    bool ok = link_model(code, path, needs, s->options->verbose, s->arena);
    watch_stage(s->watch, "link", milliseconds() - start);
    return ok;
}

static bool write_library(const Session *s, Emit kind, const char *dir, const char *path)
{
    const char *code = arena_printf(s->arena, "%s/" WORKSPACE_CODE, dir);
    const char *part = arena_printf(s->arena, "%s/" WORKSPACE_PART, dir);
    LibraryOptions o = {.model = interface_identifier(s->program.model->name, s->arena),
                        .stem = library_stem(s),
                        .file = last_part(output_name(s, kind)),
                        .verbose = s->options->verbose};
    if (!write_code(s, CG_OBJECT, code, &o.needs))
        return false;
    double start = milliseconds();
    bool ok = kind == EMIT_OBJ ? make_object(code, path, &o, s->arena)
                               : make_library(code, part, path, kind == EMIT_SHARED, &o, s->arena);
    watch_stage(s->watch, "link", milliseconds() - start);
    return ok;
}

/* The runtime is of this machine, so for another one the object is the model's code alone. */
static bool write_object(const Session *s, const char *dir, const char *path)
{
    return s->options->target ? write_code(s, CG_OBJECT, path, NULL)
                              : write_library(s, EMIT_OBJ, dir, path);
}

static bool make(const Session *s, Emit kind, const char *dir, const char *path)
{
    switch (kind) {
    case EMIT_SG:
        return write_sg(s, path);
    case EMIT_PROOF:
        return write_certs(s, certify_print_coq, path);
    case EMIT_CERT:
        return write_certs(s, certify_print, path);
    case EMIT_IR:
        return write_graphs(s, ir_print_model, path);
    case EMIT_DOT:
        return write_graphs(s, ir_print_dot, path);
    case EMIT_BC:
        return write_code(s, CG_BITCODE, path, NULL);
    case EMIT_LLVM:
        return write_code(s, CG_LLVM, path, NULL);
    case EMIT_ASM:
        return write_code(s, CG_ASSEMBLY, path, NULL);
    case EMIT_OBJ:
        return write_object(s, dir, path);
    case EMIT_HEADER:
        return write_header(make_interface(s), path, s->arena);
    case EMIT_JSON:
        return write_manifest(s, path);
    case EMIT_PC:
        return write_pkg_config(&(LibraryOptions){.stem = library_stem(s)}, SGC_VERSION, path);
    case EMIT_LIB:
    case EMIT_SHARED:
        return write_library(s, kind, dir, path);
    case EMIT_EXE:
        return write_executable(s, dir, path);
    case EMIT_KINDS:
        break;
    }
    return false;
}

/* For a fault in what follows: code is the fault of codegen alone, an executable or a library that
 * of its object file.  --emit=sg looks at the graphs between two passes, so it begins with the
 * model. */
static void prepare_crash(const Session *s, Emit kind)
{
    const IrModel m = program_flat(&s->program, s->arena);
    const char *name = emit_info[kind > EMIT_OBJ ? EMIT_OBJ : kind].name;
    const char *step = arena_printf(s->arena, "--emit=%s", name);
    if (kind == EMIT_SG || kind == EMIT_PROOF || kind == EMIT_CERT)
        crash_keep_model(s->options, s->text, is_dump(s), step, s->arena);
    else if (emit_info[kind].code)
        crash_keep_graphs(s->options, &m, step, s->arena);
    else
        crash_keep_graphs(s->options, &m, arena_printf(s->arena, "--stop-after=frontend %s", step),
                          s->arena);
}

/* A model without a suffix has the name of its executable. */
static bool is_input(const Session *s, const char *output)
{
    struct stat in, out;
    return strcmp(s->input, "-") != 0 && stat(s->input, &in) == 0 && stat(output, &out) == 0 &&
           S_ISREG(in.st_mode) && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

static bool emit(const Session *s, Emit kind)
{
    prepare_crash(s, kind);
    const char *output = output_name(s, kind);
    if (is_input(s, output))
        return complain(SG1102, output, "cannot write %s: it is the model; -o names another file",
                        output);
    const char *dir = workspace_open(output, s->arena);
    if (!dir)
        return false;
    const char *made = arena_printf(s->arena, "%s/%s", dir, emit_info[kind].name);
    bool ok = make(s, kind, dir, made) && publish(made, output);
    workspace_close();
    return ok;
}

static void before_pass(void *context, unsigned number, const PassInfo *p, const IrGraph *g)
{
    Session *s = context;
    (void)number;
    const IrModel alone = program_alone(s->program.model, g, s->arena);
    crash_keep_graphs(s->options, &alone, arena_printf(s->arena, "--passes=%s --emit=ir", p->name),
                      s->arena);
    watch_start(s->watch, g);
}

/* An estimator graph is most readable when it is simplified, and not yet cut into parts. */
static void after_pass(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                       double ms, bool changed)
{
    Session *s = context;
    watch_pass(s->watch, number, p, g, ms, changed);
    const unsigned proofs = 1u << EMIT_PROOF | 1u << EMIT_CERT;
    if (s->options->emit & proofs && p->run == pass_estimate && g->entry == IR_ENTRY_STEP)
        certify(s, g);
    if (!(s->options->emit & 1u << EMIT_SG) || p->run != pass_dce || g->entry != IR_ENTRY_STEP)
        return;
    IrGraph *kept = arena_make(s->arena, IrGraph);
    ir_graph_clone(kept, g);
    *arena_push(s->arena, s->step, s->steps, const IrGraph *) = kept;
}

/* ---- the pipeline -------------------------------------------------------------------------- */

static bool derive(Session *s)
{
    const Options *o = s->options;
    const PassOptions options = {.parts = o->parts,
                                 .real_bytes = o->real_bytes,
                                 .needed_only = o->level == 0,
                                 .pass = o->pass,
                                 .passes = o->passes,
                                 .last = o->last};
    PassCtx cx = {.options = &options, .diags = s->diags, .arena = s->arena, .start = before_pass};
    bool ok = o->frontend_only || program_derive(&s->program, &cx, after_pass, s);
    s->broken = cx.broken;
    return ok;
}

static void write_remarks(const Session *s)
{
    Diags *d = open_diags(s->options, s->file, s->lines);
    diags_style(d, (DiagStyle){.form = DIAG_JSON});
    watch_remarks(s->watch, d);
    diags_render(d, stderr);
    diags_free(d);
}

static bool makes_code(unsigned kinds)
{
    bool any = false;
    for (Emit kind = 0; kind < EMIT_KINDS; kind++)
        any |= kinds >> kind & 1 && emit_info[kind].code;
    return any;
}

/* Text, source graphs, scheduled entries, files. */
static bool compile(Session *s, unsigned kinds)
{
    double start = milliseconds();
    if (!parse(s))
        return false;
    s->watch = watch_new(s->options, s->program.model, s->arena);
    if (!s->watch)
        return false;
    watch_stage(s->watch, "frontend", milliseconds() - start);
    if (!is_dump(s)) /* a dump may hold a part of the model, and the whole was warned about */
        passes_warn(s->program.model, s->diags);
    for (uint32_t g = 0; g < s->program.model->graphs; g++)
        watch_source(s->watch, &s->program.model->graph[g]);
    bool ok = derive(s) && diags_errors(s->diags) == 0 &&
              (!s->options->out_dir || make_folder(s->options->out_dir));
    if (ok && s->options->dump_dir && makes_code(kinds))
        ok = dump_code(s);
    for (Emit kind = 0; ok && kind < EMIT_KINDS; kind++)
        if (kinds & 1u << kind)
            ok = emit(s, kind);
    if (s->options->remarks_json)
        write_remarks(s);
    else if (s->options->remarks)
        watch_remarks(s->watch, s->diags);
    return watch_close(s->watch) && ok;
}

DiagStyle message_style(const Options *o)
{
    return (DiagStyle){.form = o->json ? DIAG_JSON : DIAG_TEXT,
                       .color = o->color,
                       .no_warnings = o->no_warnings,
                       .warnings_are_errors = o->warnings_are_errors};
}

Diags *open_diags(const Options *o, const char *input, const char *text)
{
    Diags *d = diags_new(strcmp(input, "-") == 0 ? "<stdin>" : input, text);
    diags_style(d, message_style(o));
    return d;
}

static int run(const Options *o, const char *input, unsigned kinds, Arena *a)
{
    Session s = {.options = o, .input = input, .arena = a, .text = read_text(input, a)};
    if (!s.text)
        return SGC_FAILED;
    s.file = input;
    s.lines = s.text;
    s.diags = open_diags(o, input, s.text);
    bool ok = compile(&s, kinds);
    diags_render(s.diags, stderr);
    diags_free(s.diags);
    if (s.fractions)
        fractions_free(s.fractions);
    if (s.broken)
        crash_report();
    crash_forget();
    return ok ? SGC_OK : s.broken ? SGC_INTERNAL : SGC_FAILED;
}

const char *output_of(const Options *o, const char *input, Emit kind, Arena *a)
{
    const Session s = {.options = o, .input = input, .arena = a};
    return output_name(&s, kind);
}

int build_kinds(const Options *o, const char *input, unsigned kinds, Arena *a)
{
    Options only = *o;
    only.emit = kinds;
    return run(&only, input, kinds, a);
}

/* What programs link brings its header, unless -o names the one file that is wanted. */
int command_build(const Options *o, Arena *a)
{
    bool library =
        o->emit & (1u << EMIT_LIB | 1u << EMIT_SHARED) || (o->emit & 1u << EMIT_OBJ && !o->target);
    return run(o, o->input[0], o->emit | (library && !o->output ? 1u << EMIT_HEADER : 0), a);
}

int command_check(const Options *o, Arena *a)
{
    int worst = SGC_OK;
    for (size_t i = 0; i < o->inputs; i++) {
        int status = run(o, o->input[i], 0, a);
        worst = status > worst ? status : worst;
    }
    return worst;
}
