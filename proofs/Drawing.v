(** * Drawing numbers whose laws depend on earlier ones

    Numbers are drawn one after another: standard normal noise, or a value of a finite law whose masses depend on
    what was drawn before.  [mild] functions are those that grow at most exponentially with the noise, whatever
    the finite values are; they stay so when a number is drawn ([step_mild]).  Then the mean is linear, a number that is
    read by what has the mean zero makes a product vanish ([drawn_vanishes]), and sums over finite values may be moved past the
    integrals over noise ([drawn_moved]). *)
From Coq Require Import Reals Lra Lia List Bool Arith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Unfold Moment.
Import ListNotations.
Open Scope R_scope.

Lemma set_set tr c u v : set (set tr c u) c v = set tr c v.
Proof.
  apply functional_extensionality. intros j. apply functional_extensionality. intros ix. unfold set.
  now destruct (coord_eqb (j, ix) c).
Qed.

(** ** One number of noise *)
Section Noise.
Variable ns : list coord.
Hypothesis distinct : NoDup ns.

Lemma spread_set tr c v : spread ns (set tr c v) <= gauge v + spread ns tr.
Proof.
  unfold spread. pose proof (gauge_ge0 v) as Hv. induction ns as [|b l IH]; cbn [sum]; [lra|].
  inversion_clear distinct as [|? ? Hn Hd]. destruct (coord_eqb_spec b c) as [->|Hne].
  - rewrite get_set_same. rewrite (sum_ext l _ (fun b => gauge (get tr b))).
    + pose proof (gauge_ge0 (get tr c)). lra.
    + intros b Hb. rewrite get_set_other; auto. intros ->. contradiction.
  - rewrite get_set_other by congruence. specialize (IH Hd). lra.
Qed.
Lemma normal_exp k : Int normalE (fun v => exp (k * gauge v)).
Proof. apply (Int_ext _ _ _ (fun v => Rmult_1_r _) (Int_exp_gauge (fun _ => normalE) (fun _ => tame_normal) (0%nat, []) k 1)). Qed.

Theorem integral_nice c (G : trace -> R) : nice ns G ->
  (forall tr, Int normalE (fun v => G (set tr c v))) /\ nice ns (fun tr => Ex normalE (fun v => G (set tr c v))).
