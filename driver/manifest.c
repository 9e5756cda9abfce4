/* The manifest: an interface as JSON.  docs/embedding.md describes it. */
#include "driver/interface.h"

#include "ir/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_shape(FILE *out, const Array *x)
{
    fputs(",\"shape\":[", out);
    for (uint32_t k = 0; k < x->rank; k++)
        fprintf(out, "%s%" PRId64, k ? "," : "", x->dim[k]);
    fprintf(out, "],\"by_rows\":%s", x->by_rows ? "true" : "false");
}

static void put_array(FILE *out, const Interface *i, const Array *x, Arena *a)
{
    const char *range = interface_range(x, a);
    fputc('{', out);
    json_member(out, "name", x->name);
    fprintf(out, ",\"dtype\":\"%s\"", interface_dtype(i, x->elem));
    put_shape(out, x);
    if (*range) {
        fputc(',', out);
        json_member(out, "in", range);
    }
    fputc('}', out);
}

static void put_arrays(FILE *out, const Interface *i, const char *key, const Array *x,
                       uint32_t count, Arena *a)
{
    fprintf(out, "\"%s\":[", key);
    for (uint32_t k = 0; k < count; k++) {
        fputs(k ? "," : "", out);
        put_array(out, i, &x[k], a);
    }
    fputc(']', out);
}

/* An entry is the draws it makes; one that there is not is null. */
static void put_entry(FILE *out, const char *key, const EntryInterface *e)
{
    fprintf(out, ",\"%s\":%s", key, e->exists ? "{\"draws\":[" : "null");
    for (uint32_t k = 0; e->exists && k < e->sites; k++) {
        const Site *s = &e->site[k];
        fputs(k ? ",{" : "{", out);
        json_member(out, "name", s->name ? s->name : "");
        fprintf(out, ",\"law\":\"%s\",\"size\":%" PRId64 ",\"by_rows\":%s}",
                s->normal ? "normal" : "uniform", s->size, s->by_rows ? "true" : "false");
    }
    fputs(e->exists ? "]}" : "", out);
}

/* The estimator of a draw; null: it needs none. */
static void put_estimator(FILE *out, const IrVia *via)
{
    if (via->estimator == IR_EST_AUTO) {
        fputs(",\"estimator\":null", out);
        return;
    }
    fputs(",\"estimator\":{", out);
    json_member(out, "name", ir_estimator_info[via->estimator].name);
    fprintf(out, ",\"asked\":%s,\"samples\":%" PRId64 ",", via->at.line ? "true" : "false",
            via->samples);
    json_member(out, "baseline", ir_baseline_name[via->baseline]);
    fprintf(out, ",\"biased\":%s}", via->biased ? "true" : "false");
}

static void put_sample(FILE *out, const Decision *d)
{
    json_member(out, "name", d->what->draw);
    fputc(',', out);
    json_member(out, "dist", ir_dist_info[d->what->law].name);
    put_shape(out, &d->draw);
    put_estimator(out, &d->what->via);
    fputc(',', out);
}

/* Those about a draw are the list of draws, with what else is known of them. */
static void put_decisions(FILE *out, const char *key, const GraphInterface *g, bool samples)
{
    const char *comma = "";
    fprintf(out, ",\"%s\":[", key);
    for (uint32_t k = 0; k < g->decisions; k++) {
        const Decision *d = &g->decision[k];
        if (samples != (d->what->draw != NULL))
            continue;
        fprintf(out, "%s{", comma);
        if (samples)
            put_sample(out, d);
        json_member(out, "code", diag_info[d->what->code].code);
        fputc(',', out);
        json_member(out, "what", d->what->what);
        fputc(',', out);
        json_member(out, "reason", d->what->reason);
        fputc(',', out);
        json_member(out, "loc", d->place);
        fputc('}', out);
        comma = ",";
    }
    fputc(']', out);
}

