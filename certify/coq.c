/* Certificates as a file of Coq: the two programs, the check, the theorem.
 *
 * Comments give the user's names and places; nothing in them is part of what is proved. */
#include "certify/coq.h"

#include <ctype.h>
#include <inttypes.h>

static void put_slot(FILE *out, CertSlot slot)
{
    fprintf(out, " %u%%N", slot);
}

static void put_slots(FILE *out, CertList list)
{
    coq_list(out, list);
    fputs("%N", out);
}

static void put_inputs(FILE *out, const Cert *c)
{
    fputs("  b_inputs := [", out);
    for (uint32_t i = 0; i < c->inputs; i++) {
        coq_list(out, c->input[i].shape);
        fprintf(out, "%s  (* %u %s ", i + 1 < c->inputs ? ";" : "", i,
                cert_kind_name[c->input[i].kind]);
        coq_text(out, c->input[i].name);
        coq_place(out, c, c->input[i].at);
        fputs(" *)\n   ", out);
    }
    fputs("];\n", out);
}

static void put_sizes(FILE *out, const Cert *c)
{
    bool first = true;
    fputs("  b_sizes := [", out);
    for (uint32_t s = 0; s < c->sizes; s++) {
        if (!c->size[s].fixed)
            continue;
        fprintf(out, "%s(%u, %" PRId64 ")", first ? "" : "; ", s, c->size[s].number);
        first = false;
    }
    fputs("] |}.\n", out);
}

static void put_source(FILE *out, const Cert *c, const CoqOps *ops)
{
    coq_program(out, ops, &c->source, "source_nodes");
    fputs("Definition source : bgraph := {|\n", out);
    put_inputs(out, c);
    fprintf(out, "  b_nodes := source_nodes;\n  b_cost := %u%%N;\n  b_scores := [", c->cost);
    for (uint32_t i = 0; i < c->scores; i++)
        fprintf(out, "%s(%u, %u)", i ? "; " : "", c->score[i].density, c->score[i].weight);
    fputs("]%N;\n", out);
    put_sizes(out, c);
}

static void put_outputs(FILE *out, const Cert *c)
{
    fputs("(** Parameters, and the slots of their gradients. *)\n"
          "Definition outs : list (N * N) := [",
          out);
    for (uint32_t i = 0; i < c->outputs; i++) {
        fprintf(out, "(%u, %u)%s  (* ", c->output[i].input, c->output[i].slot,
                i + 1 < c->outputs ? ";" : "");
        coq_text(out, c->input[c->output[i].input].name);
        fputs(" *)\n  ", out);
    }
    fputs("]%N.\n", out);
}

/* What sizes and draws are called. */
static void put_legend(FILE *out, const Cert *c)
{
    fputs("(** Sizes:", out);
    for (uint32_t s = 0; s < c->sizes; s++) {
        fprintf(out, "%s %u ", s ? "," : "", s);
        coq_text(out, c->size[s].name);
        if (c->size[s].fixed)
            fprintf(out, " which is %" PRId64, c->size[s].number);
    }
    fputs(".\n    Draws:", out);
    for (uint32_t j = 0; j < c->draws; j++) {
        fprintf(out, "%s %u ", j ? "," : "", j);
        coq_text(out, c->draw[j].name);
        fprintf(out, " %s", cert_base_name[c->draw[j].base]);
        coq_place(out, c, c->draw[j].at);
    }
    fputs(c->draws ? ". *)\n" : " none. *)\n", out);
}

/* ---- draws and roles ------------------------------------------------------------------------ */

static void put_draws(FILE *out, const Cert *c)
{
    static const char *const base[] = {"Normal", "Uniform", "Bits", "Values", "Line", ""};
    fputs("Definition draws : list draw := [", out);
    for (uint32_t j = 0; j < c->draws; j++) {
        fprintf(out, "%s(%u,", j ? "; " : "", j);
        coq_list(out, c->draw[j].shape);
        fprintf(out, ", %s", base[c->draw[j].base]);
        if (c->draw[j].base == CERT_VALUES)
            fprintf(out, " %u", c->draw[j].values);
        fputc(')', out);
    }
    fputs("].\n", out);
}

