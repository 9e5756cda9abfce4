(** * Models in noise

    A model whose draws are normal and finite ones becomes one whose normal draws are standard noise: location plus scale times noise
    stands in their place.  [half_cost] is its expected cost: noise, and finite values from their laws, in the order of the
    model.  [noise_cost] says that this is the expected cost of the model as it is written, and [half_weighed] that it is
    what a graph computes that weighs all finite values with their joint density, after all noise. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws Score.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Mixed Quick Noised Model Written Rewriting Unfold Moment Source.
From Sgc Require Import QuickSource Copies Scored Drawing.
Import ListNotations.
Open Scope R_scope.

(** ** Finite laws *)
Lemma continuous_sum {A} (l : list A) (f : A -> R -> R) x : (forall a, In a l -> continuity_pt (f a) x) ->
  continuity_pt (fun u => sum l (fun a => f a u)) x.
Proof.
  induction l as [|a l IH]; intros H; cbn [sum]; [apply continuity_pt_const; now intros u v|].
  apply (continuity_pt_plus (f a) (fun u => sum l (fun a => f a u))); [apply H; now left|]. apply IH. intros; apply H; now right.
Qed.
Lemma continuous_exp f x : continuity_pt f x -> continuity_pt (fun u => exp (f u)) x.
Proof. intros H. apply (continuity_pt_comp f exp); [exact H|apply derivable_continuous, derivable_exp]. Qed.
Lemma continuous_ln f x : 0 < f x -> continuity_pt f x -> continuity_pt (fun u => ln (f u)) x.
Proof.
  intros Hp H. apply (continuity_pt_comp f ln); [exact H|]. apply derivable_continuous_pt. exists (/ f x). now apply derivable_pt_lim_ln.
Qed.
Lemma law_continuous rho l (a : R -> tensor) axes ix v x : (forall d, (0 < rho d)%nat) ->
  (forall w, In w (box (sizes rho (vals l))) -> continuity_pt (fun u => a u (pick ix axes ++ w)) x) ->
  continuity_pt (fun u => law_val rho l (a u) axes ix v) x.
Proof.
  intros Hrho H. destruct l as [|d]; cbn [law_val vals] in *.
  - specialize (H [] (or_introl eq_refl)). rewrite app_nil_r in H.
    apply (continuity_pt_minus (fun u => v * a u (pick ix axes)) (fun u => ln (1 + exp (a u (pick ix axes))))).
    + apply (continuity_pt_scal (fun u => a u (pick ix axes))). exact H.
    + apply continuous_ln; [pose proof (exp_pos (a x (pick ix axes))); lra|].
      apply (continuity_pt_plus (fun _ => 1) (fun u => exp (a u (pick ix axes)))); [apply continuity_pt_const; now intros y z|].
      now apply continuous_exp.
  - assert (Hk : forall k, In k (range (rho d)) -> continuity_pt (fun u => a u (pick ix axes ++ [k])) x).
    { intros k Hk. apply H. cbn. apply in_flat_map. exists k. split; auto. simpl; auto. }
    apply (continuity_pt_minus (fun u => sum (range (rho d)) (fun k => a u (pick ix axes ++ [k]) * hot v k))
             (fun u => ln (sum (range (rho d)) (fun k => exp (a u (pick ix axes ++ [k])))))).
    + apply (continuous_sum (range (rho d)) (fun k u => a u (pick ix axes ++ [k]) * hot v k)). intros k Hin.
      apply (continuity_pt_mult (fun u => a u (pick ix axes ++ [k])) (fun _ => hot v k)); [now apply Hk|].
      apply continuity_pt_const; now intros y z.
    + apply continuous_ln.
      * apply Rlt_le_trans with (exp (a x (pick ix axes ++ [0%nat]))); [apply exp_pos|].
        apply (sum_term (range (rho d)) (fun k => exp (a x (pick ix axes ++ [k])))).
        -- intros; left; apply exp_pos.
        -- apply in_range, Hrho.
      * apply (continuous_sum (range (rho d)) (fun k u => exp (a u (pick ix axes ++ [k])))). intros k Hin. apply continuous_exp. now apply Hk.
Qed.
Definition law_numbers (rho : dim -> nat) (l : Score.law) : list R := map fst (law_values rho l).
Lemma law_sum rho l t axes ix f : Ex (finite_on rho l t axes ix) f =
  sum (law_numbers rho l) (fun v => exp (law_val rho l t axes ix v) * f v).
Proof.
  unfold law_numbers. rewrite sum_map. destruct l as [|d].
  - cbn -[law_val]. ring.
  - cbn -[law_val range]. rewrite !sum_map. apply sum_ext. intros i _. cbn [fst snd]. ring.
Qed.
Lemma law_zero rho l : (forall d, (0 < rho d)%nat) -> In 0 (law_numbers rho l).
Proof.
  intros Hrho. destruct l as [|d]; [now left|]. unfold law_numbers. cbn [law_values]. rewrite map_map. cbn [fst].
  apply in_map_iff. exists 0%nat. split; [reflexivity|]. apply in_range, Hrho.
Qed.
Lemma nice_mass rho ns l (a : trace -> tensor) axes ix v : (forall d, (0 < rho d)%nat) -> In v (law_numbers rho l) ->
  (forall w, In w (box (sizes rho (vals l))) -> nice ns (fun tr => a tr (pick ix axes ++ w))) ->
  nice ns (fun tr => exp (law_val rho l (a tr) axes ix v)).
Proof.
  intros Hrho Hv H. unfold law_numbers in Hv. apply in_map_iff in Hv as ([v' w'] & E & Hv). cbn [fst] in E. subst v'. split.
  - exists 1, 0. split; [lra|]. split; [lra|]. intros tr. rewrite Rmult_0_l, exp_0, Rmult_1_r, Rabs_pos_eq by (left; apply exp_pos).
    rewrite <- exp_0. apply exp_le. now apply (law_val_le0 rho l (a tr) axes ix v w').
  - intros c tr u Hu. apply continuous_exp. apply (law_continuous rho l (fun u => a (set tr c u))); auto.
    intros w Hw. destruct (H w Hw) as [_ Hc]. now apply Hc.
Qed.

(** ** The model in noise *)
Section Half.
Variable H : written.     (** its normal draws are standard noise *)
Variable rho : dim -> nat.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Variable e : env.
Notation boxs s := (box (sizes rho s)).
Notation val tr k := (written_value H rho e tr k).
Notation cs := (written_numbers H rho).

Definition half_held (j : nat) : bool :=
  match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws H) with Some x => is_finite_law x | None => false end.
Definition half_law (c : coord) (tr : trace) : expectation R :=
  match find_draw H c with
  | Some (_, WFinite l a axes) => finite_on rho l (val tr a) axes (snd c)
  | _ => normalE
  end.
Definition half_values (c : coord) : list R :=
  match find_draw H c with Some (_, WFinite l _ _) => law_numbers rho l | _ => [] end.
Definition half_mass (c : coord) (v : R) (tr : trace) : R :=
  match find_draw H c with Some (_, WFinite l a axes) => exp (law_val rho l (val tr a) axes (snd c) v) | _ => 0 end.
Definition half_cost : R := Ex (drawn half_law cs (fun _ => zero)) (fun tr => val tr (w_cost H) []).
Notation mild := (mild cs half_held half_values).
Notation valued := (valued cs half_held half_values).
Notation lp := (lp H rho e).

Hypothesis Hids : NoDup (map wdraw_id (w_draws H)).
Hypothesis Hturn : drawn_in_turn (length (w_inputs H)) (plain_program (w_nodes H)) [] (w_draws H) = true.
(** The logits grow at most exponentially with the noise. *)
Hypothesis Hlogits : forall x l a axes, In x (w_draws H) -> snd x = WFinite l a axes -> forall ix, In ix (boxs (wdraw_shape x)) ->
  forall w, In w (boxs (vals l)) -> mild (fun tr => val tr a (pick ix axes ++ w)).

Lemma half_distinct : NoDup cs.
Proof. now apply (numbers_nodup rho (w_draws H)). Qed.
Lemma half_in c : In c cs -> exists x ix, In x (w_draws H) /\ c = (wdraw_id x, ix) /\ In ix (boxs (wdraw_shape x)) /\
  find_draw H c = Some x /\ half_held (fst c) = is_finite_law x.
Proof.
  intros Hc. apply (in_numbers rho) in Hc as (x & ix & Hx & -> & Hix). exists x, ix. pose proof (find_draw_of H x ix Hids Hx) as E.
  repeat split; auto. unfold half_held. unfold find_draw in E. cbn [fst] in *. now rewrite E.
Qed.
Lemma half_noisy c : In c cs -> half_held (fst c) = false -> forall tr, half_law c tr = normalE.
Proof.
  intros Hc Hh tr. destruct (half_in c Hc) as (x & ix & _ & _ & _ & E & E'). rewrite E' in Hh. unfold half_law. rewrite E.
  destruct x as [x [? ?|? ?|?|? ?|l a axes]]; [reflexivity..|discriminate].
Qed.
Lemma half_finite c : In c cs -> half_held (fst c) = true -> exists x ix l a axes, In x (w_draws H) /\ c = (wdraw_id x, ix) /\
  In ix (boxs (wdraw_shape x)) /\ find_draw H c = Some x /\ snd x = WFinite l a axes.
Proof.
  intros Hc Hh. destruct (half_in c Hc) as (x & ix & H1 & H2 & H3 & H4 & E'). rewrite E' in Hh.
  destruct x as [x0 [? ?|? ?|?|? ?|l a axes]] eqn:Ex0; try discriminate. rewrite <- Ex0 in *. exists x, ix, l, a, axes. repeat split; auto. now rewrite Ex0.
Qed.
Lemma half_summed c : In c cs -> half_held (fst c) = true -> forall tr f,
  Int (half_law c tr) f /\ Ex (half_law c tr) f = sum (half_values c) (fun v => half_mass c v tr * f v).
Proof.
  intros Hc Hh tr f. destruct (half_finite c Hc Hh) as (x & ix & l & a & axes & _ & _ & _ & E & El).
  unfold half_law, half_values, half_mass. rewrite E. destruct x as [x0 w]; cbn [snd] in El; subst w.
  split; [apply finite_any|apply law_sum].
Qed.
Lemma half_mass_mild c v : In c cs -> half_held (fst c) = true -> In v (half_values c) -> mild (half_mass c v).
Proof.
  intros Hc Hh Hv. destruct (half_finite c Hc Hh) as (x & ix & l & a & axes & Hx & Ec & Hix & E & El).
  unfold half_values in Hv. rewrite E in Hv. intros b Hb. unfold half_mass. rewrite E.
  pose proof (Hlogits x l a axes Hx El ix Hix) as HL. destruct x as [x0 w]; cbn [snd] in El; subst w.
  apply (nice_mass rho _ l (fun tr => val (hold half_held b tr) a)); auto. intros w Hw. rewrite Ec. cbn [snd]. now apply (HL w Hw b Hb).
Qed.
Lemma half_mass_one c : In c cs -> half_held (fst c) = true -> forall tr k, Ex (half_law c tr) (fun _ => k) = k.
Proof.
  intros Hc Hh tr k. destruct (half_finite c Hc Hh) as (x & ix & l & a & axes & _ & _ & _ & E & El).
  unfold half_law. rewrite E. destruct x as [x0 w]; cbn [snd] in El; subst w. now apply finite_one.
Qed.
Lemma half_zero c : In c cs -> half_held (fst c) = true -> In 0 (half_values c).
Proof.
  intros Hc Hh. destruct (half_finite c Hc Hh) as (x & ix & l & a & axes & _ & _ & _ & E & El).
  unfold half_values. rewrite E. destruct x as [x0 w]; cbn [snd] in El; subst w. now apply law_zero.
Qed.
Lemma nothing_valued : valued (fun _ => zero).
Proof.
  intros c Hc. change (get (fun _ => zero) c) with 0. split; [|auto]. intros Hin. now apply half_zero.
Qed.

(** *** The order *)
Lemma app_split {A} (l m pre : list A) c post : l ++ m = pre ++ c :: post ->
  (exists r, l = pre ++ c :: r /\ post = r ++ m) \/ (exists p, pre = l ++ p /\ m = p ++ c :: post).
Proof.
  revert pre. induction l as [|a l IH]; intros pre E; [right; now exists pre|]. destruct pre as [|b pre]; cbn [app] in E; injection E as -> E.
  - left. now exists l.
  - destruct (IH pre E) as [(r & -> & ->)|(p & -> & ->)]; [left; now exists r|right; now exists p].
Qed.
(** What comes from a draw on. *)
Lemma numbers_split : forall dp dq pre c post, w_draws H = dq ++ dp -> numbers_of rho dp = pre ++ c :: post ->
  exists d1 x d2, w_draws H = d1 ++ x :: d2 /\ fst c = wdraw_id x /\ forall b, In b (c :: post) -> exists y, In y (x :: d2) /\ fst b = wdraw_id y.
Proof.
  induction dp as [|x dp IH]; intros dq pre c post Ed E; [now destruct pre|].
  cbn [numbers_of flat_map] in E. destruct (app_split _ _ _ _ _ E) as [(r & E1 & ->)|(p & -> & E2)].
  - exists dq, x, dp. split; [exact Ed|].
    assert (Hown : forall b, In b (c :: r) -> fst b = wdraw_id x).
    { intros b Hb. assert (Hb' : In b (pre ++ c :: r)) by (apply in_app_iff; now right). rewrite <- E1 in Hb'.
      apply in_map_iff in Hb' as (ix & <- & _). reflexivity. }
    split; [apply Hown; now left|]. intros b [<-|Hb]; [exists x; split; [now left|apply Hown; now left]|].
    apply in_app_iff in Hb as [Hb|Hb]; [exists x; split; [now left|apply Hown; now right]|].
    apply (in_numbers rho dp) in Hb as (y & ix & Hy & -> & _). exists y. split; [now right|reflexivity].
  - apply (IH (dq ++ [x]) p c post); [now rewrite <- app_assoc|exact E2].
Qed.
Lemma logits_early pre c post x0 l a axes : cs = pre ++ c :: post -> find_draw H c = Some (x0, WFinite l a axes) ->
  forall b, In b (c :: post) -> ignores (fun tr => val tr a) b.
Proof.
  intros E Ef b Hb. destruct (numbers_split (w_draws H) [] pre c post eq_refl E) as (d1 & x & d2 & Ed & Ec & Hlater).
  destruct (Hlater b Hb) as (y & Hy & Ey).
  assert (Hx : In x (w_draws H)) by (rewrite Ed; apply in_app_iff; right; now left).
  assert (Ex0 : x = (x0, WFinite l a axes)).
  { pose proof (find_draw_of H x (snd c) Hids Hx) as E'. rewrite <- Ec in E'. destruct c as [i ix]; cbn [fst snd] in *. congruence. }
  pose proof (in_turn_ignores H rho e (w_draws H) [] Hturn (fun _ _ F => F) Hids d1 x d2 Ed y (snd b) Hy) as Hi.
  rewrite Ex0 in Hi. destruct x0 as [j s]. cbn [density_of snd] in Hi. destruct b as [i ix]. cbn [fst snd] in *. subst i. exact Hi.
Qed.
Lemma half_sums_early : sums_early half_held half_values half_mass cs.
Proof.
  assert (Hl : forall l pre, cs = pre ++ l -> sums_early half_held half_values half_mass l); [|now apply (Hl cs [])].
  induction l as [|c l IH]; intros pre E; [exact I|]. split; [|apply (IH (pre ++ [c])); now rewrite <- app_assoc].
  intros _ v _ b Hb. apply filter_In in Hb as [Hb _]. intros tr w. unfold half_mass. destruct (find_draw H c) as [[x0 [? ?|? ?|?|? ?|l1 a axes]]|] eqn:Ef; auto.
  pose proof (logits_early pre c l x0 l1 a axes E Ef b (or_intror Hb) tr w) as Hi. cbv beta in Hi. now rewrite Hi.
Qed.
Lemma half_causal : causal lp cs.
Proof.
  assert (Hl : forall l pre, cs = pre ++ l -> causal lp l); [|now apply (Hl cs [])].
  induction l as [|c l IH]; intros pre E; [exact I|]. split; [|apply (IH (pre ++ [c])); now rewrite <- app_assoc].
  assert (Hn : ~ In c l).
  { pose proof half_distinct as Hd. rewrite E in Hd. apply NoDup_remove_2 in Hd. intros Hc. apply Hd. apply in_app_iff. now right. }
  intros b Hb tr w. unfold Scored.lp. destruct (find_draw H c) as [[x0 [? ?|? ?|?|? ?|l1 a axes]]|] eqn:Ef; auto.
  pose proof (logits_early pre c l x0 l1 a axes E Ef b (or_intror Hb) tr w) as Hi. cbv beta in Hi. rewrite Hi.
  rewrite get_set_other; auto. intros ->. contradiction.
Qed.
Lemma causal_part (f : coord -> bool) : forall l, causal lp l -> causal lp (filter f l).
Proof.
  induction l as [|c l IH]; cbn [filter causal]; intros Hc; [exact I|]. destruct Hc as [H1 H2]. destruct (f c); [|now apply IH].
  split; [|now apply IH]. intros b Hb. apply H1. apply filter_In in Hb. tauto.
Qed.

(** *** What a graph computes *)
Variable K : coord -> expectation R.   (** the base laws *)
Hypothesis K_noise : forall c, In c cs -> half_held (fst c) = false -> K c = normalE.
Hypothesis K_finite : forall c x0 l a axes, In c cs -> find_draw H c = Some (x0, WFinite l a axes) -> K c = law_base rho l.

Lemma law_drawE l m : (forall c, In c l -> K c = m c) -> forall tr F, Ex (drawE K l tr) F = Ex (drawE m l tr) F.
Proof.
  induction l as [|c l IH]; intros E tr F; [reflexivity|]. cbn [drawE Ex mapE bindE snd]. rewrite (E c (or_introl eq_refl)).
  apply Ex_ext. intros v. apply IH. intros b Hb. apply E. now right.
Qed.
Notation sl := (filter (is_sum half_held) cs).
Lemma half_node_by_node F : forall l pre, cs = pre ++ l -> forall tr,
  node_by_node K lp (filter (is_sum half_held) l) tr F = Ex (drawn half_law (filter (is_sum half_held) l) tr) F.
Proof.
  induction l as [|c l IH]; intros pre E tr; [reflexivity|].
  assert (E' : cs = (pre ++ [c]) ++ l) by now rewrite <- app_assoc. specialize (IH _ E'). cbn [filter].
  destruct (is_sum half_held c) eqn:Hh; [|apply IH]. cbn [node_by_node drawn Ex mapE bindE snd].
  assert (Hc : In c cs) by (rewrite E; apply in_app_iff; right; now left).
  destruct (half_finite c Hc Hh) as (x & ix & l1 & a & axes & _ & _ & _ & Ef & El).
  destruct x as [x0 w]; cbn [snd] in El; subst w. rewrite (K_finite c x0 l1 a axes Hc Ef). unfold half_law at 1. rewrite Ef.
  change (Ex (finite_on rho l1 (val tr a) axes (snd c))) with
    (fun f => Ex (law_base rho l1) (fun v => exp (law_val rho l1 (val tr a) axes (snd c) v) * f v)). cbv beta.
  apply Ex_ext. intros v. rewrite IH. f_equal. f_equal. unfold Scored.lp. rewrite Ef, get_set_same.
  pose proof (logits_early pre c l x0 l1 a axes E Ef c (or_introl eq_refl) tr v) as Hi. cbv beta in Hi. now rewrite Hi.
Qed.
Lemma finite_base c f : In c sl -> Int (K c) f.
Proof.
  intros Hc. apply filter_In in Hc as [Hc Hh]. destruct (half_finite c Hc Hh) as (x & ix & l1 & a & axes & _ & _ & _ & Ef & El).
  destruct x as [x0 w]; cbn [snd] in El; subst w. rewrite (K_finite c x0 l1 a axes Hc Ef). now destruct l1.
Qed.
Theorem half_weighed F : mild F -> Ex (drawn half_law cs (fun _ => zero)) F =
  Ex (drawE K (filter (is_integral half_held) cs ++ sl) (fun _ => zero)) (fun tr => exp (total lp sl tr) * F tr).
Proof.
  intros HF. rewrite (drawn_moved cs half_held half_law half_values half_mass half_distinct half_noisy half_summed half_mass_mild
    cs F half_distinct (fun _ Hc => Hc) half_sums_early HF _ nothing_valued).
  rewrite drawE_app. rewrite (law_drawE (filter (is_integral half_held) cs) (fun _ => normalE)).
  - apply Ex_ext. intros tr. rewrite <- (half_node_by_node F cs [] eq_refl tr). apply ancestral.
    + apply causal_part, half_causal.
    + assert (Hn : forall l, (forall c, In c l -> In c sl) -> forall tr, node_by_node_int K lp l tr F).
      { induction l as [|c l IH]; intros Hl tr'; [exact I|]. cbn [node_by_node_int]. intros t. split.
        - apply drawE_total_int. intros b f Hb. apply finite_base, Hl. now right.
        - apply IH. intros b Hb. apply Hl. now right. }
      now apply Hn.
  - intros c Hc. apply filter_In in Hc as [Hc Hh]. apply K_noise; auto. unfold is_integral in Hh. now apply negb_true_iff in Hh.
Qed.
End Half.

(** ** From the model as it is written *)
Definition both_slots (W : written) (j : nat) : option (noised * N * N) :=
  match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws W) with Some (_, WNormal l s) => Some (As_normal, l, s) | _ => None end.
(** Every sample is a draw of the list; the slots of a normal law stand before it and have its shape. *)
Definition sample_both (W : written) (sh : PositiveMap.t shape) (j : nat) (s : shape) (k : N) : bool :=
  match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws W) with
  | Some x => index_eqb (wdraw_shape x) s &&
      match snd x with
      | WNormal l c => N.ltb l k && N.ltb c k && index_eqb (Fast.get [] sh l) s && index_eqb (Fast.get [] sh c) s
      | WFinite _ _ _ => true
      | _ => false
      end
  | None => false
  end.
Fixpoint samples_both (W : written) (sh : PositiveMap.t shape) (p : bprogram) (k : N) : bool :=
  match p with
  | [] => true
  | (Sample j s, []) :: p => sample_both W sh j s k && samples_both W sh p (N.succ k)
  | _ :: p => samples_both W sh p (N.succ k)
  end.
Definition draw_in_noise (st : rewritten) (x : wdraw) : wdraw :=
  match x with
  | (y, WFinite l a axes) => (y, WFinite l (Fast.get 0%N (r_slots st) a) axes)
  | (y, _) => (y, WNormal 0 0)
  end.
Definition model_in_noise (W : written) (p : bprogram) (st : rewritten) : written :=
  {| w_inputs := w_inputs W; w_nodes := p; w_cost := Fast.get 0%N (r_slots st) (w_cost W);
     w_draws := map (draw_in_noise st) (w_draws W) |}.
(** The slots of a law are those of the shape that it needs. *)
Definition law_shaped (sh : PositiveMap.t shape) (top : N) (x : wdraw) : bool :=
  match snd x with
  | WFinite l a axes => N.ltb a top && below (length (wdraw_shape x)) axes &&
                        index_eqb (Fast.get [] sh a) (pick (wdraw_shape x) axes ++ vals l)
  | WNormal m c => N.ltb m top && N.ltb c top
  | _ => false
  end.
Definition scale_seen (st : rewritten) (mm : PositiveMap.t facts) (sh : PositiveMap.t shape) (x : wdraw) : bool :=
  match snd x with
  | WFinite _ _ _ => true
  | WNormal _ c => let k := Fast.get 0%N (r_slots st) c in
                   positive (Fast.get unknown mm k) && index_eqb (Fast.get [] sh k) (wdraw_shape x) &&
                   index_eqb (Fast.get [] (r_shapes st) c) (wdraw_shape x)
  | _ => false
  end.
Definition facts_with (H : written) (B : bgraph) (moved : list N) (p : bprogram) : option (PositiveMap.t facts) :=
  quick_scan_held (half_held H) p (b_count B) (input_map_facts B moved).

(** The model in noise, if it has the expected cost of the model as it is written. *)
Definition brought_in (W : written) (B : bgraph) (moved : list N) : option written :=
  let n := b_count B in
  let top := (n + N.of_nat (length (w_nodes W)))%N in
  match rewrite (both_slots W) (w_nodes W) n (start (b_inputs B)) with
  | None => None
  | Some (p, st) =>
      let H := model_in_noise W p st in
      match facts_with H B moved p, fast_infer p n (input_map B) with
      | Some mm, Some sh =>
          if shapes_eqb (w_inputs W) (b_inputs B) && N.ltb 0 n && distinct (map wdraw_id (w_draws W)) && N.ltb (w_cost W) top &&
             N.ltb (w_cost H) (n + N.of_nat (length p)) && index_eqb (Fast.get [] (r_shapes st) (w_cost W)) [] && index_eqb (Fast.get [] sh (w_cost H)) [] &&
             samples_both W (r_shapes st) (w_nodes W) n && forallb (law_shaped (r_shapes st) top) (w_draws W) &&
             forallb (law_shaped sh (n + N.of_nat (length p))) (w_draws H) && forallb (scale_seen st mm sh) (w_draws W) &&
             turns_ok (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) &&
             drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) &&
             drawn_in_turn (length (w_inputs W)) (plain_program p) [] (w_draws H) && quick_covered p (map base_draw (w_draws H))
          then Some H else None
      | _, _ => None
      end
  end.

(** *** Soundness *)
Lemma samples_both_at W sh p : forall k, samples_both W sh p k = true ->
  forall a j s b, p = a ++ (Sample j s, []) :: b -> sample_both W sh j s (k + N.of_nat (length a)) = true.
Proof.
  induction p as [|[o ps] p IH]; intros k H a j s b E; [now destruct a|].
  assert (Hrest : samples_both W sh p (N.succ k) = true /\
    match o, ps with Sample j s, [] => sample_both W sh j s k = true | _, _ => True end).
  { cbn [samples_both] in H. destruct o; auto. destruct ps; auto. apply andb_prop in H. tauto. }
  destruct Hrest as [Hr Hh]. destruct a as [|nd a]; cbn [app] in E.
  - injection E as -> -> ->. simpl. now rewrite N.add_0_r.
  - injection E as <- ->. cbn [length]. rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l. eapply IH; eauto.
Qed.

Section Noised.
Variables (W : written) (ins : list shape) (p : bprogram) (st : rewritten).
Notation n := (N.of_nat (length ins)).
Hypothesis Hrw : rewrite (both_slots W) (w_nodes W) n (start ins) = Some (p, st).
Hypothesis Hins : w_inputs W = ins.
Hypothesis Hcount : (0 < n)%N.
Hypothesis Hids : NoDup (map wdraw_id (w_draws W)).
Hypothesis Hsamples : samples_both W (r_shapes st) (w_nodes W) n = true.
Variable rho : dim -> nat.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Variable e : env.
Notation boxs s := (box (sizes rho s)).
Notation H := (model_in_noise W p st).
Notation slot k := (Fast.get 0%N (r_slots st) k).

(** Normal numbers are location plus scale times noise, finite ones what they are. *)
Definition related_both (u v : trace) : Prop := forall x, In x (w_draws W) -> forall ix, In ix (boxs (wdraw_shape x)) ->
  u (wdraw_id x) ix =
    match snd x with
    | WNormal l c => written_value W rho e u l ix + written_value W rho e u c ix * v (wdraw_id x) ix
    | _ => v (wdraw_id x) ix
    end.
Lemma noised_value u v : related_both u v -> forall k, (k < n + N.of_nat (length (w_nodes W)))%N ->
  (N.to_nat (slot k) < length ins + length p)%nat /\
  forall ix, In ix (boxs (Fast.get [] (r_shapes st) k)) -> written_value W rho e u k ix = written_value H rho e v (slot k) ix.
Proof.
  intros Hrel k0 Hk0. pose (B := {| b_inputs := ins; b_nodes := []; b_cost := 0%N; b_scores := []; b_sizes := [] |}).
  assert (HS0 : like [] (input_shapes ins) (input_shape (plain B))) by exact (input_map_like B).
  destruct (rewrite_infer _ _ _ _ _ _ _ Hrw HS0) as (shw & Iw & Lw). rewrite Nat2N.id in Iw.
  assert (HC0 : carried rho v n (start ins) (input_shape (plain B)) (written_value_env W rho e u) e).
  { constructor; cbn [start r_shapes r_slots r_nodes r_next]; auto.
    - intros k Hk. now rewrite identity_at.
    - intros k o ps Hk. now rewrite look_empty in Hk.
    - intros k Hk ix Hix. rewrite identity_at by auto. unfold written_value_env. rewrite run_below; auto. rewrite Hins. lia. }
  assert (Hpos : (0 < r_next (start ins))%N) by exact Hcount.
  assert (Hlr : law_reads rho (both_slots W) u v n shw (written_value_env W rho e u) (w_nodes W)).
  { intros a i s b E. pose proof (samples_both_at _ _ _ _ Hsamples a i s b E) as Hs. unfold sample_both in Hs. unfold both_slots.
    destruct (find _ _) as [x|] eqn:Ef; [|discriminate]. destruct (ids_of_find _ _ _ Ef) as [<- Hx].
    apply andb_prop in Hs as [Hsh Hs]. destruct (index_eqb_spec (wdraw_shape x) s) as [<-|]; [|discriminate].
    pose proof (Hrel x Hx) as Hr. destruct x as [x0 [l c|? ?|?|? ?|l a0 axes]]; cbn [snd] in *; try discriminate; [|exact Hr].
    apply andb_prop in Hs as [Hs S4]. apply andb_prop in Hs as [Hs S3]. apply andb_prop in Hs as [S1 S2]. apply N.ltb_lt in S1, S2.
    split; [exact S1|]. split; [exact S2|]. rewrite (Lw l), (Lw c).
    destruct (index_eqb_spec (Fast.get [] (r_shapes st) l) (wdraw_shape (x0, WNormal l c))) as [E1|]; [|discriminate].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st) c) (wdraw_shape (x0, WNormal l c))) as [E2|]; [|discriminate].
    split; [exact E1|]. split; [exact E2|]. exact Hr. }
  destruct (rewrite_sound rho (both_slots W) u v shw (w_nodes W) n _ p st (input_shape (plain B)) e e
              (written_value_env W rho e u) Hrw
              ltac:(rewrite Nat2N.id; exact Iw)
              ltac:(rewrite Nat2N.id; unfold written_value_env; rewrite Hins; reflexivity) Hlr HC0 Hpos) as [Nw Cw].
  cbn [start r_next] in Nw, Cw. rewrite Nat2N.id in Cw. pose proof (c_slots _ _ _ _ _ _ _ Cw k0 Hk0) as Hw.
  split; [lia|]. intros ix Hix. unfold written_value, written_value_env. cbn [model_in_noise w_nodes w_inputs]. rewrite Hins.
  pose proof (c_values _ _ _ _ _ _ _ Cw k0 Hk0 ix) as Hv. rewrite (Lw k0) in Hv. specialize (Hv Hix).
  unfold written_value_env in Hv. rewrite Hins in Hv. exact Hv.
