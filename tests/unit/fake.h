/* A model written by hand, as codegen would compile it: linear regression, whose cost, gradient and
 * optimum are known.  It lets the runtime be tested without the compiler.
 *
 *   hyper scale = 1, poison = -1, stray = -1, stop = -1
 *   param w[3] = glorot(), b = zeros(), left[2] = ones()     (no cost reaches left)
 *   graph fit      rows(8): data x[3], y; cost scale (x.w + b - y)^2 / 2, moving average "mean"
 *                  step `poison` writes a NaN into the gradient of w, step `stray` faults,
 *                  step `stop` sends this process a SIGTERM
 *   graph valley   no rows: data target[3]; cost |w - target|^2 / 2
 *   graph predict  rows(8): data x[3]; output yhat; output image[2, 2] = x.w + b in every pixel */
#ifndef SGC_TESTS_UNIT_FAKE_H
#define SGC_TESTS_UNIT_FAKE_H

#include "runtime/rt.h"

extern const SgrtModel fake_model;

enum { FAKE_BATCH = 8, FAKE_ROWS = 20 };

/* x and y of FAKE_ROWS rows, with y = 1 x0 - 2 x1 + 0.5 x2 + 3 exactly. */
extern float fake_x[FAKE_ROWS][3], fake_y[FAKE_ROWS];
void fake_fill(void);

#endif
