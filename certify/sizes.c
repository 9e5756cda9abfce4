#include "certify/sizes.h"

#include <string.h>

typedef uint32_t Var;

enum { VAR_TOTAL, VAR_ONE, VAR_PLATES };

struct Sizes {
    const IrGraph *g;
    Arena *arena;
    Var *parent;       /* union-find */
    int64_t *number;   /* by root; 0: at run time */
    const char **name; /* by root */
    uint32_t *symbol;  /* by root; CERT_NONE: not listed yet */
    uint32_t vars;
    bool merged; /* sizes of one number have one symbol */
    Sizes *like; /* or NULL: has the first `shared` of these too, but for plates of its own */
    uint32_t shared;
    Var (*axis)[IR_MAX_RANK];                        /* by node */
    Var (*param)[IR_MAX_RANK], (*data)[IR_MAX_RANK]; /* by item */
};

/* ---- classes -------------------------------------------------------------------------------- */

static Var fresh(Sizes *s, int64_t number, const char *name)
{
    Var v = s->vars;
    uint32_t count = v;
    *arena_push(s->arena, s->parent, count, Var) = v;
    count = v;
    *arena_push(s->arena, s->number, count, int64_t) = number;
    count = v;
    *arena_push(s->arena, s->name, count, const char *) = name;
    *arena_push(s->arena, s->symbol, s->vars, uint32_t) = CERT_NONE;
    return v;
}

static Var root(Sizes *s, Var v)
{
    while (s->parent[v] != v)
        v = s->parent[v] = s->parent[s->parent[v]];
    return v;
}

/* The older one stays: plates and parameters name what they share. */
static void equate(Sizes *s, Var a, Var b)
{
    a = root(s, a);
    b = root(s, b);
    s->parent[a > b ? a : b] = a > b ? b : a;
}

/* ---- what operations say --------------------------------------------------------------------- */

static const IrType *type_of(const Sizes *s, IrRef r)
{
    return &s->g->node[r].type;
}

static void fresh_axes(Sizes *s, IrRef r)
{
    for (uint32_t i = 0; i < type_of(s, r)->rank; i++)
        s->axis[r][i] = fresh(s, type_of(s, r)->dim[i], NULL);
}

static void equate_axes(Sizes *s, IrRef x, IrRef y)
{
    for (uint32_t i = 0; i < type_of(s, x)->rank && i < type_of(s, y)->rank; i++)
        equate(s, s->axis[x][i], s->axis[y][i]);
}

static void equate_items(Sizes *s, IrRef r, const Var item[IR_MAX_RANK])
{
    for (uint32_t i = 0; i < type_of(s, r)->rank; i++)
        equate(s, s->axis[r][i], item[i]);
}

/* Axis i of r is axis i - by of x, for the axes from `first` on. */
static void shifted(Sizes *s, IrRef r, IrRef x, uint32_t first, int by)
{
    for (uint32_t i = first; i < type_of(s, r)->rank; i++)
        equate(s, s->axis[r][i], s->axis[x][(int)i - by]);
}

static void say_reduce(Sizes *s, IrRef r, const IrNode *n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < type_of(s, n->in[0])->rank; i++)
        if (!(n->attr.axes >> i & 1))
            equate(s, s->axis[r][kept++], s->axis[n->in[0]][i]);
}

static void say_contract(Sizes *s, IrRef r, const IrNode *n)
{
    const char *text = n->attr.text, *second = strchr(text, ',') + 1, *out = strchr(text, '>') + 1;
    Var letter[128];
    memset(letter, 0xff, sizeof letter);
    for (int part = 0; part < 3; part++) {
        const char *at = part == 0 ? text : part == 1 ? second : out;
        IrRef x = part == 2 ? r : n->in[part];
        for (uint32_t i = 0; i < type_of(s, x)->rank; i++) {
            Var *v = &letter[(unsigned char)at[i] & 127];
            if (*v == UINT32_MAX)
                *v = s->axis[x][i];
            equate(s, *v, s->axis[x][i]);
        }
    }
}