Qed.

Lemma noised_ids : map wdraw_id (w_draws H) = map wdraw_id (w_draws W).
Proof. cbn [model_in_noise w_draws]. rewrite map_map. apply map_ext. now intros [x [? ?|? ?|?|? ?|l a axes]]. Qed.
Lemma noised_numbers : written_numbers H rho = written_numbers W rho.
Proof.
  unfold written_numbers. cbn [model_in_noise w_draws]. rewrite !flat_map_concat_map, map_map. f_equal. apply map_ext. now intros [x [? ?|? ?|?|? ?|l a axes]].
Qed.
Lemma noised_find c : find_draw H c = option_map (draw_in_noise st) (find_draw W c).
Proof.
  clear. unfold find_draw. cbn [model_in_noise w_draws]. induction (w_draws W) as [|x l IH]; [reflexivity|]. cbn [map find].
  assert (E : wdraw_id (draw_in_noise st x) = wdraw_id x) by now destruct x as [x [? ?|? ?|?|? ?|l0 a axes]].
  rewrite E. destruct (Nat.eqb (wdraw_id x) (fst c)); [reflexivity|exact IH].
Qed.
Lemma noised_held j : half_held H j = match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws W) with
  | Some x => is_finite_law x | None => false end.
Proof.
  pose proof (noised_find (j, [])) as E. unfold find_draw in E. cbn [fst] in E. unfold half_held. rewrite E.
  destruct (find _ (w_draws W)) as [x|]; [|reflexivity]. cbn [option_map]. now destruct x as [x [? ?|? ?|?|? ?|l a axes]].
