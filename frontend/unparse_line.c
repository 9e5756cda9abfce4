/* Statements: their words, and the blocks around them. */
#include "frontend/unparse_graph.h"

#include <inttypes.h>
#include <string.h>

/* ---- comments ------------------------------------------------------------------------------ */

static bool is_about(const IrDecision *why, const char *draw)
{
    return why && why->draw && draw && strcmp(why->draw, draw) == 0;
}

/* Is it said at a node before, where the draw has other estimators too? */
static bool is_said(const Unparse *u, IrRef r)
{
    for (IrRef x = 0; x < r; x++)
        for (const IrDecision *d = u->n[x].live && u->g.node[x].why ? u->g.node[x].why->also : NULL; d;
             d = d->also)
            if (d == u->g.node[r].why)
                return true;
    return false;
}

static const char *texts(const IrDecision *d, Arena *a)
{
    const char *text = ir_decision_text(d, a);
    return d->also ? arena_printf(a, "%s; %s", text, texts(d->also, a)) : text;
}

/* Draws of one name and the decisions about them stand in the same order. */
static const char *decision_of_noise(const Unparse *u, IrRef r)
{
    const IrGraph *g = &u->g;
    const char *name = g->site[g->node[r].attr.item].name;
    uint32_t before = 0;
    for (IrRef x = 0; x < r; x++)
        before += g->node[x].op == IR_DRAW && u->n[x].live &&
                  strcmp(g->site[g->node[x].attr.item].name, name) == 0;
    for (IrRef x = 0; x < g->count; x++)
        if (u->n[x].live && is_about(g->node[x].why, name) && !is_said(u, x) && before-- == 0)
            return texts(g->node[x].why, u->p->arena);
    return NULL;
}

/* What was decided for the draw: of base noise, or of an enumerated value. */
static const char *decision(const Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    if (n->op != IR_DRAW && is_about(n->why, n->name)) {
        for (uint32_t i = 0; i < u->g.sites; i++)
            if (strcmp(u->g.site[i].name, n->name) == 0)
                return NULL; /* said at the noise */
        return texts(n->why, u->p->arena);
    }
    return n->op == IR_DRAW ? decision_of_noise(u, r) : NULL;
}

/* ---- statements ---------------------------------------------------------------------------- */

static void add_line(Unparse *u, UpLines *to, UpPos pos, const char *comment, const char *text)
{
    *arena_push(u->p->arena, to->line, to->count, UpLine) =
        (UpLine){pos.open, pos.loop, comment, text};
}

static const char *draw_text(Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    int64_t dim[IR_MAX_RANK] = {0};
    uint32_t rank = 0;
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (u->n[r].axes >> p & 1)
            dim[rank++] = u->g.plate[p].size;
    for (uint32_t i = 0; i < n->type.rank; i++)
        dim[rank++] = n->type.dim[i];
    return arena_printf(u->p->arena, "%s%s ~ %s(0, 1)", u->n[r].name,
                        rank ? up_shape(u, rank, dim) : "", n->attr.k[0] ? "uniform" : "normal");
}

static const char *data_text(Unparse *u, IrRef r)
{
    const IrData *d = &u->p->model->data[u->g.node[r].attr.item];
    Arena *a = u->p->arena;
    const char *s = arena_printf(a, "data %s%s", u->n[r].name,
                                 d->type.rank ? up_shape(u, d->type.rank, d->type.dim) : "");
    if (d->type.elem != IR_REAL)
        s = arena_printf(a, "%s %s", s, ir_elem_name[d->type.elem]);
    if (d->in == IR_RANGE)
        return arena_printf(a, "%s in [%s, %s]", s, up_number(a, d->lo, false),
                            up_number(a, d->hi, false));
    return d->in == IR_FREE ? s : arena_printf(a, "%s in %s", s, ir_constraint_name[d->in]);
}

void up_node_lines(Unparse *u, IrRef r, UpLines *to)
{
    const IrNode *n = &u->g.node[r];
    UpPos pos = {u->n[r].path, u->n[r].loop, false};
    const char *text;
    if (n->op == IR_DRAW)
        text = draw_text(u, r);
    else if (n->op == IR_DATA)
        text = data_text(u, r);
    else if (u->n[r].sequence)
        text = arena_printf(
            u->p->arena, "%s[%s] = %s", u->n[r].name, u->plate[u->loop[pos.loop].plate].name,
            n->op == IR_CARRY ? up_text(u, n->in[1], pos).s : up_value(u, r, pos).s);
    else
        text = arena_printf(u->p->arena, "%s = %s", u->n[r].name, up_value(u, r, pos).s);
    add_line(u, to, pos, decision(u, r), text);
}

/* First the steps 0, then the loop; a carry whose next value is no sequence of its own, last. */
void up_region_lines(Unparse *u, uint32_t loop, UpLines *to)
{
    for (IrRef r = 0; r < u->g.count; r++) {
        const UpNode *n = &u->n[r];
        UpPos pos = {n->path, 0, false};
        if (!n->live || n->loop != loop || !n->named || n->first == IR_NONE)
            continue;
        bool starts = u->n[n->first].starts == loop;
        UpText first = (starts ? up_value : up_text)(u, n->first, pos);
        add_line(u, to, pos, starts ? decision(u, n->first) : NULL,
                 arena_printf(u->p->arena, "%s[0] = %s", n->name, first.s));
    }
    for (uint32_t carries = 0; carries < 2; carries++)
        for (IrRef r = 0; r < u->g.count; r++)
            if (u->n[r].live && u->n[r].loop == loop && u->n[r].named &&
                (u->g.node[r].op == IR_CARRY) == carries)
                up_node_lines(u, r, to);
}