static void say_ones(Sizes *s, IrRef r)
{
    for (uint32_t i = 0; i < type_of(s, r)->rank; i++)
        if (type_of(s, r)->dim[i] == 1)
            equate(s, s->axis[r][i], VAR_ONE);
}

/* A reshape that only moves axes of size 1 keeps the others. */
static void say_reshape(Sizes *s, IrRef r, const IrNode *n)
{
    say_ones(s, r);
    say_ones(s, n->in[0]);
    const IrType *to = type_of(s, r), *from = type_of(s, n->in[0]);
    for (int round = 0; round < 2; round++) /* compare, then equate */
        for (uint32_t i = 0, k = 0;; i++, k++) {
            while (i < to->rank && to->dim[i] == 1)
                i++;
            while (k < from->rank && from->dim[k] == 1)
                k++;
            if (i == to->rank || k == from->rank) {
                if (i != to->rank || k != from->rank)
                    return;
                break;
            }
            if (to->dim[i] != from->dim[k])
                return;
            if (round == 1)
                equate(s, s->axis[r][i], s->axis[n->in[0]][k]);
        }
}

static void say_one(Sizes *s, IrRef r, uint32_t axis)
{
    if (type_of(s, r)->dim[axis] == 1)
        equate(s, s->axis[r][axis], VAR_ONE);
}

/* Axis `axis` becomes another unless it is the same size; a single element has the size 1. */
static void say_cut(Sizes *s, IrRef r, const IrNode *n, uint32_t axis)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        say_one(s, n->in[k], axis);
    for (uint32_t k = 0; k < n->n_in; k++)
        for (uint32_t i = 0; i < type_of(s, r)->rank; i++)
            if (i != axis || type_of(s, r)->dim[i] == type_of(s, n->in[k])->dim[i])
                equate(s, s->axis[r][i], s->axis[n->in[k]][i]);
    say_one(s, r, axis);
}

static bool is_whole(const Sizes *s, const IrAttr *a, int64_t axis)
{
    const IrPlate *p = &s->g->plate[a->plate];
    return a->k[0] == 0 && p->kind != IR_PLATE_STEP && p->size == axis;
}

static void say_plate(Sizes *s, IrRef r, const IrNode *n)
{
    bool from = n->op == IR_TO_PLATE;
    IrRef with = from ? n->in[0] : r, without = from ? r : n->in[0];
    shifted(s, with, without, 1, 1);
    if (is_whole(s, &n->attr, type_of(s, with)->dim[0]))
        equate(s, s->axis[with][0], VAR_PLATES + (Var)n->attr.plate);
}

/* A table that is read at the values of an enumerated draw has an element for each of them. */
static void say_values(Sizes *s, IrRef table, const IrNode *index)
{
    bool values = index->op == IR_INDEX && index->attr.plate >= 0 &&
                  s->g->plate[index->attr.plate].kind == IR_PLATE_ENUMERATION;
    if (values && is_whole(s, &index->attr, type_of(s, table)->dim[0]))
        equate(s, s->axis[table][0], VAR_PLATES + (Var)index->attr.plate);
}

static void say_gather(Sizes *s, IrRef r, const IrNode *n)
{
    say_values(s, n->in[0], &s->g->node[n->in[1]]);
    equate_axes(s, r, n->in[1]);
    shifted(s, r, n->in[0], type_of(s, n->in[1])->rank, (int)type_of(s, n->in[1])->rank - 1);
}

static void say_scatter(Sizes *s, IrRef r, const IrNode *n)
{
    equate_axes(s, n->in[0], n->in[1]);
    shifted(s, r, n->in[0], 1, 1 - (int)type_of(s, n->in[1])->rank);
}

static void say_expand(Sizes *s, IrRef r, const IrNode *n)
{
    for (uint32_t i = 0; i < type_of(s, r)->rank; i++)
        if (i != n->attr.k[0])
            equate(s, s->axis[r][i], s->axis[n->in[0]][i - (i > n->attr.k[0])]);
}