Qed.

Notation cs := (written_numbers W rho).
Notation valued := (valued (written_numbers H rho) (half_held H) (half_values H rho)).
Notation mild := (mild (written_numbers H rho) (half_held H) (half_values H rho)).
Hypothesis Hshaped : forallb (law_shaped (r_shapes st) (n + N.of_nat (length (w_nodes W)))) (w_draws W) = true.
Hypothesis Hturns : turns_ok (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) = true.
Hypothesis Hturn : drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) = true.
Hypothesis HturnH : drawn_in_turn (length (w_inputs W)) (plain_program p) [] (w_draws H) = true.
Hypothesis Hlogits : forall x l a axes, In x (w_draws H) -> snd x = WFinite l a axes -> forall ix, In ix (boxs (wdraw_shape x)) ->
  forall w, In w (boxs (vals l)) -> mild (fun tr => written_value H rho e tr a (pick ix axes ++ w)).
Hypothesis Hcost : (w_cost W < n + N.of_nat (length (w_nodes W)))%N.
Hypothesis Hscalar : Fast.get [] (r_shapes st) (w_cost W) = [].
Hypothesis Hmild : mild (fun tr => written_value H rho e tr (w_cost H) []).
Hypothesis Hscales : forall v, valued v -> forall x l c, In x (w_draws W) -> snd x = WNormal l c ->
  forall ix, In ix (boxs (wdraw_shape x)) -> forall u, related_both u v -> 0 < written_value W rho e u c ix.

