/* The text form of certificates, read: words, numbers, order.  What they mean together is the
 * checker's, which reports at the lines that are kept here. */
#include "certify/certify.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COUNT = 1 << 24 }; /* of anything: numbers in a file are not to be trusted */

typedef struct Reader {
    Arena *arena;
    Fractions *fractions;
    Diags *d;
    const char *at, *line_start;
    uint32_t line;
    Cert *c; /* the certificate that is open */
    bool ok;
    bool written; /* the model as it is written, whose draws may have fewer axes */
} Reader;

/* ---- words ---------------------------------------------------------------------------------- */

static Span here(const Reader *r)
{
    return (Span){r->line, (uint32_t)(r->at - r->line_start) + 1, 1};
}

static bool fail(Reader *r, const char *what)
{
    size_t len = strcspn(r->at, " \t\n");
    if (r->ok && len > 0)
        diag_error(r->d, here(r), SG0903, "%s should stand here, not '%.*s'", what,
                   (int)(len < 40 ? len : 40), r->at);
    else if (r->ok)
        diag_error(r->d, here(r), SG0903, "%s should stand here, not the end of the %s", what,
                   *r->at ? "line" : "file");
    return r->ok = false;
}

static void skip_blanks(Reader *r)
{
    r->at += strspn(r->at, " \t");
}

static size_t word_length(const Reader *r)
{
    return strcspn(r->at, " \t\n[]");
}