static void say(Sizes *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    switch (n->op) {
    case IR_PARAM:
    case IR_GRAD:
        equate_items(s, r, s->param[n->attr.item]);
        break;
    case IR_DATA:
        equate_items(s, r, s->data[n->attr.item]);
        return;
    case IR_SUM:
    case IR_PROD:
    case IR_REDUCE_MAX:
    case IR_REDUCE_MIN:
    case IR_LOGSUMEXP:
        say_reduce(s, r, n);
        return;
    case IR_CONTRACT:
        say_contract(s, r, n);
        return;
    case IR_RESHAPE:
        say_reshape(s, r, n);
        return;
    case IR_TRANSPOSE:
        for (uint32_t i = 0; i < n->type.rank; i++)
            equate(s, s->axis[r][i], s->axis[n->in[0]][n->attr.k[i]]);
        return;
    case IR_EXPAND:
        say_expand(s, r, n);
        return;
    case IR_SLICE:
    case IR_PAD:
    case IR_CONCAT:
        say_cut(s, r, n, (uint32_t)n->attr.k[0]);
        return;
    case IR_GATHER:
        say_gather(s, r, n);
        return;
    case IR_SCATTER:
        say_scatter(s, r, n);
        return;
    case IR_DIAG:
        equate(s, s->axis[r][0], s->axis[r][1]);
        break;
    case IR_DIAG_PART:
        equate(s, s->axis[n->in[0]][0], s->axis[n->in[0]][1]);
        break;
    case IR_TO_PLATE:
    case IR_TO_AXIS:
        say_plate(s, r, n);
        return;
    default:
        break;
    }
    for (uint32_t k = 0; k < n->n_in; k++) /* element by element */
        equate_axes(s, r, n->in[k]);
}

static const char *axis_name(Sizes *s, const char *of, uint32_t axis, uint32_t rank)
{
    return rank == 1 ? arena_printf(s->arena, "elements of %s", of)
                     : arena_printf(s->arena, "axis %u of %s", axis, of);
}

static void fresh_items(Sizes *s)
{
    const IrModel *m = s->g->model;
    s->param = (Var(*)[IR_MAX_RANK])arena_array(s->arena, Var, (m->params + 1) * IR_MAX_RANK);
    s->data = (Var(*)[IR_MAX_RANK])arena_array(s->arena, Var, (m->datas + 1) * IR_MAX_RANK);
    for (uint32_t p = 0; p < m->params; p++)
        for (uint32_t i = 0; i < m->param[p].type.rank; i++)
            s->param[p][i] = fresh(s, m->param[p].type.dim[i],
                                   axis_name(s, m->param[p].name, i, m->param[p].type.rank));
    for (uint32_t x = 0; x < m->datas; x++)
        for (uint32_t i = 0; i < m->data[x].type.rank; i++)
            s->data[x][i] = fresh(s, m->data[x].type.dim[i],
                                  axis_name(s, m->data[x].name, i, m->data[x].type.rank));
}

Sizes *sizes_of(const IrGraph *g, const bool *live, bool merged, Arena *a)
{
    Sizes *s = arena_make(a, Sizes);
    *s = (Sizes){.g = g, .arena = a, .merged = merged};
    fresh(s, 0, "rows of the data set");
    fresh(s, 1, "a single element");
    for (uint32_t p = 0; p < g->plates; p++)
        fresh(s, g->plate[p].kind == IR_PLATE_ROWS ? 0 : g->plate[p].size,
              arena_printf(a, "plate %s", g->plate[p].name));
    fresh_items(s);
    s->axis = (Var(*)[IR_MAX_RANK])arena_array(a, Var, (g->count + 1) * IR_MAX_RANK);
    for (IrRef r = 0; r < g->count; r++)
        fresh_axes(s, r);
    for (IrRef r = 0; r < g->count; r++)
        if (live[r])
            say(s, r);
    return s;
}

