/* What a caller's arrays may not hold: a context refuses it by name, place and value, in every call,
 * and goes on with the next call as if nothing had been. */
#include "check.h"
#include "checked.h"

#include <math.h>

enum { ROWS = 600 }; /* more than one block of them */

static float x[ROWS][2], a[ROWS][2], u[ROWS], r[ROWS], s[ROWS][3], o[ROWS][3], z[ROWS], v[ROWS];
static int32_t y[ROWS];
static unsigned char f[ROWS];
static float c[2][2] = {{1, 0}, {-3, 2}};

static void fill(void)
{
    for (int i = 0; i < ROWS; i++) {
        x[i][0] = i % 7 - 3.0f;
        a[i][0] = a[i][1] = 0.5f + (float)i;
        u[i] = i % 2 ? 1 : 0;
        r[i] = 0.05f;
        y[i] = i % 5;
        s[i][0] = 0.25f;
        s[i][1] = 0.5f;
        s[i][2] = 0.25f;
        for (int k = 0; k < 3; k++)
            o[i][k] = (float)(k - i);
        f[i] = i % 3 == 0;
        z[i] = 0.25f;
        v[i] = 0.75f;
    }
}

static checked_call rows_call(const void *const *data, const void *const *noise, double *cost)
{
    checked_call call = checked_call_of(ROWS, data, NULL, cost);
    call.noise = noise;
    return call;
}

/* All three calls say `words`, while *at is `wrong`; what comes after is as before. */
#define REFUSED(at, wrong, words)                                                                  \
    do {                                                                                           \
        double right = (double)(at);                                                               \
        (at) = (wrong);                                                                            \
        CHECK(checked_grad(m, CHECKED_GRAPH_fit, &call) == CHECKED_E_DATA);                       \
        CHECK_SAYS(checked_error(m), words);                                                       \
        CHECK(checked_train(m, CHECKED_GRAPH_fit, &call) == CHECKED_E_DATA);                      \
        CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_E_DATA);                       \
        CHECK_SAYS(checked_error(m), words);                                                       \
        (at) = right;                                                                              \
        CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_OK);                           \
    } while (0)

static void rows_are_checked(void)
{
    checked *m;
    double cost[1 + CHECKED_COSTS_fit];
    const void *data[] = {x, a, u, r, y, s, o, f}, *noise[] = {z, v};
    checked_call call = rows_call(data, noise, cost);
    checked_config config = CHECKED_CONFIG;
    config.optimizer = "sgd";
    CHECK(checked_new(&m, &config) == CHECKED_OK);
    CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_OK);
    REFUSED(x[599][1], NAN, "data x[1] of row 599 of the call is not a number");
    REFUSED(a[3][0], 0, "data a[0] of row 3 of the call is 0, not in positive");
    REFUSED(u[0], -1e-30f, "data u of row 0 of the call is -1e-30, not in unit_interval");
    REFUSED(u[512], NAN, "data u of row 512 of the call is not a number");
    REFUSED(r[7], 0.1f, "data r of row 7 of the call is 0.100000001, not in [-0.1, 0.1]");
    REFUSED(y[511], 5, "data y of row 511 of the call is 5, not in [0, 4]");
    REFUSED(y[511], -1, "data y of row 511 of the call is -1, not in [0, 4]");
    REFUSED(s[2][2], 0.26f, "of row 2 of the call is");
    REFUSED(s[2][1], -0.5f, "data s[1] of row 2 of the call is -0.5, not in simplex");
    REFUSED(o[4][1], o[4][0], "data o[1] of row 4 of the call is -4, not in ordered");
    REFUSED(f[9], 2, "data f of row 9 of the call is 2, neither 0 nor 1");
    REFUSED(z[9], INFINITY, "variate 9 of the noise of z is inf, not finite");
    REFUSED(v[8], 1, "variate 8 of the noise of v is 1, not inside (0, 1)");
    CHECK(checked_updates(m, CHECKED_GRAPH_fit) == 0);
    CHECK_SAYS(checked_reason(CHECKED_E_DATA), "outside what the model declares");

    /* Rows that the call does not have are not looked at, nor is anything that the caller trusts. */
    a[ROWS - 1][0] = -1;
    call.rows = ROWS - 1;
    CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_OK);
    call.rows = ROWS;
    CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_E_DATA);
    y[0] = 17;
    a[ROWS - 1][0] = 1;
    call.trusted = 1;
    CHECK(checked_eval(m, CHECKED_GRAPH_fit, &call) == CHECKED_OK);
    checked_free(m);
}

static void whole_arrays_are_checked(void)
{
    checked *m;
    double cost;
    float d[2][2];
    CHECK(checked_new(&m, NULL) == CHECKED_OK);
    CHECK(checked_whole_grad(m, c[0], &cost) == CHECKED_OK && fabs(cost) < 1e-6);
    CHECK(checked_shown_run(m, c[0], d[0]) == CHECKED_OK && fabs((double)d[1][0] + 6) < 1e-6);
    c[0][1] = 1e-3f;
    CHECK(checked_whole_grad(m, c[0], &cost) == CHECKED_E_DATA);
    CHECK(checked_shown_run(m, c[0], d[0]) == CHECKED_E_DATA);
    CHECK_SAYS(checked_error(m), "data c[0][1] is 0.00100000005, not in cholesky");
    checked_free(m);
}

int main(void)
{
    fill();
    rows_are_checked();
    whole_arrays_are_checked();
    return 0;
}
