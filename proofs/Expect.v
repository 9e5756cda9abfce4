(** * Expectations

    What the theory asks of an integral: linear, positive, and with dominated convergence along a
    real parameter.  [Measure.v] shows that every measure of mathcomp-analysis is one; here they are
    closed under everything a model does: point masses, finite laws, densities, transports and
    sampling one value after another.

    The two theorems at the end of the first part are differentiation under the expectation, once for
    integrands that are differentiable everywhere and once for integrands with kinks, which need to
    be differentiable at almost all points only. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar.
Import ListNotations.
Open Scope R_scope.

(** [F h] tends to [l] as [h] tends to 0, [h] not 0. *)
Definition lim0 (F : R -> R) (l : R) : Prop := filterlim F (locally' 0) (locally l).

Lemma ball_R (x y e : R) : ball x e y <-> Rabs (y - x) < e.
Proof. reflexivity. Qed.

Lemma ball_0 (y e : R) : ball 0 e y <-> Rabs y < e.
Proof. rewrite ball_R, Rminus_0_r. reflexivity. Qed.

Lemma lim0_eps (F : R -> R) (l : R) : lim0 F l <->
  forall e : posreal, exists d : posreal, forall h, h <> 0 -> Rabs h < d -> Rabs (F h - l) < e.
Proof.
  split.
  - intros H e. destruct (H (ball l e) (locally_ball l e)) as [d Hd]. exists d. intros h Hh0 Hh.
    apply (Hd h); auto. now apply (proj2 (ball_0 h d)).
  - intros H P [e He]. destruct (H e) as [d Hd]. exists d. intros h Hh Hh0. apply He, Hd; auto.
    now apply (proj1 (ball_0 h d)).
Qed.

Lemma lim0_near (F G : R -> R) l (d : posreal) :
  (forall h, h <> 0 -> Rabs h < d -> F h = G h) -> lim0 F l -> lim0 G l.
Proof.
  intros E. apply filterlim_ext_loc. exists d. intros h Hh Hh0. apply E; auto.
  now apply (proj1 (ball_0 h d)).
Qed.

Lemma lim0_unique F l l' : lim0 F l -> lim0 F l' -> l = l'.
Proof.
  intros H H'.
  apply (@filterlim_locally_unique _ R_AbsRing R_NormedModule (Rbar_locally' (Finite 0))
           (Proper_StrongProper _ (Rbar_locally'_filter _)) F l l'); auto.
Qed.

Lemma derive_lim0 (f : R -> R) t l : is_derive f t l <-> lim0 (fun h => (f (t + h) - f t) / h) l.
Proof.
  split.
  - intros H. apply is_derive_Reals in H. apply lim0_eps. intros e.
    destruct (H e (cond_pos e)) as [d Hd]. exists d. auto.
  - intros H. apply is_derive_Reals. intros e He.
    destruct (proj1 (lim0_eps _ _) H (mkposreal e He)) as [d Hd]. exists d. auto.
Qed.

(** ** The interface *)
Record expectation (X : Type) := {
  Int : (X -> R) -> Prop;   (** integrable *)
  Ex : (X -> R) -> R;       (** the expectation of an integrable function *)
  Ae : (X -> Prop) -> Prop; (** holds almost everywhere *)
  Int_ext : forall f g, (forall x, f x = g x) -> Int f -> Int g;
  Ex_ext : forall f g, (forall x, f x = g x) -> Ex f = Ex g;
  Int_0 : Int (fun _ => 0);
  Int_plus : forall f g, Int f -> Int g -> Int (fun x => f x + g x);
  Ex_plus : forall f g, Int f -> Int g -> Ex (fun x => f x + g x) = Ex f + Ex g;
  Int_scal : forall c f, Int f -> Int (fun x => c * f x);
  Ex_scal : forall c f, Int f -> Ex (fun x => c * f x) = c * Ex f;
  Ex_ge0 : forall f, Int f -> (forall x, 0 <= f x) -> 0 <= Ex f;
  Ae_all : forall P : X -> Prop, (forall x, P x) -> Ae P;
  Ae_imp : forall P Q : X -> Prop, (forall x, P x -> Q x) -> Ae P -> Ae Q;
  Ae_and : forall P Q : X -> Prop, Ae P -> Ae Q -> Ae (fun x => P x /\ Q x);
  (* dominated convergence, everywhere: the limit is integrable *)
  Ex_lim : forall (F : R -> X -> R) (f g : X -> R) (d : posreal),
    (forall h, h <> 0 -> Rabs h < d -> Int (F h)) -> Int g ->
    (forall h x, h <> 0 -> Rabs h < d -> Rabs (F h x) <= g x) ->
    (forall x, lim0 (fun h => F h x) (f x)) ->
    Int f /\ lim0 (fun h => Ex (F h)) (Ex f);
  (* dominated convergence, almost everywhere, to a limit known to be integrable *)
  Ex_lim_ae : forall (F : R -> X -> R) (f g : X -> R) (d : posreal),
    (forall h, h <> 0 -> Rabs h < d -> Int (F h)) -> Int g -> Int f ->
    (forall h x, h <> 0 -> Rabs h < d -> Rabs (F h x) <= g x) ->
    Ae (fun x => lim0 (fun h => F h x) (f x)) ->
    lim0 (fun h => Ex (F h)) (Ex f)
}.
Arguments Build_expectation {X}.
Arguments Int {X}. Arguments Ex {X}. Arguments Ae {X}.
Arguments Int_0 {X}. Arguments Int_ext {X}. Arguments Ex_ext {X}. Arguments Int_plus {X}. Arguments Ex_plus {X}.
Arguments Int_scal {X}. Arguments Ex_scal {X}. Arguments Ex_ge0 {X}.
Arguments Ae_all {X}. Arguments Ae_imp {X}. Arguments Ae_and {X}.
Arguments Ex_lim {X}. Arguments Ex_lim_ae {X}.

Section Facts.
Context {X : Type} (E : expectation X).

Lemma Int_minus f g : Int E f -> Int E g -> Int E (fun x => f x - g x).
Proof.
  intros Hf Hg. apply (Int_ext E (fun x => f x + -1 * g x)); [intros; ring|].
  apply Int_plus; auto. now apply Int_scal.
Qed.
Lemma Ex_minus f g : Int E f -> Int E g -> Ex E (fun x => f x - g x) = Ex E f - Ex E g.
Proof.
  intros Hf Hg. rewrite (Ex_ext E _ (fun x => f x + -1 * g x)) by (intros; ring).
  rewrite Ex_plus, Ex_scal; auto using Int_scal. ring.
Qed.
Lemma Ex_le f g : Int E f -> Int E g -> (forall x, f x <= g x) -> Ex E f <= Ex E g.
Proof.
  intros Hf Hg H. assert (0 <= Ex E (fun x => g x - f x)).
  { apply Ex_ge0; [now apply Int_minus|]. intros x. specialize (H x). lra. }
  rewrite Ex_minus in H0 by auto. lra.
Qed.
Lemma Ex_abs f g : Int E f -> Int E g -> (forall x, Rabs (f x) <= g x) -> Rabs (Ex E f) <= Ex E g.
Proof.
  intros Hf Hg H. apply Rabs_le. split.
  - replace (- Ex E g) with (Ex E (fun x => -1 * g x)) by (rewrite Ex_scal by auto; ring).
    apply Ex_le; auto using Int_scal. intros x. specialize (H x). apply Rabs_le_between in H. lra.
  - apply Ex_le; auto. intros x. specialize (H x). apply Rabs_le_between in H. lra.
Qed.

(** Functions that agree almost everywhere, and that one function dominates, have the same
    expectation. *)
Lemma Ex_ext_ae f g b : Int E f -> Int E g -> Int E b -> (forall x, Rabs (f x) <= b x) ->
  Ae E (fun x => f x = g x) -> Ex E f = Ex E g.
Proof.
  intros Hf Hg Hb Hle H. apply (lim0_unique (fun _ => Ex E f)); [apply filterlim_const|].
  apply (Ex_lim_ae E (fun _ => f) g b (mkposreal 1 Rlt_0_1)); auto.
  revert H. apply Ae_imp. intros x ->. apply filterlim_const.
Qed.

Lemma Ex_0 : Ex E (fun _ => 0) = 0.
Proof.
  rewrite (Ex_ext E _ (fun x => 0 * (fun _ => 0) x)) by (intros; ring).
  rewrite Ex_scal by apply Int_0. ring.
Qed.
Lemma Ex_none f : (forall x, f x = 0) -> Ex E f = 0.
Proof. intros H. rewrite (Ex_ext E _ (fun _ => 0)) by exact H. apply Ex_0. Qed.
Lemma Int_sum {A} (l : list A) (f : A -> X -> R) :
  (forall a, In a l -> Int E (f a)) ->
  Int E (fun x => sum l (fun a => f a x)) /\
  Ex E (fun x => sum l (fun a => f a x)) = sum l (fun a => Ex E (f a)).
Proof.
  induction l as [|a l IH]; simpl; intros H; [split; [apply Int_0|apply Ex_0]|].
  destruct IH as [I1 I2]; auto. split; [now apply Int_plus; auto|].
  rewrite (Ex_plus E (f a)); auto. now rewrite I2.
Qed.

(** ** Differentiation under the expectation *)
Theorem Ex_derive (f f' : R -> X -> R) (g : X -> R) (t0 : R) (d : posreal) :
  (forall t, Rabs (t - t0) < d -> Int E (f t)) ->
  (forall t x, Rabs (t - t0) < d -> is_derive (fun t => f t x) t (f' t x)) ->
  Int E g ->
  (forall t x, Rabs (t - t0) < d -> Rabs (f' t x) <= g x) ->
  Int E (f' t0) /\ is_derive (fun t => Ex E (f t)) t0 (Ex E (f' t0)).
Proof.
  intros HI HD Hg Hb.
  set (quot := fun h x => / h * (f (t0 + h) x - f t0 x)).
  assert (Hnear : forall h, Rabs h < d -> Rabs (t0 + h - t0) < d)
    by (intros h Hh; now replace (t0 + h - t0) with h by ring).
  assert (H0 : Rabs (t0 - t0) < d) by (rewrite Rminus_eq_0, Rabs_R0; apply cond_pos).
  assert (HIq : forall h, h <> 0 -> Rabs h < d -> Int E (quot h)).
  { intros h _ Hh. apply Int_scal, Int_minus; auto. }
  destruct (Ex_lim E quot (f' t0) g d HIq Hg) as [H1 H2].
  - (* the mean value theorem bounds the quotient by the derivative in between *)
    intros h x Hh0 Hh.
    assert (Hin : forall t, Rmin t0 (t0 + h) <= t <= Rmax t0 (t0 + h) -> Rabs (t - t0) < d).
    { intros t Ht. apply Rle_lt_trans with (Rabs h); auto. revert Ht.
      unfold Rmin, Rmax, Rabs. repeat destruct Rle_dec; repeat destruct Rcase_abs; lra. }
    destruct (MVT_gen (fun t => f t x) t0 (t0 + h) (fun t => f' t x)) as (c & Hc & Heq).
    + intros t Ht. apply HD, Hin. lra.
    + intros t Ht. apply continuity_pt_filterlim, (derive_continuous (fun t => f t x) t (f' t x)), HD, Hin, Ht.
    + unfold quot. simpl in Heq. rewrite Heq.
      replace (/ h * (f' c x * (t0 + h - t0))) with (f' c x) by (field; auto).
      apply Hb, Hin, Hc.
  - intros x. apply (lim0_near (fun h => (f (t0 + h) x - f t0 x) / h) _ _ d).
    + intros; unfold quot, Rdiv; ring.
    + apply (proj1 (derive_lim0 (fun t => f t x) t0 (f' t0 x))). now apply HD.
  - split; auto. apply derive_lim0, (lim0_near (fun h => Ex E (quot h)) _ _ d); auto.
    intros h Hh0 Hh. unfold quot. rewrite Ex_scal, Ex_minus by auto using Int_minus.
    unfold Rdiv. ring.
Qed.

(** The same with kinks: the integrand is Lipschitz in the parameter, with an integrable constant,
    and differentiable at almost every point. *)
Theorem Ex_derive_ae (f : R -> X -> R) (f' g : X -> R) (t0 : R) (d : posreal) :
  (forall t, Rabs (t - t0) < d -> Int E (f t)) -> Int E f' -> Int E g ->
  (forall t x, Rabs (t - t0) < d -> Rabs (f t x - f t0 x) <= g x * Rabs (t - t0)) ->
  Ae E (fun x => is_derive (fun t => f t x) t0 (f' x)) ->
  is_derive (fun t => Ex E (f t)) t0 (Ex E f').
Proof.
  intros HI HI' Hg Hb HD.
  set (quot := fun h x => / h * (f (t0 + h) x - f t0 x)).
  assert (Hnear : forall h, Rabs h < d -> Rabs (t0 + h - t0) < d)
    by (intros h Hh; now replace (t0 + h - t0) with h by ring).
  assert (H0 : Rabs (t0 - t0) < d) by (rewrite Rminus_eq_0, Rabs_R0; apply cond_pos).
  apply derive_lim0, (lim0_near (fun h => Ex E (quot h)) _ _ d).
  - intros h Hh0 Hh. unfold quot. rewrite Ex_scal, Ex_minus by auto using Int_minus.
    unfold Rdiv. ring.
  - apply (Ex_lim_ae E quot f' g d); auto.
    + intros h _ Hh. apply Int_scal, Int_minus; auto.
    + intros h x Hh0 Hh. unfold quot. rewrite Rabs_mult, Rabs_Rinv by auto.
      specialize (Hb (t0 + h) x (Hnear h Hh)). replace (t0 + h - t0) with h in Hb by ring.
      assert (0 < Rabs h) by now apply Rabs_pos_lt.
      apply (Rmult_le_reg_l (Rabs h)); auto. rewrite <- Rmult_assoc, Rinv_r by lra. lra.
    + revert HD. apply Ae_imp. intros x Hx.
      apply (lim0_near (fun h => (f (t0 + h) x - f t0 x) / h) _ _ d).
      * intros; unfold quot, Rdiv; ring.
      * exact (proj1 (derive_lim0 (fun t => f t x) t0 (f' x)) Hx).
Qed.
End Facts.

(** ** Constructions *)

(** A point mass. *)
Program Definition diracE {X} (x0 : X) : expectation X :=
  {| Int := fun _ => True; Ex := fun f => f x0; Ae := fun P => P x0 |}.

(** A density with respect to another law. *)
Program Definition densE {X} (E : expectation X) (p : X -> R) (p0 : forall x, 0 <= p x) :
  expectation X :=
  {| Int := fun f => Int E (fun x => p x * f x); Ex := fun f => Ex E (fun x => p x * f x);
     Ae := Ae E |}.
Next Obligation. eapply Int_ext; [|exact H0]. intros; simpl; now rewrite H. Qed.
Next Obligation. apply Ex_ext; intros; now rewrite H. Qed.
Next Obligation. apply (Int_ext E (fun _ => 0)); [intros; ring|apply Int_0]. Qed.
Next Obligation.
  apply (Int_ext E (fun x => p x * f x + p x * g x)); [intros; ring|]. now apply Int_plus.
Qed.
Next Obligation. rewrite <- Ex_plus; auto. apply Ex_ext; intros; ring. Qed.
Next Obligation.
  apply (Int_ext E (fun x => c * (p x * f x))); [intros; ring|]. now apply Int_scal.
Qed.
Next Obligation. rewrite <- Ex_scal; auto. apply Ex_ext; intros; ring. Qed.
Next Obligation. apply Ex_ge0; auto. intros x. apply Rmult_le_pos; auto. Qed.
Next Obligation. apply Ae_all; auto. Qed.
Next Obligation. eapply Ae_imp; eauto. Qed.
Next Obligation. apply Ae_and; auto. Qed.
Next Obligation.
  apply (Ex_lim E (fun h x => p x * F h x) _ (fun x => p x * g x) d); auto.
  - intros. rewrite Rabs_mult, (Rabs_pos_eq (p x)) by auto. apply Rmult_le_compat_l; auto.
  - intros x. eapply filterlim_comp; [apply H2|]. apply (filterlim_scal_r (p x) (f x)).
Qed.
Next Obligation.
  apply (Ex_lim_ae E (fun h x => p x * F h x) _ (fun x => p x * g x) d); auto.
  - intros. rewrite Rabs_mult, (Rabs_pos_eq (p x)) by auto. apply Rmult_le_compat_l; auto.
  - revert H3. apply Ae_imp. intros x Hx. eapply filterlim_comp; [apply Hx|].
    apply (filterlim_scal_r (p x) (f x)).
Qed.

(** The law of [m x]. *)
Program Definition mapE {X Y} (m : X -> Y) (E : expectation X) : expectation Y :=
  {| Int := fun f => Int E (fun x => f (m x)); Ex := fun f => Ex E (fun x => f (m x));
     Ae := fun P => Ae E (fun x => P (m x)) |}.
Next Obligation. eapply Int_ext; [|exact H0]; simpl; auto. Qed.
Next Obligation. apply Ex_ext; auto. Qed.
Next Obligation. apply Int_0. Qed.
Next Obligation. now apply (Int_plus E). Qed.
Next Obligation. now apply (Ex_plus E). Qed.
Next Obligation. now apply (Int_scal E). Qed.
Next Obligation. now apply (Ex_scal E). Qed.
Next Obligation. now apply (Ex_ge0 E). Qed.
Next Obligation. now apply (Ae_all E). Qed.
Next Obligation. eapply Ae_imp; [|exact H0]. auto. Qed.
Next Obligation. now apply (Ae_and E). Qed.
Next Obligation. apply (Ex_lim E (fun h x => F h (m x)) _ (fun x => g (m x)) d); auto. Qed.
Next Obligation. apply (Ex_lim_ae E (fun h x => F h (m x)) _ (fun x => g (m x)) d); auto. Qed.

(** First [x] from [E], then [y] from [K x]: an iterated expectation, no product measure needed. *)
Program Definition bindE {X Y} (E : expectation X) (K : X -> expectation Y) : expectation (X * Y) :=
  {| Int := fun f => (forall x, Int (K x) (fun y => f (x, y))) /\
                     Int E (fun x => Ex (K x) (fun y => f (x, y)));
     Ex := fun f => Ex E (fun x => Ex (K x) (fun y => f (x, y)));
     Ae := fun P => Ae E (fun x => Ae (K x) (fun y => P (x, y))) |}.
Next Obligation.
  split.
  - intros x. eapply Int_ext; [|apply H0]. intros; simpl; auto.
  - eapply Int_ext; [|exact H1]. intros; apply Ex_ext; auto.
Qed.
Next Obligation. apply Ex_ext; intros; apply Ex_ext; auto. Qed.
Next Obligation.
  split; [intros; apply Int_0|].
  apply (Int_ext E (fun _ => 0)); [|apply Int_0]. intros x. now rewrite Ex_0.
Qed.
Next Obligation.
  split; [intros; now apply Int_plus|].
  eapply Int_ext; [|apply (Int_plus E _ _ H2 H1)]. intros; simpl. now rewrite Ex_plus.
Qed.
Next Obligation. rewrite <- Ex_plus; auto. apply Ex_ext. intros; now rewrite Ex_plus. Qed.
Next Obligation.
  split; [intros; now apply Int_scal|].
  eapply Int_ext; [|apply (Int_scal E c _ H0)]. intros; simpl. now rewrite Ex_scal.
Qed.
Next Obligation. rewrite <- Ex_scal; auto. apply Ex_ext. intros; now rewrite Ex_scal. Qed.
Next Obligation. apply Ex_ge0; auto. intros; apply Ex_ge0; auto. Qed.
Next Obligation. apply Ae_all. intros; now apply Ae_all. Qed.
Next Obligation. eapply Ae_imp; [|exact H0]. intros x. apply Ae_imp. auto. Qed.
Next Obligation.
  eapply Ae_imp; [|exact (Ae_and E _ _ H H0)]. intros x [Hp Hq]. exact (Ae_and (K x) _ _ Hp Hq).
Qed.
Next Obligation.
  assert (Hin : forall x, Int (K x) (fun y => f (x, y)) /\
    lim0 (fun h => Ex (K x) (fun y => F h (x, y))) (Ex (K x) (fun y => f (x, y)))).
  { intros x. apply (Ex_lim (K x) (fun h y => F h (x, y)) _ (fun y => g (x, y)) d); auto.
    intros h Hh0 Hh. now apply H. }
  assert (Hout := Ex_lim E (fun h x => Ex (K x) (fun y => F h (x, y)))
    (fun x => Ex (K x) (fun y => f (x, y))) (fun x => Ex (K x) (fun y => g (x, y))) d).
  destruct Hout as [H4 H5]; auto.
  - intros h Hh0 Hh. now apply H.
  - intros h x Hh0 Hh. apply Ex_abs; auto. now apply H.
  - intros x; apply Hin.
  - split; auto. split; auto. intros x; apply Hin.
Qed.
Next Obligation.
  apply (Ex_lim_ae E (fun h x => Ex (K x) (fun y => F h (x, y)))
    (fun x => Ex (K x) (fun y => f (x, y))) (fun x => Ex (K x) (fun y => g (x, y))) d); auto.
  - intros h Hh0 Hh. now apply H.
  - intros h x Hh0 Hh. apply Ex_abs; auto. now apply H.
  - revert H3. apply Ae_imp. intros x Hx.
    apply (Ex_lim_ae (K x) (fun h y => F h (x, y)) _ (fun y => g (x, y)) d); auto.
    intros h Hh0 Hh. now apply H.
Qed.

(** A finite law: values with weights. *)
Section Finite.
Context {X : Type} (values : list (X * R)).
Hypothesis weights_ge0 : forall x w, In (x, w) values -> 0 <= w.

Lemma finite_lim (l : list (X * R)) (F : R -> X -> R) (f : X -> R) :
  (forall x w, In (x, w) l -> lim0 (fun h => F h x) (f x)) ->
  lim0 (fun h => sum l (fun v => snd v * F h (fst v))) (sum l (fun v => snd v * f (fst v))).
Proof.
  induction l as [|[x w] l IH]; simpl; intros H; [apply filterlim_const|].
  eapply (filterlim_comp_2 (fun h => w * F h x) (fun h => sum l (fun v => snd v * F h (fst v))) Rplus).
  - eapply filterlim_comp; [apply (H x w); auto|]. apply (filterlim_scal_r w (f x)).
  - apply IH. intros y v Hy. apply (H y v). auto.
  - apply (filterlim_plus (w * f x) (sum l (fun v => snd v * f (fst v)))).
Qed.

Program Definition finiteE : expectation X :=
  {| Int := fun _ => True; Ex := fun f => sum values (fun v => snd v * f (fst v));
     Ae := fun P => forall x w, In (x, w) values -> P x |}.
Next Obligation. apply sum_ext. intros; now rewrite H. Qed.
Next Obligation. rewrite <- sum_plus. apply sum_ext. intros; ring. Qed.
Next Obligation. rewrite <- sum_scal. apply sum_ext. intros; ring. Qed.
Next Obligation.
  apply sum_ge0. intros [x w] Hin. simpl. specialize (weights_ge0 x w Hin). specialize (H0 x). nra.
Qed.
Next Obligation. split; eauto. Qed.
Next Obligation. split; auto. apply finite_lim. auto. Qed.
Next Obligation. apply finite_lim. auto. Qed.
End Finite.