static void put_roles(FILE *out, const Cert *c, const CertScore *s)
{
    const CertRoles *r = &s->roles;
    fprintf(out, "BScored %u", r->draw);
    coq_list(out, c->draw[r->draw].shape);
    if (r->law == CERT_BERNOULLI)
        fputs(" BernoulliLogits", out);
    else
        fprintf(out, " (CategoricalLogits %u)", r->values);
    put_slot(out, r->logits);
    coq_list(out, r->axes);
    put_slot(out, s->density);
    put_slot(out, s->weight);
    fprintf(out, " %u", r->plates);
    coq_list(out, r->kept);
    put_slot(out, r->scale);
    put_slots(out, r->costs);
    fputs(" (", out);
    coq_number(out, fraction_numerator(c->fractions, r->share));
    fprintf(out, "%%Z, %s%%positive)", fraction_denominator(c->fractions, r->share));
    put_slots(out, r->base);
    put_slots(out, r->others);
}

static void put_scores(FILE *out, const Cert *c)
{
    fputs("(** What the weights are made of. *)\nDefinition scores : list bscored := [", out);
    for (uint32_t i = 0; i < c->scores; i++) {
        fputs(i ? ";\n  " : "\n  ", out);
        put_roles(out, c, &c->score[i]);
    }
    fputs("].\n", out);
}

/* ---- theorems ------------------------------------------------------------------------------- */

/* The check that each theorem asks for, what it leaves to assume, and how it follows.  Every step
 * is given in full: a tactic that tries things would try to compute. */
static const struct {
    const char *check, *hypotheses, *names, *proof;
} theorem[] = {
    [CERT_PROVED] =
        {"fast_certify source gradient outs draws scores", "", "",
         "exact (certified G est os draws (map plain_scored scores) rho e d\n"
         "    (proj2 (proj2 (proj2 (fast_certified source gradient outs draws scores))) checked) "
         "Hs Hm)."},
    [CERT_UP_TO_KINKS] =
        {"fast_certify_finite source gradient outs draws scores",
         "  (forall tr, defined_on G rho kinks e tr) ->\n", " Hk",
         "rewrite <- kinks_are in Hk.\n"
         "  exact (certified_off_kinks G est os draws (map plain_scored scores) rho e d\n"
         "    (proj1 (proj2 (fast_certified source gradient outs draws scores)) "
         "checked) Hs Hm Hk)."},
    [CERT_UP_TO_NOISY_KINKS] =
        {"fast_certify_kinked source gradient outs draws scores",
         "  Ae (model_law rho draws) (fun tr => defined_on G rho kinks e tr) ->\n", " Hk",
         "rewrite <- kinks_are in Hk.\n"
         "  exact (certified_almost_off_kinks G est os draws (map plain_scored scores) rho e d\n"
         "    (proj1 (proj2 (proj2 (fast_certified source gradient outs draws scores))) "
         "checked) Hs Hm Hk)."},
    [CERT_UP_TO_REGULAR] =
        {"fast_certify_weights source gradient outs draws scores",
         "  (forall tr, derivable G rho e d tr 0) ->\n"
         "  regular G rho (model_law rho draws) e d ->\n",
         " Hd Hr",
         "exact (certified_if_regular G est os draws (map plain_scored scores) rho e d\n"
         "    (proj1 (fast_certified source gradient outs draws scores) checked) "
         "Hs Hm Hd Hr)."},
    [CERT_UP_TO_WEIGHTS] = {"fast_check source gradient outs",
                            "  regular G rho law e d -> score_ok G rho law e d ->\n", " Hr Hw",
                            "exact (certificate_sound G est os\n"
                            "    (fast_check_sound source gradient outs checked) "
                            "rho law e d Hs Hm Hr Hw)."},
};

static void put_kinks(FILE *out, CertList kinks)
{
    fputs("(** The slots that are assumed to be where they have a derivative. *)\n"
          "Definition kinks : list nat :=",
          out);
    coq_list(out, kinks);
    fputs(".\nTheorem kinks_are : undecided (plain source) (map fst (plain_pairs outs)) = kinks.\n"
          "Proof. vm_compute. reflexivity. Qed.\n",
          out);
}

