/* Are the weights of the scores right?  A port of proofs/Score.v.
 *
 * A weight is the scaled cost of the draw's own copy.  Costs that read neither the draw nor its
 * dependents may be missing; subtracted may be a share of the other copies' costs (leave-one-out)
 * and anything that reads neither the draw nor its dependents: constants, averages of earlier
 * steps. Equations between slots are decided by normal forms. */
#include "certify/depend.h"
#include "certify/table.h"

typedef struct Scores {
    Arena *arena;
    const Cert *c;
    const CertList *shape; /* of the slots of the source graph */
    const Depend *depend;
    CertProgram p; /* the source graph, and expressions after it */
    const char *why;
} Scores;

/* ---- expressions ----------------------------------------------------------------------------- */

static CertSlot emit(Scores *s, CertOp op, CertSlot x, CertSlot y)
{
    return cert_add(s->arena, &s->p, s->c->inputs, (CertNode){.op = op, .in = {x, y}});
}

static CertSlot map1(Scores *s, CertFn f, CertSlot x)
{
    return emit(s, (CertOp){.form = CERT_MAP1, .fn = f}, x, 0);
}

static CertSlot map2(Scores *s, CertFn f, CertSlot x, CertSlot y)
{
    return emit(s, (CertOp){.form = CERT_MAP2, .fn = f}, x, y);
}

static CertSlot affine(Scores *s, Fraction a, Fraction b, CertSlot x)
{
    return emit(s, (CertOp){.form = CERT_MAP1, .fn = CERT_AFFINE, .a = a, .b = b}, x, 0);
}

static CertSlot ein(Scores *s, CertList axes, CertList i, CertList o, CertSlot x)
{
    return emit(s, (CertOp){.form = CERT_EIN, .axes = axes, .i = i, .o = o}, x, 0);
}

static CertList all(Scores *s, CertList axes)
{
    return cert_range(s->arena, axes.count);
}

/* x, read at these axes of a value of the shape. */
static CertSlot widen(Scores *s, CertList shape, CertList from, CertSlot x)
{
    return ein(s, shape, from, all(s, shape), x);
}

static CertList append(Scores *s, CertList list, uint32_t last)
{
    uint32_t *at = arena_array(s->arena, uint32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++)
        at[i] = list.at[i];
    at[list.count] = last;
    return (CertList){list.count + 1, at};
}

static CertSlot sample(Scores *s, const CertRoles *r, CertList shape)
{
    return emit(s, (CertOp){.form = CERT_SAMPLE, .k = r->draw, .axes = shape}, 0, 0);
}

/* ---- log-densities --------------------------------------------------------------------------- */

/* x l - log(1 + e^l) */
static CertSlot bernoulli(Scores *s, const CertRoles *r, CertList shape)
{
    CertSlot l = widen(s, shape, r->axes, r->logits);
    CertSlot first = map2(s, CERT_MUL, sample(s, r, shape), l);
    return map2(s, CERT_SUB, first, map1(s, CERT_SOFTPLUS, l));
}

/* The logit at x, less the logarithm of the sum of exponentials. */
static CertSlot categorical(Scores *s, const CertRoles *r, CertList shape)
{
    uint32_t n = shape.count;
    CertList wide = append(s, shape, r->values), row = append(s, r->axes, n);
    CertList front = cert_range(s->arena, n);
    CertSlot x = widen(s, wide, front, sample(s, r, shape));
    CertSlot i = widen(s, wide, append(s, (CertList){0}, n),
                       emit(s, (CertOp){.form = CERT_IOTA, .k = r->values}, 0, 0));
    Fraction quarter = fraction_of(s->c->fractions, 1, 4);
    CertSlot hot =
        map1(s, CERT_STEP,
             affine(s, FRACTION_MINUS_1, quarter, map1(s, CERT_SQUARE, map2(s, CERT_SUB, x, i))));
    const CertOp at = {.form = CERT_EIN2, .axes = wide, .i = row, .j = all(s, wide), .o = front};
    CertSlot first = emit(s, at, r->logits, hot);
    const CertOp lse = {.form = CERT_LSE,
                        .axes = append(s, cert_pick(s->arena, shape, r->axes), r->values),
                        .o = cert_range(s->arena, r->axes.count)};
    return map2(s, CERT_SUB, first, widen(s, shape, r->axes, emit(s, lse, r->logits, 0)));
}

/* ---- costs and weights ------------------------------------------------------------------------
 */

