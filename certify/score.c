/* Are the weights of the scores right?  A port of proofs/Score.v.
 *
 * A weight is the scaled cost of the draw's own copy.  Costs that read neither the draw nor its
 * dependents may be missing; subtracted may be a share of the other copies' costs (leave-one-out)
 * and anything that reads neither the draw nor its dependents: constants, averages of earlier
 * steps. Equations between slots are decided by normal forms. */
#include "certify/build.h"
#include "certify/depend.h"
#include "certify/reach.h"
#include "certify/table.h"

/* A slot that must hold what an expression computes. */
typedef struct Equation {
    CertSlot expression, slot;
    uint32_t score;
    const char *why; /* if it does not */
} Equation;

typedef struct Scores {
    Arena *arena;
    const Cert *c;
    CertList *shape; /* of the slots of p that have been typed */
    uint32_t shapes;
    const Reach *reach;
    const uint32_t *copies; /* of the draws after each score: so many are independent */
    const Depend *depend;   /* once it is asked for */
    Build b;                /* the source graph, and expressions after it */
    Equation *equation;
    uint32_t equations;
    const char *why;
} Scores;

/* The lists of what slots read: only where the order of the draws does not suffice. */
static const Depend *lists(Scores *s)
{
    if (!s->depend)
        s->depend = depend_of(s->arena, s->c, &s->c->source);
    return s->depend;
}

/* ---- costs and weights ----------------------------------------------------------------------- */

static CertSlot sum_of(Scores *s, CertList shape, CertList slots)
{
    CertSlot total = build(&s->b, (CertOp){.form = CERT_CONST, .axes = shape}, 0, 0);
    for (uint32_t i = slots.count; i-- > 0;)
        total = build_map2(&s->b, CERT_ADD, slots.at[i], total);
    return total;
}

/* The other costs, and the scaled sum over the copies of each of the draw's. */
static CertSlot cost_of(Scores *s, const CertRoles *r, CertList copies)
{
    CertSlot total = sum_of(s, (CertList){0}, r->others);
    for (uint32_t i = r->costs.count; i-- > 0;) {
        CertSlot sum = build_ein(&s->b, copies, cert_range(s->arena, copies.count), (CertList){0},
                                 r->costs.at[i]);
        total = build_map2(&s->b, CERT_ADD, build_map2(&s->b, CERT_MUL, r->scale, sum), total);
    }
    return total;
}

static CertSlot weight_of(Scores *s, const CertRoles *r, CertList shape, CertList copies)
{
    CertSlot cost = sum_of(s, copies, r->costs);
    CertSlot sums = build_ein(&s->b, copies, cert_range(s->arena, copies.count), r->kept, cost);
    CertSlot rest = build_map2(&s->b, CERT_SUB, build_widen(&s->b, copies, r->kept, sums), cost);
    CertSlot inner =
        build_map2(&s->b, CERT_SUB, cost, build_affine(&s->b, r->share, FRACTION_0, rest));
    inner = build_map2(&s->b, CERT_SUB, inner, sum_of(s, copies, r->base));
    CertSlot scaled =
        build_map2(&s->b, CERT_MUL, build_widen(&s->b, copies, (CertList){0}, r->scale), inner);
    return build_widen(&s->b, shape, cert_range(s->arena, copies.count), scaled);
}

/* ---- questions ------------------------------------------------------------------------------- */

static bool says(Scores *s, bool ok, const char *why)
{
    if (!ok && !s->why)
        s->why = why;
    return ok;
}

/* The shapes of the expressions that have none yet. */
static bool type_all(Scores *s)
{
    while (s->shapes < s->c->inputs + s->b.p->count) {
        const CertNode *n = &s->b.p->node[s->shapes - s->c->inputs];
        CertList in[2] = {{0}}, shape;
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            in[k] = s->shape[n->in[k]];
        if (!cert_type(s->arena, &n->op, in, &shape))
            return false;
        *arena_push(s->arena, s->shape, s->shapes, CertList) = shape;
    }
    return true;
}

/* That the slot holds what the expression computes: if they fit, this is looked at later, for all.
 */
static bool holds(Scores *s, uint32_t score, CertSlot expression, CertSlot slot, const char *why)
{
    if (!says(s, type_all(s) && cert_same(s->shape[expression], s->shape[slot]), why))
        return false;
    *arena_push(s->arena, s->equation, s->equations, Equation) =
        (Equation){expression, slot, score, why};
    return true;
}