static void put_graph(FILE *out, const Interface *i, const GraphInterface *g, bool whole, Arena *a)
{
    fputc('{', out);
    json_member(out, "name", g->name);
    fprintf(out, ",\"rows\":%" PRId64 ",\"biased\":%s,", g->batch, g->biased ? "true" : "false");
    put_arrays(out, i, "data", g->data, g->datas, a);
    fputc(',', out);
    put_arrays(out, i, "outputs", g->output, g->outputs, a);
    fputs(",\"costs\":[", out);
    for (uint32_t k = 0; k < g->costs; k++) {
        fputs(k ? "," : "", out);
        json_text(out, whole && g->cost[k] ? g->cost[k] : "");
    }
    fputc(']', out);
    for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        put_entry(out, ir_entry_name[e], &g->entry[e]);
    if (whole) {
        put_decisions(out, "samples", g, true);
        put_decisions(out, "decisions", g, false);
    }
    fputc('}', out);
}

static void put_hypers(FILE *out, const Interface *i)
{
    fputs(",\"hypers\":[", out);
    for (uint32_t k = 0; k < i->hypers; k++) {
        fputs(k ? ",{" : "{", out);
        json_member(out, "name", i->hyper[k].name);
        fputc(',', out);
        json_member(out, "field", i->hyper[k].id);
        fprintf(out, ",\"default\":%.17g}", i->hyper[k].value);
    }
    fputc(']', out);
}

static void put_graphs(FILE *out, const Interface *i, bool whole, Arena *a)
{
    fputs(",\"graphs\":[", out);
    for (uint32_t k = 0; k < i->graphs; k++) {
        fputs(k ? "," : "", out);
        put_graph(out, i, &i->graph[k], whole, a);
    }
    fputc(']', out);
}

/* The `train` blocks; the first says which graph is trained unless another is named. */
static void put_trains(FILE *out, const Interface *i)
{
    fputs(",\"trains\":[", out);
    for (uint32_t k = 0; k < i->trains; k++) {
        const IrTrain *t = &i->train[k];
        fputs(k ? ",{" : "{", out);
        json_member(out, "graph", i->graph[t->graph].name);
        fputc(',', out);
        if (t->optimizer)
            json_member(out, "optimizer", t->optimizer);
        else
            fputs("\"optimizer\":null", out);
        fputc('}', out);
    }
    fputc(']', out);
}

static const char *const setting_field[] = {
#define CONTEXT_SETTING(c_type, name, type, ...) #name, type,
#include "runtime/context.def"
};

static const char *const call_field[] = {
#define CONTEXT_FIELD(c_type, name, type, ...) #name, type,
#include "runtime/context.def"
};

/* A struct of the header, for those who cannot read one. */
static void put_struct(FILE *out, const char *key, const char *const *field, size_t fields)
{
    fprintf(out, ",\"%s\":[", key);
    for (size_t k = 0; k < fields; k += 2) {
        const char *type = field[k + 1];
        bool pointer = type[strlen(type) - 1] == '*';
        fputs(k ? ",{" : "{", out);
        json_member(out, "name", field[k]);
        fputc(',', out);
        json_member(out, "type", pointer ? "pointer" : type);
        fputc('}', out);
    }
    fputc(']', out);
}

static void put_build(FILE *out, const Interface *i)
{
    fprintf(out, ",\"abi\":\"%016" PRIx64 "\",\"build\":{", i->number);
    json_member(out, "sgc", i->version);
    fputc(',', out);
    json_member(out, "llvm", i->llvm);
    fputc(',', out);
    json_member(out, "cpu", i->cpu);
    fputs(",\"blas\":", out);
    if (i->blas)
        json_text(out, i->blas);
    else
        fputs("null", out);
    fputc(',', out);
    json_member(out, "source", i->file);
    fputc(',', out);
    json_member(out, "source_sha256", i->sum);
    fputc(',', out);
    json_member(out, "hash", i->hash);
    fputc('}', out);
}

const char *interface_manifest(const Interface *i, bool whole, Arena *a)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    fputs("{\"manifest\":1,", out);
    json_member(out, "model", i->name);
    fprintf(out, ",\"real\":\"%s\",", interface_dtype(i, IR_REAL));
    put_arrays(out, i, "params", i->param, i->params, a);
    put_hypers(out, i);
    put_graphs(out, i, whole, a);
    put_trains(out, i);
    put_struct(out, "config", setting_field, sizeof setting_field / sizeof *setting_field);
    put_struct(out, "call", call_field, sizeof call_field / sizeof *call_field);
    if (whole)
        put_build(out, i);
    fputc('}', out);
    fclose(out);
    const char *copy = arena_copy(a, text, len);
    free(text);
    return copy;
}