Definition both_kind (c : coord) : noised := As_normal.
Definition loc_both (c : coord) (tr : trace) : R := if half_held H (fst c) then 0 else loc_at W rho e c tr.
Definition scale_both (c : coord) (tr : trace) : R := if half_held H (fst c) then 1 else scale_at W rho e c tr.

Lemma both_in_turn : in_turn loc_both scale_both cs.
Proof.
  assert (H0 : in_turn (loc_at W rho e) (scale_at W rho e) cs).
  { apply (turns_sound W rho e Hids (w_draws W) []); auto. }
  revert H0. generalize cs. induction l as [|c l IH]; cbn [in_turn]; [easy|]. intros (H1 & H2 & H3). split; [|split; [|now apply IH]].
  - intros b Hb tr v. unfold loc_both. destruct (half_held H (fst c)); [reflexivity|now apply H1].
  - intros b Hb tr v. unfold scale_both. destruct (half_held H (fst c)); [reflexivity|now apply H2].
Qed.
Lemma both_find c : In c cs -> exists x ix, In x (w_draws W) /\ c = (wdraw_id x, ix) /\ In ix (boxs (wdraw_shape x)) /\
  find_draw W c = Some x /\ half_held H (fst c) = is_finite_law x.
Proof.
  intros Hc. apply (in_numbers rho) in Hc as (x & ix & Hx & -> & Hix). exists x, ix. pose proof (find_draw_of W x ix Hids Hx) as E.
  repeat split; auto. rewrite noised_held. unfold find_draw in E. cbn [fst] in *. now rewrite E.
