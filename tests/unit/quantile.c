/* Inverse distribution functions and Bessel functions, the evaluator's and the runtime's, against
 * 20 digits of mpmath 1.3: roots of the regularised incomplete gamma function and of the integral
 * of the von Mises density, and their derivatives, with 50 digits (30 for the integrals). */
#include <float.h>
#include <math.h>

#include "ir/ir.h"
#include "runtime/kernels.h"
#include "tests/suites.h"

/* The error, relative where the value is above 1 in size. */
static void check_near(const char *what, double a, double b, double got, double want, double bound)
{
    double error = fabs(got - want) / fmax(1, fabs(want));
    if (!(error <= bound))
        ck_abort_msg("%s(%g, %.17g): %.17g, not %.17g (error %.2g)", what, a, b, got, want, error);
}

static void check_relative(const char *what, double a, double b, double got, double want,
                           double bound)
{
    double error = fabs(got / want - 1);
    if (!(error <= bound))
        ck_abort_msg("%s(%g, %.17g): %.17g, not %.17g (error %.2g)", what, a, b, got, want, error);
}

/* ---- gamma ---------------------------------------------------------------------------------- */

static const struct {
    double shape, u, l, slope;
} gamma_row[] = {
    {0.001, 1e-06, -13816.086951562557231, 13815511.379630746643},
    {0.001, 0.3, -1204.5491979242193741, 1203973.6259924090486},
    {0.001, 0.5, -693.72357415822866453, 693148.00222641834963},
    {0.001, 0.9, -105.9369092561096439, 105361.33732429934124},
    {0.001, 0.9999990463256836, 1.6410520758563609249, 166.21896533871789181},
    {0.1, 1e-06, -138.65382999224113106, 1382.300750518300466},
    {0.1, 0.3, -12.538449195782088811, 121.14736714004244556},
    {0.1, 0.5, -7.429656841018321319, 70.101728947695552334},
    {0.1, 0.9, -1.3236781098391105982, 14.15089525551926445},
    {0.1, 0.9999990463256836, 2.2513612227533224674, 1.236097504022882504},
    {0.7, 1e-06, -19.873311792011430256, 28.688370993330145837},
    {0.7, 0.3, -1.7572432645553059781, 3.2070673608539582949},
    {0.7, 0.5, -0.89790148411361945477, 2.2821880240358983305},
    {0.7, 0.9, 0.56368094864996676434, 1.0928458813570997344},
    {0.7, 0.9999990463256836, 2.5506378528852634616, 0.29339033496668692825},
    {1, 1e-06, -13.815510057964065816, 14.238301762215926004},
    {1, 0.3, -1.0309304331587231266, 1.8558175713911922247},
    {1, 0.5, -0.36651292058166432701, 1.3965934762369350199},
    {1, 0.9, 0.83403244524795589624, 0.75356433573805202349},
    {1, 0.9999990463256836, 2.6292193529723266664, 0.23616842032204228968},
    {2.3, 1e-06, -5.5764232812988384136, 2.8779068389906547635},
    {2.3, 0.3, 0.29067082287116849051, 0.60439995144125645977},
    {2.3, 0.5, 0.68139101551269428788, 0.50342901890827800912},
    {2.3, 0.9, 1.4656116883845723361, 0.33495841613214253096},
    {2.3, 0.9999990463256836, 2.8623491453189209146, 0.14257009896892313281},
    {9.5, 1e-06, 0.12002661624395716988, 0.25842713629342407437},
    {9.5, 0.3, 2.0380764480546542024, 0.11894871928103473461},
    {9.5, 0.5, 2.2158093008024912295, 0.10903948709552891334},
    {9.5, 0.9, 2.6102010719685126084, 0.089047198625103575339},
    {9.5, 0.9999990463256836, 3.4626785898364254804, 0.054992389387388291571},
    {30, 1e-06, 2.3712580540526044827, 0.053681676315983768048},
    {30, 0.3, 3.292295902935007916, 0.035377271110465588705},
    {30, 0.5, 3.3900465461449882598, 0.033706350047570888882},
    {30, 0.9, 3.6162685147618092458, 0.030043532005241474064},
    {30, 0.9999990463256836, 4.1531400013439808423, 0.02247939972759112395},
    {1000, 1e-06, 6.7532216189866259481, 0.0010794358422139707907},
    {1000, 0.3, 6.8907906364878455111, 0.0010086744038172387497},
    {1000, 0.5, 6.9074219098477866794, 0.0010003334049339133469},
    {1000, 0.9, 6.9476818083862934266, 0.0009803329453135042989},
    {1000, 0.9999990463256836, 7.0543733418560140623, 0.0009286363844763618696},
};