static void put_theorem(FILE *out, const CertAssumed *left)
{
    bool any_law = left->theorem == CERT_UP_TO_WEIGHTS;
    const char *law = any_law ? "law" : "(model_law rho draws)";
    fprintf(
        out,
        "\nTheorem checked : %s = true.\nProof. vm_cast_no_check (eq_refl true). Qed.\n"
        "\n(** The mean of what the program computes is the derivative of the mean cost: for all "
        "sizes, at any\n    point, in any direction of the parameters. *)\n"
        "Theorem correct : forall rho%s e d,\n"
        "  let G := plain source in let est := plain_program gradient in\n"
        "  let os := plain_pairs outs in\n"
        "  sized G rho -> moves_only os d ->\n%s"
        "  is_derive (fun t => expected_cost G rho %s (line e d t)) 0%%R\n"
        "            (under G rho %s e (emitted_along rho G est os e d)).\n"
        "Proof.\n  intros rho%s e d G est os Hs Hm%s. %s\nQed.\n",
        theorem[left->theorem].check, any_law ? " law" : "", theorem[left->theorem].hypotheses, law,
        law, any_law ? " law" : "", theorem[left->theorem].names, theorem[left->theorem].proof);
}

static void put_noised(FILE *out, const CertDrawn *d)
{
    static const char *const name[] = {"WNormal", "WUniform", "WExponential", "WLaplace"};
    fprintf(out, ", %s %u%%N", name[d->as], d->loc);
    if (d->as != CERT_AS_EXPONENTIAL)
        fprintf(out, " %u%%N", d->scale);
    fputc(')', out);
}

static void put_drawn(FILE *out, const Cert *c, uint32_t j)
{
    const CertDrawn *d = &c->written.law[j];
    fprintf(out, "(%u,", j);
    coq_list(out, d->shape);
    if (!d->finite)
        put_noised(out, d);
    else {
        if (d->of.law == CERT_BERNOULLI)
            fputs(", WFinite BernoulliLogits", out);
        else
            fprintf(out, ", WFinite (CategoricalLogits %u)", d->of.values);
        fprintf(out, " %u%%N", d->of.logits);
        coq_list(out, d->of.axes);
        fputc(')', out);
    }
}

static void put_copies(FILE *out, const CertWritten *w)
{
    fputs("(** Draws of which the estimator makes several copies: along which size, which draws, "
          "and where their\n"
          "    shapes get it. *)\n"
          "Definition copies : list (dim * list (nat * nat)) := [",
          out);
    for (uint32_t i = 0; i < w->copies; i++) {
        const CertCopies *k = &w->copy[i];
        fprintf(out, "%s(%u, [", i ? "; " : "", k->size);
        for (uint32_t n = 0; n < k->draws.count; n++)
            fprintf(out, "%s(%u, %u)", n ? "; " : "", k->draws.at[n], k->at.at[n]);
        fputs("])", out);
    }
    fputs("].\n", out);
}

/* From the last one on, as they are summed over. */
static void put_sums(FILE *out, const CertWritten *w)
{
    fputs("(** How many values the last draws have, which are summed over. *)\n"
          "Definition sums : list dim := [",
          out);
    for (uint32_t i = w->sums; i-- > 0;)
        fprintf(out, "%u%s", w->summed[i].values, i ? "; " : "");
    fputs("].\n", out);
}

/* The check that the step from the model as it is written asks for, its hypothesis, and the
 * theorem. */
typedef struct Step {
    const char *check, *hypotheses, *names, *proof;
} Step;

#define SCALES_POSITIVE "  locally 0%R (fun t => scales_positive as_written rho (line e d t)) ->\n"

static const Step step[][2] = {
    /* by the kinds of draws; and whether their scales are in doubt */
    [CERT_ALL_NORMAL] = {{"quick_same_mean as_written source draws (map fst outs)", "", "",
                          "quick_written_derive as_written source draws outs rho e d l\n"
                          "    Hs Hm Hl same"},
                         {"quick_same_mean_if as_written source draws (map fst outs)",
                          SCALES_POSITIVE, " Hp",
                          "quick_written_derive_if as_written source draws outs rho e d l\n"
                          "    Hs Hm Hl same Hp"}},
    [CERT_ALL_SAMPLED] =
        {{"same_samples copies as_written source draws (map fst outs)", "", "",
          "samples_derive copies as_written source draws outs rho e d l Hs Hm Hl same"},
         {"same_samples_if copies as_written source draws (map fst outs)", SCALES_POSITIVE, " Hp",
          "samples_derive_if copies as_written source draws outs rho e d l\n"
          "    Hs Hm Hl same Hp"}},
    [CERT_ALL_FINITE] =
        {{"quick_same_finite copies as_written source draws", "", "",
          "quick_finite_derive copies as_written source draws rho e d l same Hs Hl"}},
    [CERT_BOTH] = {{"same_both as_written source draws (map fst outs)", "", "",
                    "both_derive as_written source draws outs rho e d l same Hs Hm Hl"}},
    [CERT_SUMMED] = {{"same_summed sums copies as_written source draws", "", "",
                      "summed_derive sums copies as_written source draws rho e d l same Hs Hl"}},
};