Qed.
Lemma leads_both u v : leads both_kind loc_both scale_both cs (fun _ => zero) (fun _ => zero) u v -> related_both u v.
Proof.
  intros L x Hx ix Hix. assert (Hc : In (wdraw_id x, ix) cs) by (apply numbers_of_in; now exists x, ix).
  pose proof (leads_related both_kind _ _ cs _ _ _ _ (numbers_nodup rho _ Hids) both_in_turn L _ Hc) as E.
  destruct (both_find _ Hc) as (_ & _ & _ & _ & _ & _ & _). unfold loc_both, scale_both in E. rewrite noised_held in E.
  pose proof (find_draw_of W x ix Hids Hx) as Ef. unfold loc_at, scale_at in E. rewrite Ef in E. unfold find_draw in Ef. cbn [fst snd] in *.
  rewrite Ef in E. unfold get in E; cbn [fst snd] in E. cbn [both_kind moved_noise] in E.
  destruct x as [x0 [l c|? ?|?|? ?|l a axes]]; cbn [is_finite_law loc_of scale_of snd] in *; [exact E| | | |rewrite E; ring].
  1,2,3: pose proof Hshaped as Hs; rewrite forallb_forall in Hs; specialize (Hs _ Hx); discriminate.
Qed.
(** The finite laws are the same. *)
Lemma laws_both u v c f : related_both u v -> In c cs -> half_held H (fst c) = true ->
  Ex (law_at W rho e c u) f = Ex (half_law H rho e c v) f.
Proof.
  intros Hr Hc Hh. destruct (both_find c Hc) as (x & ix & Hx & -> & Hix & Ef & E). rewrite E in Hh. unfold law_at, half_law.
  rewrite noised_find, Ef. rewrite forallb_forall in Hshaped. specialize (Hshaped x Hx). unfold law_shaped in Hshaped.
  destruct x as [x0 [? ?|? ?|?|? ?|l a axes]] eqn:Ex0; try discriminate. rewrite <- Ex0 in *. cbn [option_map draw_in_noise snd] in *.
  assert (Es : snd x = WFinite l a axes) by now rewrite Ex0. rewrite Es in Hshaped.
  apply andb_prop in Hshaped as [Hs Hsh]. apply andb_prop in Hs as [Ha Hb]. apply N.ltb_lt in Ha.
  destruct (index_eqb_spec (Fast.get [] (r_shapes st) a) (pick (wdraw_shape x) axes ++ vals l)) as [Esh|]; [|discriminate].
  rewrite Ex0. cbn [option_map draw_in_noise snd].
  rewrite !law_sum. apply sum_ext. intros w Hw. do 2 f_equal. apply law_val_same. intros k Hk.
  destruct (noised_value u v Hr a Ha) as [_ Hv]. apply Hv. rewrite Esh. apply in_box_app; auto. now apply pick_in.
