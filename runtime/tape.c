/* Noise of the generator, or from a file, which is checked against the sites of an entry. */
#include "runtime/tape.h"

#include "runtime/kernels.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t sgrt_site_variates(const SgrtSite *site, int64_t rows)
{
    return site->size * (site->by_rows ? rows : 1);
}

int64_t sgrt_tape_variates(const SgrtEntry *entry, int64_t rows)
{
    int64_t size = 0;
    for (int64_t i = 0; i < entry->sites; i++)
        size += sgrt_site_variates(&entry->site[i], rows);
    return size;
}

void **sgrt_tape_new(const SgrtModel *model, const SgrtEntry *entry, int64_t rows, SgrtError *e)
{
    void **tape = sgrt_alloc(entry->sites, sizeof *tape, e);
    bool made = tape != NULL;
    for (int64_t i = 0; made && i < entry->sites; i++) {
        int64_t size = sgrt_site_variates(&entry->site[i], rows);
        made = (tape[i] = sgrt_alloc(size, sgrt_real_bytes(model), e)) != NULL;
    }
    if (made)
        return tape;
    sgrt_tape_free(tape, entry);
    return NULL;
}

void sgrt_tape_free(void **tape, const SgrtEntry *entry)
{
    for (int64_t i = 0; tape && i < entry->sites; i++)
        free(tape[i]);
    free(tape);
}

/* ---- the generator -------------------------------------------------------------------------- */

void sgrt_tape_fill(void **tape, const SgrtModel *model, const SgrtEntry *entry, int64_t rows,
                    int64_t seed, int64_t draw)
{
    SgrtFrame stream = {.seed = seed, .step = draw, .purpose = SGRT_CHECK};
    bool wide = model->real == SGRT_F64;
    for (int64_t i = 0; i < entry->sites; i++) {
        int64_t n = sgrt_site_variates(&entry->site[i], rows);
        if (entry->site[i].normal)
            (wide ? sgrt_noise_normal_f64 : sgrt_noise_normal_f32)(tape[i], 0, n, &stream,
                                                                   (int32_t)i);
        else
            (wide ? sgrt_noise_uniform_f64 : sgrt_noise_uniform_f32)(tape[i], 0, n, &stream,
                                                                     (int32_t)i);
    }
}

/* ---- a file --------------------------------------------------------------------------------- */

static bool names_differ(const SgrtEntry *entry, const char *path, SgrtError *e)
{
    for (int64_t i = 0; i < entry->sites; i++)
        for (int64_t j = 0; j < i; j++)
            if (strcmp(entry->site[i].name, entry->site[j].name) == 0)
                return sgrt_fail(e, "%s: two draws are called %s, so a tape cannot tell them apart",
                                 path, entry->site[i].name);
    return true;
}

static double variate(const SgrtModel *model, const void *noise, int64_t i)
{
    return model->real == SGRT_F64 ? ((const double *)noise)[i] : ((const float *)noise)[i];
}

/* As they are read: a number that the file has may round to one that is not. */
static bool inside(const SgrtModel *model, const SgrtSite *site, const void *noise, int64_t size)
{
    for (int64_t i = 0; i < size; i++) {
        double v = variate(model, noise, i);
        if (!(site->normal ? isfinite(v) : v > 0 && v < 1))
            return false;
    }
    return true;
}

static bool read_site(const SgrtTensorFile *f, const SgrtModel *model, const SgrtSite *site,
                      int64_t rows, void *noise, SgrtError *e)
{
    const SgrtTensor *t = sgrt_tensors_find(f, site->name);
    int64_t size = sgrt_site_variates(site, rows);
    if (!t)
        return sgrt_fail(e, "%s: no noise for the draw %s", f->path, site->name);
    if (t->size != size)
        return sgrt_fail(e, "%s: %lld variates for the draw %s, which takes %lld", f->path,
                         (long long)t->size, site->name, (long long)size);
    if (!sgrt_tensor_copy(t, sgrt_real_stored(model), noise))
        return sgrt_fail(e, "%s: the noise of %s is neither F32 nor F64", f->path, site->name);
    return inside(model, site, noise, size) ||
           sgrt_fail(e, "%s: the noise of %s must be %s", f->path, site->name,
                     site->normal ? "finite" : "inside (0, 1)");
}

void **sgrt_tape_read(const char *path, const SgrtModel *model, const SgrtEntry *entry,
                      int64_t rows, SgrtError *e)
{
    SgrtTensorFile f;
    if (!names_differ(entry, path, e) || !sgrt_tensors_read(&f, path, e))
        return NULL;
    void **tape = sgrt_tape_new(model, entry, rows, e);
    bool read = tape != NULL;
    for (int64_t i = 0; read && i < entry->sites; i++)
        read = read_site(&f, model, &entry->site[i], rows, tape[i], e);
    sgrt_tensors_free(&f);
    if (read)
        return tape;
    sgrt_tape_free(tape, entry);
    return NULL;
}