/* 1e-13 is what estimators.md asks of the transports. */
START_TEST(gamma_quantiles_match_the_table)
{
    double a = gamma_row[_i].shape, u = gamma_row[_i].u, l = gamma_row[_i].l;
    check_near("quantile", u, a, ir_log_gamma_quantile(u, a), l, 4e-15);
    check_near("fast quantile", u, a, sgrt_log_gamma_quantile_f64(u, a), l, 2e-14);
    check_relative("slope", l, a, ir_log_gamma_slope(l, a), gamma_row[_i].slope, 1e-13);
    check_relative("fast slope", l, a, sgrt_log_gamma_slope_f64(l, a), gamma_row[_i].slope, 4e-14);
}
END_TEST

/* The seams between series, integrals and starting points: no table, but two independent methods.
 */
START_TEST(both_gamma_quantiles_agree)
{
    for (double a = 1e-3; a < 3000; a *= 1.37)
        for (int i = 1; i < 40; i++) {
            double u = i < 8 ? pow(10, i - 9) : i > 32 ? 1 - pow(10, 31 - i) : i / 40.0;
            double l = ir_log_gamma_quantile(u, a);
            check_near("quantile", u, a, sgrt_log_gamma_quantile_f64(u, a), l, 3e-14);
            check_relative("slope", l, a, sgrt_log_gamma_slope_f64(l, a), ir_log_gamma_slope(l, a),
                           1e-13);
        }
}
END_TEST

/* ---- counts --------------------------------------------------------------------------------- */

typedef double Quantile(double u, double n, double p);

static double poisson(double u, double rate, double p)
{
    (void)p;
    return ir_poisson_quantile(u, rate);
}

static double fast_poisson(double u, double rate, double p)
{
    (void)p;
    return sgrt_poisson_quantile_f64(u, rate);
}

static const struct {
    Quantile *exact, *fast;
    double n, p;
} count_row[] = {
    {poisson, fast_poisson, 0.01, -1},
    {poisson, fast_poisson, 0.7, -1},
    {poisson, fast_poisson, 2.3, -1},
    {poisson, fast_poisson, 12, -1},
    {poisson, fast_poisson, 300, -1},
    {ir_binomial_quantile, sgrt_binomial_quantile_f64, 1, 0.3},
    {ir_binomial_quantile, sgrt_binomial_quantile_f64, 20, 0.3},
    {ir_binomial_quantile, sgrt_binomial_quantile_f64, 50, 0.96875},
    {ir_binomial_quantile, sgrt_binomial_quantile_f64, 1000, 0.002},
    {ir_binomial_quantile, sgrt_binomial_quantile_f64, 700, 0.5},
};

/* Just inside the steps of the distribution function, by the recurrence from the mass at 0. */
START_TEST(counts_are_drawn_by_their_masses)
{
    double n = count_row[_i].n, p = count_row[_i].p;
    long double mass = p < 0 ? expl(-n) : powl(1 - (long double)p, n), before = 0;
    for (int k = 0; before < 1 - 1e-10L && (p < 0 || k <= n); k++) {
        long double inside = 1e-11L * fminl(before + mass, 1 - before) + 0x1p-52L;
        double ends[2] = {(double)(before + inside), (double)(before + mass - inside)};
        for (int i = 0; i < 2 && mass > 2 * inside; i++) {
            check_near("count", ends[i], n, count_row[_i].exact(ends[i], n, p), k, 0);
            check_near("fast count", ends[i], n, count_row[_i].fast(ends[i], n, p), k, 0);
        }
        before += mass;
        mass *= p < 0 ? (long double)n / (k + 1)
                      : (long double)(n - k) / (k + 1) * (p / (1 - (long double)p));
    }
}
END_TEST

/* ---- angles --------------------------------------------------------------------------------- */

