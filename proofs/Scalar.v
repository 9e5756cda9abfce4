(** * The scalar functions of the op table

    One- and two-argument functions on the reals, their derivatives, and where the derivatives hold.
    [dom1 f x] and [dom2 f x y] are what a gradient needs at a point: the interior of the domain
    for [log], [sqrt], [/] and [pow], and being off the kink or the jump for [abs], [relu], [sign],
    [step], [min] and [max]. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor.
Open Scope R_scope.

Definition logistic (x : R) : R := / (1 + exp (- x)).
Definition sign01 (x : R) : R := if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.
Definition step01 (x : R) : R := if Rlt_dec 0 x then 1 else 0.

Inductive fn1 :=
  | Affine (a b : Z) (d : positive) (** (a x + b) / d *)
  | Exp | Log | Log1p | Expm1 | Sqrt | Square | Recip | Tanh | Sigmoid | Softplus | Sin | Cos
  | Abs | Relu | Sign | Step.

Inductive fn2 := Add | Sub | Mul | Div | Pow | Min | Max.

Definition app1 (f : fn1) (x : R) : R :=
  match f with
  | Affine a b d => (IZR a * x + IZR b) / IZR (Zpos d)
  | Exp => exp x
  | Log => ln x
  | Log1p => ln (1 + x)
  | Expm1 => exp x - 1
  | Sqrt => sqrt x
  | Square => x * x
  | Recip => / x
  | Tanh => (exp x - exp (- x)) / (exp x + exp (- x))
  | Sigmoid => logistic x
  | Softplus => ln (1 + exp x)
  | Sin => sin x
  | Cos => cos x
  | Abs => Rabs x
  | Relu => Rmax x 0
  | Sign => sign01 x
  | Step => step01 x
  end.

Definition diff1 (f : fn1) (x : R) : R :=
  match f with
  | Affine a b d => IZR a / IZR (Zpos d)
  | Exp => exp x
  | Log => / x
  | Log1p => / (1 + x)
  | Expm1 => exp x
  | Sqrt => / (2 * sqrt x)
  | Square => 2 * x
  | Recip => - (/ x * / x)
  | Tanh => 1 - app1 Tanh x * app1 Tanh x
  | Sigmoid => logistic x * (1 - logistic x)
  | Softplus => logistic x
  | Sin => cos x
  | Cos => - sin x
  | Abs => sign01 x
  | Relu => step01 x
  | Sign | Step => 0
  end.

Definition dom1 (f : fn1) (x : R) : Prop :=
  match f with
  | Log | Sqrt => 0 < x
  | Log1p => 0 < 1 + x
  | Recip | Abs | Relu | Sign | Step => x <> 0
  | _ => True
  end.

Definition app2 (f : fn2) (x y : R) : R :=
  match f with
  | Add => x + y
  | Sub => x - y
  | Mul => x * y
  | Div => x / y
  | Pow => exp (y * ln x)
  | Min => Rmin x y
  | Max => Rmax x y
  end.

(** 1 where the two are equal: neither is above the other. *)
Definition tie01 (x y : R) : R := 1 - (step01 (x - y) + step01 (y - x)).
(** What the larger of two takes of the derivative: 1 if it is [x], half at a tie, so that the derivative
    of [max a a] would be that of [a]. *)
Definition win01 (x y : R) : R := step01 (x - y) + (1 - step01 (x - y)) * (tie01 x y * / 2).

(** The partial derivatives in the first and the second argument. *)
Definition diff2l (f : fn2) (x y : R) : R :=
  match f with
  | Add | Sub => 1
  | Mul => y
  | Div => / y
  | Pow => y * exp ((y - 1) * ln x)
  | Min => win01 y x
  | Max => win01 x y
  end.
Definition diff2r (f : fn2) (x y : R) : R :=
  match f with
  | Add => 1
  | Sub => -1
  | Mul => x
  | Div => - (x / y * / y)
  | Pow => exp (y * ln x) * ln x
  | Min => win01 x y
  | Max => win01 y x
  end.

Definition dom2 (f : fn2) (x y : R) : Prop :=
  match f with Div => y <> 0 | Pow => 0 < x | Min | Max => x <> y | _ => True end.

(** ** Locally constant pieces *)
Lemma near_neg (x : R) : x < 0 -> locally x (fun y => y < 0).
Proof. intros H. apply (open_lt 0). exact H. Qed.
Lemma near_pos (x : R) : 0 < x -> locally x (fun y => 0 < y).
Proof. intros H. apply (open_gt 0). exact H. Qed.

Lemma is_derive_piece (f g : R -> R) (x l : R) (P : R -> Prop) :
  locally x P -> (forall y, P y -> g y = f y) -> is_derive g x l -> is_derive f x l.
Proof.
  intros HP E. apply is_derive_ext_loc.
  apply (filter_imp P); auto.
Qed.

Lemma step01_pos x : 0 < x -> step01 x = 1.
Proof. unfold step01. destruct Rlt_dec; lra. Qed.
Lemma step01_neg x : x < 0 -> step01 x = 0.
Proof. unfold step01. destruct Rlt_dec; lra. Qed.
Lemma sign01_pos x : 0 < x -> sign01 x = 1.
Proof. unfold sign01. destruct Rlt_dec; lra. Qed.
Lemma sign01_neg x : x < 0 -> sign01 x = -1.
Proof. unfold sign01. repeat destruct Rlt_dec; lra. Qed.

Lemma win01_above x y : y < x -> win01 x y = 1.
Proof. intros H. unfold win01, tie01. rewrite step01_pos, step01_neg by lra. field. Qed.
Lemma win01_below x y : x < y -> win01 x y = 0.
Proof. intros H. unfold win01, tie01. rewrite step01_neg, step01_pos by lra. field. Qed.

Ltac const_piece := apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).

