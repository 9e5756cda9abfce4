/* Has a model of whose normal draws several samples are drawn the expected cost of the graph that
 * is differentiated?  A port of proofs/Samples.v.
 *
 * The model is brought into noise, one sample of each draw; that this has its expected cost is the
 * check of same.c.  Then its program is made one for all samples at once, which has the same mean,
 * and that is compared with the graph. */
#include "certify/build.h"
#include "certify/same.h"

static bool no(const char **why, const char *text)
{
    *why = text;
    return false;
}

/* The certificate of the model in noise, with one sample of each draw. */
static bool in_noise(const Cert *c, Arena *a, Cert *one, const char **why)
{
    *one = *c;
    one->written.copies = 0;
    one->draw = arena_array(a, CertDraw, c->draws + 1);
    for (uint32_t j = 0; j < c->draws; j++) {
        one->draw[j] = c->draw[j];
        one->draw[j].shape = c->written.law[j].shape;
    }
    const CertList *shape = same_drawn(one, a, why);
    if (shape)
        one->cost = cert_in_noise(one, a, shape, &one->source)[c->written.cost];
    return shape != NULL;
}

/* All samples at once. */
static bool repeated(const Cert *c, const Cert *one, Arena *a, CertWritten *all)
{
    *all = c->written;
    all->program = one->source;
    all->cost = one->cost;
    for (uint32_t i = 0; i < c->written.copies; i++)
        if (!cert_copied(c, a, all, &c->written.copy[i], all))
            return false;
    for (uint32_t j = 0; j < c->draws; j++)
        if (c->draw[j].base != CERT_NORMAL || !cert_same(all->law[j].shape, c->draw[j].shape))
            return false;
    return true;
}

static bool have_one_mean(const Cert *c, Arena *a, const CertWritten *all, const char **why)
{
    Same s = {.c = c, .arena = a};
    CertList *source = arena_array(a, CertList, c->inputs + c->source.count + 1);
    uint32_t bad;
    if (!cert_infer(a, c, &c->source, source, &bad))
        return no(why, "operands do not fit their operations");
    cert_join_after(&s.j, c, a, all, source);
    CertList *shape = arena_array(a, CertList, c->inputs + s.j.program.count + 1);
    bool *positive = arena_array(a, bool, c->inputs + s.j.program.count + 1);
    if (!cert_infer(a, c, &s.j.program, shape, &bad))
        return no(why, "operands do not fit their operations once several samples are drawn");
    s.shape = shape;
    if (!cert_tame(c, &s.j.program, a, positive))
        return no(why, "it is not seen that its cost grows at most exponentially with the noise");
    return same_vanishes(&s) ||
           no(why, "its expected cost is not seen to be that of the graph that is differentiated");
}

bool cert_same_samples(const Cert *c, Arena *a, bool *scaled, const char **why)
{
    Cert one;
    CertWritten all;
    if (!in_noise(c, a, &one, why) || !cert_same_mean(&one, a, scaled, why))
        return false;
    if (!repeated(c, &one, a, &all))
        return no(why, "it is not seen that the copies of its draws have one law");
    return have_one_mean(c, a, &all, why);
}
