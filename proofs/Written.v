(** * Models as they are written

    A model says what is drawn from which law, in which order, and what it costs.  [written_cost] is
    its expected cost: each number is drawn from its law given those before, and the costs are
    averaged.  The compiler differentiates another graph, whose noise has no parameters.  Here is the
    first half of the way from the one to the other: [transported], that drawing [loc + scale * noise],
    or what else noise becomes, is drawing from the law, and [rewrite], a program that puts this in the place of the draws and
    brings logarithms, roots and sigmoids into the stable forms that the compiler uses. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Fast Draws Score Measure Line Calculus Normal Laws Transport Noised Model.
Import ListNotations.
Open Scope R_scope.

(** ** What it means *)

(** The law of a draw: normal, uniform, exponential or Laplace's, its arguments slots of the shape of the draw; or
    finite, its logits a slot that has some axes of the draw. *)
Inductive wlaw :=
  | WNormal (loc scale : N) | WUniform (low high : N) | WExponential (rate : N) | WLaplace (loc scale : N)
  | WFinite (l : Score.law) (logits : N) (axes : list nat).
Definition wdraw := (nat * shape * wlaw)%type.
Record written := {
  w_inputs : list shape;
  w_nodes : bprogram;         (** [Sample j s] is what draw [j] has drawn *)
  w_cost : N;                 (** a scalar slot *)
  w_draws : list wdraw        (** in the order in which they are drawn *)
}.
Definition wdraw_id (x : wdraw) : nat := fst (fst x).
Definition wdraw_shape (x : wdraw) : shape := snd (fst x).
(** The two numbers of a law that is drawn as noise. *)
Definition loc_of (x : wdraw) : N :=
  match snd x with WNormal l _ | WUniform l _ | WExponential l | WLaplace l _ => l | WFinite _ _ _ => 0%N end.
Definition scale_of (x : wdraw) : N :=
  match snd x with WNormal _ s | WUniform _ s | WExponential s | WLaplace _ s => s | WFinite _ _ _ => 0%N end.
Definition kind_of (x : wdraw) : noised :=
  match snd x with
  | WNormal _ _ | WFinite _ _ _ => As_normal
  | WUniform _ _ => As_uniform
  | WExponential _ => As_exponential
  | WLaplace _ _ => As_laplace
  end.
Definition is_noised (x : wdraw) : bool := match snd x with WFinite _ _ _ => false | _ => true end.
(** A finite law, by its masses: 0 and 1 with those of [logits], or 0, 1, ... with the softmax of them. *)
Definition finite_on (rho : dim -> nat) (l : Score.law) (logits : tensor) (axes : list nat) (ix : index) : expectation R :=
  densE (law_base rho l) (fun v => exp (law_val rho l logits axes ix v)) (fun v => Rlt_le _ _ (exp_pos _)).

Section Meaning.
Variable W : written.
Variable rho : dim -> nat.
Variable e : env.

Definition written_value_env (tr : trace) : env :=
  run rho tr (plain_program (w_nodes W)) (length (w_inputs W)) e.
Definition written_value (tr : trace) (k : N) : tensor := written_value_env tr (N.to_nat k).
Definition find_draw (c : coord) : option wdraw :=
  find (fun x => Nat.eqb (wdraw_id x) (fst c)) (w_draws W).
Definition loc_at (c : coord) (tr : trace) : R :=
  match find_draw c with Some x => written_value tr (loc_of x) (snd c) | None => 0 end.
Definition scale_at (c : coord) (tr : trace) : R :=
  match find_draw c with Some x => written_value tr (scale_of x) (snd c) | None => 1 end.

Definition kind_at (c : coord) : noised := match find_draw c with Some x => kind_of x | None => As_normal end.

Definition law_at (c : coord) (tr : trace) : expectation R :=
  match find_draw c with
  | Some (_, WFinite l a axes) => finite_on rho l (written_value tr a) axes (snd c)
  | _ => noised_on (kind_at c) (loc_at c tr) (scale_at c tr)
  end.

Definition written_numbers : list coord :=
  flat_map (fun x => map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) (w_draws W).
(** Each number from its law, given those that were drawn before. *)
Fixpoint written_law (cs : list coord) (tr : trace) : expectation trace :=
  match cs with
  | [] => diracE tr
  | c :: cs => mapE snd (bindE (law_at c tr) (fun v => written_law cs (set tr c v)))
  end.
Definition written_cost : R :=
  Ex (written_law written_numbers (fun _ => zero)) (fun tr => written_value tr (w_cost W) []).
End Meaning.

Lemma find_draw_of W x ix : NoDup (map wdraw_id (w_draws W)) -> In x (w_draws W) ->
  find_draw W (wdraw_id x, ix) = Some x.
Proof.
  unfold find_draw; cbn [fst]. induction (w_draws W) as [|y l IH]; [easy|]. cbn [map find].
  intros Hd Hin. inversion_clear Hd as [|? ? Hn Hd'].
  destruct (Nat.eqb_spec (wdraw_id y) (wdraw_id x)) as [E|E].
  - destruct Hin as [->|Hin]; auto. exfalso. apply Hn. rewrite E. now apply in_map.
  - destruct Hin as [->|Hin]; [easy|]. auto.
Qed.

(** ** Reparameterisation *)
Section Transport.
Variable K : coord -> noised.
Variables M S : coord -> trace -> R.

Fixpoint drawn_by (cs : list coord) (tr : trace) : expectation trace :=
  match cs with
  | [] => diracE tr
  | c :: cs => mapE snd (bindE (noised_on (K c) (M c tr) (S c tr)) (fun v => drawn_by cs (set tr c v)))
  end.
(** The traces that noise leads to: what is drawn, and the noise. *)
Fixpoint leads (cs : list coord) (u n u' n' : trace) : Prop :=
  match cs with
  | [] => u' = u /\ n' = n
  | c :: cs => exists x, leads cs (set u c (moved_noise (K c) (M c u) (S c u) x)) (set n c x) u' n'
  end.
(** The numbers of the laws depend neither on their own number nor on later ones. *)
Fixpoint in_turn (cs : list coord) : Prop :=
  match cs with
  | [] => True
  | c :: cs' => ignores_all (M c) cs /\ ignores_all (S c) cs /\ in_turn cs'
  end.

Lemma leads_somewhere cs : forall u n, exists u' n', leads cs u n u' n'.
Proof.
  induction cs as [|c cs IH]; intros u n; [now exists u, n|].
  destruct (IH (set u c (moved_noise (K c) (M c u) (S c u) 0)) (set n c 0)) as (u' & n' & H). exists u', n'. now exists 0.
Qed.
Lemma leads_ignores {A} (g : trace -> A) cs : forall u n u' n', ignores_all g cs ->
  leads cs u n u' n' -> g u' = g u.
Proof.
  induction cs as [|c cs IH]; simpl; intros u n u' n' Hg H; [destruct H; now subst|].
  destruct H as [x H]. rewrite (IH _ _ _ _ (fun b Hb => Hg b (or_intror Hb)) H). now apply Hg; left.
Qed.
Lemma leads_noise {A} (g : trace -> A) cs : forall u n u' n', ignores_all g cs ->
  leads cs u n u' n' -> g n' = g n.
Proof.
  induction cs as [|c cs IH]; simpl; intros u n u' n' Hg H; [destruct H; now subst|].
  destruct H as [x H]. rewrite (IH _ _ _ _ (fun b Hb => Hg b (or_intror Hb)) H). now apply Hg; left.
Qed.
(** In the end every number is what its noise becomes. *)
Lemma leads_related cs : forall u n u' n', NoDup cs -> in_turn cs -> leads cs u n u' n' ->
  forall c, In c cs -> get u' c = moved_noise (K c) (M c u') (S c u') (get n' c).
Proof.
  induction cs as [|b cs IH]; intros u n u' n' Hd Ht H c Hc; [destruct Hc|].
  inversion Hd as [|? ? Hn Hd']; subst. destruct Ht as (HM & HS & Ht). destruct H as [x H].
  destruct Hc as [<-|Hc]; [|exact (IH _ _ _ _ Hd' Ht H c Hc)].
  assert (Hother : ignores_all (fun tr => get tr b) cs).
  { intros a Ha. apply ignores_get. intros ->. contradiction. }
  pose proof (leads_ignores (fun tr => get tr b) cs _ _ _ _ Hother H) as E1.
  pose proof (leads_noise (fun tr => get tr b) cs _ _ _ _ Hother H) as E2.
  pose proof (leads_ignores (M b) cs _ _ _ _ (fun a Ha => HM a (or_intror Ha)) H) as E3.
  pose proof (leads_ignores (S b) cs _ _ _ _ (fun a Ha => HS a (or_intror Ha)) H) as E4.
  cbv beta in E1, E2. rewrite get_set_same in E1, E2. rewrite (HM b (or_introl eq_refl)) in E3.
  rewrite (HS b (or_introl eq_refl)) in E4. congruence.
Qed.

Notation noise := (fun c => noise_law (K c)).
Theorem transported cs (Fu Fn : trace -> R) : NoDup cs -> in_turn cs -> forall u n,
  (forall u' n', leads cs u n u' n' -> Fu u' = Fn n' /\ forall c, In c cs -> is_law (K c) (M c u') (S c u')) ->
  Int (drawE noise cs n) Fn -> Ex (drawn_by cs u) Fu = Ex (drawE noise cs n) Fn.
Proof.
  induction cs as [|c cs IH]; intros Hd Ht u n H HI.
  - destruct (H u n (conj eq_refl eq_refl)) as [E _]. exact E.
  - inversion Hd as [|? ? Hn Hd']; subst. destruct Ht as (HM & HS & Ht).
    set (m := M c u). set (s := S c u). set (T := moved_noise (K c) m s).
    assert (Hs : is_law (K c) m s).
    { destruct (leads_somewhere (c :: cs) u n) as (u' & n' & L).
      destruct (H u' n' L) as [_ Hp]. specialize (Hp c (or_introl eq_refl)).
      now rewrite (leads_ignores (S c) (c :: cs) _ _ _ _ HS L), (leads_ignores (M c) (c :: cs) _ _ _ _ HM L) in Hp. }
    cbn [drawE drawn_by Ex Int mapE bindE snd] in *. fold m s. destruct HI as [HI1 HI2].
    assert (Hin : forall x, Ex (drawn_by cs (set u c (T x))) Fu = Ex (drawE noise cs (set n c x)) Fn).
    { intros x. apply IH; auto. intros u' n' L. destruct (H u' n') as [E Hp]; [now exists x|].
      split; auto. intros b Hb. apply Hp. now right. }
    set (f := fun v => Ex (drawn_by cs (set u c v)) Fu).
    destruct (noised_carries (K c) m s Hs f) as [[_ Hback] Hex].
    assert (HIn : Int (noise_law (K c)) (fun x => f (T x))).
    { eapply Int_ext; [|exact HI2]. intros x. symmetry. apply Hin. }
    transitivity (Ex (noise_law (K c)) (fun x => f (T x))); [exact (Hex (Hback HIn))|]. apply Ex_ext. exact Hin.
Qed.
End Transport.

Lemma written_drawn_by W rho e cs tr : forallb is_noised (w_draws W) = true ->
  written_law W rho e cs tr = drawn_by (kind_at W) (loc_at W rho e) (scale_at W rho e) cs tr.
Proof.
  intros H. rewrite forallb_forall in H. revert tr. induction cs as [|c cs IH]; intros tr; [reflexivity|].
  assert (E : law_at W rho e c tr = noised_on (kind_at W c) (loc_at W rho e c tr) (scale_at W rho e c tr)).
  { unfold law_at, kind_at. destruct (find_draw W c) as [[x w]|] eqn:Ef; auto. apply find_some in Ef as [Hx _].
    specialize (H _ Hx). now destruct w. }
  cbn [written_law drawn_by]. rewrite E. do 2 f_equal. apply functional_extensionality. intros v. apply IH.
Qed.
