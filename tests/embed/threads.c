/* Eight contexts of two models on eight threads: each has the bits of a context that is alone.
 * With an argument two threads share a context, which a sanitizer must see. */
#include "check.h"
#include "line.h"
#include "vae.h"

#include <pthread.h>

enum { CONTEXTS = 8, STEPS = 12, ROWS = 8, PIXELS = 784, MOST = 1 << 17 };

static float image[ROWS * PIXELS], x[ROWS * 3], y[ROWS * 2];

typedef struct Result {
    double cost[STEPS];
    float param[MOST];
    int64_t size;
} Result;

static Result alone[CONTEXTS], together[CONTEXTS];

static void train_vae(Result *r, int64_t seed, int64_t threads)
{
    vae_config c = VAE_CONFIG;
    vae *m;
    c.seed = seed;
    c.threads = threads;
    CHECK(vae_new(&m, &c) == VAE_OK);
    for (int step = 0; step < STEPS; step++)
        CHECK(vae_elbo_train(m, ROWS, image, &r->cost[step]) == VAE_OK);
    for (int p = 0; p < VAE_PARAMS; p++) {
        CHECK(r->size + vae_size(p) <= MOST);
        memcpy(r->param + r->size, vae_p(m, p), (size_t)vae_size(p) * sizeof(float));
        r->size += vae_size(p);
    }
    vae_free(m);
}

static void train_line(Result *r, int64_t seed, int64_t threads)
{
    line_config c = LINE_CONFIG;
    line *m;
    c.seed = seed;
    c.threads = threads;
    CHECK(line_new(&m, &c) == LINE_OK);
    for (int step = 0; step < STEPS; step++) {
        CHECK(line_square_train(m, ROWS, x, y, &r->cost[step]) == LINE_OK);
        CHECK(line_noisy_grad(m, NULL) == LINE_OK);
    }
    for (int p = 0; p < LINE_PARAMS; p++) {
        memcpy(r->param + r->size, line_p(m, p), (size_t)line_size(p) * sizeof(float));
        r->size += line_size(p);
    }
    line_free(m);
}

/* Half of them have a thread beside the caller's. */
static void train(Result *r, int number)
{
    (number % 2 ? train_line : train_vae)(r, number / 4, 1 + number / 2 % 2);
}

static void *work(void *argument)
{
    Result *r = argument;
    train(r, (int)(r - together));
    return NULL;
}

static void *misuse(void *shared)
{
    for (int step = 0; step < STEPS; step++)
        line_square_train((line *)shared, ROWS, x, y, NULL);
    return NULL;
}

static int share(void)
{
    pthread_t thread[2];
    line *m;
    CHECK(line_new(&m, NULL) == LINE_OK);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&thread[i], NULL, misuse, m) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    line_free(m);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t thread[CONTEXTS];
    (void)argv;
    if (argc > 1)
        return share();
    for (int i = 0; i < ROWS * PIXELS; i++)
        image[i] = (float)(i / 28 % 2);
    for (int i = 0; i < ROWS * 3; i++)
        x[i] = (float)(i % 4);
    for (int i = 0; i < CONTEXTS; i++)
        CHECK(pthread_create(&thread[i], NULL, work, &together[i]) == 0);
    for (int i = 0; i < CONTEXTS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    for (int i = 0; i < CONTEXTS; i++) {
        train(&alone[i], i);
        CHECK(alone[i].size > 0 && alone[i].size == together[i].size);
        CHECK(memcmp(&alone[i], &together[i], sizeof alone[i]) == 0);
    }
    /* The seeds differ, so their results do. */
    CHECK(memcmp(&alone[0], &alone[4], sizeof alone[0]) != 0);
    return 0;
}
