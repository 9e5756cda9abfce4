/* The checker: Certificate.v's `check`, in C.
 *
 * It derives the gradient program of the source graph again, enters both programs into one table of
 * distinct values and compares slots.  Nothing that the compiler did is trusted. */
#include "certify/certify.h"
#include "certify/table.h"

typedef struct Check {
    const Cert *c;
    Arena *arena;
    Diags *d;
    bool ok;
} Check;

#define REJECT(check, at, ...)                                                                     \
    do {                                                                                           \
        diag_error((check)->d, at, SG0904, __VA_ARGS__);                                           \
        (check)->ok = false;                                                                       \
    } while (0)

static const char *shape_text(const Check *k, CertList s)
{
    const char *text = "[";
    for (uint32_t i = 0; i < s.count; i++)
        text = arena_printf(k->arena, "%s%s%u", text, i ? " " : "", s.at[i]);
    return arena_printf(k->arena, "%s]", text);
}

/* The shapes of all slots; NULL: an operation does not fit its operands, which was reported. */
static CertList *infer(Check *k, const CertProgram *p, const char *what)
{
    CertList *shape = arena_array(k->arena, CertList, k->c->inputs + p->count + 1);
    uint32_t bad = 0;
    if (cert_infer(k->arena, k->c, p, shape, &bad))
        return shape;
    REJECT(k, p->node[bad].line, "%s: the operands of slot %u do not fit its operation", what,
           k->c->inputs + bad);
    return NULL;
}

/* ---- the source graph ----------------------------------------------------------------------- */

static void check_scores(Check *k, const CertList *shape)
{
    const Cert *c = k->c;
    uint32_t slots = c->inputs + c->source.count;
    bool *taken = arena_array(k->arena, bool, slots + 1);
    taken[c->cost] = true;
    for (uint32_t i = 0; i < c->scores; i++) {
        CertScore s = c->score[i];
        if (s.density >= slots || s.weight >= slots) {
            REJECT(k, s.line, "score: slot %u is not in the source graph",
                   s.density >= slots ? s.density : s.weight);
            continue;
        }
        if (taken[s.density])
            REJECT(k, s.line, "score: slot %u is already the cost or a log-density", s.density);
        if (!cert_same(shape[s.density], shape[s.weight]))
            REJECT(k, s.line, "score: slot %u has the shape %s and its weight %s", s.density,
                   shape_text(k, shape[s.density]), shape_text(k, shape[s.weight]));
        taken[s.density] = true;
    }
}

static bool well_formed(Check *k)
{
    const Cert *c = k->c;
    CertList *shape = infer(k, &c->source, "source");
    if (!shape)
        return false;
    if (c->cost >= c->inputs + c->source.count)
        REJECT(k, c->cost_line, "cost: slot %u is not in the source graph", c->cost);
    else if (shape[c->cost].count != 0)
        REJECT(k, c->cost_line, "cost: slot %u is not a scalar but %s", c->cost,
               shape_text(k, shape[c->cost]));
    if (k->ok)
        check_scores(k, shape);
    return k->ok;
}

static void check_outputs(Check *k)
{
    const Cert *c = k->c;
    bool *taken = arena_array(k->arena, bool, c->inputs + 1);
    for (uint32_t i = 0; i < c->outputs; i++) {
        CertOutput o = c->output[i];
        if (o.input >= c->inputs)
            REJECT(k, o.line, "gradient: there is no input %u", o.input);
        else if (taken[o.input])
            REJECT(k, o.line, "gradient: input %u has one already", o.input);
        else
            taken[o.input] = true;
        if (o.slot >= c->inputs + c->gradient.count)
            REJECT(k, o.line, "gradient: slot %u is not in the gradient program", o.slot);
    }
}

/* ---- the comparison ------------------------------------------------------------------------- */

/* The slots of the gradients: those given by input, or those that are claimed. */
static CertList wanted(const Check *k, const CertSlot *derived)
{
    uint32_t *at = arena_array(k->arena, uint32_t, k->c->outputs + 1), count = 0;
    for (uint32_t i = 0; i < k->c->outputs; i++) {
        CertSlot s = derived ? derived[k->c->output[i].input] : k->c->output[i].slot;
        if (s != CERT_NONE)
            at[count++] = s;
    }
    return (CertList){count, at};
}