static const struct {
    double k, log_i0e, gap, slope;
} bessel_row[] = {
    {0, 0.0, 1.0, -0.5},
    {0.01, -0.0099750001562482641184, 0.99500006249895835113, -0.49998125052082080106},
    {1.9, -1.1449395252344934848, 0.31935093527766943112, -0.17848050083875844137},
    {15, -2.2643308905230937395, 0.033930436013491875227, -0.002304959939817542384},
    {25, -2.5232719950007562407, 0.02020854650948406878, -0.00081704952732151957182},
    {10000.0, -5.5240962185676989955, 0.000050001250125019535314, -5.0002500375078145319e-9},
};

START_TEST(bessel_functions_match_the_table)
{
    double k = bessel_row[_i].k, slope = bessel_row[_i].slope;
    check_near("log_i0e", k, 0, ir_log_i0e(k), bessel_row[_i].log_i0e, 1e-15);
    check_near("fast log_i0e", k, 0, sgrt_log_i0e_f64(k), bessel_row[_i].log_i0e, 4e-15);
    check_relative("i1_gap", k, 0, ir_i1_gap(k), bessel_row[_i].gap, 1e-15);
    check_relative("fast i1_gap", k, 0, sgrt_i1_gap_f64(k), bessel_row[_i].gap, 1e-15);
    check_relative("i1_gap_slope", k, 0, ir_i1_gap_slope(k), slope, 1e-14);
    check_relative("fast i1_gap_slope", k, 0, sgrt_i1_gap_slope_f64(k), slope, 1e-14);
}
END_TEST

static const struct {
    double k, u, z, slope;
} angle_row[] = {
    {0.3, 0.001, -3.1329193652767791896, 0.0099596779196025152881},
    {0.3, 0.3, -0.99728022565929368903, 0.76398155811399657358},
    {0.3, 0.9375, 2.6071310316382378434, -0.57231606531486507602},
    {1.9, 0.001, -3.052433881680122859, 0.14897535453137982858},
    {1.9, 0.3, -0.42243260113928963155, 0.1376073822794967477},
    {1.9, 0.9375, 1.3500715041867044503, -0.51866515722560098177},
    {30, 0.001, -0.57456813108203388561, 0.009941174015661591405},
    {30, 0.3, -0.096186231518200448238, 0.001618214025012237949},
    {30, 0.9375, 0.28222848582080003577, -0.0047769782022710547872},
    {1000, 0.001, -0.097772902265453128383, 0.000048937705669827738279},
    {1000, 0.3, -0.016585264464675715594, 8.2948977509778935191e-6},
    {1000, 0.9375, 0.048523981019736083845, -0.000024272828533934531941},
};

START_TEST(von_mises_quantiles_match_the_table)
{
    double k = angle_row[_i].k, u = angle_row[_i].u, z = angle_row[_i].z;
    check_relative("quantile", u, k, ir_von_mises_quantile(u, k), z, 1e-14);
    check_relative("fast quantile", u, k, sgrt_von_mises_quantile_f64(u, k), z, 1e-14);
    check_relative("slope", z, k, ir_von_mises_slope(z, k), angle_row[_i].slope, 1e-12);
    check_relative("fast slope", z, k, sgrt_von_mises_slope_f64(z, k), angle_row[_i].slope, 1e-13);
}
END_TEST

/* Roots of the integral of (1 - cos z) e^(k cos z). */
static const struct {
    double k, u, z;
} far_row[] = {
    {0, 0.001, -3.1384510583523419548},   {0, 0.3, -2.1131389589009797055},
    {0, 0.9375, 2.9446073758376577076},   {0.3, 0.001, -3.1378992804978333298},
    {0.3, 0.3, -1.9734895739954161229},   {0.3, 0.9375, 2.9103423632101428294},
    {1.9, 0.001, -3.1273209591685643539}, {1.9, 0.3, -1.1662338846173931159},
    {1.9, 0.9375, 2.3666710187353427847}, {30, 0.001, -0.72100624626769035775},
    {30, 0.3, -0.251350415946722876},     {30, 0.9375, 0.44292845048805517481},
};

START_TEST(von_mises_far_quantiles_match_the_table)
{
    double k = far_row[_i].k, u = far_row[_i].u, z = far_row[_i].z;
    check_relative("far quantile", u, k, ir_von_mises_far_quantile(u, k), z, 1e-15);
    check_relative("fast far quantile", u, k, sgrt_von_mises_far_quantile_f64(u, k), z, 1e-14);
}
END_TEST