static void put_written(FILE *out, const Cert *c, const CoqOps *ops, bool scales)
{
    const CertWritten *w = &c->written;
    const Step *is = &step[cert_kinds(c)][scales];
    fputs("\n(** The model as it is written. *)\n", out);
    coq_program(out, ops, &w->program, "written_nodes");
    fputs("Definition as_written : written := {|\n"
          "  w_inputs := b_inputs source;\n  w_nodes := written_nodes",
          out);
    fprintf(out, ";\n  w_cost := %u%%N;\n  w_draws := [", w->cost);
    for (uint32_t j = 0; j < c->draws + w->sums; j++) {
        fputs(j ? "; " : "", out);
        put_drawn(out, c, j);
    }
    fputs("] |}.\n", out);
    if (w->sums > 0)
        put_sums(out, w);
    if (w->copies > 0 || w->sums > 0 || cert_kinds(c) == CERT_ALL_FINITE)
        put_copies(out, w);
    fprintf(
        out,
        "Theorem same : %s = true.\n"
        "Proof. vm_cast_no_check (eq_refl true). Qed.\n"
        "\n(** The derivative of the mean cost is that of the model as it is written. *)\n"
        "Theorem is_written : forall rho e d l,\n"
        "  let G := plain source in let os := plain_pairs outs in\n"
        "  sized G rho -> moves_only os d ->\n%s"
        "  is_derive (fun t => expected_cost G rho (model_law rho draws) (line e d t)) 0%%R l ->\n"
        "  is_derive (fun t => written_cost as_written rho (line e d t)) 0%%R l.\n"
        "Proof.\n  intros rho e d l G os Hs Hm%s Hl. exact (%s).\nQed.\n",
        is->check, is->hypotheses, is->names, is->proof);
}

static void put_cert(FILE *out, const Cert *c, Arena *a)
{
    CertAssumed left = certify_assumed(c, a);
    fputs("\n(** * Graph ", out);
    coq_text(out, c->graph);
    fprintf(out, " *)\nModule graph_%s.\n", c->graph);
    put_legend(out, c);
    const CoqOps *ops = coq_ops(out, c, a);
    fputs("(** What the model says: the cost, the log-densities and their weights. *)\n", out);
    put_source(out, c, ops);
    fputs("(** What the compiler made of it. *)\n", out);
    coq_program(out, ops, &c->gradient, "gradient");
    put_outputs(out, c);
    if (left.theorem != CERT_UP_TO_WEIGHTS) {
        put_draws(out, c);
        put_scores(out, c);
    }
    if (left.theorem == CERT_UP_TO_KINKS || left.theorem == CERT_UP_TO_NOISY_KINKS)
        put_kinks(out, left.kinks);
    put_theorem(out, &left);
    if (c->written.given && left.theorem != CERT_UP_TO_WEIGHTS)
        put_written(out, c, ops, left.scales);
    fprintf(out, "End graph_%s.\n", c->graph);
}

void certify_print_coq(const Cert *const *c, uint32_t count, FILE *out)
{
    Arena *a = arena_new();
    fputs("(* The certificate of ", out);
    coq_text(out, count ? c[0]->file : "a model");
    fputs(", written by sgc.  What it proves rests on the compiled theory of proofs. *)\n"
          "From Coq Require Import Reals List ZArith.\n"
          "From Coquelicot Require Import Coquelicot.\n"
          "From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Certificate Fast "
          "Spelling "
          "Score QuickScore "
          "Model Written Source QuickSource Copies Scored QuickScored Samples Both "
          "Enumerated.\n"
          "Import ListNotations.\n"
          "Open Scope nat_scope.\n",
          out);
    for (uint32_t i = 0; i < count; i++)
        put_cert(out, c[i], a);
    arena_free(a);
}
