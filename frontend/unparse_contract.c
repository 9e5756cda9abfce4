/* Contractions as the language writes them: `@`, `outer`, `*` and sums, with transposes where the
 * axes stand in another order. */
#include "frontend/unparse_graph.h"

#include <string.h>

/* "ab,bc->ac": the axes of the operands and of the result. */
typedef struct Spec {
    char in[2][IR_MAX_RANK + 1], out[IR_MAX_RANK + 1];
} Spec;

static Spec read_spec(const char *text)
{
    Spec s = {0};
    size_t a = strcspn(text, ","), b = strcspn(text + a + 1, "-");
    memcpy(s.in[0], text, a);
    memcpy(s.in[1], text + a + 1, b);
    strcpy(s.out, text + a + 1 + b + 2);
    return s;
}

/* `@` and `outer` take ints for reals. */
static const char *factor(Unparse *u, IrRef r, uint32_t i, UpPos pos, int level)
{
    IrRef x = u->g.node[r].in[i];
    const IrNode *n = &u->g.node[x];
    bool as_int = n->op == IR_TO_REAL && !u->n[x].named && u->g.node[n->in[0]].type.elem == IR_INT;
    return up_tight(u, up_text(u, as_int ? n->in[0] : x, pos), level);
}

static void without(char *to, const char *labels, char label)
{
    for (; *labels; labels++)
        if (*labels != label)
            *to++ = *labels;
    *to = 0;
}

/* s, whose axes are `from`, with its axes in the order `to`. */
static const char *ordered(Unparse *u, const char *s, const char *from, const char *to)
{
    size_t rank = strlen(from);
    if (strcmp(from, to) == 0)
        return s;
    const char *order = "[";
    bool reversed = true;
    for (size_t i = 0; i < rank; i++) {
        size_t k = (size_t)(strchr(from, to[i]) - from);
        reversed &= k == rank - 1 - i;
        order = arena_printf(u->p->arena, "%s%s%zu", order, i ? ", " : "", k);
    }
    return reversed ? arena_printf(u->p->arena, "transpose(%s)", s)
                    : arena_printf(u->p->arena, "transpose(%s, %s])", s, order);
}

/* left @ right over one label, its operands in one order or the other. */
typedef struct Product {
    char order[2][2 * IR_MAX_RANK], result[2 * IR_MAX_RANK + 1];
    uint32_t moves;
} Product;

static Product product(const Spec *s, uint32_t left, char label)
{
    Product p = {0};
    char rest[2][IR_MAX_RANK + 1];
    const char *a = s->in[left], *b = s->in[1 - left];
    without(rest[0], a, label);
    without(rest[1], b, label);
    snprintf(p.order[0], sizeof p.order[0], "%s%c", rest[0], label);
    snprintf(p.order[1], sizeof p.order[1], "%c%s", label, rest[1]);
    snprintf(p.result, sizeof p.result, "%s%s", rest[0], rest[1]);
    p.moves = (strcmp(p.order[0], a) != 0) + (strcmp(p.order[1], b) != 0) +
              (strcmp(p.result, s->out) != 0);
    return p;
}

/* The one label that is summed, if every other one stands in one operand and in the result. */
static char matrix_label(const Spec *s)
{
    char summed = 0;
    for (const char *l = s->in[0]; *l; l++) {
        bool shared = strchr(s->in[1], *l), kept = strchr(s->out, *l);
        if (shared == kept || (shared && summed))
            return 0;
        summed = shared ? *l : summed;
    }
    for (const char *l = s->in[1]; *l; l++)
        if (!strchr(s->in[0], *l) && !strchr(s->out, *l))
            return 0;
    return summed;
}