START_TEST(both_von_mises_quantiles_agree)
{
    for (double k = 1e-3; k < 2000; k *= 2.3)
        for (int i = 1; i < 40; i++) {
            double u = i / 40.0, z = ir_von_mises_quantile(u, k);
            check_near("quantile", u, k, sgrt_von_mises_quantile_f64(u, k), z, 1e-15);
            check_near("slope", z, k, sgrt_von_mises_slope_f64(z, k), ir_von_mises_slope(z, k),
                       1e-13);
            double far = ir_von_mises_far_quantile(u, k);
            check_near("far quantile", u, k, sgrt_von_mises_far_quantile_f64(u, k), far, 1e-14);
        }
}
END_TEST

/* ---- the entropy of the poisson law: sums over the counts with 40 digits
 * -------------------------
 */

static const struct {
    double rate, entropy, slope, bend;
} poisson_row[] = {
    {1e-06, 0.000014815510904537815812, 13.815511251111310868, -999999.30685310716729},
    {0.01, 0.056086311342591010712, 4.6120873019580408032, -99.309721164618905447},
    {0.7, 1.1045971987254764403, 0.78005305560399345615, -0.90106126560991138857},
    {2.3, 1.7840165746085391327, 0.24457578233209252679, -0.11671585496264139319},
    {9.5, 2.5352656561779755999, 0.053683820705460510665, -0.005781391356289873164},
    {31, 3.1331986985682944614, 0.016218734212619546648, -0.00052618171402608065637},
    {63.5, 3.4931356034438251142, 0.007895018118313110291, -0.0001246671944567670322},
    {64, 3.4970676106478850216, 0.0078331728269852771017, -0.00012272162168159262865},
    {100, 3.7206860722602588868, 0.0050084182967992077563, -0.000050169232358875885302},
    {1000, 4.8727327976428506462, 0.00050008341682545172053, -5.0016691730226033148e-7},
    {20000, 6.3706781427018968333, 0.000025000208343750989724, -1.2500208348960312852e-9},
};

START_TEST(poisson_entropies_match_the_table)
{
    double r = poisson_row[_i].rate, want = poisson_row[_i].entropy;
    check_relative("entropy", r, 0, ir_poisson_entropy(r), want, 1e-15);
    check_relative("fast entropy", r, 0, sgrt_poisson_entropy_f64(r), want, 5e-15);
    want = poisson_row[_i].slope;
    check_relative("slope", r, 0, ir_poisson_entropy_slope(r), want, 1e-15);
    check_relative("fast slope", r, 0, sgrt_poisson_entropy_slope_f64(r), want, 1e-14);
    want = poisson_row[_i].bend;
    check_relative("bend", r, 0, ir_poisson_entropy_bend(r), want, 1e-15);
    check_relative("fast bend", r, 0, sgrt_poisson_entropy_bend_f64(r), want, 1e-14);
}
END_TEST

/* The seam at 64 from both sides, and everything between. */
START_TEST(both_poisson_entropies_agree)
{
    for (double r = 1e-8; r < 1e7; r *= 1.0717734625362931) {
        double e = ir_poisson_entropy(r), s = ir_poisson_entropy_slope(r);
        check_relative("entropy", r, 0, sgrt_poisson_entropy_f64(r), e, 1e-14);
        check_relative("slope", r, 0, sgrt_poisson_entropy_slope_f64(r), s, 2e-14);
        double b = ir_poisson_entropy_bend(r);
        check_relative("bend", r, 0, sgrt_poisson_entropy_bend_f64(r), b, 2e-14);
    }
}
END_TEST

/* ---- tetragamma, domains, floats ------------------------------------------------------------ */

static const struct {
    double x, tetragamma;
} tetragamma_row[] = {
    {0.0001, -2000000000002.403177},  {0.1, -2001.8614573783436732},
    {1, -2.4041138063191885708},      {1.5, -0.8287966442343199956},
    {3.75, -0.092546338515899269635}, {12, -0.0075472053689989119399},
    {100, -0.000101004999833349997},  {-0.5, -0.8287966442343199956},
    {-2.25, 123.89694977406016558},
};

