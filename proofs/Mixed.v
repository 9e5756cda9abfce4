(** * Graphs that mix continuous draws with finite ones

    Finite draws may be summed over, one value of all of them at a time.  While they are held at their values the graph
    is a function of the noise alone, which the analysis of [Tame.v] understands: what depends on held
    draws and data only is a constant, whatever computes it.  The density of the held values is at most one, so that it spoils no
    bound.  So a tame graph may be differentiated under the expectation ([tame_mixed]), its log-densities reading
    noise and parameters as they like. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Certificate Draws Finite Score.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame.
Import ListNotations.
Open Scope R_scope.

(** ** One value of all finite draws at a time *)
Section Ways.
Variable K : coord -> expectation R.
Variable values : coord -> list (R * R).
Definition finite_at (c : coord) : Prop := exists H, K c = finiteE (values c) H.

(** The traces that drawing [cf] may give, as functions of the trace before, with their weights. *)
Fixpoint ways (cf : list coord) : list ((trace -> trace) * R) :=
  match cf with
  | [] => [(fun tr => tr, 1)]
  | c :: cf => flat_map (fun vw =>
      map (fun gw => (fun tr => fst gw (set tr c (fst vw)), snd vw * snd gw)) (ways cf)) (values c)
  end.

Lemma drawE_ways cf : (forall c, In c cf -> finite_at c) -> forall tr F,
  Ex (drawE K cf tr) F = sum (ways cf) (fun gw => snd gw * F (fst gw tr)).
Proof.
  induction cf as [|c cf IH]; intros Hf tr F; [cbn; ring|].
  cbn [drawE Ex mapE bindE ways snd]. destruct (Hf c (or_introl eq_refl)) as [H ->]. cbn [Ex finiteE].
  rewrite sum_flat_map. apply sum_ext. intros [v w] _. cbn [fst snd].
  rewrite sum_map, IH by (intros; apply Hf; now right). rewrite <- sum_scal. apply sum_ext.
  intros; cbn [fst snd]; ring.
Qed.

Lemma ways_in cf : forall g w, In (g, w) (ways cf) ->
  (forall c tr, ~ In c cf -> get (g tr) c = get tr c) /\
  (forall c, In c cf -> exists v w', In (v, w') (values c) /\ forall tr, get (g tr) c = v).
Proof.
  induction cf as [|b cf IH]; cbn [ways]; intros g w H.
  - destruct H as [H|[]]. injection H as <- <-. split; [easy|]. intros c [].
  - apply in_flat_map in H as ([v w1] & Hv & H). apply in_map_iff in H as ([g' w'] & E & H).
    injection E as <- <-. destruct (IH g' w' H) as [H1 H2]. split.
    + intros c tr Hc. cbn [fst]. rewrite H1 by (intros Hin; apply Hc; now right).
      apply get_set_other. intros ->. apply Hc. now left.
    + intros c Hc. cbn [fst]. destruct (in_dec coord_in_dec c cf) as [Hin|Hn].
      * destruct (H2 c Hin) as (x & wx & Hx & E). exists x, wx. split; auto.
      * destruct Hc as [->|Hc]; [|contradiction]. exists v, w1. split; auto.
        intros tr. rewrite H1 by auto. apply get_set_same.
Qed.

Lemma locally_list {A} (l : list A) (P : A -> R -> Prop) : (forall a, In a l -> locally (0 : R) (P a)) ->
  locally (0 : R) (fun t => forall a, In a l -> P a t).
Proof.
  induction l as [|b l IH]; intros H; [apply filter_forall; easy|].
  generalize (filter_and _ _ (H b (or_introl eq_refl)) (IH (fun a Ha => H a (or_intror Ha)))).
  apply filter_imp. intros t [H1 H2] a [->|Ha]; auto.
Qed.

(** It is enough that the expected cost may be differentiated under the noise, for every value of the finite
    draws. *)
Definition regular_at G rho (D : expectation trace) (e d : env) (g : trace -> trace) : Prop :=
  Int D (fun tr => joint_slope G rho e d (g tr)) /\
  locally (0 : R) (fun t => Int D (fun tr => joint G rho (line e d t) (g tr))) /\
  is_derive (fun t => Ex D (fun tr => joint G rho (line e d t) (g tr))) 0
            (Ex D (fun tr => joint_slope G rho e d (g tr))).
