(** * Two certificates

    A Bernoulli draw with its score, and a small variational autoencoder with symbolic sizes.  For
    both, nothing at all is left to assume.  Both gradient programs are written as a compiler would write
    them, not as [Graph.v] derives them: values are shared, signs moved, dead code dropped.  Wrong
    versions of them are refused. *)
From Coq Require Import Reals Lra Lia List ZArith FinFun.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Number Certificate Draws Finite.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Mixed.
Import ListNotations.

Module Bernoulli.
Open Scope nat_scope.
(** x ~ bernoulli(logits = theta), cost (x - c)^2.
    Slots: 0 theta, 1 c | 2 x | 3 x theta | 4 softplus theta | 5 log p | 6 x - c | 7 cost *)
Definition source : graph := {|
  g_inputs := [[]; []];
  g_nodes := [(Sample 0 [], []); (Map2 Mul, [2; 0]); (Map1 Softplus, [0]); (Map2 Sub, [3; 4]);
              (Map2 Sub, [2; 1]); (Map1 Square, [6])];
  g_cost := 7;
  g_scores := [(5, 7)];
  g_sizes := [] |}.
(** cost x - cost sigmoid(theta) *)
Definition gradient : program :=
  [(Sample 0 [], []); (Map2 Sub, [2; 1]); (Map1 Square, [3]); (Map1 Sigmoid, [0]);
   (Map2 Mul, [5; 4]); (Map2 Mul, [4; 2]); (Map2 Sub, [7; 6])].
Definition outs : list (nat * nat) := [(0, 8)].

Theorem checked : check source gradient outs = true.
Proof. vm_compute. reflexivity. Qed.

(** The sign of the second term, a missing factor, a gradient of the wrong slot: refused. *)
Definition wrong_sign : program :=
  [(Sample 0 [], []); (Map2 Sub, [2; 1]); (Map1 Square, [3]); (Map1 Sigmoid, [0]);
   (Map2 Mul, [5; 4]); (Map2 Mul, [4; 2]); (Map2 Add, [7; 6])].
Theorem refused :
  check source wrong_sign outs = false /\ check source gradient [(0, 7)] = false /\
  check source gradient [(1, 8)] = false.
Proof. vm_compute. auto. Qed.

Open Scope R_scope.
Definition bit_values : list (R * R) := [(0, 1); (1, 1)].
Lemma bit_ge0 x w : In (x, w) bit_values -> 0 <= w.
Proof. simpl. intros [H|[H|[]]]; inversion H; lra. Qed.
Definition bitE : expectation R := finiteE bit_values bit_ge0.
Definition law : expectation trace := drawE (fun _ => bitE) [(0%nat, [])] (fun _ => zero).

(** For every theta, c and direction in theta: no hypothesis. *)
Theorem bernoulli_certificate (rho : dim -> nat) (e : env) (v : R) : sized source rho ->
  let d : env := fun k _ => if Nat.eqb k 0 then v else 0 in
  is_derive (fun t => expected_cost source rho law (line e d t)) 0
            (under source rho law e (emitted_along rho source gradient outs e d)).
Proof.
  intros Hsz d. apply (certificate_sound_finite source gradient outs checked); auto.
  - intros k ix Hk. unfold d. destruct (Nat.eqb_spec k 0) as [->|]; auto.
    exfalso. apply Hk. simpl. auto.
  - apply smooth_drawE. intros c _. apply smooth_finite.
  - intros tr [|[|[|[|[|[|i]]]]]] o ps _ [].
  - apply score_ok_whole_cost.
    + apply (emitted_is_estimate source gradient outs checked).
    + intros l w Hin tr ix Hix. destruct Hin as [E|[]]. inversion E; subst.
      destruct Hix as [<-|[]]. reflexivity.
Qed.

(** What the left-hand side is: the plain expected cost of the model. *)
Theorem expected_cost_is (rho : dim -> nat) (theta c : R) :
  expected_cost source rho law (fun k _ => match k with O => theta | _ => c end)
  = logistic (- theta) * (0 - c) * (0 - c) + logistic theta * (1 - c) * (1 - c).
Proof.
  unfold expected_cost, law, joint, log_density, cost, value, logistic. cbn.
  unfold set, coord_eqb; cbn. rewrite Ropp_involutive. pose proof (exp_pos theta).
  pose proof (exp_pos (- theta)).
  replace (0 * theta - ln (1 + exp theta) + 0 + 0) with (- ln (1 + exp theta)) by ring.
  replace (1 * theta - ln (1 + exp theta) + 0 + 0) with (theta + - ln (1 + exp theta)) by ring.
  rewrite exp_plus, !exp_Ropp, exp_ln by lra. rewrite exp_Ropp in *. field. lra.
Qed.
End Bernoulli.

Module Autoencoder.
Open Scope nat_scope.
(** Dimensions: 0 rows, 1 pixels, 2 hidden, 3 latent.  One softplus layer each way, a normal
    latent value with its closed-form divergence, Bernoulli pixels.
    Inputs: 0 x, 1 W, 2 b, 3 Wm, 4 Ws, 5 V, 6 c. *)