Theorem app1_derive f x : dom1 f x -> is_derive (app1 f) x (diff1 f x).
Proof.
  unfold app1, diff1, dom1; destruct f; intros H; simpl.
  - auto_derive; auto. plain. field. apply not_0_IZR; lia.
  - auto_derive; auto. plain. ring.
  - auto_derive; auto. plain. field. lra.
  - auto_derive; auto. plain. field. lra.
  - auto_derive; auto. plain. ring.
  - auto_derive; auto. plain. field. apply Rgt_not_eq, sqrt_lt_R0, H.
  - auto_derive; auto. plain. ring.
  - auto_derive; auto. plain. field. auto.
  - pose proof (exp_pos x). pose proof (exp_pos (- x)). auto_derive; [lra|]. plain. field. lra.
  - pose proof (exp_pos (- x)). unfold logistic. auto_derive; [lra|]. plain. field. lra.
  - pose proof (exp_pos x). pose proof (exp_pos (- x)). unfold logistic. auto_derive; [lra|]. plain.
    rewrite exp_Ropp. field. split; lra.
  - auto_derive; auto. plain. ring.
  - auto_derive; auto. plain. ring.
  - destruct (Rdichotomy _ _ H) as [Hn|Hp].
    + rewrite sign01_neg by auto.
      apply (is_derive_piece _ Ropp x _ _ (near_neg x Hn)); [intros y Hy; rewrite Rabs_left; auto|].
      auto_derive; auto.
    + rewrite sign01_pos by lra.
      apply (is_derive_piece _ (fun y => y) x _ _ (near_pos x Hp)).
      intros y Hy; rewrite Rabs_pos_eq; lra. auto_derive; auto.
  - destruct (Rdichotomy _ _ H) as [Hn|Hp].
    + rewrite step01_neg by auto.
      apply (is_derive_piece _ (fun _ => 0) x _ _ (near_neg x Hn)); [|const_piece].
      intros y Hy; rewrite Rmax_right; lra.
    + rewrite step01_pos by lra.
      apply (is_derive_piece _ (fun y => y) x _ _ (near_pos x Hp)).
      intros y Hy; rewrite Rmax_left; lra. auto_derive; auto.
  - destruct (Rdichotomy _ _ H) as [Hn|Hp].
    + apply (is_derive_piece _ (fun _ => -1) x _ _ (near_neg x Hn)); [|const_piece].
      intros y Hy; now rewrite sign01_neg.
    + apply (is_derive_piece _ (fun _ => 1) x _ _ (near_pos x Hp)); [|const_piece].
      intros y Hy; rewrite sign01_pos; lra.
  - destruct (Rdichotomy _ _ H) as [Hn|Hp].
    + apply (is_derive_piece _ (fun _ => 0) x _ _ (near_neg x Hn)); [|const_piece].
      intros y Hy; now rewrite step01_neg.
    + apply (is_derive_piece _ (fun _ => 1) x _ _ (near_pos x Hp)); [|const_piece].
      intros y Hy; rewrite step01_pos; lra.