START_TEST(tetragamma_matches_the_table)
{
    double x = tetragamma_row[_i].x, want = tetragamma_row[_i].tetragamma;
    check_relative("tetragamma", x, 0, ir_tetragamma(x), want, 1e-14);
    check_relative("fast tetragamma", x, 0, sgrt_tetragamma_f64(x), want, 1e-14);
}
END_TEST

START_TEST(outside_their_domains_they_are_nan)
{
    ck_assert(isnan(ir_log_gamma_quantile(0.5, -1)) && isnan(sgrt_log_gamma_quantile_f64(0.5, -1)));
    ck_assert(isnan(ir_log_gamma_quantile(NAN, 1)) && isnan(sgrt_log_gamma_quantile_f64(1.5, 1)));
    ck_assert(isnan(ir_log_gamma_slope(0, 0)) && isnan(sgrt_log_gamma_slope_f64(0, 0)));
    ck_assert(isnan(ir_poisson_quantile(0.5, -1)) && isnan(sgrt_poisson_quantile_f64(0.5, -1)));
    ck_assert(isnan(ir_binomial_quantile(0.5, 3, 1.5)));
    ck_assert(isnan(sgrt_binomial_quantile_f64(0.5, 3, 1.5)));
    ck_assert(isnan(sgrt_binomial_quantile_f64(0.5, 2.5, 0.5)));
    ck_assert(isnan(ir_von_mises_quantile(0.5, -1)) && isnan(sgrt_von_mises_quantile_f64(0.5, -1)));
    ck_assert(isnan(ir_log_i0e(-1)) && isnan(sgrt_log_i0e_f64(-1)) && isnan(sgrt_i1_gap_f64(NAN)));
    ck_assert(isnan(ir_poisson_entropy(-1)) && isnan(sgrt_poisson_entropy_f64(NAN)));
    ck_assert(ir_poisson_entropy(0) == 0 && sgrt_poisson_entropy_f64(0) == 0);
    ck_assert(isinf(ir_poisson_entropy_slope(0)) && isinf(sgrt_poisson_entropy_slope_f64(0)));
    ck_assert(isnan(ir_tetragamma(-2)) && isnan(sgrt_tetragamma_f64(-2)));
    ck_assert_double_eq(ir_poisson_quantile(0.5, 0), 0);
    ck_assert_double_eq(sgrt_binomial_quantile_f64(0.5, 7, 1), 7);
}
END_TEST

/* The result in double, rounded once. */
START_TEST(floats_are_the_doubles_rounded)
{
    for (float a = 0.03125f; a < 100; a *= 1.7f)
        for (float u = 0.03125f; u < 1; u += 0.0625f) {
            ck_assert(sgrt_log_gamma_quantile_f32(u, a) ==
                      (float)sgrt_log_gamma_quantile_f64(u, a));
            ck_assert(sgrt_poisson_quantile_f32(u, a) == (float)sgrt_poisson_quantile_f64(u, a));
            ck_assert(sgrt_von_mises_quantile_f32(u, a) ==
                      (float)sgrt_von_mises_quantile_f64(u, a));
        }
}
END_TEST

#define ROWS(table) sizeof table / sizeof *table

Suite *quantile_suite(void)
{
    Suite *s = suite_create("quantile");
    TCase *t = tcase_create("quantile");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, gamma_quantiles_match_the_table, 0, ROWS(gamma_row));
    tcase_add_test(t, both_gamma_quantiles_agree);
    tcase_add_loop_test(t, counts_are_drawn_by_their_masses, 0, ROWS(count_row));
    tcase_add_loop_test(t, bessel_functions_match_the_table, 0, ROWS(bessel_row));
    tcase_add_loop_test(t, von_mises_quantiles_match_the_table, 0, ROWS(angle_row));
    tcase_add_loop_test(t, von_mises_far_quantiles_match_the_table, 0, ROWS(far_row));
    tcase_add_test(t, both_von_mises_quantiles_agree);
    tcase_add_loop_test(t, poisson_entropies_match_the_table, 0, ROWS(poisson_row));
    tcase_add_test(t, both_poisson_entropies_agree);
    tcase_add_loop_test(t, tetragamma_matches_the_table, 0, ROWS(tetragamma_row));
    tcase_add_test(t, outside_their_domains_they_are_nan);
    tcase_add_test(t, floats_are_the_doubles_rounded);
    suite_add_tcase(s, t);
    return s;
}