/* ---- blocks -------------------------------------------------------------------------------- */

static void indent(FILE *out, uint32_t depth)
{
    fprintf(out, "%*s", (int)(2 * depth), "");
}

static void print_comment(FILE *out, uint32_t depth, const char *text)
{
    enum { WIDTH = 98 };
    while (*text) {
        size_t room = WIDTH - 2 * depth, len = strlen(text);
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ')
                len--;
            len = len ? len : strcspn(text, " ");
        }
        indent(out, depth);
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len + (text[len] == ' ');
    }
}

static bool ends_in_operator(const char *text, size_t len)
{
    static const char *const last[] = {" +", " -", " *", " /", " @", " then", " else"};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        size_t n = strlen(last[i]);
        if (len >= n && memcmp(text + len - n, last[i], n) == 0)
            return true;
    }
    return false;
}

/* A statement goes on after an operator, or else after a comma; not within an index. */
static size_t where_to_break(const char *text, size_t room)
{
    size_t len = strlen(text), after = 0, comma = 0;
    int index = 0;
    for (size_t at = 1; len > room && at <= room; at++) {
        index += (text[at] == '[') - (text[at] == ']');
        if (text[at] != ' ' || index)
            continue;
        if (ends_in_operator(text, at))
            after = at;
        if (text[at - 1] == ',')
            comma = at;
    }
    return after ? after : comma ? comma : len;
}

static void print_statement(FILE *out, uint32_t depth, const char *text)
{
    enum { WIDTH = 100 };
    for (bool first = true; *text; first = false) {
        uint32_t in = depth + (first ? 0 : 2);
        size_t len = where_to_break(text, WIDTH - 2 * in);
        indent(out, in);
        fprintf(out, "%.*s\n", (int)len, text);
        text += len + (text[len] == ' ');
    }
}

typedef struct Open {
    IrPlates path;
    uint32_t loop, depth; /* depth: blocks, counting that of the graph */
} Open;

static void close_block(FILE *out, Open *o)
{
    o->depth--;
    indent(out, o->depth);
    fputs("}\n", out);
}

static void open_plate(Unparse *u, uint32_t p, FILE *out, Open *o)
{
    const IrPlate *plate = &u->g.plate[p];
    indent(out, o->depth++);
    if (u->plate[p].opened)
        fprintf(out, "plate %s {\n", u->plate[p].name);
    else if ((int32_t)p == u->rows)
        fprintf(out, "plate %s = rows(%" PRId64 ") {\n", u->plate[p].name, plate->size);
    else
        fprintf(out, "plate %s = %" PRId64 " {\n", u->plate[p].name, plate->size);
    if ((int32_t)p == u->rows && u->count) {
        indent(out, o->depth);
        fprintf(out, "%s = sum(1, over = %s)      # the rows of this batch\n", u->count,
                u->plate[p].name);
    }
    u->plate[p].opened = true;
    o->path |= 1u << p;
}

static void open_loop(Unparse *u, uint32_t loop, FILE *out, Open *o)
{
    const UpLoop *l = &u->loop[loop];
    indent(out, o->depth++);
    fprintf(out, "for %s in %" PRId64 "..%" PRId64 " {\n", u->plate[l->plate].name, l->base,
            l->base + u->g.plate[l->plate].size);
    o->loop = loop;
}

static uint32_t innermost(const Unparse *u, IrPlates path)
{
    uint32_t best = (uint32_t)__builtin_ctz(path);
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (path >> p & 1 && u->plate[p].depth > u->plate[best].depth)
            best = p;
    return best;
}

static void enter(Unparse *u, const UpLine *line, FILE *out, Open *o)
{
    if (o->loop && (o->loop != line->loop || o->path != line->path)) {
        close_block(out, o);
        o->loop = 0;
    }
    while (o->path & ~line->path) {
        o->path &= ~(1u << innermost(u, o->path));
        close_block(out, o);
    }
    for (uint32_t depth = 0; depth < IR_MAX_PLATES; depth++)
        for (uint32_t p = 0; p < u->g.plates; p++)
            if ((line->path & ~o->path) >> p & 1 && u->plate[p].depth == depth)
                open_plate(u, p, out, o);
    if (line->loop && !o->loop)
        open_loop(u, line->loop, out, o);
}

static bool is_output(const UpLine *line)
{
    return strncmp(line->text, "output ", 7) == 0;
}

void up_print_lines(Unparse *u, UpLines lines, FILE *out)
{
    Open open = {.depth = 1};
    for (uint32_t i = 0; i < lines.count; i++) {
        const UpLine *line = &lines.line[i];
        enter(u, line, out, &open);
        if (is_output(line) && i && !is_output(line - 1))
            fputc('\n', out);
        if (line->comment)
            print_comment(out, open.depth, line->comment);
        print_statement(out, open.depth, line->text);
    }
    while (open.depth > 1)
        close_block(out, &open);
}
