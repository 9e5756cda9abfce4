/* The evaluator: for every operation a small graph whose value was worked out by hand. */
#include "ir/ir.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARAM(name, shape) "param " name ": real[" shape "] = constant(0, 0)\n"
#define SCALAR(name) "param " name ": real = constant(0, 0)\n"
#define ROWS "  plate n: rows 4\n"

enum { BATCH = 3, TOTAL = 10, MOST = 24 };

static const double states[] = {7, 8};

/* The value of the last node of `nodes`.  `in` fills the parameters, then the columns (`n` has
 * BATCH copies, fewer than the plate's bound), then the noise, each in the order of declaration. */
typedef struct Case {
    const char *what, *declares, *nodes;
    double in[MOST], want[MOST];
} Case;

static const Case cases[] = {
    /* leaves */
    {"a constant fills its shape", "", "  %0: real[2] = const 1.5\n", {0}, {1.5, 1.5}},
    {"a parameter", PARAM("a", "2"), "  %0: real[2] = param a\n", {3, 4}, {3, 4}},
    {"a column has a row a copy",
     "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n",
     {1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6}},
    {"a column may be whole",
     "data x: int[3] whole\n",
     "  %0: int[3] = data x\n",
     {5, 6, 7},
     {5, 6, 7}},
    {"a hyper has its default", "hyper beta = 0.25\n", "  %0: real = hyper beta\n", {0}, {0.25}},
    {"an index counts the copies from k0",
     "",
     ROWS "  %0: int[n] = index plate=n k=5\n",
     {0},
     {5, 6, 7}},
    {"rows is the batch, not its bound", "", ROWS "  %0: real = rows\n", {0}, {BATCH}},
    {"total is the data set", "", "  %0: real = total\n", {0}, {TOTAL}},
    {"a moving average", "", "  state m\n  state v\n  %0: real = state v\n", {0}, {8}},
    {"base noise",
     "",
     "  plate k: static 2\n  site e\n  %0: real[k; 2] = draw e k=0\n",
     {.1, .2, .3, .4},
     {.1, .2, .3, .4}},

    /* copies */
    {"sampled", SCALAR("a"), "  %0: real = param a\n  %1: real = sampled(%0)\n", {2}, {2}},
    {"score",
     SCALAR("a"),
     "  %0: real = param a\n  %1: real = square(%0)\n"
     "  %2: real = score(%0, %1, %1) normal k=0\n",
     {2},
     {2}},
    {"stop_gradient",
     SCALAR("a"),
     "  %0: real = param a\n  %1: real = stop_gradient(%0)\n",
     {2},
     {2}},
    {"a cost may have copies that its operand shares",
     SCALAR("a"),
     ROWS "  %0: real = param a\n  %1: real[n] = cost(%0) #0 \"c\"\n",
     {2},
     {2, 2, 2}},
    {"an output",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real[2] = output(%0) \"y\"\n",
     {2, 3},
     {2, 3}},
    {"the objective", SCALAR("a"), "  %0: real = param a\n  %1: real = objective(%0)\n", {2}, {2}},
    {"a gradient",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real[2] = grad(%0) a\n",
     {2, 3},
     {2, 3}},
    {"a next value",
     SCALAR("a"),
     "  state m\n  %0: real = param a\n  %1: real = next(%0) m\n",
     {2},
     {2}},

    /* element-wise: how operands meet; the meanings are tested in ir_table */
    {"copies share an operand that lacks their plate",
     PARAM("a", "2") "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: real[2] = param a\n  %2: real[n; 2] = sub(%0, %1)\n",
     {10, 20, 1, 2, 3, 4, 5, 6},
     {-9, -18, -7, -16, -5, -14}},
    {"elements share a scalar; plates join, outermost first",
     PARAM("a", "2") "data x: real[2] rows\n",
     ROWS "  plate k: static 2\n  %0: real[n; 2] = data x\n  %1: real[2] = param a\n"
          "  %2: real[k] = to_plate(%1) plate=k k=0\n  %3: real[n, k; 2] = mul(%0, %2)\n",
     {10, 100, 1, 2, 3, 4, 5, 6},
     {10, 20, 100, 200, 30, 40, 300, 400, 50, 60, 500, 600}},
    {"select picks element by element",
     PARAM("a", "3"),
     "  %0: real[3] = param a\n  %1: real = const 0\n  %2: bool[3] = lt(%1, %0)\n"
     "  %3: real[3] = select(%2, %0, %1)\n",
     {-1, NAN, 2},
     {0, 0, 2}},

    /* reductions */
    {"sum of columns",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[3] = sum(%0) axes=0\n",
     {1, 2, 3, 4, 5, 6},
     {5, 7, 9}},
    {"sum of rows",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2] = sum(%0) axes=1\n",
     {1, 2, 3, 4, 5, 6},
     {6, 15}},
    {"sum of all",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real = sum(%0) axes=0,1\n",
     {1, 2, 3, 4, 5, 6},
     {21}},
    {"sum over the batch",
     "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: real[2] = sum(%0) over=n\n",
     {1, 2, 3, 4, 5, 6},
     {9, 12}},
    {"sum over the outer of two plates",
     PARAM("a", "2") "data x: real[2] rows\n",
     ROWS "  plate k: static 2\n  %0: real[n; 2] = data x\n  %1: real[2] = param a\n"
          "  %2: real[k] = to_plate(%1) plate=k k=0\n  %3: real[n, k; 2] = mul(%0, %2)\n"
          "  %4: real[k; 2] = sum(%3) over=n\n",
     {10, 100, 1, 2, 3, 4, 5, 6},
     {90, 120, 900, 1200}},
    {"sum over the inner of two plates and an axis",
     PARAM("a", "2") "data x: real[2] rows\n",
     ROWS "  plate k: static 2\n  %0: real[n; 2] = data x\n  %1: real[2] = param a\n"
          "  %2: real[k] = to_plate(%1) plate=k k=0\n  %3: real[n, k; 2] = mul(%0, %2)\n"
          "  %4: real[n] = sum(%3) axes=0 over=k\n",
     {10, 100, 1, 2, 3, 4, 5, 6},
     {330, 770, 1210}},
    {"prod",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2] = prod(%0) axes=1\n",
     {1, 2, 3, 4, 5, 6},
     {6, 120}},
    {"reduce_max",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2] = reduce_max(%0) axes=1\n",
     {3, 1, 2, -1, -5, -2},
     {3, -1}},
    {"reduce_min",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2] = reduce_min(%0) axes=1\n",
     {3, 1, 2, -1, -5, -2},
     {1, -5}},
    {"NaN wins an extremum",
     PARAM("a", "3"),
     "  %0: real[3] = param a\n  %1: real = reduce_max(%0) axes=0\n",
     {1, NAN, 3},
     {NAN}},
    {"logsumexp of 0 and log 3 is log 4",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real = logsumexp(%0) axes=0\n",
     {0, 1.0986122886681098},
     {1.3862943611198906}},
    {"logsumexp does not overflow",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real = logsumexp(%0) axes=0\n",
     {1000, 1000},
     {1000.6931471805599}},
    {"logsumexp of nothing possible",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real = logsumexp(%0) axes=0\n",
     {-INFINITY, -INFINITY},
     {-INFINITY}},
    {"prod_rest needs no division",
     PARAM("a", "3"),
     "  %0: real[3] = param a\n  %1: real[3] = prod_rest(%0) axes=0\n",
     {2, 0, 5},
     {0, 10, 0}},
    {"prod_rest over copies and an axis",
     "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: real[n; 2] = prod_rest(%0) axes=0 over=n\n",
     {1, 2, 3, 4, 5, 6},
     {720, 360, 240, 180, 144, 120}},
    {"2 parts of 3 rows hold rows 0 and 1 to 2",
     "data x: real rows\n",
     ROWS "  plate p: parts 2\n  %0: real[n] = data x\n  %1: real[p] = partial(%0) plate=p\n",
     {1, 10, 100},
     {1, 110}},
    {"5 parts of 3 rows: some are empty",
     "data x: real rows\n",
     ROWS "  plate p: parts 5\n  %0: real[n] = data x\n  %1: real[p] = partial(%0) plate=p\n",
     {1, 10, 100},
     {0, 1, 0, 10, 100}},
    {"parts keep axes",
     "data x: real[2] rows\n",
     ROWS "  plate p: parts 2\n  %0: real[n; 2] = data x\n  %1: real[p; 2] = partial(%0) plate=p\n",
     {1, 2, 3, 4, 5, 6},
     {1, 2, 8, 10}},
    {"argmax takes the first largest",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: int[2] = argmax(%0) axes=1\n",
     {3, 7, 7, 1, 0, -1},
     {1, 0}},
    {"cumsum",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2, 3] = cumsum(%0) k=1,0\n",
     {1, 2, 3, 4, 5, 6},
     {1, 3, 6, 4, 9, 15}},
    {"cumsum from the end",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2, 3] = cumsum(%0) k=0,1\n",
     {1, 2, 3, 4, 5, 6},
     {5, 7, 9, 4, 5, 6}},

    /* contractions */
    {"a product of matrices",
     PARAM("a", "2, 3") PARAM("b", "3, 2"),
     "  %0: real[2, 3] = param a\n  %1: real[3, 2] = param b\n"
     "  %2: real[2, 2] = contract(%0, %1) \"ij,jk->ik\"\n",
     {1, 2, 3, 4, 5, 6, 1, 0, 0, 1, 1, 1},
     {4, 5, 10, 11}},
    {"outer products, summed over the batch",
     "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: real[2, 2] = contract(%0, %0) \"a,b->ab\" over=n\n",
     {1, 2, 3, 4, 5, 6},
     {35, 44, 44, 56}},
    {"a plate that one operand lacks",
     SCALAR("a") "data x: real[2] rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: real = param a\n"
          "  %2: real[2] = contract(%0, %1) \"a,->a\" over=n\n",
     {2, 1, 2, 3, 4, 5, 6},
     {18, 24}},
    {"an axis that one operand has is summed",
     PARAM("a", "2, 3") PARAM("b", "2"),
     "  %0: real[2, 3] = param a\n  %1: real[2] = param b\n"
     "  %2: real[2] = contract(%0, %1) \"ab,a->a\"\n",
     {1, 2, 3, 4, 5, 6, 1, 10},
     {6, 150}},

    /* shapes */
    {"reshape keeps the order of the elements",
     "data x: real[2, 2] rows\n",
     ROWS "  %0: real[n; 2, 2] = data x\n  %1: real[n; 4] = reshape(%0)\n",
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
    {"transpose",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[3, 2] = transpose(%0) k=1,0,0,0\n",
     {1, 2, 3, 4, 5, 6},
     {1, 4, 2, 5, 3, 6}},
    {"axis i of a transpose is axis k[i]",
     PARAM("a", "2, 1, 3"),
     "  %0: real[2, 1, 3] = param a\n  %1: real[3, 2, 1] = transpose(%0) k=2,0,1,0\n",
     {1, 2, 3, 4, 5, 6},
     {1, 4, 2, 5, 3, 6}},
    {"expand in front",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real[3, 2] = expand(%0) k=0,3\n",
     {1, 2},
     {1, 2, 1, 2, 1, 2}},
    {"expand behind",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real[2, 3] = expand(%0) k=1,3\n",
     {1, 2},
     {1, 1, 1, 2, 2, 2}},
    {"slice",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2, 2] = slice(%0) k=1,1,3\n",
     {1, 2, 3, 4, 5, 6},
     {2, 3, 5, 6}},
    {"pad",
     PARAM("a", "2, 3"),
     "  %0: real[2, 3] = param a\n  %1: real[2, 5] = pad(%0) k=1,1,5\n",
     {1, 2, 3, 4, 5, 6},
     {0, 1, 2, 3, 0, 0, 4, 5, 6, 0}},
    {"concat",
     PARAM("a", "2, 1") PARAM("b", "2, 2"),
     "  %0: real[2, 1] = param a\n  %1: real[2, 2] = param b\n"
     "  %2: real[2, 4] = concat(%0, %1, %0) k=1\n",
     {1, 2, 3, 4, 5, 6},
     {1, 3, 4, 1, 2, 5, 6, 2}},
    {"concat of a shared operand",
     PARAM("a", "1") "data x: real[1] rows\n",
     ROWS "  %0: real[n; 1] = data x\n  %1: real[1] = param a\n"
          "  %2: real[n; 2] = concat(%1, %0) k=0\n",
     {9, 1, 2, 3},
     {9, 1, 9, 2, 9, 3}},
    {"one_hot, and nothing where the index is outside",
     "data i: int[3] whole\n",
     "  %0: int[3] = data i\n  %1: real[3, 2] = one_hot(%0) k=2\n",
     {1, 0, 2},
     {0, 1, 1, 0, 0, 0}},
    {"diag",
     PARAM("a", "2"),
     "  %0: real[2] = param a\n  %1: real[2, 2] = diag(%0)\n",
     {1, 2},
     {1, 0, 0, 2}},
    {"diag_part",
     PARAM("a", "2, 2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = diag_part(%0)\n",
     {1, 2, 3, 4},
     {1, 4}},
    {"tril",
     PARAM("a", "2, 2"),
     "  %0: real[2, 2] = param a\n  %1: real[2, 2] = tril(%0)\n",
     {1, 2, 3, 4},
     {1, 0, 3, 4}},

    /* indices */
    {"gather rows",
     PARAM("a", "3, 2") "data i: int[2] whole\n",
     "  %0: real[3, 2] = param a\n  %1: int[2] = data i\n  %2: real[2, 2] = gather(%0, %1) k=0\n",
     {1, 2, 3, 4, 5, 6, 2, 0},
     {5, 6, 1, 2}},
    {"gather a row a copy",
     PARAM("a", "3, 2") "data i: int rows\n",
     ROWS "  %0: real[3, 2] = param a\n  %1: int[n] = data i\n"
          "  %2: real[n; 2] = gather(%0, %1) k=0\n",
     {1, 2, 3, 4, 5, 6, 1, 1, 0},
     {3, 4, 3, 4, 1, 2}},
    {"gather of each copy by its own index",
     "data x: real[2] rows\ndata i: int rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: int[n] = data i\n  %2: real[n] = gather(%0, %1) k=0\n",
     {1, 2, 3, 4, 5, 6, 1, 0, 1},
     {2, 3, 6}},
    {"gather outside is NaN where that was asked for",
     PARAM("a", "2") "data i: int[3] whole\n",
     "  %0: real[2] = param a\n  %1: int[3] = data i\n  %2: real[3] = gather(%0, %1) k=1\n",
     {5, 6, -1, 1, 2},
     {NAN, 6, NAN}},
    {"scatter adds rows of one index",
     PARAM("a", "3, 2") "data i: int[3] whole\n",
     "  %0: real[3, 2] = param a\n  %1: int[3] = data i\n  %2: real[2, 2] = scatter(%0, %1) k=2\n",
     {1, 2, 3, 4, 5, 6, 1, 0, 1},
     {3, 4, 6, 8}},
    {"scatter sums over copies",
     "data x: real[2] rows\ndata i: int rows\n",
     ROWS "  %0: real[n; 2] = data x\n  %1: int[n] = data i\n"
          "  %2: real[3, 2] = scatter(%0, %1) k=3 over=n\n",
     {1, 2, 3, 4, 5, 6, 0, 2, 0},
     {6, 8, 0, 0, 3, 4}},
    {"scatter of one value that all copies share",
     SCALAR("a") "data i: int rows\n",
     ROWS
     "  %0: real = param a\n  %1: int[n] = data i\n  %2: real[3] = scatter(%0, %1) k=3 over=n\n",
     {5, 0, 2, 0},
     {10, 0, 5}},

    /* plates and sequences */
    {"to_plate reads from k0 on",
     PARAM("a", "4"),
     "  plate k: static 2\n  %0: real[4] = param a\n  %1: real[k] = to_plate(%0) plate=k k=1\n",
     {1, 2, 3, 4},
     {2, 3}},
    {"to_plate of rows reads those of the batch",
     PARAM("a", "5"),
     ROWS "  %0: real[5] = param a\n  %1: real[n] = to_plate(%0) plate=n k=1\n",
     {1, 2, 3, 4, 5},
     {2, 3, 4}},
    {"to_axis is zero outside",
     "data x: real rows\n",
     ROWS "  %0: real[n] = data x\n  %1: real[6] = to_axis(%0) plate=n k=2,6\n",
     {1, 2, 3},
     {0, 0, 1, 2, 3, 0}},
    {"to_axis puts the plate in front",
     PARAM("a", "2") "data x: real[2] rows\n",
     ROWS "  plate k: static 2\n  %0: real[n; 2] = data x\n  %1: real[2] = param a\n"
          "  %2: real[k] = to_plate(%1) plate=k k=0\n  %3: real[n, k; 2] = mul(%0, %2)\n"
          "  %4: real[k; 4, 2] = to_axis(%3) plate=n k=0,4\n",
     {1, 10, 1, 2, 3, 4, 5, 6},
     {1, 2, 3, 4, 5, 6, 0, 0, 10, 20, 30, 40, 50, 60, 0, 0}},
    {"a carry hands on the step before",
     PARAM("a", "4"),
     "  plate t: step 4\n  region 1: t\n  %0: real[4] = param a\n"
     "  %1: real[t] = to_plate(%0) plate=t k=0\n  %2: real = const 100\n"
     "  %3: real[t] = carry(%2, %4) region=1\n  %4: real[t] = add(%3, %1) region=1\n",
     {1, 2, 3, 4},
     {101, 103, 106, 110}},
    {"a reversed region starts at the last step",
     PARAM("a", "4"),
     "  plate t: step 4\n  region 1: t reverse\n  %0: real[4] = param a\n"
     "  %1: real[t] = to_plate(%0) plate=t k=0\n  %2: real = const 100\n"
     "  %3: real[t] = carry(%2, %4) region=1\n  %4: real[t] = add(%3, %1) region=1\n",
     {1, 2, 3, 4},
     {110, 109, 107, 104}},
    {"one carry may read another: Fibonacci",
     "",
     "  plate t: step 5\n  region 1: t\n  %0: real = const 0\n  %1: real = const 1\n"
     "  %2: real[t] = carry(%0, %3) region=1\n  %3: real[t] = carry(%1, %4) region=1\n"
     "  %4: real[t] = add(%2, %3) region=1\n",
     {0},
     {1, 2, 3, 5, 8}},
    {"a reversed region reads a forward one step by step",
     PARAM("a", "4"),
     "  plate t: step 4\n  region 1: t\n  region 2: t reverse\n  %0: real[4] = param a\n"
     "  %1: real[t] = to_plate(%0) plate=t k=0\n  %2: real = const 1\n"
     "  %3: real[t] = carry(%2, %4) region=1\n  %4: real[t] = mul(%3, %1) region=1\n"
     "  %5: real = const 0\n  %6: real[t] = carry(%5, %7) region=2\n"
     "  %7: real[t] = add(%6, %4) region=2\n",
     {1, 2, 3, 4},
     {33, 32, 30, 24}},
    {"copies of a sequence of vectors",
     PARAM("w", "2, 2") "data x: real[2] rows\n",
     ROWS
     "  plate t: step 2\n  region 1: t\n  %0: real[n; 2] = data x\n  %1: real[2, 2] = param w\n"
     "  %2: real[n, t; 2] = carry(%0, %3) region=1\n"
     "  %3: real[n, t; 2] = contract(%2, %1) \"a,ab->b\" region=1\n",
     {0, 1, 1, 0, 1, 2, 3, 4, 5, 6},
     {2, 1, 1, 2, 4, 3, 3, 4, 6, 5, 5, 6}},
    {"inside a region, sums and moves see their own step",
     PARAM("a", "2, 2"),
     "  plate t: step 2\n  region 1: t\n  %0: real[2, 2] = param a\n  %1: real = const 0\n"
     "  %2: real[t; 2] = carry(%1, %4) region=1\n"
     "  %3: real[t; 2] = to_plate(%0) plate=t k=0 region=1\n"
     "  %4: real[t; 2] = cumsum(%3) k=0,0 region=1\n  %5: real[t; 2] = add(%2, %4) region=1\n"
     "  %6: real[t] = sum(%5) axes=0 region=1\n",
     {1, 2, 3, 4},
     {4, 14}},

    /* linear algebra */
    {"cholesky reads the lower triangle",
     PARAM("a", "2, 2"),
     "  %0: real[2, 2] = param a\n  %1: real[2, 2] = cholesky(%0)\n",
     {4, 99, 2, 5},
     {2, 0, 1, 2}},
    {"cholesky of a matrix that is not positive",
     PARAM("a", "2, 2"),
     "  %0: real[2, 2] = param a\n  %1: real[2, 2] = cholesky(%0)\n",
     {1, 2, 2, 1},
     {NAN, NAN, NAN, NAN}},
    {"solve_tri",
     PARAM("a", "2, 2") PARAM("b", "2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = param b\n  %2: real[2] = solve_tri(%0, %1) k=0\n",
     {2, 99, 1, 2, 2, 5},
     {1, 2}},
    {"solve_tri of the transpose",
     PARAM("a", "2, 2") PARAM("b", "2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = param b\n  %2: real[2] = solve_tri(%0, %1) k=1\n",
     {2, 99, 1, 2, 2, 5},
     {-0.25, 2.5}},
    {"the columns of a right side",
     PARAM("a", "2, 2") PARAM("b", "2, 2"),
     "  %0: real[2, 2] = param a\n  %1: real[2, 2] = param b\n"
     "  %2: real[2, 2] = solve_tri(%0, %1) k=0\n",
     {2, 0, 1, 2, 2, 4, 5, 2},
     {1, 2, 2, 0}},
    {"solve exchanges rows",
     PARAM("a", "2, 2") PARAM("b", "2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = param b\n  %2: real[2] = solve(%0, %1) k=0\n",
     {0, 2, 3, 1, 4, 5},
     {1, 2}},
    {"solve of the transpose",
     PARAM("a", "2, 2") PARAM("b", "2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = param b\n  %2: real[2] = solve(%0, %1) k=1\n",
     {0, 2, 3, 1, 4, 5},
     {11.0 / 6, 4.0 / 3}},
    {"solve of a singular matrix",
     PARAM("a", "2, 2") PARAM("b", "2"),
     "  %0: real[2, 2] = param a\n  %1: real[2] = param b\n  %2: real[2] = solve(%0, %1) k=0\n",
     {1, 2, 2, 4, 1, 1},
     {NAN, NAN}},
    {"one matrix, a right side a copy",
     PARAM("a", "2, 2") "data x: real[2] rows\n",
     ROWS "  %0: real[2, 2] = param a\n  %1: real[n; 2] = data x\n"
          "  %2: real[n; 2] = solve(%0, %1) k=0\n",
     {2, 0, 0, 4, 2, 4, 4, 8, 6, 12},
     {1, 1, 2, 2, 3, 3}},
};

enum { CASES = sizeof cases / sizeof *cases };

/* ---- running a case ------------------------------------------------------------------------ */

static IrGraph *read_graph(IrModel *m, Arena *a, const char *declares, const char *stage,
                           const char *nodes)
{
    const char *text = arena_printf(a, "sgir 1\nmodel t \"t.sg\"\n%s%s\ngraph g: %s {\n%s}\n",
                                    declares[0] ? "\n" : "", declares, stage, nodes);
    Diags *d = diags_new("case", text);
    ir_model_init(m, a);
    bool ok = ir_parse(m, text, d);
    diags_render(d, stderr);
    diags_free(d);
    ck_assert_msg(ok, "in:\n%s", text);

    char *again = NULL;
    size_t size;
    FILE *f = open_memstream(&again, &size);
    ir_print_model(m, f);
    fclose(f);
    ck_assert_str_eq(again, text);
    free(again);
    return &m->graph[0];
}

/* Hands out the inputs of a case in the order of declaration. */
static IrEnv environment(const IrGraph *g, Arena *a, const double *in)
{
    const IrModel *m = g->model;
    const double **param = arena_array(a, const double *, m->params + 1);
    const double **data = arena_array(a, const double *, m->datas + 1);
    const double **noise = arena_array(a, const double *, g->sites + 1);
    for (uint32_t i = 0; i < m->params; i++) {
        param[i] = in;
        in += ir_elements(&m->param[i].type);
    }
    for (uint32_t i = 0; i < m->datas; i++) {
        data[i] = in;
        in += ir_elements(&m->data[i].type) * (m->data[i].by_rows ? BATCH : 1);
    }
    for (uint32_t i = 0; i < g->sites; i++)
        noise[i] = in; /* no case has two sites */
    return (IrEnv){.param = param,
                   .data = data,
                   .noise = noise,
                   .state = states,
                   .rows = BATCH,
                   .total_rows = TOTAL};
}

static bool close_to(double got, double want)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= 4e-16 * (1 + fabs(want));
}

START_TEST(evaluates)
{
    const Case *c = &cases[_i];
    Arena *a = arena_new();
    IrModel m;
    const IrGraph *g = read_graph(&m, a, c->declares, "estimator step", c->nodes);
    IrEnv env = environment(g, a, c->in);
    double **value = arena_array(a, double *, g->count);
    ck_assert_msg(ir_eval(g, &env, a, value, NULL), "%s: a fault", c->what);
    const IrType *t = &g->node[g->count - 1].type;
    int64_t count = ir_copies(g, t->plates, BATCH) * ir_elements(t);
    ck_assert_int_le(count, MOST);
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(close_to(value[g->count - 1][i], c->want[i]),
                      "%s: element %d is %.17g, not %.17g", c->what, (int)i, value[g->count - 1][i],
                      c->want[i]);
    arena_free(a);
}
END_TEST

/* ---- the rest ------------------------------------------------------------------------------ */

START_TEST(every_operation_has_a_case)
{
    bool seen[IR_OP_COUNT] = {false};
    for (int i = 0; i < CASES; i++) {
        Arena *a = arena_new();
        IrModel m;
        const IrGraph *g = read_graph(&m, a, cases[i].declares, "estimator step", cases[i].nodes);
        seen[g->node[g->count - 1].op] = true;
        arena_free(a);
    }
    for (int op = 0; op < IR_OP_COUNT; op++)
        if (ir_op_info[op].stages & IR_STAGE_ESTIMATOR && !(ir_op_info[op].flags & IR_EW))
            ck_assert_msg(seen[op] || op == IR_CARRY, "no case ends in %s", ir_op_info[op].name);
}
END_TEST

START_TEST(an_index_outside_is_a_fault)
{
    Arena *a = arena_new();
    IrModel m;
    const double in[] = {5, 6, 0, 2};
    const IrGraph *g =
        read_graph(&m, a, PARAM("a", "2") "data i: int[2] whole\n", "estimator step",
                   "  %0: real[2] = param a\n  %1: int[2] = data i\n"
                   "  %2: real[2] = gather(%0, %1) k=0\n  %3: real[2] = gather(%0, %1) k=0\n");
    IrEnv env = environment(g, a, in);
    double *value[4];
    IrRef fault = IR_NONE;
    ck_assert(!ir_eval(g, &env, a, value, &fault));
    ck_assert_uint_eq(fault, 2);
    arena_free(a);
}
END_TEST

START_TEST(a_draw_of_the_source_has_no_value)
{
    Arena *a = arena_new();
    IrModel m;
    const IrGraph *g = read_graph(&m, a, "", "source source",
                                  "  %0: real = const 1\n"
                                  "  %1: real = sample(%0, %0) normal #0 via auto samples=1\n");
    IrEnv env = {.rows = 1, .total_rows = 1};
    double *value[2];
    IrRef fault = IR_NONE;
    ck_assert(!ir_eval(g, &env, a, value, &fault));
    ck_assert_uint_eq(fault, 1);
    arena_free(a);
}
END_TEST

START_TEST(the_environment_overrides_defaults)
{
    Arena *a = arena_new();
    IrModel m;
    const IrGraph *g = read_graph(&m, a, "hyper beta = 0.25\n", "estimator step",
                                  "  state s\n  %0: real = hyper beta\n  %1: real = state s\n");
    const double hyper[] = {3};
    IrEnv env = {.hyper = hyper, .rows = 1, .total_rows = 1};
    double *value[2];
    ck_assert(ir_eval(g, &env, a, value, NULL));
    ck_assert_double_eq(value[0][0], 3);
    ck_assert_double_eq(value[1][0], 0); /* averages start at zero */
    arena_free(a);
}
END_TEST

/* A parameter changes: what follows from it is computed again, as if all had been. */
START_TEST(nodes_are_evaluated_again)
{
    Arena *a = arena_new();
    IrModel m;
    double in[] = {5, 6, 0, 1, 1};
    const IrGraph *g =
        read_graph(&m, a, PARAM("a", "2") "data i: int[3] whole\n", "estimator step",
                   "  %0: real[2] = param a\n  %1: int[3] = data i\n"
                   "  %2: real[3] = gather(%0, %1) k=0\n  %3: real[3] = exp(%2)\n"
                   "  %4: real[2] = scatter(%2, %1) k=2\n  %5: real[3, 2] = one_hot(%1) k=2\n");
    IrEnv env = environment(g, a, in);
    double *value[6], *all[6];
    const IrRef again[] = {0, 2, 4};
    ck_assert(ir_eval(g, &env, a, value, NULL));
    double old = value[3][0];
    in[0] = 7;
    in[1] = -1;
    ck_assert(ir_eval_nodes(g, &env, again, 3, value, NULL));
    ck_assert(ir_eval(g, &env, a, all, NULL));
    for (int i = 0; i < 2; i++)
        ck_assert_double_eq(value[4][i], all[4][i]);
    ck_assert_double_eq(value[4][1], -2);
    ck_assert_double_eq(value[3][0], old); /* not asked for */
    ck_assert(ir_eval_nodes(g, &env, (const IrRef[]){3, 5}, 2, value, NULL));
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq(value[5][i], all[5][i]);
    ck_assert_double_eq(value[3][0], exp(7));
    arena_free(a);
}
END_TEST

/* The schedule says when, never what. */
START_TEST(a_schedule_changes_nothing)
{
    Arena *a = arena_new();
    IrModel m;
    const double in[] = {1, 2};
    const IrGraph *g =
        read_graph(&m, a, PARAM("a", "2"), "scheduled step",
                   "  %0: real[2] = param a phase=0 kernel=0\n"
                   "  %1: real[2] = exp(%0) phase=0 kernel=1\n"
                   "  %2: real = sum(%1) axes=0 phase=0 kernel=1 buffer=0\n  phase 0: global\n"
                   "  kernel 0: view phase=0 domain=real nodes=%0\n"
                   "  kernel 1: loop phase=0 domain=real[2] nodes=%1,%2\n  arena 8\n");
    IrEnv env = environment(g, a, in);
    double *value[3];
    ck_assert(ir_eval(g, &env, a, value, NULL));
    ck_assert(close_to(value[2][0], exp(1) + exp(2)));
    arena_free(a);
}
END_TEST

Suite *ir_eval_suite(void)
{
    Suite *s = suite_create("ir_eval");
    TCase *c = tcase_create("evaluator");
    tcase_add_loop_test(c, evaluates, 0, CASES);
    tcase_add_test(c, every_operation_has_a_case);
    tcase_add_test(c, an_index_outside_is_a_fault);
    tcase_add_test(c, a_draw_of_the_source_has_no_value);
    tcase_add_test(c, the_environment_overrides_defaults);
    tcase_add_test(c, nodes_are_evaluated_again);
    tcase_add_test(c, a_schedule_changes_nothing);
    suite_add_tcase(s, c);
    return s;
}