/* Two programs over the same inputs: the derived one, and the one that is claimed. */
typedef struct Compared {
    Cert derived;
    CertSlot *slot;         /* by input: of its derived gradient */
    CertList *left, *right; /* shapes */
    const Poly *mine, *theirs;
} Compared;

static void enter_both(Check *k, Compared *p, Naming mine, Naming theirs)
{
    const Cert *c = k->c;
    Table *t = table_new(k->arena, c);
    p->mine = table_enter(t, c, &p->derived.source, p->left, wanted(k, p->slot), mine);
    p->theirs = table_enter(t, c, &c->gradient, p->right, wanted(k, NULL), theirs);
}

static bool equal(const Check *k, const Compared *p, CertOutput o)
{
    CertSlot s = p->slot[o.input];
    return s != CERT_NONE && cert_same(p->left[s], k->c->input[o.input].shape) &&
           cert_same(p->left[s], p->right[o.slot]) && poly_equal(&p->mine[s], &p->theirs[o.slot]);
}

static bool all_equal(const Check *k, const Compared *p)
{
    for (uint32_t i = 0; i < k->c->outputs; i++)
        if (!equal(k, p, k->c->output[i]))
            return false;
    return true;
}

static void report(Check *k, const Compared *p, CertOutput o)
{
    const CertInput *x = &k->c->input[o.input];
    CertSlot s = p->slot[o.input];
    if (s == CERT_NONE)
        REJECT(k, o.line, "the cost does not depend on %s: it has no gradient", x->name);
    else if (!cert_same(p->left[s], x->shape))
        REJECT(k, o.line, "the derived gradient of %s has the shape %s", x->name,
               shape_text(k, p->left[s]));
    else
        REJECT(k, o.line, "slot %u is not the gradient of %s", o.slot, x->name);
}

/* Programs that associate their products differently may have names for different ones: then
 * without. */
static void compare(Check *k)
{
    const Cert *c = k->c;
    Compared p = {.derived = *c, .slot = arena_array(k->arena, CertSlot, c->inputs + 1)};
    cert_derive(k->arena, c, &p.derived.source, p.slot);
    p.left = infer(k, &p.derived.source, "derived");
    p.right = infer(k, &c->gradient, "gradient");
    if (!p.left || !p.right)
        return;
    enter_both(k, &p, NAME_LONG, NAME_KNOWN);
    if (all_equal(k, &p))
        return;
    enter_both(k, &p, NAME_NEVER, NAME_NEVER);
    for (uint32_t i = 0; i < c->outputs; i++)
        if (!equal(k, &p, c->output[i]))
            report(k, &p, c->output[i]);
}

/* ---- the weights ----------------------------------------------------------------------------- */

static void check_weights(Check *k)
{
    const Cert *c = k->c;
    CertList *shape = infer(k, &c->source, "source");
    uint32_t bad;
    const char *why;
    if (shape && !cert_scores_right(k->arena, c, shape, &bad, &why))
        REJECT(k, c->score[bad].line, "the weight of slot %u: %s", c->score[bad].density, why);
}

/* ---- the model as it is written --------------------------------------------------------------- */

static void check_written(Check *k)
{
    const char *why;
    bool scaled;
    if (!cert_same_mean(k->c, k->arena, &scaled, &why))
        REJECT(k, k->c->written.at, "the model as it is written: %s", why);
}

bool certify_check(const Cert *c, Diags *d)
{
    Check k = {.c = c, .arena = arena_new(), .d = d, .ok = true};
    if (well_formed(&k))
        check_outputs(&k);
    if (k.ok)
        compare(&k);
    if (k.ok && c->scores > 0 && !cert_weights_assumed(c))
        check_weights(&k);
    if (k.ok && c->written.given)
        check_written(&k);
    arena_free(k.arena);
    return k.ok;
}
