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

static void compare(Check *k)
{
    const Cert *c = k->c;
    Cert derived = *c;
    CertSlot *slot = arena_array(k->arena, CertSlot, c->inputs + 1);
    cert_derive(k->arena, c, &derived.source, slot);
    CertList *left = infer(k, &derived.source, "derived"),
             *right = infer(k, &c->gradient, "gradient");
    if (!left || !right)
        return;
    Table *t = table_new(k->arena, c);
    const Poly *mine = table_enter(t, c, &derived.source, left, wanted(k, slot));
    const Poly *theirs = table_enter(t, c, &c->gradient, right, wanted(k, NULL));
    for (uint32_t i = 0; i < c->outputs; i++) {
        CertOutput o = c->output[i];
        const char *name = c->input[o.input].name;
        CertSlot s = slot[o.input];
        if (s == CERT_NONE)
            REJECT(k, o.line, "the cost does not depend on %s: it has no gradient", name);
        else if (!cert_same(left[s], c->input[o.input].shape))
            REJECT(k, o.line, "the derived gradient of %s has the shape %s", name,
                   shape_text(k, left[s]));
        else if (!cert_same(left[s], right[o.slot]) || !poly_equal(&mine[s], &theirs[o.slot]))
            REJECT(k, o.line, "slot %u is not the gradient of %s", o.slot, name);
    }
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

bool certify_check(const Cert *c, Diags *d)
{
    Check k = {.c = c, .arena = arena_new(), .d = d, .ok = true};
    if (well_formed(&k))
        check_outputs(&k);
    if (k.ok)
        compare(&k);
    if (k.ok && c->scores > 0 && !cert_weights_assumed(c))
        check_weights(&k);
    arena_free(k.arena);
    return k.ok;
}