Qed.

Lemma derive_continuous (f : R -> R) t l : is_derive f t l -> filterlim f (locally t) (locally (f t)).
Proof. intros H. apply (ex_derive_continuous f t). now exists l. Qed.

(** Where [f] is below [g] at a point, it is below it nearby. *)
Lemma near_lt (f g : R -> R) t f' g' :
  is_derive f t f' -> is_derive g t g' -> f t < g t -> locally t (fun u => f u < g u).
Proof.
  intros Hf Hg Hlt.
  assert (H : is_derive (fun u => g u - f u) t (g' - f')) by (apply (is_derive_minus g f); auto).
  assert (H0 : locally (g t - f t) (fun y => 0 < y)) by (apply near_pos; lra).
  pose proof (derive_continuous _ _ _ H _ H0) as [e He].
  exists e. intros u Hu. specialize (He u Hu). simpl in He. lra.
Qed.

(** The chain rule for a function of two differentiable arguments. *)
Theorem app2_derive f (a b : R -> R) a' b' t :
  is_derive a t a' -> is_derive b t b' -> dom2 f (a t) (b t) ->
  is_derive (fun t => app2 f (a t) (b t)) t (diff2l f (a t) (b t) * a' + diff2r f (a t) (b t) * b').
Proof.
  intros Ha Hb Hd. destruct f; simpl in *.
  - evar_last; [apply (is_derive_plus a b); eauto|]. unfold plus; simpl. ring.
  - evar_last; [apply (is_derive_minus a b); eauto|]. unfold minus, plus, opp; simpl. ring.
  - evar_last; [apply (is_derive_mult a b); eauto; intros; apply Rmult_comm|].
    unfold plus, mult; simpl. ring.
  - evar_last; [apply (is_derive_div a b); eauto|]. plain. field. auto.
  - evar_last.
    + apply (is_derive_comp exp (fun t => b t * ln (a t))).
      * apply is_derive_Reals, derivable_pt_lim_exp.
      * apply (is_derive_mult b (fun t => ln (a t))); [exact Hb| |intros; apply Rmult_comm].
        apply (is_derive_comp ln a); [|exact Ha]. apply is_derive_Reals, derivable_pt_lim_ln, Hd.
    + unfold scal, plus, mult; simpl. unfold mult; simpl.
      replace (b t * ln (a t)) with ((b t - 1) * ln (a t) + ln (a t)) by ring.
      rewrite exp_plus, exp_ln by auto. field. lra.
  - destruct (Rdichotomy _ _ Hd) as [H|H].
    + rewrite win01_above, win01_below, Rmult_1_l, Rmult_0_l, Rplus_0_r by lra.
      apply (is_derive_piece _ a t _ _ (near_lt _ _ _ _ _ Ha Hb H)); auto.
      intros u Hu; rewrite Rmin_left; lra.
    + rewrite win01_below, win01_above, Rmult_1_l, Rmult_0_l, Rplus_0_l by lra.
      apply (is_derive_piece _ b t _ _ (near_lt _ _ _ _ _ Hb Ha H)); auto.
      intros u Hu; rewrite Rmin_right; lra.
  - destruct (Rdichotomy _ _ Hd) as [H|H].
    + rewrite win01_below, win01_above, Rmult_1_l, Rmult_0_l, Rplus_0_l by lra.
      apply (is_derive_piece _ b t _ _ (near_lt _ _ _ _ _ Ha Hb H)); auto.
      intros u Hu; rewrite Rmax_right; lra.
    + rewrite win01_above, win01_below, Rmult_1_l, Rmult_0_l, Rplus_0_r by lra.
      apply (is_derive_piece _ a t _ _ (near_lt _ _ _ _ _ Hb Ha H)); auto.
      intros u Hu; rewrite Rmax_left; lra.
Qed.

Theorem app1_chain f (a : R -> R) a' t : is_derive a t a' -> dom1 f (a t) ->
  is_derive (fun t => app1 f (a t)) t (diff1 f (a t) * a').
Proof.
  intros Ha Hd. rewrite Rmult_comm. apply (is_derive_comp (app1 f) a); auto using app1_derive.
Qed.
