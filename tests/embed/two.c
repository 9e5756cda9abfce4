/* Two models in one program, which has functions of its own under names that the models use inside.
 * The file is C and C++. */
#include "check.h"
#include "line.h"
#include "vae.h"

#ifdef __cplusplus
extern "C" {
#endif
void cblas_sgemm(void);
void cblas_sgemv(void);
void sgrt_alloc(void);
void *sgrt_model(void);
#ifdef __cplusplus
}
#endif

static int calls;

void cblas_sgemm(void)
{
    calls++;
}

void cblas_sgemv(void)
{
    calls++;
}

void sgrt_alloc(void)
{
    calls++;
}

void *sgrt_model(void)
{
    return NULL;
}

enum { ROWS = 8, PIXELS = 784 };

int main(void)
{
    static float image[ROWS * PIXELS], x[ROWS * 3], y[ROWS * 2];
    vae *v;
    line *l;
    double first = 0, last = 0, fit = 0, better = 0;
    for (int i = 0; i < ROWS * PIXELS; i++)
        image[i] = (float)(i / 28 % 2);
    for (int i = 0; i < ROWS * 3; i++)
        x[i] = (float)(i % 4);
    CHECK(vae_new(&v, NULL) == VAE_OK && line_new(&l, NULL) == LINE_OK);
    CHECK(vae_elbo_train(v, ROWS, image, &first) == VAE_OK);
    CHECK(line_square_train(l, ROWS, x, y, &fit) == LINE_OK);
    for (int step = 0; step < 30; step++) {
        CHECK(vae_elbo_train(v, ROWS, image, &last) == VAE_OK);
        CHECK(line_square_train(l, ROWS, x, y, &better) == LINE_OK);
    }
    CHECK(last < 0.8 * first && better < 0.5 * fit);
    CHECK(calls == 0 && !sgrt_model());
    printf("%a %a\n", last, better);
    vae_free(v);
    line_free(l);
    return 0;
}