Theorem regular_ways G rho cn cf tr0 e d : (forall c, In c cf -> finite_at c) ->
  (forall gw, In gw (ways cf) -> regular_at G rho (drawE K cn tr0) e d (fst gw)) ->
  regular G rho (drawE K (cn ++ cf) tr0) e d.
Proof.
  intros Hf H. set (D := drawE K cn tr0) in *.
  assert (HI : forall F, (forall gw, In gw (ways cf) -> Int D (fun tr => F (fst gw tr))) ->
    Int (drawE K (cn ++ cf) tr0) F /\
    Ex (drawE K (cn ++ cf) tr0) F = sum (ways cf) (fun gw => snd gw * Ex D (fun tr => F (fst gw tr)))).
  { intros F HF.
    destruct (Int_sum D (ways cf) (fun gw tr => snd gw * F (fst gw tr))) as [I1 I2].
    { intros gw Hgw. now apply Int_scal, HF. }
    split.
    - apply drawE_app_int.
      + intros tr. apply drawE_total_int. intros c f Hc. destruct (Hf c Hc) as [Hw ->]. exact I.
      + eapply Int_ext; [|exact I1]. intros tr. cbv beta. now rewrite drawE_ways.
    - rewrite drawE_app. rewrite (Ex_ext _ _ _ (fun tr => drawE_ways cf Hf tr F)). fold D.
      rewrite I2. apply sum_ext. intros gw Hgw. now apply Ex_scal, HF. }
  destruct (HI (joint_slope G rho e d) (fun gw Hgw => proj1 (H gw Hgw))) as [J1 J2].
  split; auto. rewrite J2.
  apply (is_derive_ext_loc (fun t => sum (ways cf) (fun gw =>
    snd gw * Ex D (fun tr => joint G rho (line e d t) (fst gw tr))))).
  - generalize (locally_list (ways cf) _ (fun gw Hgw => proj1 (proj2 (H gw Hgw)))). apply filter_imp.
    intros t Ht. symmetry. now apply (HI (joint G rho (line e d t))).
  - apply (sum_derive (ways cf) (fun t gw => snd gw * Ex D (fun tr => joint G rho (line e d t) (fst gw tr)))
             (fun gw => snd gw * Ex D (fun tr => joint_slope G rho e d (fst gw tr)))).
    intros gw Hgw. apply (is_derive_scal (fun t => Ex D (fun tr => joint G rho (line e d t) (fst gw tr)))).
    apply (H gw Hgw).
Qed.
End Ways.

(** ** The analysis of a graph whose finite draws are held *)
Section Held.
Variables (G : graph) (moved : list nat) (held : nat -> bool) (rho : dim -> nat) (cs : list coord).
Variables e d : env.
Hypothesis Hsz : sized G rho.
Hypothesis Hwf : well_formed G.
Hypothesis Htame : tame held G moved = true.
Hypothesis Hdir : forall k ix, ~ In k moved -> d k ix = 0.
Notation boxs s := (box (sizes rho s)).

Lemma held_tamed see : sees rho cs held see (g_nodes G) -> exists fs, length fs = slots G /\
  tamed rho cs fs (shape_of G) (fun t tr => value G rho (line e d t) (see tr))
                               (fun t tr => slope G rho (line e d t) d (see tr)).
