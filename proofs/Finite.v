(** * Finite laws: nothing is left to assume

    Expectations under finite laws are finite sums, so every integrability and domination condition
    holds by itself: a certificate for a graph whose draws are all finite asks only that the nodes be
    where they are differentiable.  Also here: exact enumeration and minibatches. *)
From Coq Require Import Reals Lra Lia List Bool Arith Permutation.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Number Certificate Draws.
Import ListNotations.
Open Scope R_scope.

(** Everything is integrable, and derivatives pass inside. *)
Definition smooth_law {X} (E : expectation X) : Prop :=
  (forall f, Int E f) /\
  forall (f : R -> X -> R) (f' : X -> R) t,
    (forall x, is_derive (fun t => f t x) t (f' x)) -> is_derive (fun t => Ex E (f t)) t (Ex E f').

Lemma smooth_dirac {X} (x : X) : smooth_law (diracE x).
Proof. split; [simpl; auto|]. intros f f' t H. apply H. Qed.
Lemma smooth_map {X Y} (m : X -> Y) E : smooth_law E -> smooth_law (mapE m E).
Proof.
  intros [H1 H2]. split; [simpl; auto|]. intros f f' t H.
  apply (H2 (fun t x => f t (m x)) (fun x => f' (m x))). auto.
Qed.
Lemma smooth_bind {X Y} (E : expectation X) (K : X -> expectation Y) :
  smooth_law E -> (forall x, smooth_law (K x)) -> smooth_law (bindE E K).
Proof.
  intros [H1 H2] HK. split.
  - intros f. split; [|apply H1]. intros x; apply (HK x).
  - intros f f' t H.
    apply (H2 (fun t x => Ex (K x) (fun y => f t (x, y))) (fun x => Ex (K x) (fun y => f' (x, y)))).
    intros x. apply (proj2 (HK x) (fun t y => f t (x, y)) (fun y => f' (x, y))). auto.
Qed.
Lemma smooth_finite {X} (values : list (X * R)) H : smooth_law (finiteE values H).
Proof.
  split; [simpl; auto|]. intros f f' t Hf.
  apply (sum_derive values (fun t v => snd v * f t (fst v)) (fun v => snd v * f' (fst v))).
  intros [x w] _. simpl. apply (is_derive_scal (fun t => f t x) t w). auto.
Qed.
Lemma smooth_drawE K cs : (forall c, In c cs -> smooth_law (K c)) ->
  forall tr, smooth_law (drawE K cs tr).
Proof.
  induction cs as [|c cs IH]; simpl; intros H tr; [apply smooth_dirac|].
  apply smooth_map, smooth_bind; auto.
Qed.

Theorem regular_smooth G rho law e d : well_formed G -> smooth_law law ->
  (forall tr, derivable G rho e d tr 0) -> regular G rho law e d.
Proof.
  intros Hwf [HI HD] Hd. split; [apply HI|].
  apply (HD (fun t => joint G rho (line e d t)) (joint_slope G rho e d)).
  intros tr. pose proof (joint_derivable G rho e d tr 0 Hwf) as H. rewrite line_0 in H. auto.
Qed.

(** Certificates of graphs with finite draws, or none: only the kinks and domains that [undecided]
    lists are left to assume, and often there are none. *)
Theorem certificate_sound_finite G est outs : check G est outs = true ->
  forall rho law e d, sized G rho -> moves_only outs d -> smooth_law law ->
  (forall tr, defined_on G rho (undecided G (map fst outs)) e tr) -> score_ok G rho law e d ->
  is_derive (fun t => expected_cost G rho law (line e d t)) 0
            (under G rho law e (emitted_along rho G est outs e d)).
Proof.
  intros H rho law e d Hsz Hd Hsm Hdef Hs. destruct (emitted_is_estimate G est outs H) as [Hwf _].
  apply certificate_sound; auto. apply regular_smooth; auto. intros tr.
  now apply (decided_derive G rho (map fst outs)).
Qed.

(** The order of finite draws does not matter, so any order may be used to justify a weight. *)
Theorem finite_reorder K cs ds tr : Permutation cs ds -> NoDup cs ->
  (forall c, In c cs -> exists v H, K c = finiteE v H) ->
  forall F, (Int (drawE K ds tr) F -> Int (drawE K cs tr) F) /\
            Ex (drawE K cs tr) F = Ex (drawE K ds tr) F.
Proof.
  intros Hp Hd Hf F. split.
  - intros _. apply drawE_total_int. intros c f Hc. destruct (Hf c Hc) as (v & H & ->). simpl; auto.
  - apply drawE_permutation; auto. intros a b Ha Hb.
    destruct (Hf a Ha) as (v & H & ->), (Hf b Hb) as (v' & H' & ->). apply finite_interchange.
Qed.

(** A law that stays normalised along the line has a centred score. *)
Theorem finite_score_zero {X} (E : expectation X) (lp : R -> X -> R) (s : X -> R) t0 :
  smooth_law E -> (forall x, is_derive (fun t => lp t x) t0 (s x)) ->
  locally t0 (fun t => Ex E (fun x => exp (lp t x)) = 1) ->
  Ex E (fun x => exp (lp t0 x) * s x) = 0.
Proof.
  intros [_ HD] Hs H1.
  assert (D1 : is_derive (fun t => Ex E (fun x => exp (lp t x))) t0
                         (Ex E (fun x => exp (lp t0 x) * s x))).
  { apply (HD (fun t x => exp (lp t x))). intros x. evar_last.
    - apply (is_derive_comp exp (fun t => lp t x)); [|apply Hs].
      apply is_derive_Reals, derivable_pt_lim_exp.
    - unfold scal; simpl. unfold mult; simpl. ring. }
  assert (D2 : is_derive (fun t => Ex E (fun x => exp (lp t x))) t0 0).
  { apply (is_derive_ext_loc (fun _ => 1)); [|const_piece].
    revert H1. apply filter_imp. intros t ->. reflexivity. }
  apply is_derive_unique in D1. apply is_derive_unique in D2. congruence.
Qed.

(** ** Exact enumeration

    A finite draw may be summed over instead of drawn: first in the order, or anywhere if the order
    can be changed. *)
Theorem enumerate {X Y} (values : list (X * R)) H (K : expectation Y) (f : X * Y -> R) :
  (forall x, Int K (fun y => f (x, y))) ->
  Ex (bindE (finiteE values H) (fun _ => K)) f
  = Ex K (fun y => sum values (fun v => snd v * f (fst v, y))).
Proof.
  intros HI.
  destruct (Int_sum K values (fun v y => snd v * f (fst v, y))) as [_ E].
  - intros [x w] _. now apply Int_scal.
  - rewrite E. cbn. apply sum_ext. intros [x w] _. simpl. now rewrite Ex_scal.
Qed.

(** ** Minibatches

    The cost of a batch, times N / B, has the right mean: one row drawn uniformly, and an epoch that
    cuts a permutation of the rows into batches of one size. *)
Lemma sum_concat {A} (bs : list (list A)) f : sum (concat bs) f = sum bs (fun b => sum b f).
Proof. induction bs; simpl; [easy|]. now rewrite sum_app, IHbs. Qed.
Lemma sum_permutation {A} (l m : list A) f : Permutation l m -> sum l f = sum m f.
Proof. induction 1; simpl; try congruence. ring. Qed.

Theorem uniform_row n f : (0 < n)%nat ->
  sum (range n) (fun i => / INR n * (INR n * f i)) = sum (range n) f.
Proof.
  intros Hn. apply sum_ext. intros i _. field. apply not_0_INR. lia.
Qed.

Theorem epoch_mean n b batches f : (0 < b)%nat -> (0 < n)%nat ->
  Permutation (concat batches) (range n) -> (forall x, In x batches -> length x = b) ->
  / INR (length batches) * sum batches (fun x => INR n / INR b * sum x f) = sum (range n) f.
Proof.
  intros Hb Hn Hp Hl.
  assert (Hlen : (length batches * b)%nat = n).
  { rewrite <- (seq_length n 0), <- (Permutation_length Hp). clear Hp.
    induction batches as [|x bs IH]; simpl; auto. rewrite app_length, <- IH, (Hl x); simpl; auto.
    intros y Hy. apply Hl. now right. }
  rewrite sum_scal, <- sum_concat, (sum_permutation _ _ f Hp), <- Hlen, mult_INR.
  field. split; apply not_0_INR; nia.
Qed.