Proof.
  intros [(C & k & HC & Hk & Hb) Hc].
  assert (Hbv : forall tr v, Rabs (G (set tr c v)) <= C * exp (k * spread ns tr) * exp (k * gauge v)).
  { intros tr v. eapply Rle_trans; [apply Hb|]. rewrite Rmult_assoc, <- exp_plus. apply Rmult_le_compat_l; auto.
    apply exp_le. rewrite <- Rmult_plus_distr_l. apply Rmult_le_compat_l; auto. pose proof (spread_set tr c v). lra. }
  assert (HI : forall tr, Int normalE (fun v => G (set tr c v))).
  { intros tr. apply (tame_normal _ (C * exp (k * spread ns tr)) k); [apply Hc|apply Hbv]. }
  set (M := Ex normalE (fun v => exp (k * gauge v))).
  assert (HM : 0 <= M) by (apply Ex_ge0; [apply normal_exp|intros; left; apply exp_pos]).
  split; [exact HI|]. split.
  - exists (C * M), k. split; [now apply Rmult_le_pos|]. split; [exact Hk|]. intros tr.
    eapply Rle_trans; [apply (Ex_abs _ _ (fun v => C * exp (k * spread ns tr) * exp (k * gauge v)) (HI tr))|].
    + apply Int_scal, normal_exp.
    + apply Hbv.
    + rewrite Ex_scal by apply normal_exp. fold M. right. ring.
  - intros c' tr u Hu. destruct (coord_eqb_spec c c') as [<-|Hne].
    { apply (continuity_pt_ext (fun _ => Ex normalE (fun v => G (set tr c v)))).
      - intros x. apply Ex_ext. intros v. now rewrite set_set.
      - apply continuity_pt_const. now intros a b. }
    apply continuity_pt_filterlim.
    destruct (gauge_continuous u Hu 1 Rlt_0_1) as (r & Hr0 & Hclose).
    assert (Hnear : forall h, Rabs h < r -> gauge (u + h) <= gauge u + 1).
    { intros h Hh. destruct (Req_dec h 0) as [->|Hne0]; [rewrite Rplus_0_r; lra|].
      specialize (Hclose (u + h)). simpl in Hclose. unfold R_dist in Hclose. replace (u + h - u) with h in Hclose by ring.
      assert (E : Rabs (gauge (u + h) - gauge u) < 1).
      { apply Hclose. split; [split; [exact I|lra]|exact Hh]. }
      apply Rabs_def2 in E. lra. }
    set (A := fun h v => G (set (set tr c' (u + h)) c v)).
    assert (L : lim0 (fun h => Ex normalE (A h)) (Ex normalE (A 0))).
    { set (g := fun v => C * exp (k * (gauge u + 1 + spread ns tr)) * exp (k * gauge v)).
      apply (Ex_lim normalE A (A 0) g (mkposreal r Hr0)).
      - intros h _ _. apply HI.
      - apply Int_scal, normal_exp.
      - intros h v _ Hh. simpl in Hh. eapply Rle_trans; [apply Hbv|]. unfold g.
        apply Rmult_le_compat_r; [left; apply exp_pos|]. apply Rmult_le_compat_l; auto. apply exp_le.
        apply Rmult_le_compat_l; auto. pose proof (spread_set tr c' (u + h)). specialize (Hnear h Hh). lra.
      - intros v. apply lim0_eps. intros eps. unfold A. rewrite Rplus_0_r.
        destruct (Hc c' (set tr c v) u Hu eps (cond_pos eps)) as (dl & Hd0 & Hcd). exists (mkposreal dl Hd0). intros h Hh0 Hh.
        simpl in Hh. rewrite !(set_swap tr c' c) by congruence. apply Hcd. split; [split; [exact I|intros E; apply Hh0; lra]|].
        simpl. unfold R_dist. now replace (u + h - u) with h by ring. }
    unfold A in L. rewrite Rplus_0_r in L. intros P HP. destruct (L P HP) as [ep Hep]. destruct HP as [eP HeP]. exists ep.
    intros w Hw. destruct (Req_dec w u) as [->|Hwu]; [apply HeP, ball_center|].
    replace w with (u + (w - u)) by ring. apply Hep; [exact (proj2 (ball_0 (w - u) ep) Hw)|lra].
Qed.

Lemma noise_nice (l : list coord) (G : trace -> R) : (forall c, In c l -> In c ns) -> nice ns G ->
  (forall tr, Int (drawE (fun _ => normalE) l tr) G) /\ nice ns (fun tr => Ex (drawE (fun _ => normalE) l tr) G).
Proof.
  intros Hl HG. induction l as [|c l IH]; [split; [easy|exact HG]|].
  destruct IH as [I1 N1]; [intros; apply Hl; now right|]. destruct (integral_nice c _ N1) as [I2 N2].
  split; [|exact N2]. intros tr. cbn [drawE Int mapE bindE snd]. split; [intros v; apply I1|apply I2].
Qed.
End Noise.

(** ** All numbers *)
Section Drawing.
Variable cs : list coord.
Variable held : nat -> bool.                   (** the finite draws *)
Variable A : coord -> trace -> expectation R.  (** the law of every number, given the trace *)
Variable values : coord -> list R.             (** of a finite law, *)
Variable mass : coord -> R -> trace -> R.      (** and their masses *)

Definition is_sum (c : coord) : bool := held (fst c).
Definition is_integral (c : coord) : bool := negb (held (fst c)).
Notation ns := (filter is_integral cs).
(** The trace with the values [a] of the finite draws. *)
Definition hold (a : coord -> R) (tr : trace) : trace := fun j ix => if held j then a (j, ix) else tr j ix.
Definition allowed (a : coord -> R) : Prop := forall c, held (fst c) = true ->
  (In c cs -> In (a c) (values c)) /\ (~ In c cs -> a c = 0).
Definition mild (F : trace -> R) : Prop := forall a, allowed a -> nice ns (fun tr => F (hold a tr)).
(** Its finite draws have values that they may have. *)
Definition valued (tr : trace) : Prop := allowed (get tr).

Fixpoint drawn (l : list coord) (tr : trace) : expectation trace :=
  match l with
  | [] => diracE tr
  | c :: l => mapE snd (bindE (A c tr) (fun v => drawn l (set tr c v)))
  end.

Hypothesis distinct : NoDup cs.
Hypothesis noisy : forall c, In c cs -> held (fst c) = false -> forall tr, A c tr = normalE.
Hypothesis summed : forall c, In c cs -> held (fst c) = true -> forall tr f,
  Int (A c tr) f /\ Ex (A c tr) f = sum (values c) (fun v => mass c v tr * f v).
Hypothesis mass_mild : forall c v, In c cs -> held (fst c) = true -> In v (values c) -> mild (mass c v).
Hypothesis mass_one : forall c, In c cs -> held (fst c) = true -> forall tr k, Ex (A c tr) (fun _ => k) = k.

Lemma ns_distinct : NoDup ns.
Proof. now apply NoDup_filter. Qed.
Lemma coord_in c : In c cs \/ ~ In c cs.
Proof.
  destruct (existsb (coord_eqb c) cs) eqn:E.
  - left. apply existsb_exists in E as (b & Hb & E). now destruct (coord_eqb_spec c b) as [->|].
  - right. intros H. assert (E' : existsb (coord_eqb c) cs = true).
    { apply existsb_exists. exists c. split; auto. now destruct (coord_eqb_spec c c). }
    congruence.
Qed.

Lemma hold_get tr : hold (get tr) tr = tr.
Proof.
  apply functional_extensionality. intros j. apply functional_extensionality. intros ix. unfold hold, get; cbn [fst snd].
  now destruct (held j).
Qed.
Lemma hold_valued a tr : allowed a -> valued (hold a tr).
Proof.
  intros Ha c Hc. assert (E : get (hold a tr) c = a c).
  { unfold get, hold. rewrite Hc. now destruct c. }
  rewrite E. now apply Ha.
Qed.
Lemma hold_set_noise a tr c v : held (fst c) = false -> set (hold a tr) c v = hold a (set tr c v).
Proof.
  intros Hc. apply functional_extensionality. intros j. apply functional_extensionality. intros ix. unfold set, hold.
  destruct (coord_eqb_spec (j, ix) c) as [<-|]; [cbn [fst] in Hc; now rewrite Hc|reflexivity].
Qed.
Definition update (a : coord -> R) (c : coord) (v : R) (b : coord) : R := if coord_eqb b c then v else a b.
Lemma hold_set_value a tr c v : held (fst c) = true -> set (hold a tr) c v = hold (update a c v) tr.
Proof.
  intros Hc. apply functional_extensionality. intros j. apply functional_extensionality. intros ix. unfold set, hold, update.
  destruct (coord_eqb_spec (j, ix) c) as [<-|]; [cbn [fst] in Hc; now rewrite Hc|reflexivity].
Qed.
Lemma update_allowed a c v : In c cs -> In v (values c) -> allowed a -> allowed (update a c v).
Proof.
  intros Hc Hv Ha b Hb. unfold update. destruct (coord_eqb_spec b c) as [->|]; [|now apply Ha]. split; [auto|contradiction].
Qed.
Lemma valued_set tr c v : In c cs -> (held (fst c) = true -> In v (values c)) -> valued tr -> valued (set tr c v).
Proof.
  intros Hc Hv Ht b Hb. destruct (coord_eqb_spec c b) as [<-|Hne].
  - rewrite get_set_same. split; [auto|contradiction].
  - rewrite get_set_other by exact Hne. now apply Ht.
Qed.
Lemma valued_noise tr c v : held (fst c) = false -> valued tr -> valued (set tr c v).
Proof.
  intros Hc Ht b Hb. rewrite get_set_other by (intros ->; congruence). now apply Ht.
Qed.

Lemma mild_ext F G : (forall tr, valued tr -> F tr = G tr) -> mild F -> mild G.
Proof.
  intros E H a Ha. apply (nice_ext ns (fun tr => F (hold a tr))); [|now apply H]. intros tr. apply E. now apply hold_valued.
Qed.
Lemma mild_const k : mild (fun _ => k).
Proof. intros a _. apply nice_const. Qed.
Lemma mild_plus F G : mild F -> mild G -> mild (fun tr => F tr + G tr).
Proof. intros HF HG a Ha. apply nice_plus; auto. Qed.
Lemma mild_mult F G : mild F -> mild G -> mild (fun tr => F tr * G tr).
Proof. intros HF HG a Ha. apply nice_mult; auto. Qed.
Lemma mild_sum {B} (l : list B) (F : B -> trace -> R) : (forall b, In b l -> mild (F b)) ->
  mild (fun tr => sum l (fun b => F b tr)).
Proof. intros H a Ha. apply nice_sum. intros b Hb. now apply H. Qed.

(** Drawing a number. *)
Lemma step_int c F tr : In c cs -> mild F -> valued tr -> Int (A c tr) (fun v => F (set tr c v)).
Proof.
  intros Hc HF Ht. destruct (held (fst c)) eqn:Hh; [now apply summed|]. rewrite (noisy c Hc Hh).
  apply (Int_ext _ (fun v => F (hold (get tr) (set tr c v)))).
  - intros v. now rewrite <- hold_set_noise, hold_get.
  - apply (integral_nice ns ns_distinct c (fun tr' => F (hold (get tr) tr'))). now apply HF.
Qed.
Lemma step_ext c f g tr : In c cs -> (forall v, (held (fst c) = true -> In v (values c)) -> f v = g v) ->
  Ex (A c tr) f = Ex (A c tr) g.
Proof.
  intros Hc H. destruct (held (fst c)) eqn:Hh.
  - destruct (summed c Hc Hh tr f) as [_ ->], (summed c Hc Hh tr g) as [_ ->]. apply sum_ext. intros v Hv. f_equal. auto.
  - apply Ex_ext. intros v. apply H. discriminate.
Qed.
Lemma step_const c tr k : In c cs -> Ex (A c tr) (fun _ => k) = k.
Proof.
  intros Hc. destruct (held (fst c)) eqn:Hh; [now apply mass_one|]. rewrite (noisy c Hc Hh). destruct normal_mass as [I1 E1].
  rewrite (Ex_ext _ _ (fun _ => k * 1)) by (intros; ring). rewrite Ex_scal, E1 by exact I1. ring.
Qed.
Theorem step_mild c F : In c cs -> mild F -> mild (fun tr => Ex (A c tr) (fun v => F (set tr c v))).
Proof.
  intros Hc HF a Ha. destruct (held (fst c)) eqn:Hh.
  - apply (nice_ext ns (fun tr => sum (values c) (fun v => mass c v (hold a tr) * F (hold (update a c v) tr)))).
    + intros tr. destruct (summed c Hc Hh (hold a tr) (fun v => F (set (hold a tr) c v))) as [_ ->].
      apply sum_ext. intros v Hv. now rewrite hold_set_value.
    + apply nice_sum. intros v Hv. apply nice_mult; [now apply (mass_mild c v)|]. apply HF. now apply update_allowed.
  - apply (nice_ext ns (fun tr => Ex normalE (fun v => F (hold a (set tr c v))))).
    + intros tr. rewrite (noisy c Hc Hh). apply Ex_ext. intros v. now rewrite hold_set_noise.
    + apply (integral_nice ns ns_distinct c (fun tr => F (hold a tr))). now apply HF.
Qed.


Lemma drawn_mild l F : (forall c, In c l -> In c cs) -> mild F -> mild (fun tr => Ex (drawn l tr) F).
Proof.
  intros Hl HF. induction l as [|c l IH]; [exact HF|].
  apply (step_mild c (fun tr => Ex (drawn l tr) F)); [apply Hl; now left|]. apply IH. intros; apply Hl; now right.
Qed.
Lemma drawn_ext l F G : (forall c, In c l -> In c cs) -> (forall tr, valued tr -> F tr = G tr) -> forall tr, valued tr ->
  Ex (drawn l tr) F = Ex (drawn l tr) G.
Proof.
  intros Hl H. induction l as [|c l IH]; intros tr Ht; [now apply H|].
  assert (Hc : In c cs) by (apply Hl; now left). cbn [drawn Ex mapE bindE snd]. apply (step_ext c); auto. intros v Hv.
  apply IH; [intros; apply Hl; now right|]. now apply valued_set.
Qed.
Lemma drawn_plus l F G : (forall c, In c l -> In c cs) -> mild F -> mild G -> forall tr, valued tr ->
  Ex (drawn l tr) (fun t => F t + G t) = Ex (drawn l tr) F + Ex (drawn l tr) G.
Proof.
  intros Hl HF HG. induction l as [|c l IH]; intros tr Ht; [reflexivity|].
  assert (Hc : In c cs) by (apply Hl; now left). assert (Hl' : forall c, In c l -> In c cs) by (intros; apply Hl; now right).
  cbn [drawn Ex mapE bindE snd]. rewrite <- Ex_plus by (apply (step_int c (fun tr => Ex (drawn l tr) _)); auto; now apply drawn_mild).
  apply (step_ext c); auto. intros v Hv. apply IH; auto. now apply valued_set.
Qed.
Lemma drawn_scal l k F : (forall c, In c l -> In c cs) -> mild F -> forall tr, valued tr ->
  Ex (drawn l tr) (fun t => k * F t) = k * Ex (drawn l tr) F.
Proof.
  intros Hl HF. induction l as [|c l IH]; intros tr Ht; [reflexivity|].
  assert (Hc : In c cs) by (apply Hl; now left). assert (Hl' : forall c, In c l -> In c cs) by (intros; apply Hl; now right).
  cbn [drawn Ex mapE bindE snd]. rewrite <- Ex_scal by (apply (step_int c (fun tr => Ex (drawn l tr) F)); auto; now apply drawn_mild).
  apply (step_ext c); auto. intros v Hv. apply IH; auto. now apply valued_set.
Qed.
Lemma drawn_const l g : (forall c, In c l -> In c cs) -> ignores_all g l -> forall tr, Ex (drawn l tr) g = g tr.
Proof.
  intros Hl. induction l as [|c l IH]; intros Hg tr; [reflexivity|]. cbn [drawn Ex mapE bindE snd].
  rewrite (Ex_ext _ _ (fun _ => g tr)); [apply step_const; apply Hl; now left|]. intros v.
  rewrite IH; [apply (Hg c (or_introl eq_refl))|intros; apply Hl; now right|intros b Hb; apply Hg; now right].
Qed.
Lemma drawn_sum {B} l (m : list B) (F : B -> trace -> R) : (forall c, In c l -> In c cs) ->
  (forall b, In b m -> mild (F b)) -> forall tr, valued tr ->
  Ex (drawn l tr) (fun t => sum m (fun b => F b t)) = sum m (fun b => Ex (drawn l tr) (F b)).
Proof.
  intros Hl HF tr Ht. induction m as [|b m IH]; cbn [sum].
  - now apply (drawn_const l (fun _ => 0)).
  - rewrite drawn_plus, IH; auto; [intros; apply HF; now right|apply HF; now left|].
    apply mild_sum. intros; apply HF; now right.
Qed.
Lemma drawn_app l m F : forall tr, Ex (drawn (l ++ m) tr) F = Ex (drawn l tr) (fun t => Ex (drawn m t) F).
Proof. induction l as [|c l IH]; intros tr; [reflexivity|]. cbn [app drawn Ex mapE bindE snd]. apply Ex_ext. intros v. apply IH. Qed.

(** What has the mean zero makes a product vanish that does not depend on its draw or later ones otherwise. *)
Theorem drawn_vanishes before c after (f s : trace -> R) :
  (forall b, In b (before ++ c :: after) -> In b cs) -> mild s -> ignores_all f (c :: after) -> ignores_all s after ->
  (forall tr, valued tr -> Ex (A c tr) (fun v => s (set tr c v)) = 0) ->
  forall tr, valued tr -> Ex (drawn (before ++ c :: after) tr) (fun t => f t * s t) = 0.
Proof.
  intros Hin Hs Hf Hsa Hz tr Ht. rewrite drawn_app.
  assert (Hc : In c cs) by (apply Hin; apply in_app_iff; right; now left).
  assert (Hafter : forall b, In b after -> In b cs) by (intros b Hb; apply Hin; apply in_app_iff; right; now right).
  rewrite (drawn_ext before _ (fun _ => 0)); [apply (drawn_const before (fun _ => 0)); [|easy]| | |exact Ht].
  1,2: intros b Hb; apply Hin; apply in_app_iff; now left.
  intros t Hval. cbn [drawn Ex mapE bindE snd].
  rewrite (Ex_ext _ _ (fun v => f t * s (set t c v))).
  - rewrite Ex_scal, Hz by (auto; now apply step_int). ring.
  - intros v. rewrite (drawn_const after (fun t => f t * s t) Hafter).
    + f_equal. apply (Hf c (or_introl eq_refl)).
    + intros b Hb t' w. rewrite (Hf b (or_intror Hb)), (Hsa b Hb). reflexivity.
Qed.

(** Sums may be moved past integrals. *)
Fixpoint sums_early (l : list coord) : Prop :=
  match l with
  | [] => True
  | c :: l => (held (fst c) = true -> forall v, In v (values c) -> ignores_all (mass c v) (filter is_integral l)) /\ sums_early l
  end.
Theorem drawn_moved l F : NoDup l -> (forall c, In c l -> In c cs) -> sums_early l -> mild F -> forall tr, valued tr ->
  Ex (drawn l tr) F = Ex (drawE (fun _ => normalE) (filter is_integral l) tr) (fun t => Ex (drawn (filter is_sum l) t) F).
Proof.
  intros Hd Hl He HF. induction l as [|c l IH]; intros tr Ht; [reflexivity|].
  inversion Hd as [|? ? Hn Hd']; subst. destruct He as [He He'].
  assert (Hc : In c cs) by (apply Hl; now left). assert (Hl' : forall c, In c l -> In c cs) by (intros; apply Hl; now right).
  specialize (IH Hd' Hl' He'). cbn [filter]. unfold is_integral at 1, is_sum at 1. destruct (held (fst c)) eqn:Hh; cbn [negb].
  - set (nl := filter is_integral l) in *. set (sl := filter is_sum l) in *.
    assert (Hnl : forall b, In b nl -> In b ns).
    { intros b Hb. apply filter_In in Hb as [Hb E]. apply filter_In. split; auto. }
    assert (Hsl : forall b, In b sl -> In b cs) by (intros b Hb; apply filter_In in Hb as [Hb _]; auto).
    set (H := fun t => Ex (drawn sl t) F). assert (HH : mild H) by now apply drawn_mild.
    assert (Hcn : ~ In c nl) by (intros Hb; apply filter_In in Hb as [Hb _]; contradiction).
    (* one value *)
    assert (Hone : forall v, In v (values c) -> Int (drawE (fun _ => normalE) nl tr) (fun t => mass c v t * H (set t c v)) /\
      Ex (drawE (fun _ => normalE) nl tr) (fun t => mass c v t * H (set t c v)) =
      mass c v tr * Ex (drawn l (set tr c v)) F).
    { intros v Hv. set (a := update (get tr) c v).
      assert (Hreach : forall t, reaches nl tr t -> H (set t c v) = H (hold a t)).
      { intros t Hr. f_equal. unfold a. rewrite <- hold_set_value by exact Hh. f_equal.
        apply functional_extensionality. intros j. apply functional_extensionality. intros ix. unfold hold. destruct (held j) eqn:Ej; auto.
        change (t j ix = tr j ix). apply (reaches_ignores (fun t => t j ix) nl tr t); auto. intros b Hb.
        apply (ignores_get (j, ix) b). intros <-. apply filter_In in Hb as [_ Hb]. unfold is_integral in Hb; cbn [fst] in Hb.
        now rewrite Ej in Hb. }
      destruct (noise_nice ns ns_distinct nl (fun t => H (hold a t)) Hnl) as [I0 _].
      { apply HH. now apply update_allowed. }
      destruct (drawE_ext (fun _ => normalE) nl tr (fun t => H (hold a t)) (fun t => H (set t c v))) as [E1 I1].
      { intros t Hr. symmetry. now apply Hreach. }
      destruct (drawE_ext (fun _ => normalE) nl tr (fun t => mass c v tr * H (set t c v)) (fun t => mass c v t * H (set t c v))) as [E2 I2].
      { intros t Hr. f_equal. symmetry. apply (reaches_ignores (mass c v) nl tr t); auto. }
      split; [apply I2, Int_scal, I1, I0|]. rewrite <- E2, Ex_scal by apply I1, I0. f_equal.
      rewrite IH by now apply valued_set. symmetry. apply (drawE_set (fun _ => normalE) c nl Hcn tr v H). }
    transitivity (sum (values c) (fun v => mass c v tr * Ex (drawn l (set tr c v)) F)).
    { apply (summed c Hc Hh tr (fun v => Ex (drawn l (set tr c v)) F)). }
    rewrite (Ex_ext _ _ (fun t => sum (values c) (fun v => mass c v t * H (set t c v)))).
    + destruct (Int_sum (drawE (fun _ => normalE) nl tr) (values c) (fun v t => mass c v t * H (set t c v)) (fun v Hv => proj1 (Hone v Hv)))
        as [_ ->]. apply sum_ext. intros v Hv. symmetry. now apply Hone.
    + intros t. apply (summed c Hc Hh t (fun v => H (set t c v))).
  - cbn [drawn drawE Ex mapE bindE snd]. rewrite (noisy c Hc Hh). apply Ex_ext. intros v. apply IH. now apply valued_noise.
Qed.
End Drawing.
