/* sgc verify: certificates, checked without Coq. */
#include "driver/driver.h"

#include "certify/certify.h"

#include <time.h>

/* What the machine does beside it does not count. */
static double processor_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static void report(const Cert *c, const char *input, double ms)
{
    Arena *a = arena_new();
    const CertAssumed left = certify_assumed(c, a);
    printf("%s: graph %s: accepted: %u gradients, %u nodes against %u, %.1f ms\n", input, c->graph,
           c->outputs, c->gradient.count, c->source.count, ms);
    certify_report(c, &left, stdout);
    arena_free(a);
}

static bool verify_one(const Cert *c, const char *input, Diags *d)
{
    double start = processor_ms();
    bool ok = certify_check(c, d);
    if (ok)
        report(c, input, processor_ms() - start);
    return ok;
}

bool verify_file(const Options *o, const char *input, Arena *a)
{
    const char *text = read_text(input, a);
    if (!text)
        return false;
    Diags *d = open_diags(o, input, text);
    Fractions *f = fractions_new(a);
    Cert **c;
    uint32_t count;
    bool ok = certify_read(text, a, f, &c, &count, d);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = verify_one(c[i], input, d) && ok;
    diags_render(d, stderr);
    fractions_free(f);
    diags_free(d);
    return ok;
}

int command_verify(const Options *o, Arena *a)
{
    bool ok = true;
    for (size_t i = 0; i < o->inputs; i++)
        ok = verify_file(o, o->input[i], a) && ok;
    return ok ? SGC_OK : SGC_FAILED;
}