static bool accept(Reader *r, const char *word)
{
    skip_blanks(r);
    size_t len = strlen(word);
    if (word_length(r) != len || strncmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool expect(Reader *r, const char *word)
{
    return accept(r, word) || fail(r, word);
}

static bool read_number(Reader *r, int64_t low, int64_t high, int64_t *out)
{
    skip_blanks(r);
    char *end;
    *out = isdigit((unsigned char)*r->at) ? strtoll(r->at, &end, 10) : -1;
    if (*out < low || *out > high || end != r->at + word_length(r))
        return fail(r, "a number");
    r->at = end;
    return true;
}

static bool read_u32(Reader *r, uint32_t *out)
{
    int64_t v;
    if (!read_number(r, 0, MAX_COUNT, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

/* Things are listed in order: the number of the next one. */
static bool expect_number(Reader *r, uint32_t number, const char *what)
{
    const char *start = r->at;
    uint32_t v;
    if (read_u32(r, &v) && v == number)
        return true;
    r->at = r->ok ? start : r->at;
    skip_blanks(r);
    return fail(r, arena_printf(r->arena, "%s %u", what, number));
}

static bool read_fraction(Reader *r, Fraction *out)
{
    skip_blanks(r);
    size_t len = word_length(r);
    if (!fraction_read(r->fractions, r->at, len, out))
        return fail(r, "a fraction");
    r->at += len;
    return true;
}

/* `[0 1 2]` */
static bool read_list(Reader *r, CertList *out)
{
    uint32_t *at = NULL, count = 0;
    skip_blanks(r);
    if (*r->at != '[')
        return fail(r, "a list in []");
    for (r->at++;; count++) {
        uint32_t v;
        skip_blanks(r);
        if (*r->at == ']')
            break;
        if (!read_u32(r, &v))
            return false;
        uint32_t before = count;
        *arena_push(r->arena, at, before, uint32_t) = v;
    }
    r->at++;
    *out = (CertList){count, at};
    return true;
}

/* Sizes that are listed. */
static bool read_shape(Reader *r, CertList *out)
{
    Span at = here(r);
    if (!read_list(r, out))
        return false;
    if (!cert_below(r->c->sizes, *out)) {
        diag_error(r->d, at, SG0903, "a shape of sizes that are not listed");
        return r->ok = false;
    }
    return true;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* One character of a string, after a backslash: the quote, a backslash, or xHH. */
static bool read_escape(Reader *r, char *out)
{
    char c = *r->at;
    if (c == '"' || c == '\\') {
        *out = c;
        r->at++;
        return true;
    }
    if (c != 'x' || hex(r->at[1]) < 0 || hex(r->at[2]) < 0)
        return fail(r, "\\\", \\\\ or \\xHH");
    *out = (char)(hex(r->at[1]) * 16 + hex(r->at[2]));
    r->at += 3;
    return true;
}

static bool read_string(Reader *r, const char **out)
{
    skip_blanks(r);
    if (*r->at != '"')
        return fail(r, "a name in \"\"");
    char *text = arena_array(r->arena, char, strcspn(r->at, "\n") + 1), *end = text;
    r->at++;
    while (*r->at != '"') {
        char c = *r->at;
        if (!c || c == '\n')
            return fail(r, "\"");
        r->at++;
        if (c == '\\' && !read_escape(r, &c))
            return false;
        *end++ = c;
    }
    r->at++;
    *end = 0;
    *out = text;
    return true;
}

/* `@4:10+5`, or nothing. */
static bool read_place(Reader *r, Span *out)
{
    skip_blanks(r);
    *out = (Span){0};
    if (*r->at != '@')
        return true;
    const char mark[] = "@:+";
    uint32_t *const part[] = {&out->line, &out->col, &out->len};
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*r->at != mark[i] || !isdigit((unsigned char)r->at[1]))
            return fail(r, "@line:column+length");
        *part[i] = (uint32_t)strtoul(r->at + 1, &end, 10);
        r->at = end;
    }
    return true;
}

/* ---- operations ----------------------------------------------------------------------------- */

static bool read_attributes(Reader *r, CertOp *op)
{
    switch (op->form) {
    case CERT_MAP1:
        return op->fn != CERT_AFFINE || (read_fraction(r, &op->a) && read_fraction(r, &op->b));
    case CERT_EIN:
        return read_shape(r, &op->axes) && read_list(r, &op->i) && read_list(r, &op->o);
    case CERT_EIN2:
        return read_shape(r, &op->axes) && read_list(r, &op->i) && read_list(r, &op->j) &&
               read_list(r, &op->o);
    case CERT_LSE:
        return read_shape(r, &op->axes) && read_list(r, &op->o);
    case CERT_SLICE:
    case CERT_PAD:
        return read_u32(r, &op->k) && read_u32(r, &op->from) && read_u32(r, &op->to) &&
               read_shape(r, &op->axes);
    case CERT_RESHAPE:
        return read_shape(r, &op->axes) && read_shape(r, &op->i);
    case CERT_CONST:
        return read_fraction(r, &op->a) && read_shape(r, &op->axes);
    case CERT_SAMPLE:
        return read_u32(r, &op->k) && read_shape(r, &op->axes);
    case CERT_IOTA:
    case CERT_SIZE:
        return read_u32(r, &op->k);
    default:
        return true;
    }
}

static bool read_word(Reader *r, CertOp *op)
{
    for (unsigned f = 0; f < CERT_FNS; f++)
        if (accept(r, cert_fn[f].word)) {
            *op =
                (CertOp){.form = cert_fn[f].operands == 1 ? CERT_MAP1 : CERT_MAP2, .fn = (CertFn)f};
            return true;
        }
    for (unsigned f = 0; f < CERT_FORMS; f++)
        if (*cert_form[f].word && accept(r, cert_form[f].word)) {
            *op = (CertOp){.form = (CertForm)f};
            return true;
        }
    return fail(r, "an operation");
}

/* A size that is listed, a draw that is listed. */
static bool names_what_is_there(Reader *r, const CertOp *op, Span at)
{
    const Cert *c = r->c;
    bool sized = op->form == CERT_IOTA || op->form == CERT_SIZE;
    bool cut = op->form == CERT_SLICE || op->form == CERT_PAD;
    if ((sized && op->k >= c->sizes) || (cut && (op->from >= c->sizes || op->to >= c->sizes)))
        diag_error(r->d, at, SG0903, "a size that is not listed");
    else if (op->form == CERT_SAMPLE &&
             (op->k >= c->draws + (r->written ? c->written.sums : 0) ||
              (!r->written && !cert_same(op->axes, c->draw[op->k].shape))))
        diag_error(r->d, at, SG0903, "a draw that is not listed, or has another shape");
    else
        return true;
    return r->ok = false;
}

/* `12 = mul 3 4 "z" @4:10+5`; the number is still to be read. */
static bool read_node(Reader *r, CertProgram *p)
{
    Cert *c = r->c;
    CertNode n = {.line = here(r)};
    if (!expect_number(r, c->inputs + p->count, "slot") || !expect(r, "=") ||
        !read_word(r, &n.op) || !read_attributes(r, &n.op) ||
        !names_what_is_there(r, &n.op, n.line))
        return false;
    for (uint32_t k = 0; k < cert_operands(&n.op); k++)
        if (!read_u32(r, &n.in[k]))
            return false;
    skip_blanks(r);
    if ((*r->at == '"' && !read_string(r, &n.name)) || !read_place(r, &n.at))
        return false;
    cert_add(r->arena, p, c->inputs, n);
    return true;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static bool next_line(Reader *r)
{
    skip_blanks(r);
    if (*r->at && *r->at != '\n' && *r->at != '#')
        return fail(r, "the end of the line");
    do {
        r->at += strcspn(r->at, "\n");
        if (!*r->at)
            return true;
        r->line_start = ++r->at;
        r->line++;
        skip_blanks(r);
    } while (*r->at == '\n' || *r->at == '#');
    return true;
}

static bool read_choice(Reader *r, const char *const *name, unsigned count, const char *what,
                        unsigned *out)
{
    for (*out = 0; *out < count; (*out)++)
        if (accept(r, name[*out]))
            return true;
    return fail(r, what);
}

/* `size 3 = 4 "plate k"` */
static bool read_size(Reader *r)
{
    Cert *c = r->c;
    CertSize s = {0};
    if (!expect_number(r, c->sizes, "size") ||
        ((s.fixed = accept(r, "=")) && !read_number(r, 1, INT64_MAX, &s.number)) ||
        !read_string(r, &s.name))
        return false;
    *arena_push(r->arena, c->size, c->sizes, CertSize) = s;
    return next_line(r);
}

/* `input 3 param [0 1] "enc.W" @10:3+4` */
static bool read_input(Reader *r)
{
    Cert *c = r->c;
    CertInput x = {0};
    unsigned kind;
    if (!expect_number(r, c->inputs, "input") ||
        !read_choice(r, cert_kind_name, CERT_KINDS, "param, data or constant", &kind) ||
        !read_shape(r, &x.shape) || !read_string(r, &x.name) || !read_place(r, &x.at))
        return false;
    x.kind = (CertKind)kind;
    *arena_push(r->arena, c->input, c->inputs, CertInput) = x;
    return next_line(r);
}

static bool read_size_number(Reader *r, uint32_t *out)
{
    Span at = here(r);
    if (!read_u32(r, out))
        return false;
    if (*out >= r->c->sizes) {
        diag_error(r->d, at, SG0903, "a size that is not listed");
        return r->ok = false;
    }
    return true;
}

/* `draw 0 values 2 [0 1] "h1" @22:5+2` */
static bool read_draw(Reader *r)
{
    Cert *c = r->c;
    CertDraw x = {0};
    unsigned base;
    if (!expect_number(r, c->draws, "draw") ||
        !read_choice(r, cert_base_name, CERT_BASES, "normal, uniform, bits, values, line or given",
                     &base) ||
        (base == CERT_VALUES && !read_size_number(r, &x.values)) || !read_shape(r, &x.shape) ||
        !read_string(r, &x.name) || !read_place(r, &x.at))
        return false;
    x.base = (CertBase)base;
    *arena_push(r->arena, c->draw, c->draws, CertDraw) = x;
    return next_line(r);
}

/* `summed 2 4 "c" @16:5+1` */
static bool read_summed(Reader *r)
{
    CertWritten *w = &r->c->written;
    CertSummed x = {0};
    if (!expect_number(r, r->c->draws + w->sums, "draw") || !read_size_number(r, &x.values) ||
        !read_string(r, &x.name) || !read_place(r, &x.at))
        return false;
    *arena_push(r->arena, w->summed, w->sums, CertSummed) = x;
    return next_line(r);
}

/* The nodes of a program, whose word is read. */
static bool read_nodes(Reader *r, CertProgram *p)
{
    if (!next_line(r))
        return false;
    while (isdigit((unsigned char)*r->at))
        if (!read_node(r, p) || !next_line(r))
            return false;
    return true;
}

static bool read_program(Reader *r, const char *word, CertProgram *p)
{
    return expect(r, word) && read_nodes(r, p);
}

static bool read_each(Reader *r, const char *word, bool (*read)(Reader *))
{
    while (accept(r, word))
        if (!read(r))
            return false;
    return true;
}

/* `normal 17 24`, with the shape of the draw where the graph has several samples of it: `normal [0]
 * 17 24` */
static bool read_noised(Reader *r, CertDrawn *d, CertNoised as)
{
    d->as = as;
    skip_blanks(r);
    if ((*r->at == '[' && !read_shape(r, &d->shape)) || !read_u32(r, &d->loc))
        return false;
    d->scale = d->loc;
    return as == CERT_AS_EXPONENTIAL || read_u32(r, &d->scale);
}

/* `normal 17 24`, `exponential 9`, `bernoulli [0 2] logits 13 [0 1]` or `categorical 1 [] logits 1
 * []` */
static bool read_drawn(Reader *r, CertDrawn *d)
{
    for (CertNoised as = 0; as < CERT_NOISED; as++)
        if (accept(r, cert_noised_name[as]))
            return read_noised(r, d, as);
    unsigned law;
    d->finite = true;
    if (!read_choice(r, cert_law_name, CERT_LAWS,
                     "normal, uniform, exponential, laplace, bernoulli or categorical", &law) ||
        (law == CERT_CATEGORICAL && !read_size_number(r, &d->of.values)) ||
        !read_shape(r, &d->shape) || !expect(r, "logits") || !read_u32(r, &d->of.logits) ||
        !read_list(r, &d->of.axes))
        return false;
    d->of.law = (CertLaw)law;
    return true;
}

/* Of a draw that none is given for: one that no slot holds. */
static CertDrawn no_law(const Cert *c, uint32_t j)
{
    return (CertDrawn){.loc = CERT_NONE,
                       .scale = CERT_NONE,
                       .shape = j < c->draws ? c->draw[j].shape : (CertList){0}};
}

/* `law 0 normal 17 24` */
static bool read_law(Reader *r)
{
    Cert *c = r->c;
    uint32_t j;
    if (!read_u32(r, &j))
        return false;
    if (j >= c->draws + c->written.sums) {
        diag_error(r->d, here(r), SG0903, "a draw that is not listed");
        return r->ok = false;
    }
    c->written.law[j] = no_law(c, j);
    return read_drawn(r, &c->written.law[j]) && next_line(r);
}

/* `copies 3 [0 1] [1 1]` */
static bool read_copies(Reader *r)
{
    CertWritten *w = &r->c->written;
    CertCopies k;
    skip_blanks(r);
    Span at = here(r);
    if (!read_size_number(r, &k.size) || !read_list(r, &k.draws) || !read_list(r, &k.at))
        return false;
    if (k.draws.count != k.at.count) {
        diag_error(r->d, at, SG0903, "as many draws as places of their axes are expected");
        return r->ok = false;
    }
    *arena_push(r->arena, w->copy, w->copies, CertCopies) = k;
    return next_line(r);
}

/* The model as it is written; or that the step from it is assumed, and why. */
static bool read_written(Reader *r)
{
    CertWritten *w = &r->c->written;
    if (accept(r, "unwritten"))
        return read_string(r, &w->without) && read_place(r, &w->at) && next_line(r);
    w->at = here(r);
    if (!accept(r, "written"))
        return true;
    w->given = true;
    w->law = arena_array(r->arena, CertDrawn, r->c->draws + w->sums + 1);
    for (uint32_t j = 0; j < r->c->draws + w->sums; j++)
        w->law[j] = no_law(r->c, j);
    r->written = true;
    bool nodes = read_nodes(r, &w->program);
    r->written = false;
    return nodes && read_each(r, "law", read_law) && read_each(r, "copies", read_copies) &&
           expect(r, "cost") && read_u32(r, &w->cost) && next_line(r);
}

/* `draw 0 bernoulli logits 4 [0 2] copies 2 [0] scale 9 costs [8] less 1/3 [] others [5]` */
static bool read_roles(Reader *r, CertRoles *x)
{
    unsigned law;
    if (!read_u32(r, &x->draw) ||
        !read_choice(r, cert_law_name, CERT_LAWS, "bernoulli or categorical", &law) ||
        (law == CERT_CATEGORICAL && !read_size_number(r, &x->values)) || !expect(r, "logits") ||
        !read_u32(r, &x->logits) || !read_list(r, &x->axes) || !expect(r, "copies") ||
        !read_u32(r, &x->plates) || !read_list(r, &x->kept) || !expect(r, "scale") ||
        !read_u32(r, &x->scale) || !expect(r, "costs") || !read_list(r, &x->costs) ||
        !expect(r, "less") || !read_fraction(r, &x->share) || !read_list(r, &x->base) ||
        !expect(r, "others") || !read_list(r, &x->others))
        return false;
    x->law = (CertLaw)law;
    return true;
}

static bool read_score(Reader *r)
{
    skip_blanks(r);
    CertScore s = {.line = here(r)};
    if (!read_u32(r, &s.density) || !expect(r, "weight") || !read_u32(r, &s.weight))
        return false;
    s.explained = accept(r, "draw");
    if (s.explained && !read_roles(r, &s.roles))
        return false;
    *arena_push(r->arena, r->c->score, r->c->scores, CertScore) = s;
    return next_line(r);
}

static bool read_output(Reader *r)
{
    skip_blanks(r);
    CertOutput o = {.line = here(r)};
    if (!read_u32(r, &o.input) || !expect(r, "is") || !read_u32(r, &o.slot))
        return false;
    *arena_push(r->arena, r->c->output, r->c->outputs, CertOutput) = o;
    return next_line(r);
}

/* `graph "elbo" of "vae" "vae.sg"`; the first word is read. */
static bool read_cert(Reader *r)
{
    Cert *c = r->c;
    if (!read_string(r, &c->graph) || !expect(r, "of") || !read_string(r, &c->model) ||
        !read_string(r, &c->file) || !next_line(r) || !read_each(r, "size", read_size) ||
        !read_each(r, "input", read_input) || !read_each(r, "draw", read_draw) ||
        !read_each(r, "summed", read_summed) || !read_written(r) ||
        !read_program(r, "source", &c->source))
        return false;
    c->cost_line = here(r);
    return expect(r, "cost") && read_u32(r, &c->cost) && next_line(r) &&
           read_each(r, "score", read_score) && read_program(r, "gradient", &c->gradient) &&
           read_each(r, "of", read_output) && expect(r, "end") && next_line(r);
}

bool certify_read(const char *text, Arena *a, Fractions *f, Cert ***c, uint32_t *count, Diags *d)
{
    Reader r = {
        .arena = a, .fractions = f, .d = d, .at = text, .line_start = text, .line = 1, .ok = true};
    *c = NULL;
    *count = 0;
    while (*r.at == '#' || *r.at == '\n')
        next_line(&r);
    if (!expect(&r, "sgcert") || !expect(&r, "1") || !next_line(&r))
        return false;
    while (r.ok && *r.at) {
        r.c = arena_make(a, Cert);
        *r.c = (Cert){.arena = a, .fractions = f};
        if (!expect(&r, "graph") || !read_cert(&r))
            return false;
        *arena_push(a, *c, *count, Cert *) = r.c;
    }
    if (*count == 0)
        return fail(&r, "graph");
    return true;
}