Proof.
  intros Hsee. pose proof Htame as Ht. unfold tame in Ht.
  set (fs := map (input_facts moved) (range (inputs G))) in *.
  destruct (scan_held held (g_nodes G) fs) as [fs'|] eqn:Hs; [|discriminate].
  assert (Hlen : length fs = inputs G) by (unfold fs; now rewrite map_length, seq_length).
  pose proof Hwf as (Hi & _). rewrite <- Hlen in Hi.
  destruct (scan_held_sound rho (proj2 Hsz) cs held see (g_nodes G) fs fs' (input_shape G) (shape_of G)
              (fun t _ => line e d t) (fun _ _ => d) Hsee Hi Hs (inputs_tamed rho cs moved _ _ e d Hdir)) as [L T].
  rewrite Hlen in L, T. exists fs'. split; [exact L|exact T].
Qed.

(** Holding the finite draws at the values that they have in a trace. *)
Definition frozen (tr tr' : trace) : trace := fun j ix => if held j then tr j ix else tr' j ix.
Theorem tame_derivable :
  (forall j s ps, In (Sample j s, ps) (g_nodes G) -> held j = false -> forall ix, In ix (boxs s) -> In (j, ix) cs) ->
  forall tr, derivable G rho e d tr 0.
Proof.
  intros Hc tr. destruct (held_tamed (frozen tr)) as (fs & L & [_ HD _]).
  { intros j s ps Hin ix Hix. unfold frozen. destruct (held j) eqn:E; [easy|]. split; auto. now apply (Hc j s ps). }
  intros k ix Hk Hix. apply locally_singleton in HD. rewrite <- L in Hk. specialize (HD tr k ix Hk Hix).
  replace (frozen tr tr) with tr in HD; [exact HD|]. unfold frozen. apply functional_extensionality; intros j.
  now destruct (held j).
Qed.

(** Sums of what grows, and of what is differentiable in a number of the noise. *)
Lemma grows_sum {A B} S (S_ge0 : forall tr, 0 <= S tr) (l : list A) (m : list B) (u : A -> family B) :
  (forall a, In a l -> Tame.grows S m (u a)) -> Tame.grows S m (fun t tr b => sum l (fun a => u a t tr b)).
Proof.
  induction l as [|a l IH]; intros H; [apply (grows_const S m (fun _ => 0))|].
  apply (grows_plus S S_ge0 m (u a)); [apply H; now left|]. apply IH. intros b Hb. apply H. now right.
Qed.
Lemma sum_ex_derive {A} (l : list A) (f : R -> A -> R) v : (forall a, In a l -> ex_derive (fun u => f u a) v) ->
  ex_derive (fun u => sum l (f u)) v.
Proof.
  intros H. eexists. apply (sum_derive l f (fun a => Derive (fun u => f u a) v)).
  intros a Ha. apply Derive_correct. auto.
Qed.

(** Where the density of the held values is at most one, ... *)
Theorem tame_regular_at K tr0 see : (forall c, tame_base (K c)) -> NoDup cs ->
  sees rho cs held see (g_nodes G) -> (forall t tr, log_density G rho (line e d t) (see tr) <= 0) ->
  regular_at G rho (drawE K cs tr0) e d see.
Proof.
  intros HK Hnd Hsee Hle. destruct (held_tamed see Hsee) as (fs & L & [HF HD HN]). rewrite L in HF, HD, HN.
  pose proof Hwf as (_ & Hc & Hcs & _ & Hsc).
  assert (Hnil : In (@nil nat) (boxs (shape_of G (g_cost G)))) by (rewrite Hcs; now left).
  assert (HS : forall tr, 0 <= spread cs tr) by apply spread_ge0.
  set (one := [@nil nat]). assert (Hone : forall ix, In ix one -> In ix (boxs (shape_of G (g_cost G)))).
  { intros ix [<-|[]]. exact Hnil. }
  destruct (HF _ Hc) as [C0 S0 _ _ _ _].
  assert (C1 : Tame.grows (spread cs) one (fun t tr _ => cost G rho (line e d t) (see tr))).
  { exact (grows_at _ _ one (fun _ => []) _ (fun _ _ => Hnil) C0). }
  assert (S1 : Tame.grows (spread cs) one (fun t tr _ => cost_slope G rho (line e d t) d (see tr))).
  { exact (grows_at _ _ one (fun _ => []) _ (fun _ _ => Hnil) S0). }
  assert (L1 : Tame.grows (spread cs) one (fun t tr _ => score G rho (line e d t) d (see tr))).
  { apply (grows_sum _ HS (g_scores G) one (fun lw t tr _ =>
      sum (boxs (shape_of G (fst lw))) (slope G rho (line e d t) d (see tr) (fst lw)))).
    intros [l w] Hin. destruct (HF l (proj1 (Hsc l w Hin))) as [_ Sl _ _ _ _].
    exact (grows_part _ _ one (fun _ _ => true) _ Sl). }
  assert (Hexp : forall t tr x, Rabs (exp (log_density G rho (line e d t) (see tr)) * x) <= Rabs x).
  { intros t tr x. rewrite Rabs_mult, Rabs_pos_eq by (left; apply exp_pos).
    assert (exp (log_density G rho (line e d t) (see tr)) <= 1) by (rewrite <- exp_0; now apply exp_le).
    pose proof (Rabs_pos x). nra. }
  assert (B1 : Tame.grows (spread cs) one (fun t tr _ => joint G rho (line e d t) (see tr))).
  { revert C1. apply grows_le. intros t tr ix _. apply Hexp. }
  assert (B2 : Tame.grows (spread cs) one (fun t tr _ => joint_slope G rho (line e d t) d (see tr))).
  { apply (grows_le _ _ _ (fun t tr _ => cost_slope G rho (line e d t) d (see tr) +
             cost G rho (line e d t) (see tr) * score G rho (line e d t) d (see tr))).
    - intros t tr ix _. apply Hexp.
    - apply (grows_plus _ HS one (fun t tr _ => cost_slope G rho (line e d t) d (see tr))); auto.
      now apply (grows_mult _ one (fun t tr _ => cost G rho (line e d t) (see tr))). }
  destruct B1 as (k1 & Hk1 & M1 & HM1 & B1), B2 as (k2 & Hk2 & M2 & HM2 & B2).
  destruct (filter_and _ _ (filter_and _ _ B1 B2) (filter_and _ _ HD HN)) as [r Hr].
  assert (Hin : forall t, Rabs t < r -> ball (0 : R) r t) by (intros t H; now apply (proj2 (ball_0 _ _))).
  assert (Hint : forall t, Rabs t < r -> Int (drawE K cs tr0) (fun tr => joint G rho (line e d t) (see tr))).
  { intros t Ht. destruct (Hr t (Hin t Ht)) as [[H1 _] [_ HNt]].
    apply (tame_int K HK cs k1 Hnd Hk1 _ M1); auto.
    2:{ intros tr _. exact (H1 tr [] (or_introl eq_refl)). }
    intros c _. right. intros tr v Hv.
    assert (HE : ex_derive (fun u => joint G rho (line e d t) (see (set tr c u))) v).
    { unfold joint. apply ex_derive_mult.
      - apply (ex_derive_comp exp (fun u => log_density G rho (line e d t) (see (set tr c u)))).
        { exists (exp (log_density G rho (line e d t) (see (set tr c v)))). apply is_derive_exp. }
        unfold log_density. apply (sum_ex_derive (g_scores G) (fun u lw =>
          sum (boxs (shape_of G (fst lw))) (value G rho (line e d t) (see (set tr c u)) (fst lw)))).
        intros [l w] Hlw. apply (sum_ex_derive _ (fun u => value G rho (line e d t) (see (set tr c u)) l)).
        intros ix Hix. apply HNt; auto. now apply (Hsc l w).
      - apply HNt; auto. }
    destruct HE as [y Hy]. exact (derive_continuity _ _ _ Hy). }
  split; [|split].
  2:{ exists r. intros t Ht. apply Hint. exact (proj1 (ball_0 _ _) Ht). }
  all: destruct (Ex_derive (drawE K cs tr0) (fun t tr => joint G rho (line e d t) (see tr))
    (fun t tr => joint_slope G rho (line e d t) d (see tr)) (fun tr => M2 * exp (k2 * spread cs tr)) 0 r) as [H1 H2].
  all: try (intros t; rewrite Rminus_0_r; auto).
  all: try (now apply Int_scal, envelope).
  all: try (intros tr Ht; destruct (Hr t (Hin t Ht)) as [[_ Hb] [Hder _]]).
  all: try (exact (Hb tr [] (or_introl eq_refl))).
  all: try (apply (joint_derivable G rho e d (see tr) t Hwf); intros k ix; apply Hder).
  all: rewrite line_0 in H1, H2; assumption.
Qed.
End Held.

(** ** The density of finite draws *)
Definition law_values (rho : dim -> nat) (l : Score.law) : list (R * R) :=
  match l with
  | BernoulliLogits => [(0, 1); (1, 1)]
  | CategoricalLogits d => map (fun i => (INR i, 1)) (range (rho d))
  end.
Lemma law_val_le0 rho l a axes ix v w : (forall d, (0 < rho d)%nat) -> In (v, w) (law_values rho l) ->
  law_val rho l a axes ix v <= 0.
Proof.
  intros Hrho Hv. destruct l as [|d]; cbn [law_val].
  - set (t := a (pick ix axes)). pose proof (exp_pos t).
    assert (H0 : 0 <= ln (1 + exp t)) by (rewrite <- ln_1; left; apply ln_increasing; lra).
    assert (H1 : t <= ln (1 + exp t)) by (rewrite <- (ln_exp t) at 1; left; apply ln_increasing; lra).
    destruct Hv as [E|[E|[]]]; injection E as <- <-; lra.
  - apply in_map_iff in Hv as (i & E & Hi). injection E as <- <-.
    set (t := fun k => a (pick ix axes ++ [k])).
    rewrite (sum_ext _ _ (fun k => if Nat.eqb k i then t k else 0)).
    + rewrite (sum_single Nat.eqb Nat.eqb_spec (range (rho d)) i t) by (auto using seq_NoDup).
      assert (t i <= ln (sum (range (rho d)) (fun k => exp (t k)))); [|unfold t in *; lra].
      rewrite <- (ln_exp (t i)) at 1. apply ln_le_of; [apply exp_pos|].
      apply (sum_term (range (rho d)) (fun k => exp (t k))); auto. intros; left; apply exp_pos.
    + intros k _. rewrite hot_at. unfold t. destruct (Nat.eqb_spec i k), (Nat.eqb_spec k i); try congruence; ring.
Qed.

(** The log-densities that the check compared with their laws sum to at most zero. *)
Theorem scores_density_le0 G all rho e tr : well_formed G -> scores_ok G all = true -> sized G rho ->
  (forall u ix, In u all -> In ix (box (sizes rho (sc_shape u))) ->
     exists w, In (tr (sc_draw u) ix, w) (law_values rho (sc_law u))) ->
  log_density G rho e tr <= 0.
Proof.
  intros Hwf H Hsz Hv. unfold scores_ok in H. pose proof Hwf as (Hi & _). rewrite Hi in H.
  apply andb_prop in H as [H _]. apply andb_prop in H as [H Hd]. apply andb_prop in H as [_ He].
  apply entries_eqb_eq in He. rewrite forallb_forall in Hd. unfold log_density. rewrite He, sum_map.
  assert (Neg : forall A (l : list A) f, (forall a, In a l -> f a <= 0) -> sum l f <= 0).
  { induction l as [|a l IH]; cbn [sum]; intros f Hf; [lra|].
    specialize (IH f (fun b Hb => Hf b (or_intror Hb))). specialize (Hf a (or_introl eq_refl)). lra. }
  apply Neg. intros u Hu. pose proof (density_holds G rho all Hsz Hwf Hd u Hu) as F. unfold entry_of; cbn [fst].
  rewrite (df_shape _ _ _ F). apply Neg. intros ix Hix. rewrite (df_value _ _ _ F) by auto.
  destruct (Hv u ix Hu Hix) as [w Hw]. exact (law_val_le0 rho _ _ _ _ _ w (proj2 Hsz) Hw).
Qed.

(** Where nothing is weighed and nothing held, that is all: a certificate with nothing left to assume. *)
Theorem certificate_sound_tame G est outs : check G est outs = true -> g_scores G = [] ->
  tame none_held G (map fst outs) = true ->
  forall rho K cs tr0 e d, sized G rho -> moves_only outs d -> (forall c, tame_base (K c)) ->
  NoDup cs -> covers rho cs (g_nodes G) ->
  is_derive (fun t => expected_cost G rho (drawE K cs tr0) (line e d t)) 0
            (under G rho (drawE K cs tr0) e (emitted_along rho G est outs e d)).
Proof.
  intros H Hs Ht rho K cs tr0 e d Hsz Hd HK Hn Hc. destruct (emitted_is_estimate G est outs H) as [Hwf _].
  apply certificate_sound; auto; [|intros l w Hin; rewrite Hs in Hin; destruct Hin].
  assert (R : regular_at G rho (drawE K cs tr0) e d (fun tr => tr)); [|split; apply R].
  apply (tame_regular_at G (map fst outs) none_held rho cs e d Hsz Hwf Ht Hd); auto.
  - intros j s ps Hin ix Hix. split; auto. now apply (Hc j s ps).
  - intros t tr. unfold log_density. rewrite Hs. cbn. lra.
Qed.