/* Do both have plate p? */
static bool same_plate(const IrGraph *a, const IrGraph *b, uint32_t p)
{
    return p < a->plates && p < b->plates && strcmp(a->plate[p].name, b->plate[p].name) == 0 &&
           a->plate[p].kind == b->plate[p].kind;
}

/* The variable of `like` that is this one: both list plates first, then parameters and data. */
static bool its_like(const Sizes *s, Var v, Var *out)
{
    if (v < VAR_PLATES) {
        *out = v;
        return true;
    }
    if (v < VAR_PLATES + s->g->plates) {
        *out = v;
        return same_plate(s->g, s->like->g, v - VAR_PLATES);
    }
    *out = v - s->g->plates + s->like->g->plates;
    return v < s->shared;
}

/* The symbol that `like` has for the class, if it has one. */
static uint32_t symbol_of_like(Sizes *s, Cert *c, Var class);

static const char unnamed[] = "an axis";

Sizes *sizes_like(Sizes *like, const IrGraph *g, const bool *live, Arena *a)
{
    Sizes *s = sizes_of(g, live, like->merged, a);
    s->like = like;
    s->shared = s->vars;
    for (IrRef r = 0; r < g->count; r++)
        s->shared -= g->node[r].type.rank;
    return s;
}

/* ---- symbols -------------------------------------------------------------------------------- */

static uint32_t symbol_of_number(const Sizes *s, const Cert *c, int64_t number)
{
    for (uint32_t i = 0; i < c->sizes && s->merged && number > 0; i++)
        if (c->size[i].number == number)
            return i;
    return CERT_NONE;
}

static uint32_t symbol(Sizes *s, Cert *c, Var v)
{
    v = root(s, v);
    if (s->symbol[v] != CERT_NONE)
        return s->symbol[v];
    if (s->like && (s->symbol[v] = symbol_of_like(s, c, v)) != CERT_NONE)
        return s->symbol[v];
    if ((s->symbol[v] = symbol_of_number(s, c, s->number[v])) != CERT_NONE)
        return s->symbol[v];
    const char *name = s->name[v] ? s->name[v] : unnamed;
    *arena_push(c->arena, c->size, c->sizes, CertSize) =
        (CertSize){.name = name, .number = s->number[v]};
    return s->symbol[v] = c->sizes - 1;
}

/* An axis that an operation makes is taken for one that an operation of the other graph makes, if
 * they are of one length: the certificate is for models where they are. */
static uint32_t unnamed_like(const Sizes *s, const Cert *c, Var class)
{
    for (uint32_t i = 0; i < c->sizes && s->number[class] > 0; i++)
        if (c->size[i].name == unnamed && c->size[i].number == s->number[class])
            return i;
    return CERT_NONE;
}

/* One that is in use, if there is any. */
static uint32_t symbol_of_like(Sizes *s, Cert *c, Var class)
{
    bool found = false;
    Var first = 0, other;
    for (Var v = 0; v < s->shared; v++) {
        if (root(s, v) != class || !its_like(s, v, &other))
            continue;
        if (s->like->symbol[root(s->like, other)] != CERT_NONE)
            return s->like->symbol[root(s->like, other)];
        first = found ? first : other;
        found = true;
    }
    return found ? symbol(s->like, c, first) : unnamed_like(s, c, class);
}

uint32_t size_of_plate(Sizes *s, Cert *c, uint32_t plate)
{
    return symbol(s, c, VAR_PLATES + plate);
}

uint32_t size_of_axis(Sizes *s, Cert *c, IrRef node, uint32_t axis)
{
    return symbol(s, c, s->axis[node][axis]);
}

uint32_t size_of_total(Sizes *s, Cert *c)
{
    return symbol(s, c, VAR_TOTAL);
}

uint32_t size_one(Sizes *s, Cert *c)
{
    return symbol(s, c, VAR_ONE);
}