static bool equations_hold(Scores *s, uint32_t *bad)
{
    uint32_t *wanted = arena_array(s->arena, uint32_t, 2 * s->equations + 1);
    for (uint32_t i = 0; i < s->equations; i++) {
        wanted[2 * i] = s->equation[i].expression;
        wanted[2 * i + 1] = s->equation[i].slot;
    }
    const Poly *form = table_enter(table_new(s->arena, s->c), s->c, s->b.p, s->shape,
                                   (CertList){2 * s->equations, wanted}, NAME_NEVER);
    for (uint32_t i = 0; i < s->equations; i++) {
        const Equation *e = &s->equation[i];
        *bad = e->score;
        if (!says(s, poly_equal(&form[e->expression], &form[e->slot]), e->why))
            return false;
    }
    return true;
}

static bool slots_exist(const Scores *s, CertList slots)
{
    return cert_below(s->c->inputs + s->c->source.count, slots);
}

static bool all_free(Scores *s, CertList draws, CertList slots)
{
    for (uint32_t i = 0; i < slots.count; i++)
        if (!depend_free(lists(s), draws, slots.at[i]))
            return false;
    return true;
}

static bool all_aligned(Scores *s, uint32_t axes, CertList draws, CertList slots)
{
    for (uint32_t i = 0; i < slots.count; i++)
        if (!depend_aligned(lists(s), axes, draws, slots.at[i]))
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
static bool density_right(Scores *s, uint32_t i)
{
    const CertScore *t = &s->c->score[i];
    const CertRoles *r = &t->roles;
    CertList shape = shape_of(s, t), draw = {1, &r->draw};
    if (!says(s,
              cert_below(shape.count, r->axes) && cert_same(s->shape[t->density], shape) &&
                  cert_same(s->shape[t->weight], shape),
              "the log-density and the draw differ in shape") ||
        !says(s,
              (reach_own(s->reach, i, shape.count, t->density) &&
               reach_before(s->reach, i, r->logits)) ||
                  (depend_aligned(lists(s), shape.count, draw, t->density) &&
                   depend_free(lists(s), draw, r->logits)),
              "the elements of the draw are not independent"))
        return false;
    const CertFinite finite = {r->law, r->values, r->logits, r->axes};
    CertSlot law = build_density(&s->b, &finite, r->draw, shape);
    return holds(s, i, law, t->density, "the log-density is not that of the law");
}

/* ---- one score ------------------------------------------------------------------------------- */

/* The later draws whose law the draw reaches: those of *us are marked; js, and these. */
static CertList dependents(Scores *s, uint32_t t, bool *us)
{
    const Cert *c = s->c;
    uint32_t *at = arena_array(s->arena, uint32_t, c->scores + 1), count = 0;
    at[count++] = c->score[t].roles.draw;
    for (uint32_t u = t + 1; u < c->scores; u++)
        if (!depend_free(lists(s), (CertList){count, at}, c->score[u].density)) {
            us[u] = true;
            at[count++] = c->score[u].roles.draw;
        }
    return (CertList){count, at};
}

/* Each dependent reads no later one. */
static bool in_order(Scores *s, const bool *us)
{
    const Cert *c = s->c;
    for (uint32_t u = 0; u < c->scores; u++)
        for (uint32_t v = u + 1; v < c->scores && us[u]; v++)
            if (us[v] &&
                !depend_free(lists(s), (CertList){1, &c->score[v].roles.draw}, c->score[u].density))
                return false;
    return true;
}

/* Do the draws before it, and those after it that are not its dependents, read none of these; and
 * do copies of its dependents read their own copy? */
static bool laws_right(Scores *s, uint32_t t, const bool *us, CertList js)
{
    const Cert *c = s->c;
    uint32_t plates = c->score[t].roles.plates;
    for (uint32_t u = 0; u < c->scores; u++) {
        bool free = depend_free(lists(s), js, c->score[u].density);
        bool copies = plates <= shape_of(s, &c->score[u]).count &&
                      depend_aligned(lists(s), plates, js, c->score[u].density);
        if (u != t && !(us[u] ? copies : free))
            return false;
    }
    return true;
}

/* Is what may be subtracted or left out drawn before the draw, and do the costs read their own
 * copy? */
static bool in_brief(const Scores *s, uint32_t i)
{
    const CertRoles *r = &s->c->score[i].roles;
    const CertList parts[] = {{1, &r->scale}, r->others, r->base};
    if (!s->copies || r->plates > s->copies[i])
        return false;
    for (uint32_t k = 0; k < sizeof parts / sizeof *parts; k++)
        for (uint32_t x = 0; x < parts[k].count; x++)
            if (!reach_before(s->reach, i, parts[k].at[x]))
                return false;
    for (uint32_t k = 0; k < r->costs.count; k++)
        if (!reach_before(s->reach, i, r->costs.at[k]) &&
            reach_copies(s->reach, r->plates, r->costs.at[k]) < r->plates)
            return false;
    return true;
}

/* Likewise for each of the draws that depend on it. */
static bool at_length(Scores *s, uint32_t i)
{
    const CertScore *t = &s->c->score[i];
    const CertRoles *r = &t->roles;
    bool *us = arena_array(s->arena, bool, s->c->scores + 1);
    CertList js = dependents(s, i, us), later = {js.count - 1, js.at + 1};
    return says(s,
                depend_free(lists(s), later, t->density) && laws_right(s, i, us, js) &&
                    in_order(s, us),
                "copies of the draws, or draws before and after it, are not independent") &&
           says(s,
                all_free(s, js, (CertList){1, &r->scale}) && all_free(s, js, r->others) &&
                    all_free(s, js, r->base),
                "what is subtracted or left out reads the draw") &&
           says(s, all_aligned(s, r->plates, js, r->costs),
                "a cost reads other copies of the draw");
}

static bool weight_right(Scores *s, uint32_t i)
{
    const CertScore *t = &s->c->score[i];
    const CertRoles *r = &t->roles;
    CertList shape = shape_of(s, t), copies = {r->plates, shape.at};
    if (!says(s, r->plates <= shape.count && cert_below(r->plates, r->kept),
              "the draw has no such plates"))
        return false;
    return (in_brief(s, i) || at_length(s, i)) &&
           holds(s, i, cost_of(s, r, copies), s->c->cost, "the cost is not the sum of its parts") &&
           holds(s, i, weight_of(s, r, shape, copies), t->weight,
                 "the weight is not the cost of the draw's copy less a baseline");
}

/* ---- all scores ------------------------------------------------------------------------------ */

static bool draws_differ(const Scores *s)
{
    const Cert *c = s->c;
    bool *seen = arena_array(s->arena, bool, c->draws + 1);
    for (uint32_t i = 0; i < c->scores; i++) {
        if (seen[c->score[i].roles.draw])
            return false;
        seen[c->score[i].roles.draw] = true;
    }
    return true;
}

/* If each log-density only reads its own draw and those before: of how many copies, along leading
 * axes, all that come after each score are independent. */
static const uint32_t *copies_after(const Scores *s)
{
    const Cert *c = s->c;
    uint32_t *copies = arena_array(s->arena, uint32_t, c->scores + 1), least = UINT32_MAX;
    for (uint32_t i = c->scores; i-- > 0;) {
        const CertScore *t = &c->score[i];
        if (!reach_before(s->reach, i + 1, t->density))
            return NULL;
        copies[i] = least;
        uint32_t own = reach_copies(s->reach, shape_of(s, t).count, t->density);
        least = own < least ? own : least;
    }
    return copies;
}

static bool roles_right(Scores *s, uint32_t *bad)
{
    for (uint32_t i = 0; i < s->c->scores; i++) {
        *bad = i;
        if (!says(s, s->c->score[i].explained, "nothing says what the weight is made of") ||
            !roles_are_slots(s, &s->c->score[i]))
            return false;
    }
    return says(s, draws_differ(s), "two scores are of one draw");
}

bool cert_scores_right(Arena *a, const Cert *c, const CertList *shape, uint32_t *bad,
                       const char **why)
{
    CertProgram p = {0};
    Scores s = {.arena = a, .c = c, .b = {.arena = a, .c = c, .p = &p}};
    build_copy(&s.b, &c->source);
    for (uint32_t i = 0; i < c->inputs + c->source.count; i++)
        *arena_push(a, s.shape, s.shapes, CertList) = shape[i];
    *bad = 0;
    bool ok = roles_right(&s, bad);
    if (ok) {
        s.reach = reach_of(a, c);
        s.copies = copies_after(&s);
    }
    for (uint32_t i = 0; i < c->scores && ok; i++) {
        *bad = i;
        ok = density_right(&s, i);
    }
    for (uint32_t i = 0; i < c->scores && ok; i++) {
        *bad = i;
        ok = weight_right(&s, i);
    }
    ok = ok && equations_hold(&s, bad);
    *why = s.why;
    return ok;
}
