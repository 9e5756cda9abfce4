(** * What a graph computes is measurable

    A cost with kinks has a slope that jumps.  It is still a limit of functions that are continuous in every drawn
    number, and what grows at most exponentially and is such a limit is integrable ([borel_int]).  All that a
    program computes is of this kind, and so are its tangents ([borel_run], [borel_tangent]): functions
    that jump, and those without a value at some points, are limits of continuous ones too. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth.
Import ListNotations.
Open Scope R_scope.

(** ** Limits at zero *)
Lemma lim0_eventually (f : R -> R) l (d : posreal) : (forall h, h <> 0 -> Rabs h < d -> f h = l) -> lim0 f l.
Proof. intros H. apply (lim0_near (fun _ => l) f l d); [intros; symmetry; auto|apply filterlim_const]. Qed.
Lemma lim0_continuous (f : R -> R) : continuity_pt f 0 -> lim0 f (f 0).
Proof.
  intros H. apply continuity_pt_filterlim in H. intros P HP. specialize (H P HP). destruct H as [d Hd].
  exists d. auto.
Qed.
(** Functions of one number that are limits of continuous ones. *)
Definition limit_of_continuous (f : R -> R) : Prop := exists fs : R -> R -> R,
  (forall h, h <> 0 -> forall x, continuity_pt (fs h) x) /\ forall x, lim0 (fun h => fs h x) (f x).

Definition ramp (h x : R) : R := Rmin 1 (Rmax 0 (x * / Rabs h)).
Lemma max_continuous c x : continuity_pt (fun x => Rmax x c) x.
Proof.
  apply (continuity_pt_ext (fun x => (x + c + Rabs (x - c)) * / 2)).
  { intros y. unfold Rmax, Rabs. destruct Rle_dec, Rcase_abs; lra. }
  reg.
Qed.
Lemma ramp_continuous h x : continuity_pt (ramp h) x.
Proof.
  apply (continuity_pt_ext (fun x => - Rmax (- Rmax (x * / Rabs h) 0) (- 1))).
  { intros y. unfold ramp, Rmax, Rmin. repeat destruct Rle_dec; lra. }
  apply continuity_pt_opp. apply (continuity_pt_comp (fun x => - Rmax (x * / Rabs h) 0) (fun y => Rmax y (- 1))).
  - apply continuity_pt_opp. apply (continuity_pt_comp (fun x => x * / Rabs h) (fun y => Rmax y 0)).
    + apply continuity_pt_mult; [apply derivable_continuous_pt, derivable_pt_id|apply continuity_pt_const; now intros a b].
    + apply max_continuous.
  - apply max_continuous.
Qed.
Lemma ramp_neg h x : x <= 0 -> ramp h x = 0.
Proof.
  intros H. unfold ramp. assert (x * / Rabs h <= 0).
  { destruct (Req_dec (Rabs h) 0) as [->|Hne]; [rewrite Rinv_0; lra|].
    pose proof (Rabs_pos h). assert (0 < / Rabs h) by (apply Rinv_0_lt_compat; lra). nra. }
  unfold Rmin, Rmax. repeat destruct Rle_dec; lra.
Qed.
Lemma ramp_pos h x : 0 < x -> h <> 0 -> Rabs h < x -> ramp h x = 1.
Proof.
  intros H Hh Hx. unfold ramp. assert (0 < Rabs h) by now apply Rabs_pos_lt.
  assert (1 <= x * / Rabs h).
  { apply (Rmult_le_reg_r (Rabs h)); auto. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  unfold Rmin, Rmax. repeat destruct Rle_dec; lra.
Qed.
Lemma limit_step : limit_of_continuous step01.
Proof.
  exists ramp. split; [intros; apply ramp_continuous|]. intros x. destruct (Rlt_dec 0 x) as [Hx|Hx].
  - rewrite step01_pos by auto. apply (lim0_eventually _ _ (mkposreal x Hx)). intros h H1 H2. now apply ramp_pos.
  - replace (step01 x) with 0 by (unfold step01; destruct Rlt_dec; lra).
    apply (lim0_eventually _ _ (mkposreal 1 Rlt_0_1)). intros h _ _. apply ramp_neg. lra.
Qed.
Lemma ln_neg x : x <= 0 -> ln x = 0.
Proof. intros H. unfold ln. destruct (Rlt_dec 0 x); [exfalso; lra|reflexivity]. Qed.
Lemma limit_ln : limit_of_continuous ln.
Proof.
  exists (fun h x => ramp h x * ln (Rmax x (Rabs h))). split.
  - intros h Hh x. apply continuity_pt_mult; [apply ramp_continuous|].
    apply (continuity_pt_comp (fun x => Rmax x (Rabs h)) ln); [apply max_continuous|].
    assert (0 < Rmax x (Rabs h)).
    { apply Rlt_le_trans with (Rabs h); [now apply Rabs_pos_lt|apply Rmax_r]. }
    apply derivable_continuous_pt. exists (/ Rmax x (Rabs h)). now apply derivable_pt_lim_ln.
  - intros x. destruct (Rlt_dec 0 x) as [Hx|Hx].
    + apply (lim0_eventually _ _ (mkposreal x Hx)). intros h H1 H2. simpl in H2.
      rewrite ramp_pos, Rmax_left by lra. apply Rmult_1_l.
    + rewrite (ln_neg x) by lra. apply (lim0_eventually _ _ (mkposreal 1 Rlt_0_1)). intros h _ _.
      rewrite ramp_neg by lra. apply Rmult_0_l.
Qed.
Lemma limit_inv : limit_of_continuous Rinv.
Proof.
  exists (fun h x => x * / (x * x + h * h)). split.
  - intros h Hh x. reg. assert (0 < h * h) by nra. nra.
  - intros x. destruct (Req_dec x 0) as [->|Hx].
    + rewrite Rinv_0. apply (lim0_eventually _ _ (mkposreal 1 Rlt_0_1)). intros; apply Rmult_0_l.
    + replace (/ x) with ((fun h => x * / (x * x + h * h)) 0) by (cbv beta; field; auto).
      apply lim0_continuous. reg. nra.
Qed.
Lemma limit_self f : (forall x, continuity_pt f x) -> limit_of_continuous f.
Proof. intros H. exists (fun _ => f). split; auto. intros x. apply filterlim_const. Qed.
Lemma sqrt_continuous x : continuity_pt sqrt x.
Proof.
  apply (continuity_pt_ext (fun x => sqrt (Rmax x 0))).
  { intros y. unfold Rmax. destruct (Rle_dec y 0) as [H|H]; auto. rewrite sqrt_0. unfold sqrt.
    destruct (Rcase_abs y) as [|H']; auto. assert (y = 0) by lra. subst.
    change (0 = Rsqrt {| nonneg := 0; cond_nonneg := Rge_le 0 0 H' |}).
    symmetry.
    set (z := {| nonneg := 0; cond_nonneg := Rge_le 0 0 H' |}).
    pose proof (Rsqrt_Rsqrt z) as E. pose proof (Rsqrt_positivity z) as P. simpl in E. nra. }
  apply (continuity_pt_comp (fun x => Rmax x 0) sqrt); [apply max_continuous|].
  apply continuity_pt_sqrt. apply Rmax_r.
Qed.

(** ** Limits of functions that are continuous in every drawn number *)
Section Borel.
Variable cs : list coord.
Inductive borel : (trace -> R) -> Prop :=
  | borel_continuous F : (forall c, In c cs -> continuous_in F c) -> borel F
  | borel_limit Fs F : (forall h, h <> 0 -> borel (Fs h)) -> (forall tr, lim0 (fun h => Fs h tr) (F tr)) -> borel F.

Lemma borel_map f F : (forall x, continuity_pt f x) -> borel F -> borel (fun tr => f (F tr)).
Proof.
  intros Hf. induction 1 as [F HF|Fs F _ IH HL].
  - apply borel_continuous. intros c Hc tr v Hv.
    apply (continuity_pt_comp (fun v => F (set tr c v)) f); [now apply HF|apply Hf].
  - apply (borel_limit (fun h tr => f (Fs h tr))); auto. intros tr.
    eapply filterlim_comp; [apply HL|]. apply continuity_pt_filterlim, Hf.
Qed.
Lemma borel_of f F : limit_of_continuous f -> borel F -> borel (fun tr => f (F tr)).
Proof.
  intros (fs & H1 & H2) HF. apply (borel_limit (fun h tr => fs h (F tr))).
  - intros h Hh. apply borel_map; auto.
  - intros tr. apply H2.
Qed.
Lemma borel_map2 (f : R -> R -> R) F G :
  (forall x y, filterlim (fun p => f (fst p) (snd p)) (filter_prod (locally x) (locally y)) (locally (f x y))) ->
  borel F -> borel G -> borel (fun tr => f (F tr) (G tr)).
Proof.
  intros Hf HF HG. revert G HG. induction HF as [F HF|Fs F _ IH HL]; intros G HG.
  - induction HG as [G HG|Gs G _ IH HL].
    + apply borel_continuous. intros c Hc tr v Hv. apply continuity_pt_filterlim.
      eapply filterlim_comp_2; [| |apply Hf]; apply continuity_pt_filterlim; [now apply HF|now apply HG].
    + apply (borel_limit (fun h tr => f (F tr) (Gs h tr))); auto. intros tr.
      eapply filterlim_comp_2; [apply filterlim_const|apply HL|apply Hf].
  - apply (borel_limit (fun h tr => f (Fs h tr) (G tr))); auto. intros tr.
    eapply filterlim_comp_2; [apply HL|apply filterlim_const|apply Hf].
Qed.
Lemma borel_plus F G : borel F -> borel G -> borel (fun tr => F tr + G tr).
Proof. apply (borel_map2 Rplus). intros x y. apply (filterlim_plus x y). Qed.
Lemma borel_mult F G : borel F -> borel G -> borel (fun tr => F tr * G tr).
Proof. apply (borel_map2 Rmult). intros x y. apply (filterlim_mult x y). Qed.
Lemma borel_const c : borel (fun _ => c).
Proof. apply borel_continuous. intros k _ tr v _. apply continuity_pt_const. now intros a b. Qed.
Lemma borel_ext F G : (forall tr, F tr = G tr) -> borel F -> borel G.
Proof.
  intros E H. apply (borel_limit (fun _ => F)); auto. intros tr. rewrite <- E. apply filterlim_const.
Qed.
Lemma borel_opp F : borel F -> borel (fun tr => - F tr).
Proof. intros H. apply (borel_ext (fun tr => -1 * F tr)); [intros; ring|]. apply borel_mult; auto using borel_const. Qed.
Lemma borel_minus F G : borel F -> borel G -> borel (fun tr => F tr - G tr).
Proof. intros H1 H2. apply borel_plus; auto using borel_opp. Qed.
Lemma borel_inv F : borel F -> borel (fun tr => / F tr).
Proof. apply borel_of, limit_inv. Qed.
Lemma borel_ln F : borel F -> borel (fun tr => ln (F tr)).
Proof. apply borel_of, limit_ln. Qed.
Lemma borel_step F : borel F -> borel (fun tr => step01 (F tr)).
Proof. apply borel_of, limit_step. Qed.
Lemma borel_exp F : borel F -> borel (fun tr => exp (F tr)).
Proof. apply borel_map. intros x. apply derivable_continuous_pt, derivable_pt_exp. Qed.
Lemma borel_abs F : borel F -> borel (fun tr => Rabs (F tr)).
Proof. apply borel_map, Rcontinuity_abs. Qed.
Lemma borel_sum {A} (l : list A) F : (forall a, In a l -> borel (F a)) -> borel (fun tr => sum l (fun a => F a tr)).
Proof.
  induction l as [|a l IH]; cbn [sum]; intros H; [apply borel_const|].
  apply borel_plus; [apply H; now left|]. apply IH. intros b Hb. apply H. now right.
Qed.
Lemma borel_max F G : borel F -> borel G -> borel (fun tr => Rmax (F tr) (G tr)).
Proof.
  intros H1 H2. apply (borel_ext (fun tr => (F tr + G tr + Rabs (F tr - G tr)) * / 2)).
  { intros tr. unfold Rmax, Rabs. destruct Rle_dec, Rcase_abs; lra. }
  apply borel_mult; auto using borel_plus, borel_abs, borel_minus, borel_const.
Qed.
Lemma borel_min F G : borel F -> borel G -> borel (fun tr => Rmin (F tr) (G tr)).
Proof.
  intros H1 H2. apply (borel_ext (fun tr => (F tr + G tr - Rabs (F tr - G tr)) * / 2)).
  { intros tr. unfold Rmin, Rabs. destruct Rle_dec, Rcase_abs; lra. }
  apply borel_mult; auto using borel_plus, borel_abs, borel_minus, borel_const.
Qed.
Hint Resolve borel_plus borel_mult borel_const borel_opp borel_minus borel_inv borel_ln borel_step borel_exp
  borel_abs borel_max borel_min : borel.

(** *** The scalar functions *)
Lemma borel_sqrt F : borel F -> borel (fun tr => sqrt (F tr)).
Proof. apply borel_map, sqrt_continuous. Qed.
Lemma borel_sin F : borel F -> borel (fun tr => sin (F tr)).
Proof. apply borel_map. intros x. apply continuity_sin. Qed.
Lemma borel_cos F : borel F -> borel (fun tr => cos (F tr)).
Proof. apply borel_map. intros x. apply continuity_cos. Qed.
Lemma borel_logistic F : borel F -> borel (fun tr => logistic (F tr)).
Proof. intros H. unfold logistic. auto 8 with borel. Qed.
Lemma borel_sign F : borel F -> borel (fun tr => sign01 (F tr)).
Proof.
  intros H. apply (borel_ext (fun tr => step01 (F tr) - step01 (- F tr))); [|auto with borel].
  intros tr. unfold sign01, step01. repeat destruct Rlt_dec; lra.
Qed.
Lemma borel_tie F G : borel F -> borel G -> borel (fun tr => tie01 (F tr) (G tr)).
Proof. intros H1 H2. unfold tie01. auto 8 with borel. Qed.
Lemma borel_win F G : borel F -> borel G -> borel (fun tr => win01 (F tr) (G tr)).
Proof. intros H1 H2. unfold win01. auto 10 using borel_tie with borel. Qed.
Hint Resolve borel_sqrt borel_sin borel_cos borel_logistic borel_sign borel_win : borel.

Lemma borel_app1 f F : borel F -> borel (fun tr => app1 f (F tr)).
Proof. intros H. destruct f; cbn [app1]; unfold Rdiv; auto 10 with borel. Qed.
Lemma borel_diff1 f F : borel F -> borel (fun tr => diff1 f (F tr)).
Proof. intros H. destruct f; cbn [diff1 app1]; unfold Rdiv; auto 12 with borel. Qed.
Lemma borel_app2 f F G : borel F -> borel G -> borel (fun tr => app2 f (F tr) (G tr)).
Proof. intros H1 H2. destruct f; cbn [app2]; unfold Rdiv; auto 10 with borel. Qed.
Lemma borel_diff2 f F G : borel F -> borel G ->
  borel (fun tr => diff2l f (F tr) (G tr)) /\ borel (fun tr => diff2r f (F tr) (G tr)).
Proof. intros H1 H2. destruct f; cbn [diff2l diff2r]; unfold Rdiv; split; auto 12 with borel. Qed.

(** *** Operations and programs *)
Definition borel_tensor (x : trace -> tensor) : Prop := forall ix, borel (fun tr => x tr ix).
Definition all_at (tr : trace) (xs : list (trace -> tensor)) : list tensor := map (fun x => x tr) xs.

Section Programs.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Lemma borel_lin l x : borel_tensor x -> borel_tensor (fun tr => lin_app rho l (x tr)).
Proof.
  intros H ix. unfold lin_app. apply (borel_sum _ (fun p tr => if index_eqb (snd p) ix then x tr (fst p) else 0)).
  intros p _. destruct (index_eqb (snd p) ix); [apply H|apply borel_const].
Qed.
Lemma borel_ein2 vs i j o x y : borel_tensor x -> borel_tensor y ->
  borel_tensor (fun tr => ein2 rho vs i j o (x tr) (y tr)).
Proof.
  intros Hx Hy ix. unfold ein2.
  apply (borel_sum _ (fun v tr => if index_eqb (pick v o) ix then x tr (pick v i) * y tr (pick v j) else 0)).
  intros v _. destruct (index_eqb (pick v o) ix); [apply borel_mult; auto|apply borel_const].
Qed.
Lemma borel_expsum vs o x ix : borel_tensor x -> borel (fun tr => expsum rho vs o (x tr) ix).
Proof.
  intros H. unfold expsum. apply (borel_sum _ (fun v tr => if index_eqb (pick v o) ix then exp (x tr v) else 0)).
  intros v _. destruct (index_eqb (pick v o) ix); [apply borel_exp; auto|apply borel_const].
Qed.
Lemma borel_den o xs : (forall x, In x xs -> borel_tensor x) -> borel_tensor (fun tr => den rho tr o (all_at tr xs)).
Proof.
  intros H ix. assert (Z : borel (fun _ => zero ix)) by apply borel_const.
  destruct o; destruct xs as [|x [|y [|? ?]]]; cbn [all_at map den]; try exact Z; try apply borel_const;
    try (assert (Hx : borel_tensor x) by (apply H; simpl; auto));
    try (assert (Hy : borel_tensor y) by (apply H; simpl; auto)).
  - now apply borel_app1.
  - now apply borel_app2.
  - now apply borel_lin.
  - now apply borel_ein2.
  - apply borel_ln. now apply borel_expsum.
  - apply borel_continuous. intros c _ tr v _. unfold set. destruct (coord_eqb (j, ix) c).
    + apply derivable_continuous_pt, derivable_pt_id.
    + apply continuity_pt_const. now intros a b.
Qed.
Lemma borel_jvp o xs ds : (forall x, In x xs -> borel_tensor x) -> (forall x, In x ds -> borel_tensor x) ->
  borel_tensor (fun tr => jvp rho o (all_at tr xs) (all_at tr ds)).
Proof.
  intros H H' ix. assert (Z : borel (fun _ => zero ix)) by apply borel_const.
  destruct o; destruct xs as [|x [|y [|? ?]]]; destruct ds as [|dx [|dy [|? ?]]]; cbn [all_at map jvp]; try exact Z;
    try (assert (Hx : borel_tensor x) by (apply H; simpl; auto));
    try (assert (Hy : borel_tensor y) by (apply H; simpl; auto));
    try (assert (Hdx : borel_tensor dx) by (apply H'; simpl; auto));
    try (assert (Hdy : borel_tensor dy) by (apply H'; simpl; auto)).
  - apply borel_mult; auto. now apply borel_diff1.
  - apply borel_plus; apply borel_mult; auto; now apply borel_diff2.
  - now apply borel_lin.
  - apply borel_plus; now apply borel_ein2.
  - apply (borel_sum _ (fun v tr => if index_eqb (pick v o) ix
      then exp (x tr v - ln (expsum rho vs o (x tr) ix)) * dx tr v else 0)).
    intros v _. destruct (index_eqb (pick v o) ix); [|apply borel_const].
    apply borel_mult; auto. apply borel_exp, borel_minus; auto. apply borel_ln. now apply borel_expsum.
Qed.

Lemma all_at_map (V : trace -> env) ps tr : all_at tr (map (fun k tr => V tr k) ps) = map (V tr) ps.
Proof. unfold all_at. now rewrite map_map. Qed.
Lemma in_slots (V : trace -> env) ps x : (forall k, borel_tensor (fun tr => V tr k)) ->
  In x (map (fun k tr => V tr k) ps) -> borel_tensor x.
Proof. intros H Hx. apply in_map_iff in Hx as (k & <- & _). apply H. Qed.
Lemma borel_put (V : trace -> env) n x : (forall k, borel_tensor (fun tr => V tr k)) -> borel_tensor x ->
  forall k, borel_tensor (fun tr => put (V tr) n (x tr) k).
Proof.
  intros HV Hx k ix. destruct (Nat.eq_dec k n) as [->|Hne].
  - apply (borel_ext (fun tr => x tr ix)); [intros; now rewrite put_same|apply Hx].
  - apply (borel_ext (fun tr => V tr k ix)); [intros; now rewrite put_other|apply HV].
Qed.
Theorem borel_run p : forall n (V : trace -> env), (forall k, borel_tensor (fun tr => V tr k)) ->
  forall k, borel_tensor (fun tr => run rho tr p n (V tr) k).
Proof.
  induction p as [|[o ps] p IH]; cbn [run]; intros n V HV; [exact HV|].
  apply (IH (S n) (fun tr => put (V tr) n (den rho tr o (map (V tr) ps)))).
  apply (borel_put V n (fun tr => den rho tr o (map (V tr) ps))); auto. intros ix.
  pose proof (borel_den o (map (fun k tr => V tr k) ps) (fun x => in_slots V ps x HV) ix) as H.
  apply (borel_ext _ _ (fun tr => f_equal (fun xs => den rho tr o xs ix) (all_at_map V ps tr)) H).
Qed.
Theorem borel_tangent p : forall n (V W : trace -> env), (forall k, borel_tensor (fun tr => V tr k)) ->
  (forall k, borel_tensor (fun tr => W tr k)) -> forall k, borel_tensor (fun tr => tangent rho tr p n (V tr) (W tr) k).
Proof.
  induction p as [|[o ps] p IH]; cbn [tangent]; intros n V W HV HW; [exact HW|].
  apply (IH (S n) (fun tr => put (V tr) n (den rho tr o (map (V tr) ps)))
              (fun tr => put (W tr) n (jvp rho o (map (V tr) ps) (map (W tr) ps)))).
  - apply (borel_put V n (fun tr => den rho tr o (map (V tr) ps))); auto. intros ix.
    pose proof (borel_den o (map (fun k tr => V tr k) ps) (fun x => in_slots V ps x HV) ix) as H.
    apply (borel_ext _ _ (fun tr => f_equal (fun xs => den rho tr o xs ix) (all_at_map V ps tr)) H).
  - apply (borel_put W n (fun tr => jvp rho o (map (V tr) ps) (map (W tr) ps))); auto. intros ix.
    pose proof (borel_jvp o (map (fun k tr => V tr k) ps) (map (fun k tr => W tr k) ps)
                  (fun x => in_slots V ps x HV) (fun x => in_slots W ps x HW) ix) as H.
    apply (borel_ext _ _ (fun tr => f_equal2 (fun xs ds => jvp rho o xs ds ix) (all_at_map V ps tr) (all_at_map W ps tr)) H).
Qed.
End Programs.

(** ** They are integrable where they grow at most exponentially *)
Variable K : coord -> expectation R.
Hypothesis K_tame : forall c, tame_base (K c).
Hypothesis cs_distinct : NoDup cs.

Lemma clip_continuous C k F c : In c cs -> continuous_in F c ->
  continuous_in (fun tr => clip (C * exp (k * spread cs tr)) (F tr)) c.
Proof.
  intros Hc HF tr v Hv.
  assert (HS : continuity_pt (fun v => C * exp (k * spread cs (set tr c v))) v).
  { apply continuity_pt_mult; [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_comp (fun v => k * spread cs (set tr c v)) exp);
      [|apply derivable_continuous_pt, derivable_pt_exp].
    apply continuity_pt_mult; [apply continuity_pt_const; now intros a b|].
    unfold spread. clear Hc HF. induction cs as [|b bs IH]; cbn [sum]; [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_plus (fun v => gauge (get (set tr c v) b)) (fun v => sum bs (fun c0 => gauge (get (set tr c v) c0)))).
    - destruct (coord_eqb_spec c b) as [->|Hne].
      + apply (continuity_pt_ext gauge); [intros; now rewrite get_set_same|]. now apply gauge_continuous.
      + apply (continuity_pt_ext (fun v => gauge (get tr b))); [intros; now rewrite get_set_other|].
        apply continuity_pt_const. now intros x y.
    - apply IH. now inversion cs_distinct. }
  assert (HM : forall f g, continuity_pt f v -> continuity_pt g v -> continuity_pt (fun v => Rmax (f v) (g v)) v).
  { intros f g Hf Hg. apply (continuity_pt_ext (fun v => (f v + g v + Rabs (f v - g v)) * / 2)).
    { intros y. unfold Rmax, Rabs. destruct Rle_dec, Rcase_abs; lra. }
    apply continuity_pt_mult; [|apply continuity_pt_const; now intros a b].
    apply continuity_pt_plus; [now apply continuity_pt_plus|].
    apply (continuity_pt_comp (fun v => f v - g v) Rabs); [now apply continuity_pt_minus|apply Rcontinuity_abs]. }
  apply (continuity_pt_ext (fun v => Rmax (- (C * exp (k * spread cs (set tr c v))))
           (- Rmax (- (C * exp (k * spread cs (set tr c v)))) (- F (set tr c v))))).
  { intros y. unfold clip, Rmax, Rmin. repeat destruct Rle_dec; lra. }
  apply HM; [now apply continuity_pt_opp|]. apply continuity_pt_opp, HM; apply continuity_pt_opp; auto.
Qed.
Lemma borel_clip_int F : borel F -> forall C k tr0, 0 <= C -> 0 <= k ->
  Int (drawE K cs tr0) (fun tr => clip (C * exp (k * spread cs tr)) (F tr)).
Proof.
  assert (G0 : forall C k tr, 0 <= C -> 0 <= C * exp (k * spread cs tr)).
  { intros. apply Rmult_le_pos; auto. left; apply exp_pos. }
  induction 1 as [F HF|Fs F _ IH HL]; intros C k tr0 HC Hk.
  - apply (tame_int K K_tame cs k cs_distinct Hk _ C); auto.
    + intros c Hc. right. now apply clip_continuous; auto.
    + intros tr _. apply clip_bound. auto.
  - apply (Ex_lim (drawE K cs tr0) (fun h tr => clip (C * exp (k * spread cs tr)) (Fs h tr)) _
             (fun tr => C * exp (k * spread cs tr)) (mkposreal 1 Rlt_0_1)).
    + intros h Hh _. now apply IH.
    + apply Int_scal. now apply envelope.
    + intros h tr _ _. apply clip_bound. auto.
    + intros tr. apply lim0_eps. intros e. destruct (proj1 (lim0_eps _ _) (HL tr) e) as [d Hd]. exists d.
      intros h H1 H2. eapply Rle_lt_trans; [apply clip_close|]. auto.
Qed.
Theorem borel_int F C k tr0 : borel F -> 0 <= C -> 0 <= k ->
  (forall tr, Rabs (F tr) <= C * exp (k * spread cs tr)) -> Int (drawE K cs tr0) F.
Proof.
  intros HF HC Hk Hb. apply (Int_ext _ (fun tr => clip (C * exp (k * spread cs tr)) (F tr))).
  - intros tr. now apply clip_id.
  - now apply borel_clip_int.
Qed.
End Borel.