static CertSlot sum_of(Scores *s, CertList shape, CertList slots)
{
    CertSlot total = emit(s, (CertOp){.form = CERT_CONST, .axes = shape}, 0, 0);
    for (uint32_t i = slots.count; i-- > 0;)
        total = map2(s, CERT_ADD, slots.at[i], total);
    return total;
}

/* The other costs, and the scaled sum over the copies of each of the draw's. */
static CertSlot cost_of(Scores *s, const CertRoles *r, CertList copies)
{
    CertSlot total = sum_of(s, (CertList){0}, r->others);
    for (uint32_t i = r->costs.count; i-- > 0;) {
        CertSlot sum = ein(s, copies, all(s, copies), (CertList){0}, r->costs.at[i]);
        total = map2(s, CERT_ADD, map2(s, CERT_MUL, r->scale, sum), total);
    }
    return total;
}

static CertSlot weight_of(Scores *s, const CertRoles *r, CertList shape, CertList copies)
{
    CertSlot cost = sum_of(s, copies, r->costs);
    CertSlot sums = ein(s, copies, all(s, copies), r->kept, cost);
    CertSlot rest = map2(s, CERT_SUB, widen(s, copies, r->kept, sums), cost);
    CertSlot inner = map2(s, CERT_SUB, cost, affine(s, r->share, FRACTION_0, rest));
    inner = map2(s, CERT_SUB, inner, sum_of(s, copies, r->base));
    CertSlot scaled = map2(s, CERT_MUL, widen(s, copies, (CertList){0}, r->scale), inner);
    return widen(s, shape, cert_range(s->arena, copies.count), scaled);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Does the slot hold what the expression, the last node, computes? */
static bool holds(Scores *s, CertSlot expression, CertSlot slot)
{
    const Cert *c = s->c;
    CertList *shape = arena_array(s->arena, CertList, c->inputs + s->p.count + 1);
    uint32_t bad;
    bool ok =
        cert_infer(s->arena, c, &s->p, shape, &bad) && cert_same(shape[expression], shape[slot]);
    if (ok) {
        const uint32_t wanted[] = {expression, slot};
        const Poly *form =
            table_enter(table_new(s->arena, c), c, &s->p, shape, (CertList){2, wanted}, NAME_NEVER);
        ok = poly_equal(&form[expression], &form[slot]);
    }
    s->p.count = c->source.count;
    return ok;
}

static bool says(Scores *s, bool ok, const char *why)
{
    if (!ok && !s->why)
        s->why = why;
    return ok;
}

static bool slots_exist(const Scores *s, CertList slots)
{
    return cert_below(s->c->inputs + s->c->source.count, slots);
}

static bool all_free(const Scores *s, CertList draws, CertList slots)
{
    for (uint32_t i = 0; i < slots.count; i++)
        if (!depend_free(s->depend, draws, slots.at[i]))
            return false;
    return true;
}

static bool all_aligned(const Scores *s, uint32_t axes, CertList draws, CertList slots)
{
    for (uint32_t i = 0; i < slots.count; i++)
        if (!depend_aligned(s->depend, axes, draws, slots.at[i]))
            return false;
    return true;
}

static CertList shape_of(const Scores *s, const CertScore *t)
{
    return s->c->draw[t->roles.draw].shape;
}

static bool roles_are_slots(Scores *s, const CertScore *t)
{
    const CertRoles *r = &t->roles;
    const Cert *c = s->c;
    CertSlot slots = c->inputs + c->source.count;
    return says(s,
                r->draw < c->draws && r->logits < slots && r->scale < slots &&
                    slots_exist(s, r->costs) && slots_exist(s, r->base) &&
                    slots_exist(s, r->others) &&
                    (r->law != CERT_CATEGORICAL || r->values < c->sizes),
                "a role names what is not there");
}

/* The density is that of the law, and the elements are independent given the logits. */
static bool density_right(Scores *s, const CertScore *t)
{
    const CertRoles *r = &t->roles;
    CertList shape = shape_of(s, t), draw = {1, &r->draw};
    if (!says(s,
              cert_below(shape.count, r->axes) && cert_same(s->shape[t->density], shape) &&
                  cert_same(s->shape[t->weight], shape),
              "the log-density and the draw differ in shape") ||
        !says(s,
              depend_aligned(s->depend, shape.count, draw, t->density) &&
                  depend_free(s->depend, draw, r->logits),
              "the elements of the draw are not independent"))
        return false;
    CertSlot law = r->law == CERT_BERNOULLI ? bernoulli(s, r, shape) : categorical(s, r, shape);
    return says(s, holds(s, law, t->density), "the log-density is not that of the law");
}

/* ---- one score ------------------------------------------------------------------------------- */

/* The later draws whose law the draw reaches: those of *us are marked; js, and these. */
static CertList dependents(Scores *s, uint32_t t, bool *us)
{
    const Cert *c = s->c;
    uint32_t *at = arena_array(s->arena, uint32_t, c->scores + 1), count = 0;
    at[count++] = c->score[t].roles.draw;
    for (uint32_t u = t + 1; u < c->scores; u++)
        if (!depend_free(s->depend, (CertList){count, at}, c->score[u].density)) {
            us[u] = true;
            at[count++] = c->score[u].roles.draw;
        }
    return (CertList){count, at};
}

/* Each dependent reads no later one. */
static bool in_order(const Scores *s, const bool *us)
{
    const Cert *c = s->c;
    for (uint32_t u = 0; u < c->scores; u++)
        for (uint32_t v = u + 1; v < c->scores && us[u]; v++)
            if (us[v] && !depend_free(s->depend, (CertList){1, &c->score[v].roles.draw},
                                      c->score[u].density))
                return false;
    return true;
}

/* Do the draws before it, and those after it that are not its dependents, read none of these; and
 * do copies of its dependents read their own copy? */
static bool laws_right(const Scores *s, uint32_t t, const bool *us, CertList js)
{
    const Cert *c = s->c;
    uint32_t plates = c->score[t].roles.plates;
    for (uint32_t u = 0; u < c->scores; u++) {
        bool free = depend_free(s->depend, js, c->score[u].density);
        bool copies = plates <= shape_of(s, &c->score[u]).count &&
                      depend_aligned(s->depend, plates, js, c->score[u].density);
        if (u != t && !(us[u] ? copies : free))
            return false;
    }
    return true;
}

static bool weight_right(Scores *s, uint32_t i)
{
    const CertScore *t = &s->c->score[i];
    const CertRoles *r = &t->roles;
    bool *us = arena_array(s->arena, bool, s->c->scores + 1);
    CertList js = dependents(s, i, us), later = {js.count - 1, js.at + 1};
    CertList shape = shape_of(s, t), copies = {r->plates, shape.at};
    if (!says(s, r->plates <= shape.count && cert_below(r->plates, r->kept),
              "the draw has no such plates") ||
        !says(s,
              depend_free(s->depend, later, t->density) && laws_right(s, i, us, js) &&
                  in_order(s, us),
              "copies of the draws, or draws before and after it, are not independent") ||
        !says(s,
              all_free(s, js, (CertList){1, &r->scale}) && all_free(s, js, r->others) &&
                  all_free(s, js, r->base),
              "what is subtracted or left out reads the draw") ||
        !says(s, all_aligned(s, r->plates, js, r->costs), "a cost reads other copies of the draw"))
        return false;
    return says(s, holds(s, cost_of(s, r, copies), s->c->cost),
                "the cost is not the sum of its parts") &&
           says(s, holds(s, weight_of(s, r, shape, copies), t->weight),
                "the weight is not the cost of the draw's copy less a baseline");
}

/* ---- all scores ------------------------------------------------------------------------------ */

static bool draws_differ(const Cert *c)
{
    for (uint32_t i = 0; i < c->scores; i++)
        for (uint32_t k = 0; k < i; k++)
            if (c->score[i].roles.draw == c->score[k].roles.draw)
                return false;
    return true;
}

bool cert_scores_right(Arena *a, const Cert *c, const CertList *shape, uint32_t *bad,
                       const char **why)
{
    Scores s = {.arena = a, .c = c, .shape = shape, .depend = depend_of(a, c, &c->source)};
    for (uint32_t i = 0; i < c->source.count; i++)
        cert_add(a, &s.p, c->inputs, c->source.node[i]);
    bool ok = true;
    *bad = 0;
    for (uint32_t i = 0; i < c->scores && ok; i++) {
        *bad = i;
        ok = says(&s, c->score[i].explained, "nothing says what the weight is made of") &&
             roles_are_slots(&s, &c->score[i]) && density_right(&s, &c->score[i]);
    }
    ok = ok && says(&s, draws_differ(c), "two scores are of one draw");
    for (uint32_t i = 0; i < c->scores && ok; i++) {
        *bad = i;
        ok = weight_right(&s, i);
    }
    *why = s.why;
    return ok;
}
