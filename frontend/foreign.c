/* What users of other languages write: found by foreign.def, answered with how it is written here.
 */
#include "frontend/fe.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const Foreign fe_foreign_row[] = {
/* clang-format off */
#define FUNCTION(theirs, ours, example)  {FOREIGN_FUNCTION, theirs, ours, example},
#define VALUE(theirs, ours, example)     {FOREIGN_VALUE, theirs, ours, example},
#define MARK(theirs, ours, example)      {FOREIGN_MARK, theirs, ours, example},
#define IN_FILE(theirs, example)         {FOREIGN_IN_FILE, theirs, "", example},
#define IN_GRAPH(theirs, example)        {FOREIGN_IN_GRAPH, theirs, "", example},
#define ESTIMATOR(theirs, ours)          {FOREIGN_ESTIMATOR, theirs, ours, ours},
#include "frontend/foreign.def"
    /* clang-format on */
};
const size_t fe_foreign_rows = sizeof fe_foreign_row / sizeof *fe_foreign_row;

static const char *const module[] = {
#define MODULE(name) name,
#include "frontend/foreign.def"
};

const Foreign *fe_foreign(ForeignKind kind, const char *theirs)
{
    for (size_t i = 0; i < fe_foreign_rows; i++)
        if (fe_foreign_row[i].kind == kind && strcasecmp(fe_foreign_row[i].theirs, theirs) == 0)
            return &fe_foreign_row[i];
    return NULL;
}

const Foreign *fe_foreign_mark(const char *text)
{
    for (size_t i = 0; i < fe_foreign_rows; i++)
        if (fe_foreign_row[i].kind == FOREIGN_MARK &&
            strncmp(fe_foreign_row[i].theirs, text, strlen(fe_foreign_row[i].theirs)) == 0)
            return &fe_foreign_row[i];
    return NULL;
}

void fe_offer_foreign(Diags *d, Span at, const Foreign *f)
{
    diag_label(d, "here it is written `%s`", f->example);
    if (*f->ours)
        diag_fix(d, at, f->ours);
}

/* What stands after the last dot, if all before are modules; else NULL. */
static const char *without_modules(const char *name)
{
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        size_t i = 0, len = (size_t)(dot - name), modules = sizeof module / sizeof *module;
        while (i < modules && !(strlen(module[i]) == len && strncmp(module[i], name, len) == 0))
            i++;
        if (i == modules)
            return NULL;
    }
    return name;
}

/* "normal_lpdf" is the density of `normal`. */
static bool is_density(const char *name, const char *law)
{
    size_t len = strlen(law);
    return strncmp(name, law, len) == 0 &&
           (strcmp(name + len, "_lpdf") == 0 || strcmp(name + len, "_lpmf") == 0 ||
            strcmp(name + len, "_lupdf") == 0 || strcmp(name + len, "_lupmf") == 0);
}

/* "normal_lpdf" and "normal_rng": a density, or a draw, of a law. */
static bool find_law(Fe *fe, const char *name, Foreign *out)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++) {
        const char *law = ir_dist_info[d].name;
        bool draw = strncmp(name, law, strlen(law)) == 0 && strcmp(name + strlen(law), "_rng") == 0;
        if (!draw && !is_density(name, law))
            continue;
        out->example = arena_printf(fe->arena, draw ? "z ~ %s(…)" : "log_prob(%s(…), x)", law);
        return true;
    }
    return false;
}

/* A function of ours in other letters, or behind a module: `np.exp`, `Normal`. */
static bool find_ours(Fe *fe, const char *stem, Foreign *out)
{
    char *lower = arena_copy(fe->arena, stem, strlen(stem));
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    out->ours = out->example = lower;
    return fe_is_builtin(lower);
}

bool fe_find_foreign(Fe *fe, const char *name, bool function, Foreign *out)
{
    const char *stem = without_modules(name);
    const Foreign *row =
        stem ? fe_foreign(function ? FOREIGN_FUNCTION : FOREIGN_VALUE, stem) : NULL;
    *out = row ? *row : (Foreign){.ours = ""};
    return row || (stem && function && (find_law(fe, stem, out) || find_ours(fe, stem, out)));
}
