(** * Costs with kinks

    [tame_kinked G moved] is the analysis of [Tame.v] for graphs that have [abs], [relu], [min] and [max] of what moves. Where it
    says yes the cost is Lipschitz in the parameters, with a constant that is integrable, so that it may be differentiated
    under the expectation as soon as almost every draw is off the kinks ([kinked_regular]). *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Number Certificate Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Borel Sides.
Import ListNotations.
Open Scope R_scope.

Definition is_kink (o : op) : bool :=
  match o with Map1 Abs | Map1 Relu | Map2 Min | Map2 Max => true | _ => false end.
Definition judge_kinked (o : op) (xs : list facts) : option facts :=
  if is_kink o then Some (Facts (forallb fixed xs) (forallb bounded xs) (forallb linear xs) false) else judge o xs.
Fixpoint scan_kinked (p : program) (fs : list facts) : option (list facts) :=
  match p with
  | [] => Some fs
  | (o, ps) :: p =>
      match judge_kinked o (map (fun k => nth k fs unknown) ps) with
      | Some f => scan_kinked p (fs ++ [f])
      | None => None
      end
  end.
Definition tame_kinked (G : graph) (moved : list nat) : bool :=
  match g_scores G, scan_kinked (g_nodes G) (map (input_facts moved) (range (inputs G))) with
  | [], Some _ => true
  | _, _ => false
  end.

(** ** Slopes by one rule or another *)
Section Rule.
Variable rho : dim -> nat.
Hypothesis rho_pos : forall d, (0 < rho d)%nat.
Notation boxs s := (box (sizes rho s)).
Variable J : op -> list tensor -> list tensor -> tensor.
Variable D : (R -> R) -> R -> R -> Prop.
Fixpoint tangent_by (tr : trace) (p : program) (n : nat) (E W : env) : env :=
  match p with
  | [] => W
  | (o, ps) :: p => tangent_by tr p (S n) (put E n (den rho tr o (map E ps))) (put W n (J o (map E ps) (map W ps)))
  end.

Record slope_rule : Prop := {
  rule_smooth : forall o xs ds, is_kink o = false -> J o xs ds = jvp rho o xs ds;
  rule_kink1 : forall f x d ix, is_kink (Map1 f) = true -> Rabs (J (Map1 f) [x] [d] ix) <= 3 * Rabs (d ix);
  rule_kink2 : forall f x y dx dy ix, is_kink (Map2 f) = true ->
    Rabs (J (Map2 f) [x; y] [dx; dy] ix) <= 2 * (Rabs (dx ix) + Rabs (dy ix));
  rule_const : forall c t, D (fun _ => c) t 0;
  rule_ext : forall f g t l, (forall x, f x = g x) -> D f t l -> D g t l;
  rule_chain : forall tr o ss s xs ds t, ty o ss = Some s -> tangents_by rho D ss xs ds t ->
    (is_kink o = true \/ pre rho o ss (map (fun x => x t) xs)) -> forall ix, In ix (boxs s) ->
    D (fun t => den rho tr o (map (fun x => x t) xs) ix) t (J o (map (fun x => x t) xs) ds ix)
}.
Hypothesis R : slope_rule.

Variable cs : list coord.
Notation S := (spread cs).
Let S_ge0 := spread_ge0 cs.

Lemma true_of_ext f s v v' w w' : (forall t tr ix, In ix (boxs s) -> v t tr ix = v' t tr ix) ->
  (forall t tr ix, In ix (boxs s) -> w t tr ix = w' t tr ix) -> true_of rho S f s v' w' -> true_of rho S f s v w.
Proof.
  intros Ev Ew [A1 A2 A3 A4 A5 A6]. constructor.
  - now apply (grows_ext S _ _ v').
  - now apply (grows_ext S _ _ w').
  - intros H. destruct (A3 H) as [c Hc]. exists c. intros t tr ix Hix. rewrite Ev, Ew by auto. now apply Hc.
  - intros H. apply (within_ext flat _ _ v'); auto. intros; unfold flat; lra.
  - intros H. apply (within_ext (line_of S) _ _ v'); auto. intros tr. pose proof (line_ge1 S S_ge0 tr). lra.
  - intros H. destruct (A6 H) as [B1 B2]. split.
    + revert B1. apply filter_imp. intros t B tr ix Hix. rewrite Ev by auto. now apply B.
    + apply (grows_ext S _ _ (fun t tr ix => / v' t tr ix)); auto. intros. now rewrite Ev.
Qed.

Lemma true_of_slope f s v w w' : (forall t tr ix, Rabs (w' t tr ix) <= Rabs (w t tr ix)) ->
  true_of rho S f s v w -> true_of rho S f s v w'.
Proof.
  intros H [A1 A2 A3 A4 A5 A6]. constructor; auto.
  - revert A2. apply grows_le. auto.
  - intros Hf. destruct (A3 Hf) as [c Hc]. exists c. intros t tr ix Hix. destruct (Hc t tr ix Hix) as [E E'].
    split; auto. specialize (H t tr ix). rewrite E', Rabs_R0 in H. apply Rabs_eq_0, Rle_antisym; auto. apply Rabs_pos.
Qed.

(** *** Facts through kinks *)
Lemma grows_times l c (u : family index) : Tame.grows S l u -> Tame.grows S l (fun t tr ix => c * u t tr ix).
Proof. intros H. apply (grows_mult S l (fun _ _ _ => c)); auto. apply (grows_const S l (fun _ => c)). Qed.
Lemma kink1_true f x s v w : is_kink (Map1 f) = true -> true_of rho S x s v w ->
  true_of rho S (Facts (fixed x) (bounded x) (linear x) false) s (fun t tr => den rho tr (Map1 f) [v t tr])
    (fun t tr => J (Map1 f) [v t tr] [w t tr]).
Proof.
  intros Hf [Hg Hs Hst Hb Hl _].
  assert (B : forall y, Rabs (app1 f y) <= Rabs y).
  { intros y. destruct f; try discriminate; cbn [app1]; [rewrite Rabs_Rabsolu; lra|].
    unfold Rmax. destruct Rle_dec; [rewrite Rabs_R0; apply Rabs_pos|lra]. }
  constructor; cbn [fixed bounded linear positive]; try discriminate.
  - revert Hg. apply grows_le. intros. apply B.
  - apply (grows_le S _ _ (fun t tr ix => 3 * Rabs (w t tr ix))).
    + intros t tr ix _. eapply Rle_trans; [now apply (rule_kink1 R)|].
      pose proof (Rabs_pos (w t tr ix)). rewrite (Rabs_pos_eq (3 * _)); lra.
    + apply grows_times. now apply grows_abs.
  - intros H. destruct (Hst H) as [c Hc]. exists (fun ix => app1 f (c ix)). intros t tr ix Hix.
    destruct (Hc t tr ix Hix) as [E E']. cbn [den]. rewrite E. split; auto.
    pose proof (rule_kink1 R f (v t tr) (w t tr) ix Hf) as H0. rewrite E', Rabs_R0, Rmult_0_r in H0.
    apply Rabs_eq_0. apply Rle_antisym; auto. apply Rabs_pos.
  - intros H. apply (within_le flat flat _ _ v); [intros tr; unfold flat; lra|intros; apply B|auto].
  - intros H. apply (within_le (line_of S) (line_of S) _ _ v); [|intros; apply B|auto].
    intros tr. pose proof (line_ge1 S S_ge0 tr). lra.
Qed.
Lemma kink2_true f x y s v w v' w' : is_kink (Map2 f) = true -> true_of rho S x s v w -> true_of rho S y s v' w' ->
  true_of rho S (Facts (fixed x && fixed y) (bounded x && bounded y) (linear x && linear y) false) s
    (fun t tr => den rho tr (Map2 f) [v t tr; v' t tr])
    (fun t tr => J (Map2 f) [v t tr; v' t tr] [w t tr; w' t tr]).
Proof.
  intros Hf [Hg Hs Hst Hb Hl _] [Hg' Hs' Hst' Hb' Hl' _].
  assert (B : forall a b, Rabs (app2 f a b) <= Rabs (Rabs a + Rabs b)).
  { intros a b. pose proof (Rabs_pos a). pose proof (Rabs_pos b). rewrite (Rabs_pos_eq (Rabs a + Rabs b)) by lra.
    destruct f; try discriminate; cbn [app2]; unfold Rmax, Rmin; destruct Rle_dec; lra. }
  constructor; cbn [fixed bounded linear positive]; try discriminate.
  - apply (grows_le S _ _ (fun t tr ix => Rabs (v t tr ix) + Rabs (v' t tr ix))); [intros; apply B|].
    apply (grows_plus S S_ge0 _ (fun t tr ix => Rabs (v t tr ix))); now apply grows_abs.
  - apply (grows_le S _ _ (fun t tr ix => 2 * (Rabs (w t tr ix) + Rabs (w' t tr ix)))).
    + intros t tr ix _. eapply Rle_trans; [now apply (rule_kink2 R)|].
      pose proof (Rabs_pos (w t tr ix)). pose proof (Rabs_pos (w' t tr ix)). rewrite (Rabs_pos_eq (2 * _)); lra.
    + apply grows_times. apply (grows_plus S S_ge0 _ (fun t tr ix => Rabs (w t tr ix))); now apply grows_abs.
  - intros H. apply andb_prop in H as [H H']. destruct (Hst H) as [c Hc]. destruct (Hst' H') as [c' Hc'].
    exists (fun ix => app2 f (c ix) (c' ix)). intros t tr ix Hix.
    destruct (Hc t tr ix Hix) as [E E']. destruct (Hc' t tr ix Hix) as [F F']. cbn [den]. rewrite E, F. split; auto.
    pose proof (rule_kink2 R f (v t tr) (v' t tr) (w t tr) (w' t tr) ix Hf) as H0.
    rewrite E', F', Rabs_R0, Rplus_0_r, Rmult_0_r in H0. apply Rabs_eq_0. apply Rle_antisym; auto. apply Rabs_pos.
  - intros H. apply andb_prop in H as [H H'].
    apply (within_le flat flat _ _ (fun t tr ix => Rabs (v t tr ix) + Rabs (v' t tr ix)));
      [intros; unfold flat; lra|intros; apply B|].
    apply (within_plus flat _ (fun t tr ix => Rabs (v t tr ix))); apply within_abs; auto.
  - intros H. apply andb_prop in H as [H H'].
    apply (within_le (line_of S) (line_of S) _ _ (fun t tr ix => Rabs (v t tr ix) + Rabs (v' t tr ix)));
      [intros tr; pose proof (line_ge1 S S_ge0 tr); lra|intros; apply B|].
    apply (within_plus (line_of S) _ (fun t tr ix => Rabs (v t tr ix))); apply within_abs; auto.
Qed.

(** *** One node *)
Lemma kink_true o fs r ss s vs ws : is_kink o = true -> judge_kinked o fs = Some r -> ty o ss = Some s ->
  all_true rho S fs ss vs ws ->
  true_of rho S r s (fun t tr => den rho tr o (at_point t tr vs))
                    (fun t tr => J o (at_point t tr vs) (at_point t tr ws)).
Proof.
  intros Hk Hj Ht Ha. unfold judge_kinked in Hj. rewrite Hk in Hj. injection Hj as <-.
  destruct o as [f|f| | | | | | |]; try discriminate.
  - destruct ss as [|s0 [|? ?]]; try discriminate. injection Ht as <-.
    destruct fs as [|x [|? ?]], vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Tx _].
    cbn [forallb at_point map]. rewrite !andb_true_r. now apply kink1_true.
  - destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate. simpl in Ht.
    destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
    destruct fs as [|x [|y [|? ?]]], vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in Ha; try tauto.
    destruct Ha as (Tx & Ty & _). cbn [forallb at_point map]. rewrite !andb_true_r. now apply kink2_true.
Qed.
Lemma node_true o fs r ss s vs ws : is_sample o = false -> judge_kinked o fs = Some r -> ty o ss = Some s ->
  all_true rho S fs ss vs ws ->
  true_of rho S r s (fun t tr => den rho tr o (at_point t tr vs))
                    (fun t tr => J o (at_point t tr vs) (at_point t tr ws)) /\
  (fixed r = true \/ locally (0 : Rdefinitions.R) (fun t => forall tr,
     is_kink o = true \/ pre rho o ss (at_point t tr vs))).
Proof.
  intros Ho Hj Ht Ha. destruct (is_kink o) eqn:Hk.
  - split; [now apply (kink_true o fs r ss s)|]. right. apply filter_forall. auto.
  - unfold judge_kinked in Hj. rewrite Hk in Hj.
    destruct (judge_sound rho rho_pos S S_ge0 o fs r ss s vs ws Ho Hj Ht Ha) as [T P]. split.
    + revert T. apply true_of_ext; auto. intros. now rewrite (rule_smooth R).
    + destruct P as [P|P]; auto. right. revert P. apply filter_imp. auto.
Qed.

(** *** Programs *)
Record kinked (fs : list facts) (sh : nat -> shape) (V W : Rdefinitions.R -> trace -> env) : Prop := {
  kinked_facts : forall k, (k < length fs)%nat ->
    true_of rho S (nth k fs unknown) (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k);
  kinked_derives : locally (0 : Rdefinitions.R) (fun t => forall tr k ix, (k < length fs)%nat ->
    In ix (boxs (sh k)) -> D (fun t => V t tr k ix) t (W t tr k ix))
}.
Lemma tangents_by_slots sh (c : Rdefinitions.R -> env) (d : env) t ps :
  (forall k, In k ps -> forall ix, In ix (boxs (sh k)) -> D (fun t => c t k ix) t (d k ix)) ->
  tangents_by rho D (map sh ps) (map (fun k t => c t k) ps) (map d ps) t.
Proof.
  intros H. induction ps as [|k ps IH]; simpl; auto. split; [apply H; now left|].
  apply IH. intros; apply H; auto. now right.
Qed.
Theorem scan_kinked_sound p : forall fs fs' sh shf V W, covers rho cs p ->
  infer p (length fs) sh = Some shf -> scan_kinked p fs = Some fs' -> kinked fs sh V W ->
  length fs' = (length fs + length p)%nat /\
  kinked fs' shf (fun t tr => run rho tr p (length fs) (V t tr))
                 (fun t tr => tangent_by tr p (length fs) (V t tr) (W t tr)).
Proof.
  induction p as [|[o ps] p IH]; intros fs fs' sh shf V W Hc Hi Hs HT.
  - cbn in *. inversion Hi; inversion Hs; subst. split; [lia|exact HT].
  - set (n := length fs) in *. cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate]. cbn [scan_kinked] in Hs.
    destruct (judge_kinked o (map (fun k => nth k fs unknown) ps)) as [f|] eqn:Hj; [|discriminate].
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    destruct HT as [HF HD].
    set (V1 := fun t tr => put (V t tr) n (den rho tr o (map (V t tr) ps))).
    set (W1 := fun t tr => put (W t tr) n (J o (map (V t tr) ps) (map (W t tr) ps))).
    assert (Hc' : covers rho cs p) by (intros j s' ps' Hin; apply (Hc j s' ps'); now right).
    assert (Hlen : length (fs ++ [f]) = Datatypes.S n) by (rewrite app_length; simpl; lia).
    assert (Hnew : true_of rho S f s (fun t tr => den rho tr o (map (V t tr) ps))
                     (fun t tr => J o (map (V t tr) ps) (map (W t tr) ps)) /\
      locally (0 : Rdefinitions.R) (fun t => forall tr ix, In ix (boxs s) ->
        D (fun t => den rho tr o (map (V t tr) ps) ix) t (J o (map (V t tr) ps) (map (W t tr) ps) ix))).
    { destruct (is_sample o) eqn:Ho.
      - destruct o as [| | | | | | | |j s']; try discriminate. simpl in Ht.
        destruct ps as [|? ?]; [|discriminate]. injection Ht as <-. cbn [map] in *. cbn in Hj. injection Hj as <-.
        rewrite (rule_smooth R) by reflexivity. cbn [den jvp]. split.
        + assert (HL : within (line_of S) (boxs s') (fun (_ : Rdefinitions.R) (tr : trace) => tr j)).
          { exists 1. split; [lra|]. apply filter_forall. intros t tr ix Hix. unfold line_of.
            pose proof (spread_get cs tr (j, ix) (Hc j s' [] (or_introl eq_refl) ix Hix)).
            unfold get in H; simpl in H. lra. }
          constructor; cbn [fixed bounded linear positive]; try discriminate; auto.
          * apply line_grows; auto.
          * apply (grows_const S (boxs s') (fun _ => 0)).
        + apply filter_forall. intros t tr ix _. apply (rule_const R).
      - destruct (node_true o _ f (map sh ps) s _ _ Ho Hj Ht (all_true_map rho cs fs sh V W ps Hps HF)) as [HT1 Hpre].
        assert (HT2 : true_of rho S f s (fun t tr => den rho tr o (map (V t tr) ps))
                        (fun t tr => J o (map (V t tr) ps) (map (W t tr) ps))).
        { revert HT1. apply true_of_ext; intros; now rewrite !at_point_map. }
        split; [exact HT2|]. destruct Hpre as [Hfix|Hpre].
        + destruct HT2 as [_ _ Hst _ _ _]. destruct (Hst Hfix) as [c Hcc]. apply filter_forall.
          intros t tr ix Hix. destruct (Hcc t tr ix Hix) as [_ E]. rewrite E.
          apply (rule_ext R (fun _ => c ix)); [|apply (rule_const R)]. intros u. symmetry. now apply Hcc.
        + generalize (filter_and _ _ Hpre HD). apply filter_imp. intros t [P Dt] tr ix Hix.
          specialize (P tr). rewrite at_point_map in P.
          apply (rule_ext R (fun u => den rho tr o (map (fun x => x u) (map (fun k u => V u tr k) ps)) ix)).
          { intros u. now rewrite map_map. }
          replace (map (V t tr) ps) with (map (fun x => x t) (map (fun k u => V u tr k) ps)) in * by apply map_map.
          apply (rule_chain R tr o (map sh ps) s); auto.
          apply (tangents_by_slots sh (fun u => V u tr) (W t tr) t ps). intros k Hk ix' Hix'. apply Dt; auto. }
    destruct Hnew as [N1 N2].
    assert (HT1 : kinked (fs ++ [f]) (put sh n s) V1 W1).
    { constructor.
      - intros k Hk. rewrite Hlen in Hk. destruct (Nat.eq_dec k n) as [->|Hne].
        + rewrite app_nth2, Nat.sub_diag by (unfold n; lia). cbn [nth]. rewrite put_same.
          revert N1. apply true_of_ext; intros; unfold V1, W1; now rewrite put_same.
        + assert (Hk' : (k < n)%nat) by lia. rewrite app_nth1, put_other by auto.
          generalize (HF k Hk'). apply true_of_ext; intros; unfold V1, W1; now rewrite put_other.
      - generalize (filter_and _ _ N2 HD). apply filter_imp. intros t [N Dt] tr k ix Hk Hix.
        rewrite Hlen in Hk. unfold V1, W1. destruct (Nat.eq_dec k n) as [->|Hne].
        + rewrite put_same in Hix. rewrite (put_same (W t tr)).
          apply (rule_ext R (fun u => den rho tr o (map (V u tr) ps) ix)); auto. intros u. now rewrite put_same.
        + rewrite put_other in Hix by auto. rewrite (put_other (W t tr)) by auto.
          apply (rule_ext R (fun u => V u tr k ix)); [intros u; now rewrite put_other|]. apply Dt; auto. unfold n in *; lia. }
    destruct (IH (fs ++ [f]) fs' (put sh n s) shf V1 W1 Hc') as [L1 T1]; auto.
    + now rewrite Hlen.
    + rewrite Hlen in L1, T1. split; [rewrite L1; cbn [length]; symmetry; apply Nat.add_succ_r|].
      cbn [run tangent_by]. exact T1.
Qed.
End Rule.

(** ** The rules: the tangent of the program, and the slopes on either side *)
Definition side_jvp (rho : dim -> nat) (o : op) (xs ds : list tensor) : tensor :=
  match o, xs, ds with
  | Map1 Relu, [x], [d] => fun ix => relu_side (x ix) (d ix)
  | Map1 Abs, [x], [d] => fun ix => 2 * relu_side (x ix) (d ix) - d ix
  | Map2 Max, [x; y], [dx; dy] => fun ix => dy ix + relu_side (x ix - y ix) (dx ix - dy ix)
  | Map2 Min, [x; y], [dx; dy] => fun ix => dx ix - relu_side (x ix - y ix) (dx ix - dy ix)
  | _, _, _ => jvp rho o xs ds
  end.

Lemma tangent_rule rho : slope_rule rho (jvp rho) (fun _ _ _ => True).
Proof.
  constructor; auto.
  - intros f x d ix Hf. cbn [jvp]. rewrite Rabs_mult.
    assert (Rabs (diff1 f (x ix)) <= 1).
    { destruct f; try discriminate; cbn [diff1]; unfold sign01, step01, Rabs; repeat destruct Rlt_dec;
        repeat destruct Rcase_abs; lra. }
    pose proof (Rabs_pos (d ix)). nra.
  - intros f x y dx dy ix Hf. cbn [jvp].
    assert (W : forall a b, 0 <= win01 a b <= 1).
    { intros a b. unfold win01, tie01, step01. repeat destruct Rlt_dec; lra. }
    assert (H : 0 <= diff2l f (x ix) (y ix) <= 1 /\ 0 <= diff2r f (x ix) (y ix) <= 1).
    { destruct f; try discriminate; cbn [diff2l diff2r]; split; apply W. }
    eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, !(Rabs_pos_eq (_ f (x ix) (y ix))) by lra.
    pose proof (Rabs_pos (dx ix)). pose proof (Rabs_pos (dy ix)). nra.
Qed.
Lemma side_rule rho (rho_pos : forall d, (0 < rho d)%nat) s : s = 1 \/ s = -1 ->
  slope_rule rho (side_jvp rho) (side_derive s).
Proof.
  intros Hs. constructor.
  - intros o xs ds Hk. destruct o as [f|f| | | | | | |]; try reflexivity; destruct f; try reflexivity; discriminate.
  - intros f x d ix Hf. pose proof (relu_side_bound (x ix) (d ix)). pose proof (Rabs_pos (d ix)).
    destruct f; try discriminate; cbn [side_jvp]; [|lra].
    unfold Rminus. eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq 2) by lra. lra.
  - intros f x y dx dy ix Hf. pose proof (relu_side_bound (x ix - y ix) (dx ix - dy ix)) as H.
    assert (Rabs (dx ix - dy ix) <= Rabs (dx ix) + Rabs (dy ix)).
    { unfold Rminus. eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp. lra. }
    pose proof (Rabs_pos (dx ix)). pose proof (Rabs_pos (dy ix)).
    destruct f; try discriminate; cbn [side_jvp].
    + eapply Rle_trans; [apply (Rabs_triang (dx ix) (- relu_side (x ix - y ix) (dx ix - dy ix)))|].
      rewrite Rabs_Ropp. lra.
    + eapply Rle_trans; [apply Rabs_triang|]. lra.
  - apply side_const.
  - apply side_ext.
  - intros tr o ss h xs ds t Ht Hd Hp ix Hix. destruct (is_kink o) eqn:Hk.
    + clear Hp. destruct o as [f|f| | | | | | |]; try discriminate.
      * destruct ss as [|s0 [|? ?]]; try discriminate. injection Ht as <-.
        destruct xs as [|x [|? ?]], ds as [|d [|? ?]]; simpl in Hd; try tauto. destruct Hd as [Hd _]. specialize (Hd ix Hix).
        destruct f; try discriminate; cbn [map den app1 side_jvp].
        -- apply (side_ext s (fun t => 2 * Rmax (x t ix) 0 - x t ix)).
           { intros u. unfold Rmax, Rabs. destruct Rle_dec, Rcase_abs; lra. }
           apply (side_minus s (fun t => 2 * Rmax (x t ix) 0)); auto.
           apply (side_scal s 2 (fun t => Rmax (x t ix) 0)). now apply (side_relu s (fun t => x t ix)).
        -- now apply (side_relu s (fun t => x t ix)).
      * destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate. simpl in Ht.
        destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
        destruct xs as [|x [|y [|? ?]]], ds as [|dx [|dy [|? ?]]]; simpl in Hd; try tauto.
        destruct Hd as (Hd & Hd' & _). specialize (Hd ix Hix). specialize (Hd' ix Hix).
        pose proof (side_relu s _ t _ (side_minus s _ _ t _ _ Hd Hd')) as Hr.
        destruct f; try discriminate; cbn [map den app2 side_jvp].
        -- apply (side_ext s (fun t => x t ix - Rmax (x t ix - y t ix) 0)).
           { intros u. unfold Rmax, Rmin. repeat destruct Rle_dec; lra. }
           now apply (side_minus s (fun t => x t ix)).
        -- apply (side_ext s (fun t => y t ix + Rmax (x t ix - y t ix) 0)).
           { intros u. unfold Rmax. repeat destruct Rle_dec; lra. }
           now apply (side_plus s (fun t => y t ix)).
    + destruct Hp as [Hp|Hp]; [discriminate|].
      assert (E : side_jvp rho o (map (fun x => x t) xs) ds = jvp rho o (map (fun x => x t) xs) ds).
      { destruct o as [f|f| | | | | | |]; try reflexivity; destruct f; try reflexivity; discriminate. }
      rewrite E. now apply (side_chain rho tr s Hs o ss h).
Qed.

(** ** Graphs *)
Lemma tangent_by_tangent rho tr p : forall n E W, tangent_by rho (jvp rho) tr p n E W = tangent rho tr p n E W.
Proof. induction p as [|[o ps] p IH]; cbn [tangent_by tangent]; intros; auto. Qed.

Section Graph.
Variables (G : graph) (moved : list nat) (rho : dim -> nat) (cs : list coord).
Variables e d : env.
Hypothesis Hsz : sized G rho.
Hypothesis Hwf : well_formed G.
Hypothesis Htame : tame_kinked G moved = true.
Hypothesis Hdir : forall k ix, ~ In k moved -> d k ix = 0.
Hypothesis Hcov : covers rho cs (g_nodes G).
Notation boxs s := (box (sizes rho s)).

Definition turned (s : R) (d : env) : env := fun k ix => s * d k ix.
Lemma graph_kinked J D s : s = 1 \/ s = -1 -> slope_rule rho J D ->
  (forall t k ix, D (fun t => line e d t k ix) t (s * d k ix)) -> exists fs,
  scan_kinked (g_nodes G) (map (input_facts moved) (range (inputs G))) = Some fs /\ length fs = slots G /\
  kinked rho D cs fs (shape_of G) (fun t tr => value G rho (line e d t) tr)
    (fun t tr => tangent_by rho J tr (g_nodes G) (inputs G) (line e d t) (turned s d)).
Proof.
  intros Hs HR HD. pose proof Htame as Ht. unfold tame_kinked in Ht. destruct (g_scores G); [|discriminate].
  set (fs := map (input_facts moved) (range (inputs G))) in *.
  destruct (scan_kinked (g_nodes G) fs) as [fs'|] eqn:Hscan; [|discriminate].
  assert (Hlen : length fs = inputs G) by (unfold fs; now rewrite map_length, seq_length).
  pose proof Hwf as (Hi & _). rewrite <- Hlen in Hi.
  destruct (inputs_tamed rho cs moved (inputs G) (input_shape G) e d Hdir) as [HF _ _].
  destruct (scan_kinked_sound rho (proj2 Hsz) J D HR cs (g_nodes G) fs fs' (input_shape G) (shape_of G)
              (fun t _ => line e d t) (fun _ _ => turned s d) Hcov Hi Hscan) as [L T].
  - constructor; [|apply filter_forall; intros; apply HD]. intros k Hk. generalize (HF k Hk).
    apply true_of_slope. intros t tr ix. unfold turned. rewrite Rabs_mult.
    replace (Rabs s) with 1; [lra|]. destruct Hs as [-> | ->]; [now rewrite Rabs_R1|].
    rewrite Rabs_left; lra.
  - rewrite Hlen in L, T. exists fs'. split; [reflexivity|]. split; [exact L|exact T].
Qed.

(** The condition of the main theorem, where almost all draws are off the kinks. *)
Theorem kinked_regular K tr0 : (forall c, tame_base (K c)) -> NoDup cs ->
  Ae (drawE K cs tr0) (fun tr => defined_on G rho (undecided G moved) e tr) ->
  regular G rho (drawE K cs tr0) e d.
Proof.
  intros HK Hnd Hae. pose proof Hwf as (_ & Hc & Hcs & _).
  assert (Hsc : g_scores G = []).
  { unfold tame_kinked in Htame. destruct (g_scores G); [auto|discriminate]. }
  assert (Hj : forall e tr, joint G rho e tr = cost G rho e tr).
  { intros e' tr. unfold joint, log_density. rewrite Hsc. simpl. rewrite exp_0. ring. }
  assert (Hjs : forall e tr, joint_slope G rho e d tr = cost_slope G rho e d tr).
  { intros e' tr. unfold joint_slope, log_density, score. rewrite Hsc. simpl. rewrite exp_0. ring. }
  assert (Hnil : In (@nil nat) (boxs (shape_of G (g_cost G)))) by (rewrite Hcs; now left).
  assert (HS : forall tr, 0 <= spread cs tr) by apply spread_ge0.
  assert (HL : forall s, s = 1 \/ s = -1 -> forall t k ix, side_derive s (fun t => line e d t k ix) t (s * d k ix)).
  { intros s _ t k ix eps He. exists 1. split; [lra|]. intros u Hu. unfold line.
    replace (e k ix + (t + s * u) * d k ix - (e k ix + t * d k ix) - u * (s * d k ix)) with 0 by ring.
    rewrite Rabs_R0. nra. }
  assert (H1 : 1 = 1 \/ 1 = -1) by now left. assert (H2 : -1 = 1 \/ -1 = -1) by now right.
  (* how the cost, its tangent and its slopes on either side grow *)
  destruct (graph_kinked _ _ 1 H1 (tangent_rule rho) (fun _ _ _ => I)) as (f0 & _ & L0 & [F0 _]).
  destruct (graph_kinked _ _ 1 H1 (side_rule rho (proj2 Hsz) 1 H1) (HL 1 H1)) as (f1 & _ & L1 & [F1 D1]).
  destruct (graph_kinked _ _ (-1) H2 (side_rule rho (proj2 Hsz) (-1) H2) (HL (-1) H2)) as (f2 & _ & L2 & [F2 D2]).
  rewrite L0 in F0. rewrite L1 in F1, D1. rewrite L2 in F2, D2.
  destruct (F0 _ Hc) as [(k0 & Hk0 & C0 & HC0 & B0) (k3 & Hk3 & C3 & HC3 & B3) _ _ _ _].
  destruct (F1 _ Hc) as [_ (k1 & Hk1 & C1 & HC1 & B1) _ _ _ _].
  destruct (F2 _ Hc) as [_ (k2 & Hk2 & C2 & HC2 & B2) _ _ _ _].
  destruct (filter_and _ _ (filter_and _ _ B1 B2) (filter_and _ _ B0 (filter_and _ _ D1 D2))) as [r Hr].
  assert (Hin : forall t, Rabs t < r -> ball (0 : R) r t) by (intros t H; now apply (proj2 (ball_0 _ _))).
  set (M := fun tr => (C1 + C2) * exp ((k1 + k2) * spread cs tr)).
  assert (Hup : forall C k tr, 0 <= C -> 0 <= k -> C <= C1 + C2 -> k <= k1 + k2 -> C * power (spread cs) k tr <= M tr).
  { intros C k tr P1 P2 P3 P4. apply Rmult_le_compat; auto; [left; apply exp_pos|].
    apply exp_le, Rmult_le_compat_r; auto. }
  (* what is measurable *)
  assert (Hbor : forall t, borel cs (joint G rho (line e d t))).
  { intros t. apply (borel_ext cs (fun tr => value G rho (line e d t) tr (g_cost G) [])); [intros; now rewrite Hj|].
    apply (borel_run cs rho (g_nodes G) (inputs G) (fun _ => line e d t)). intros k ix. apply borel_const. }
  assert (Hbos : borel cs (joint_slope G rho e d)).
  { apply (borel_ext cs (fun tr => slope G rho e d tr (g_cost G) [])); [intros; now rewrite Hjs|].
    apply (borel_tangent cs rho (g_nodes G) (inputs G) (fun _ => e) (fun _ => d)); intros k ix; apply borel_const. }
  assert (Hint : forall t, Rabs t < r -> Int (drawE K cs tr0) (joint G rho (line e d t))).
  { intros t Ht. apply (borel_int cs K HK Hnd _ C0 k0); auto. intros tr. rewrite Hj.
    destruct (Hr t (Hin t Ht)) as [_ [Hb _]]. exact (Hb tr [] Hnil). }
  assert (Hints : Int (drawE K cs tr0) (joint_slope G rho e d)).
  { apply (borel_int cs K HK Hnd _ C3 k3); auto. intros tr. rewrite Hjs.
    apply locally_singleton in B3. specialize (B3 tr [] Hnil). rewrite tangent_by_tangent in B3. rewrite line_0 in B3.
    replace (turned 1 d) with d in B3; [exact B3|].
    apply functional_extensionality; intros k. apply functional_extensionality; intros ix. unfold turned. ring. }
  split; auto.
  apply (Ex_derive_ae (drawE K cs tr0) (fun t => joint G rho (line e d t)) (joint_slope G rho e d) M 0 r); auto.
  - intros t. rewrite Rminus_0_r. auto.
  - apply Int_scal. apply envelope; auto.
  - intros t tr. rewrite Rminus_0_r. intros Ht. rewrite !Hj.
    apply (side_bound (fun t => cost G rho (line e d t) tr) t (M tr)). intros x Hx.
    assert (Hxr : Rabs x < r) by lra. destruct (Hr x (Hin x Hxr)) as [[Hb1 Hb2] [_ [Hd1 Hd2]]].
    eexists. eexists. split; [exact (Hd1 tr (g_cost G) [] Hc Hnil)|].
    split; [exact (Hd2 tr (g_cost G) [] Hc Hnil)|].
    split; (eapply Rle_trans; [first [exact (Hb1 tr [] Hnil)|exact (Hb2 tr [] Hnil)]|]); apply Hup; lra.
  - revert Hae. apply Ae_imp. intros tr Hdef.
    pose proof (decided_derive G rho moved e d tr Hsz Hwf Hdir Hdef) as Hder.
    pose proof (joint_derivable G rho e d tr 0 Hwf Hder) as H. rewrite line_0 in H. exact H.
Qed.
End Graph.
