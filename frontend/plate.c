/* plate k = 5 { … }, plate n = rows(batch) { … }, and plate k { … } again. */
#include "frontend/fe.h"

#include <string.h>

bool fe_is_rows(const Expr *size)
{
    return size->kind == EXPR_CALL && strcmp(size->name, "rows") == 0;
}

static bool rows_allowed(Fe *fe, const Stmt *s)
{
    if (fe->scope->kind != SCOPE_GRAPH)
        fe_error(fe, s->name_at, SG0507, "`rows` stands at the top of a graph");
    else if (fe->has_rows)
        fe_error(fe, s->name_at, SG0507, "a graph has at most one `rows`");
    else if (s->value->args.count != 1)
        fe_error(fe, s->value->at, SG0507,
                 "`rows` takes the largest number of rows of a batch: `rows(100)`");
    else
        return true;
    return false;
}

/* The kind and size of a new plate; false: reported. */
static bool plate_size(Fe *fe, const Stmt *s, IrPlateKind *kind, int64_t *size)
{
    const Expr *e = s->value;
    *kind = fe_is_rows(e) ? IR_PLATE_ROWS : IR_PLATE_STATIC;
    if (fe->g->plates == IR_MAX_PLATES) {
        fe_error(fe, s->name_at, SG0506, "a graph has at most %d plates and loops", IR_MAX_PLATES);
        return false;
    }
    if (*kind == IR_PLATE_STATIC)
        return fe_size(fe, e, "the size of a plate", size);
    if (!rows_allowed(fe, s))
        return false;
    fe->has_rows = true;
    return fe_size(fe, e->args.arg[0].value, "the size of a batch", size);
}

static Scope *closed_here(const Fe *fe, const char *name)
{
    for (uint32_t i = 0; i < fe->scope->closeds; i++) {
        Scope *s = fe->scope->closed[i];
        if (s->kind == SCOPE_PLATE && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static void inside(Fe *fe, const Stmt *s, uint32_t plate)
{
    fe->plates |= 1u << plate;
    fe_block(fe, &s->body);
    fe->plates &= ~(1u << plate);
    fe_close(fe);
}

static void reopen(Fe *fe, const Stmt *s)
{
    Scope *again = closed_here(fe, s->name);
    if (!again)
        fe_error(fe, s->name_at, SG0508,
                 "no plate `%s` in this block to reopen: write `plate %s = size`", s->name,
                 s->name);
    else if (fe->g->plate[again->plate].kind == IR_PLATE_ROWS)
        fe_error(fe, s->name_at, SG0507, "`rows` cannot be reopened");
    else {
        fe->scope = again;
        inside(fe, s, again->plate);
    }
}

/* The index of a copy: an int, known to step unless the copies are rows. */
static void define_index(Fe *fe, const Stmt *s, uint32_t plate, IrPlateKind kind)
{
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
    if (!e)
        return;
    e->value = (Value){.kind = VALUE_STEP, .plate = plate};
    if (kind == IR_PLATE_ROWS)
        e->value = fe_value(ir_index(fe->g, plate, 0));
}

void fe_plate(Fe *fe, Stmt *s)
{
    IrPlateKind kind;
    int64_t size;
    if (!s->value) {
        reopen(fe, s);
        return;
    }
    if (closed_here(fe, s->name)) {
        fe_error(fe, s->name_at, SG0508,
                 "plate `%s` is already defined: `plate %s { … }` reopens it", s->name, s->name);
        return;
    }
    if (!plate_size(fe, s, &kind, &size))
        return;
    fe->g->here = s->name_at;
    uint32_t plate = ir_plate_add(fe->g, s->name, kind, size, fe->plates);
    fe_open(fe, SCOPE_PLATE, s->name)->plate = plate;
    define_index(fe, s, plate, kind);
    inside(fe, s, plate);
}