static UpText matrix_product(Unparse *u, IrRef r, UpPos pos, const Spec *s, char label)
{
    Product first = product(s, 0, label), second = product(s, 1, label);
    uint32_t left = second.moves < first.moves;
    const Product *p = left ? &second : &first;
    const char *text[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i ^ left;
        bool moved = strcmp(p->order[i], s->in[side]) != 0;
        text[i] = factor(u, r, side, pos, moved ? UP_IF : i ? UP_NEG : UP_MUL);
        text[i] = ordered(u, text[i], s->in[side], p->order[i]);
    }
    const char *both = arena_printf(u->p->arena, "%s @ %s", text[0], text[1]);
    if (strcmp(p->result, s->out) == 0)
        return (UpText){both, UP_MUL};
    return up_atom(ordered(u, both, p->result, s->out));
}

static UpText outer(Unparse *u, IrRef r, UpPos pos, bool swapped)
{
    return up_atom(arena_printf(u->p->arena, "outer(%s, %s)", factor(u, r, swapped, pos, UP_IF),
                                factor(u, r, !swapped, pos, UP_IF)));
}

/* Operand i with the axes `all`. */
static const char *spread(Unparse *u, IrRef r, uint32_t i, UpPos pos, const Spec *s,
                          const char *all, const int64_t dim[26])
{
    char from[IR_MAX_RANK + 1] = "";
    int64_t size[IR_MAX_RANK];
    const char *mine = s->in[i];
    if (*mine == 0 || strcmp(mine, all) == 0)
        return up_operand(u, r, i, pos, i ? UP_NEG : UP_MUL);
    uint32_t n = 0;
    for (const char *l = all; *l; l++)
        if (!strchr(mine, *l))
            from[n++] = *l;
    strcpy(from + n, mine);
    for (n = 0; from[n]; n++)
        size[n] = dim[from[n] - 'a'];
    const char *text = up_operand(u, r, i, pos, UP_IF);
    if (strlen(all) != strlen(mine))
        text = arena_printf(u->p->arena, "broadcast(%s, %s)", text, up_shape(u, n, size));
    return ordered(u, text, from, all);
}

/* Every label an axis of both operands; the product is summed along those that the result lacks. */
static UpText general(Unparse *u, IrRef r, UpPos pos, const Spec *s)
{
    char all[2 * IR_MAX_RANK + 1];
    int64_t dim[26] = {0};
    size_t kept = strlen(s->out), n = kept;
    strcpy(all, s->out);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; s->in[i][k]; k++) {
            char label = s->in[i][k];
            dim[label - 'a'] = u->g.node[u->g.node[r].in[i]].type.dim[k];
            if (!memchr(all, label, n))
                all[n++] = label;
        }
    all[n] = 0;
    if (n > IR_MAX_RANK) {
        up_refuse(u, r, "a contraction of more than %d axes", IR_MAX_RANK);
        return up_atom("0.0");
    }
    const char *a = spread(u, r, 0, pos, s, all, dim), *b = spread(u, r, 1, pos, s, all, dim);
    const char *text = arena_printf(u->p->arena, "%s * %s", a, b);
    if (n == kept)
        return (UpText){text, UP_MUL};
    if (kept == 0)
        return up_atom(arena_printf(u->p->arena, "sum(%s)", text));
    while (n-- > kept)
        text = arena_printf(u->p->arena, "sum(%s, axis = %zu)", text, n);
    return up_atom(text);
}

UpText up_contract(Unparse *u, IrRef r, UpPos pos)
{
    Spec s = read_spec(u->g.node[r].attr.text);
    const char *a = s.in[0], *b = s.in[1];
    char label = matrix_label(&s);
    if (label)
        return matrix_product(u, r, pos, &s, label);
    size_t left = strlen(a), right = strlen(b);
    if (*a && *b && left + right == strlen(s.out)) {
        if (memcmp(s.out, a, left) == 0 && strcmp(s.out + left, b) == 0)
            return outer(u, r, pos, false);
        if (memcmp(s.out, b, right) == 0 && strcmp(s.out + right, a) == 0)
            return outer(u, r, pos, true);
    }
    return general(u, r, pos, &s);
}