Definition mm (n m k : dim) : op := Ein2 [n; m; k] [0; 1] [1; 2] [0; 2].
Definition row (n m : dim) : op := Lin (Ein [n; m] [1] [0; 1]).
Definition total2 (n m : dim) : op := Lin (Ein [n; m] [0; 1] []).
Definition spread2 (n m : dim) : op := Lin (Ein [n; m] [] [0; 1]).
Definition source : graph := {|
  g_inputs := [[0; 1]; [1; 2]; [2]; [2; 3]; [2; 3]; [3; 1]; [1]];
  g_nodes := [
    (mm 0 1 2, [0; 1]); (row 0 2, [2]); (Map2 Add, [7; 8]); (Map1 Softplus, [9]);   (* 7 .. 10 *)
    (mm 0 2 3, [10; 3]); (mm 0 2 3, [10; 4]); (Map1 Exp, [12]);                     (* 11 mu, 13 sd *)
    (Sample 0 [0; 3], []); (Map2 Mul, [13; 14]); (Map2 Add, [11; 15]);              (* 16 z *)
    (mm 0 3 1, [16; 5]); (row 0 1, [6]); (Map2 Add, [17; 18]);                      (* 19 logits *)
    (Map1 Softplus, [19]); (Map2 Mul, [0; 19]); (Map2 Sub, [20; 21]); (total2 0 1, [22]);
    (Map1 Square, [11]); (Map1 Square, [13]); (Map2 Add, [24; 25]);
    (Map1 (Affine (-2) (-1) 1), [12]); (Map2 Add, [26; 27]); (total2 0 3, [28]);
    (Map1 (Affine 1 0 2), [29]); (Map2 Add, [23; 30])];                             (* 31 cost *)
  g_cost := 31;
  g_scores := [];
  g_sizes := [] |}.
Definition gradient : program := [
    (mm 0 1 2, [0; 1]); (row 0 2, [2]); (Map2 Add, [8; 7]); (Map1 Softplus, [9]);
    (mm 0 2 3, [10; 3]); (mm 0 2 3, [10; 4]); (Map1 Exp, [12]);
    (Sample 0 [0; 3], []); (Map2 Mul, [14; 13]); (Map2 Add, [11; 15]);
    (mm 0 3 1, [16; 5]); (row 0 1, [6]); (Map2 Add, [17; 18]);                      (* 19 *)
    (Map1 Sigmoid, [19]); (Map2 Sub, [20; 0]);                        (* 21 d logits *)
    (Lin (Ein [0; 1] [0; 1] [1]), [21]);                              (* 22 d c *)
    (Ein2 [0; 3; 1] [0; 2] [0; 1] [1; 2], [21; 16]);                  (* 23 d V *)
    (Ein2 [0; 3; 1] [0; 2] [1; 2] [0; 1], [21; 5]);                   (* 24 d z *)
    (Map2 Add, [11; 24]);                                             (* 25 d mu *)
    (Map2 Mul, [24; 14]); (Map2 Add, [13; 26]);                       (* 27 d sd, but for log *)
    (Map2 Mul, [27; 13]); (Map1 (Affine 1 (-1) 1), [28]);             (* 29 d log sd *)
    (Ein2 [0; 2; 3] [0; 2] [0; 1] [1; 2], [29; 10]);                  (* 30 d Ws *)
    (Ein2 [0; 2; 3] [0; 2] [0; 1] [1; 2], [25; 10])].                 (* 31 d Wm *)
Definition outs : list (nat * nat) := [(6, 22); (5, 23); (4, 30); (3, 31)].

Theorem checked : check source gradient outs = true.
Proof. vm_compute. reflexivity. Qed.

(** The growth analysis accepts it, so nothing is left to assume: for all sizes, all data, all
    weights and all directions, with one standard normal number for every element of the noise, the
    mean of the gradient program is the derivative of the mean cost. *)
Definition noise (rho : dim -> nat) : list coord :=
  map (fun ix => (0%nat, ix)) (box (sizes rho [0; 3]%nat)).

Theorem autoencoder_certificate (rho : dim -> nat) (e d : env) : sized source rho ->
  moves_only outs d ->
  let law := drawE (fun _ => normalE) (noise rho) (fun _ => zero) in
  is_derive (fun t => expected_cost source rho law (line e d t)) 0%R
            (under source rho law e (emitted_along rho source gradient outs e d)).
Proof.
  intros Hsz Hd law. apply (certificate_sound_tame source gradient outs checked); auto.
  - intros c. apply tame_normal.
  - apply Injective_map_NoDup; [intros x y E; now inversion E|apply box_NoDup].
  - intros j s ps Hin ix Hix. simpl in Hin.
    repeat (destruct Hin as [E|Hin]; [inversion E; subst; now apply in_map|]). destruct Hin.
Qed.
End Autoencoder.