Qed.

Theorem transported_both : forall l pre, cs = pre ++ l -> forall u v, valued v ->
  (forall u' v', leads both_kind loc_both scale_both l u v u' v' -> related_both u' v') ->
  Ex (written_law W rho e l u) (fun tr => written_value W rho e tr (w_cost W) []) =
  Ex (drawn (half_law H rho e) l v) (fun tr => written_value H rho e tr (w_cost H) []).
Proof.
  pose proof (eq_trans noised_ids eq_refl) as Hids'. assert (HidsH : NoDup (map wdraw_id (w_draws H))) by now rewrite Hids'.
  assert (Hz : forall c, In c cs -> half_held H (fst c) = true -> In 0 (half_values H rho c)).
  { intros c Hc. apply (half_zero H rho Hrho HidsH). now rewrite noised_numbers. }
  induction l as [|c l IH]; intros pre Ecs u v Hv Hlead.
  - assert (Hr : related_both u v) by (apply Hlead; split; reflexivity). cbn [written_law drawn Ex diracE].
    destruct (noised_value u v Hr (w_cost W) Hcost) as [_ E]. apply E. rewrite Hscalar. now left.
  - assert (Hc : In c cs) by (rewrite Ecs; apply in_app_iff; right; now left).
    assert (HcH : In c (written_numbers H rho)) by now rewrite noised_numbers.
    assert (Ecs' : cs = (pre ++ [c]) ++ l) by now rewrite <- app_assoc. specialize (IH _ Ecs').
    assert (Hturn' : in_turn loc_both scale_both (c :: l)).
    { pose proof both_in_turn as Ht. rewrite Ecs in Ht. clear - Ht. induction pre as [|b pre IHp]; [exact Ht|]. apply IHp, Ht. }
    destruct Hturn' as (HM & HS & _).
    cbn [written_law drawn Ex mapE bindE snd].
    assert (Hstep : forall x, (half_held H (fst c) = true -> In x (half_values H rho c)) ->
      Ex (written_law W rho e l (set u c (loc_both c u + scale_both c u * x))) (fun tr => written_value W rho e tr (w_cost W) []) =
      Ex (drawn (half_law H rho e) l (set v c x)) (fun tr => written_value H rho e tr (w_cost H) [])).
    { intros x Hx. apply IH; [now apply valued_set|]. intros u' v' L. apply Hlead. now exists x. }
    (* somewhere the numbers that follow end up *)
    assert (Hend : exists u' v', leads both_kind loc_both scale_both (c :: l) u v u' v' /\ valued v').
    { assert (Hall : forall m, (forall b, In b m -> In b cs) -> forall u v, valued v ->
        exists u' v', leads both_kind loc_both scale_both m u v u' v' /\ valued v').
      { clear - Hz Hids. induction m as [|b m IHm]; intros Hm u v Hv; [exists u, v; split; [now split|exact Hv]|].
        destruct (IHm (fun a Ha => Hm a (or_intror Ha)) (set u b (loc_both b u + scale_both b u * 0)) (set v b 0)) as (u' & v' & L & V).
        - apply valued_set; auto; [rewrite noised_numbers; apply Hm; now left|]. intros Hh. apply Hz; auto. apply Hm. now left.
        - exists u', v'. split; [now exists 0|exact V]. }
      apply Hall; auto. intros b Hb. rewrite Ecs. apply in_app_iff. now right. }
    destruct Hend as (u' & v' & L & Hv'). pose proof (Hlead u' v' L) as Hr'.
    destruct (half_held H (fst c)) eqn:Hh.
    + assert (E1 : forall f, Ex (law_at W rho e c u) f = Ex (half_law H rho e c v) f).
      { intros f. destruct (both_find c Hc) as (x & ix & Hx & Ec & Hix & Ef & E). rewrite E in Hh.
        destruct x as [x0 [? ?|? ?|?|? ?|l0 a axes]]; try discriminate.
        transitivity (Ex (law_at W rho e c u') f); [|transitivity (Ex (half_law H rho e c v') f)].
        - symmetry. apply (leads_ignores both_kind loc_both scale_both (fun t => Ex (law_at W rho e c t) f) (c :: l) u v u' v'); [|exact L].
          intros b Hb t w. unfold law_at. rewrite Ef. rewrite !law_sum. apply sum_ext. intros y _. do 2 f_equal.
          pose proof (logits_early W rho e Hids Hturn pre c l x0 l0 a axes Ecs Ef b Hb t w) as Hi. cbv beta in Hi. now rewrite Hi.
        - apply (laws_both u' v' c f Hr' Hc). now rewrite E.
        - apply (leads_noise both_kind loc_both scale_both (fun t => Ex (half_law H rho e c t) f) (c :: l) u v u' v'); [|exact L].
          intros b Hb t w. unfold half_law. rewrite noised_find, Ef. cbn [option_map draw_in_noise]. rewrite !law_sum. apply sum_ext. intros y _. do 2 f_equal.
          assert (EcsH : written_numbers H rho = pre ++ c :: l) by now rewrite noised_numbers.
          assert (EfH : find_draw H c = Some (x0, WFinite l0 (slot a) axes)) by (rewrite noised_find, Ef; reflexivity).
          pose proof (logits_early H rho e HidsH HturnH pre c l x0 l0 (slot a) axes EcsH EfH b Hb t w) as Hi. cbv beta in Hi. now rewrite Hi. }
      rewrite E1. apply (step_ext (written_numbers H rho) (half_held H) (half_law H rho e) (half_values H rho) (half_mass H rho e)
        (half_summed H rho e HidsH) c); auto.
      intros x Hx. specialize (Hx Hh). rewrite <- (Hstep x (fun _ => Hx)). unfold loc_both, scale_both. rewrite Hh.
      now replace (0 + 1 * x) with x by ring.
    + rewrite (half_noisy H rho e HidsH c HcH Hh). destruct (both_find c Hc) as (x & ix & Hx & Ec & Hix & Ef & E). rewrite E in Hh.
      assert (Hs0 : law_shaped (r_shapes st) (n + N.of_nat (length (w_nodes W))) x = true) by (rewrite forallb_forall in Hshaped; now apply Hshaped).
      destruct x as [x0 [l0 c0|? ?|?|? ?|l0 a axes]] eqn:Ex0; try discriminate. clear Hs0. rewrite <- Ex0 in *.
      assert (Elaw : law_at W rho e c u = noised_on As_normal (loc_at W rho e c u) (scale_at W rho e c u))
        by (unfold law_at, kind_at; now rewrite Ef, Ex0).
      rewrite Elaw. set (m := loc_at W rho e c u). set (s := scale_at W rho e c u).
      assert (Hm : loc_both c u = m) by (unfold loc_both; rewrite E, Hh; reflexivity).
      assert (Hsc : forall t, scale_both c t = scale_at W rho e c t) by (intros t; unfold scale_both; rewrite E, Hh; reflexivity).
      assert (Hs : 0 < s).
      { unfold s. rewrite <- Hsc. rewrite <- (leads_ignores both_kind loc_both scale_both (scale_both c) (c :: l) u v u' v' HS L), Hsc.
        unfold scale_at. rewrite Ef. rewrite Ec. cbn [snd].
        assert (Esx : snd x = WNormal l0 c0) by now rewrite Ex0.
        replace (scale_of x) with c0 by (unfold scale_of; now rewrite Esx).
        exact (Hscales v' Hv' x l0 c0 Hx Esx ix Hix u' Hr'). }
      set (f := fun y => Ex (written_law W rho e l (set u c y)) (fun tr => written_value W rho e tr (w_cost W) [])).
      assert (Hf : forall y, f (m + s * y) =
        Ex (drawn (half_law H rho e) l (set v c y)) (fun tr => written_value H rho e tr (w_cost H) [])).
      { intros y. unfold f, s. rewrite <- Hm, <- Hsc. apply Hstep. discriminate. }
      assert (HIn : Int normalE (fun y => f (m + s * y))).
      { apply (Int_ext _ (fun y => Ex (drawn (half_law H rho e) l (set v c y)) (fun tr => written_value H rho e tr (w_cost H) [])));
          [intros y; symmetry; apply Hf|].
        pose proof (step_int (written_numbers H rho) (half_held H) (half_law H rho e) (half_values H rho) (half_mass H rho e)
          (half_distinct H rho HidsH) (half_noisy H rho e HidsH) (half_summed H rho e HidsH) c
          (fun t => Ex (drawn (half_law H rho e) l t) (fun tr => written_value H rho e tr (w_cost H) [])) v HcH) as HI.
        rewrite (half_noisy H rho e HidsH c HcH) in HI by (rewrite E; exact Hh). apply HI; [|exact Hv].
        apply (drawn_mild (written_numbers H rho) (half_held H) (half_law H rho e) (half_values H rho) (half_mass H rho e)
          (half_distinct H rho HidsH) (half_noisy H rho e HidsH) (half_summed H rho e HidsH)
          (half_mass_mild H rho Hrho e HidsH Hlogits)); [|exact Hmild].
        intros b Hb. rewrite noised_numbers, Ecs. apply in_app_iff. right. now right. }
      pose proof (normal_change_back m s f Hs HIn) as HIl. destruct (normal_change m s f Hs HIl) as [_ E1].
      transitivity (Ex normalE (fun y => f (m + s * y))); [exact E1|]. apply Ex_ext. exact Hf.
Qed.

Theorem noise_cost : written_cost W rho e = half_cost H rho e.
Proof.
  unfold written_cost, half_cost. rewrite noised_numbers. apply (transported_both cs []); auto.
  - assert (HidsH : NoDup (map wdraw_id (w_draws H))) by now rewrite noised_ids. apply (nothing_valued H rho Hrho HidsH).
  - intros u' v' L. now apply leads_both.
Qed.
End Noised.

(** *** What the scan says, whatever the finite values are *)
Fixpoint assignments (values : coord -> list R) (l : list coord) : list (coord -> R) :=
  match l with
  | [] => [fun _ => 0]
  | c :: l => flat_map (fun v => map (fun a => update a c v) (assignments values l)) (values c)
  end.
Lemma assigned values : forall l (a : coord -> R), (forall c, In c l -> In (a c) (values c)) ->
  exists b, In b (assignments values l) /\ forall c, (In c l -> b c = a c) /\ (~ In c l -> b c = 0).
Proof.
  induction l as [|c l IH]; intros a Ha; [exists (fun _ => 0); split; [now left|]; intros c; split; [easy|auto]|].
  destruct (IH a (fun b Hb => Ha b (or_intror Hb))) as (b & Hb & Eb). exists (update b c (a c)). split.
  - apply in_flat_map. exists (a c). split; [apply Ha; now left|]. now apply (in_map (fun b => update b c (a c))) in Hb.
  - intros x. unfold update. destruct (coord_eqb_spec x c) as [->|Hne]; [split; [auto|]; intros H; exfalso; apply H; now left|].
    destruct (Eb x) as [E1 E2]. split; [intros [H|H]; [congruence|auto]|]. intros H. apply E2. intros Hx. apply H. now right.
Qed.

Section Scanned.
Variables (H : written) (B : bgraph) (moved : list N) (p : bprogram) (mm : PositiveMap.t facts).
Variable rho : dim -> nat.
Variables e d : env.
Notation boxs s := (box (sizes rho s)).
Notation n := (length (b_inputs B)).
Notation cs := (written_numbers H rho).
Notation mild := (mild cs (half_held H) (half_values H rho)).
Notation valued := (valued cs (half_held H) (half_values H rho)).
Notation V t tr := (run rho tr (plain_program p) n (line e d t)).
Hypothesis Hfacts : facts_with H B moved p = Some mm.
Hypothesis Hcov : quick_covered p (map base_draw (w_draws H)) = true.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Hypothesis Hdir : forall k ix, ~ In k (map N.to_nat moved) -> d k ix = 0.
Variable shf : nat -> shape.
Hypothesis Hinfer : infer (plain_program p) n (input_shape (plain B)) = Some shf.

Lemma scanned_both : locally 0 (fun t =>
  (forall k, (k < n + length p)%nat -> forall ix, In ix (boxs (shf k)) -> mild (fun tr => V t tr k ix)) /\
  (forall k, positive (Fast.get unknown mm k) = true -> forall tr, valued tr -> forall ix, In ix (boxs (shf (N.to_nat k))) ->
     0 < V t tr (N.to_nat k) ix)).
Proof.
  pose (G := {| b_inputs := b_inputs B; b_nodes := p; b_cost := 0%N; b_scores := []; b_sizes := [] |}).
  destruct (covered_sound (plain G) _ (quick_covered_sound (plain G) p _ eq_refl Hcov)) as [Hnd Hcovers]. specialize (Hcovers rho).
  assert (Hin : forall j s ps, In (Sample j s, ps) (plain_program p) -> forall ix, In ix (boxs s) -> In (j, ix) cs).
  { intros j s ps Hs ix Hix. specialize (Hcovers j s ps Hs ix Hix). apply numbers_in in Hcovers as (x & jx & Hx & E & Hjx).
    injection E as -> ->. eapply Permutation.Permutation_in in Hx; [|apply Permutation.Permutation_sym, in_order_perm].
    apply in_map_iff in Hx as (y & <- & Hy). apply (numbers_of_in rho). exists y, jx. auto. }
  unfold facts_with in Hfacts.
  destruct (quick_scan_held_sound _ _ _ _ _ _ (about_inputs_held unknown _ B moved) Hfacts) as (n' & fs' & Hscan & [_ Hat]).
  set (fs := map (input_facts (map N.to_nat moved)) (range n)).
  assert (Hfs : length fs = n) by (unfold fs; now rewrite map_length, seq_length).
  assert (Hone : forall a, locally 0 (fun t =>
    (forall k, (k < n + length p)%nat -> forall ix, In ix (boxs (shf k)) ->
       nice (filter (is_integral (half_held H)) cs) (fun tr => V t (hold (half_held H) a tr) k ix)) /\
    (forall k, (k < length fs')%nat -> positive (nth k fs' unknown) = true -> forall tr ix, In ix (boxs (shf k)) ->
       0 < V t (hold (half_held H) a tr) k ix))).
  { intros a. destruct (scan_held_sound rho Hrho (filter (is_integral (half_held H)) cs) (half_held H) (hold (half_held H) a)
      (plain_program p) fs fs' (input_shape (plain B)) shf (fun t _ => line e d t) (fun _ _ => d)) as [L T]; auto.
    - intros j s ps Hs ix Hix. unfold hold. destruct (half_held H j) eqn:Ej; [easy|]. split; [easy|].
      apply filter_In. split; [now apply (Hin j s ps)|]. unfold is_integral; cbn [fst]. now rewrite Ej.
    - now rewrite Hfs.
    - now apply inputs_tamed.
    - rewrite Hfs in L, T. apply filter_and.
      + generalize (tamed_nice rho _ fs' shf _ _ Hrho T). apply filter_imp. intros t Ht k Hk ix Hix. apply Ht; auto.
        rewrite L. unfold plain_program. now rewrite map_length.
      + destruct T as [HF _ _]. apply locally_below. intros k Hk.
        destruct (positive (nth k fs' unknown)) eqn:Hp; [|apply filter_forall; easy].
        destruct (Tame.is_positive _ _ _ _ _ _ (HF k Hk) Hp) as [P1 _]. revert P1. apply filter_imp. intros t Pt _ tr ix Hix. now apply Pt. }
  generalize (locally_list (assignments (half_values H rho) (filter (is_sum (half_held H)) cs)) _ (fun a _ => Hone a)). apply filter_imp.
  intros t Ht.
  assert (Hall : forall a, allowed cs (half_held H) (half_values H rho) a ->
    exists b, In b (assignments (half_values H rho) (filter (is_sum (half_held H)) cs)) /\ hold (half_held H) b = hold (half_held H) a).
  { intros a Ha. destruct (assigned (half_values H rho) (filter (is_sum (half_held H)) cs) a) as (b & Hb & Eb).
    - intros c Hc. apply filter_In in Hc as [Hc Hh]. now apply Ha.
    - exists b. split; auto. apply functional_extensionality. intros tr. apply functional_extensionality. intros j.
      apply functional_extensionality. intros ix. unfold hold. destruct (half_held H j) eqn:Ej; auto.
      destruct (coord_in cs (j, ix)) as [Hc|Hc].
      + apply Eb. apply filter_In. split; auto.
      + destruct (Eb (j, ix)) as [_ E0]. destruct (Ha (j, ix) Ej) as [_ E1]. rewrite E0, E1; auto.
        intros Hf. apply filter_In in Hf as [Hf _]. contradiction. }
  split.
  - intros k Hk ix Hix a Ha. destruct (Hall a Ha) as (b & Hb & <-). now apply (Ht b Hb).
  - intros k Hp tr Hv ix Hix. replace (Fast.get unknown mm k) with (nth (N.to_nat k) fs' unknown) in Hp by apply Hat. assert (Hk : (N.to_nat k < length fs')%nat).
    { destruct (Nat.lt_ge_cases (N.to_nat k) (length fs')); auto. rewrite nth_overflow in Hp by auto. discriminate. }
    destruct (Hall (get tr) Hv) as (b & Hb & Eb). rewrite <- (hold_get (half_held H) tr), <- Eb. now apply (Ht b Hb).
Qed.
End Scanned.

(** The model and the model in noise have the same expected cost near the point. *)
Theorem brought_in_sound W B moved H rho e d : brought_in W B moved = Some H -> (forall d, (0 < rho d)%nat) ->
  (forall k ix, ~ In k (map N.to_nat moved) -> d k ix = 0) ->
  locally 0 (fun t => written_cost W rho (line e d t) = half_cost H rho (line e d t)).
Proof.
  unfold brought_in. intros Hb Hrho Hdir. set (top := (b_count B + N.of_nat (length (w_nodes W)))%N) in *.
  destruct (rewrite _ _ _ _) as [[p st]|] eqn:Er; [|discriminate].
  destruct (facts_with (model_in_noise W p st) B moved p) as [mm|] eqn:Ef; [|discriminate].
  destruct (fast_infer p (b_count B) (input_map B)) as [sh|] eqn:Ei; [|discriminate].
  match type of Hb with (if ?c then _ else _) = _ => destruct c eqn:Hc; [|discriminate] end. injection Hb as <-.
  apply andb_prop in Hc as [Hc Hcov]. apply andb_prop in Hc as [Hc HturnH]. apply andb_prop in Hc as [Hc Hturn].
  apply andb_prop in Hc as [Hc Hturns]. apply andb_prop in Hc as [Hc Hscale]. apply andb_prop in Hc as [Hc HshH].
  apply andb_prop in Hc as [Hc Hshaped]. apply andb_prop in Hc as [Hc Hsamples]. apply andb_prop in Hc as [Hc HscH].
  apply andb_prop in Hc as [Hc HscW]. apply andb_prop in Hc as [Hc HcostH]. apply andb_prop in Hc as [Hc Hcost]. apply andb_prop in Hc as [Hc Hids].
  apply andb_prop in Hc as [Hins Hcnt]. apply shapes_eqb_eq in Hins. apply N.ltb_lt in Hcnt, Hcost, HcostH. apply distinct_NoDup in Hids.
  destruct (index_eqb_spec (Fast.get [] (r_shapes st) (w_cost W)) []) as [EscW|]; [clear HscW|discriminate].
  set (H := model_in_noise W p st) in *.
  destruct (index_eqb_spec (Fast.get [] sh (w_cost H)) []) as [EscH|]; [clear HscH|discriminate].
  destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) Ei) as (shf & If & Lf). unfold b_count in If. rewrite Nat2N.id in If.
  generalize (scanned_both H B moved p mm rho e d Ef Hcov Hrho Hdir shf If). apply filter_imp. intros t [Hmild Hpos].
  set (e' := line e d t) in *.
  assert (Hrun : forall tr k, written_value H rho e' tr k = run rho tr (plain_program p) (length (b_inputs B)) e' (N.to_nat k)).
  { intros tr k. unfold written_value, written_value_env. cbn [H model_in_noise w_nodes w_inputs]. now rewrite Hins. }
  assert (Hslot : forall k, (k < b_count B + N.of_nat (length p))%N -> forall ix, In ix (box (sizes rho (Fast.get [] sh k))) ->
    Drawing.mild (written_numbers H rho) (half_held H) (half_values H rho) (fun tr => written_value H rho e' tr k ix)).
  { intros k Hk ix Hix. apply (mild_ext _ _ _ (fun tr => run rho tr (plain_program p) (length (b_inputs B)) e' (N.to_nat k) ix)).
    - intros tr _. now rewrite Hrun.
    - apply Hmild; [unfold b_count in Hk; lia|]. now rewrite (Lf k). }
  apply (noise_cost W (b_inputs B) p st Er Hins Hcnt Hids Hsamples rho Hrho e'); auto.
  - intros x l a axes Hx Ex0 ix Hix w Hw. rewrite forallb_forall in HshH. specialize (HshH x Hx). unfold law_shaped in HshH.
    rewrite Ex0 in HshH. apply andb_prop in HshH as [Hs Hsh]. apply andb_prop in Hs as [Ha Hb]. apply N.ltb_lt in Ha.
    destruct (index_eqb_spec (Fast.get [] sh a) (pick (wdraw_shape x) axes ++ vals l)) as [Es|]; [|discriminate].
    apply Hslot; auto. rewrite Es. apply in_box_app; auto. now apply pick_in.
  - pose proof (Hslot (w_cost H) HcostH []) as Hc0. rewrite EscH in Hc0. exact (Hc0 (or_introl eq_refl)).
  - intros v Hv x l c Hx Ex0 ix Hix u Hu. rewrite forallb_forall in Hscale, Hshaped. specialize (Hscale x Hx). specialize (Hshaped x Hx).
    unfold scale_seen in Hscale. unfold law_shaped in Hshaped. rewrite Ex0 in Hscale, Hshaped. apply andb_prop in Hshaped as [_ Hlt].
    apply N.ltb_lt in Hlt. apply andb_prop in Hscale as [Hs S3]. apply andb_prop in Hs as [S1 S2].
    destruct (index_eqb_spec (Fast.get [] sh (Fast.get 0%N (r_slots st) c)) (wdraw_shape x)) as [Es|]; [|discriminate].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st) c) (wdraw_shape x)) as [Es'|]; [|discriminate].
    destruct (noised_value W (b_inputs B) p st Er Hins Hcnt Hsamples rho e' u v Hu c Hlt) as [_ Hval].
    rewrite Es' in Hval. rewrite (Hval ix Hix). fold H. rewrite Hrun. apply Hpos; auto. now rewrite (Lf _), Es.
Qed.
