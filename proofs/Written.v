(** * Models as they are written

    A model says what is drawn from which law, in which order, and what it costs.  [written_cost] is
    its expected cost: each number is drawn from its law given those before, and the costs are
    averaged.  The compiler differentiates another graph, whose noise has no parameters.  Here is the
    first half of the way from the one to the other: [transported], that drawing [loc + scale * noise]
    is drawing from the law, and [rewrite], a program that puts this in the place of the draws and
    brings logarithms, roots and sigmoids into the stable forms that the compiler uses. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Fast Draws Score Measure Line Calculus Normal Laws Model.
Import ListNotations.
Open Scope R_scope.

(** ** What it means *)

(** The law of a draw: normal, its location and scale slots of the shape of the draw; or finite, its logits a
    slot that has some axes of the draw. *)
Inductive wlaw := WNormal (loc scale : N) | WFinite (l : Score.law) (logits : N) (axes : list nat).
Definition wdraw := (nat * shape * wlaw)%type.
Record written := {
  w_inputs : list shape;
  w_nodes : bprogram;         (** [Sample j s] is what draw [j] has drawn *)
  w_cost : N;                 (** a scalar slot *)
  w_draws : list wdraw        (** in the order in which they are drawn *)
}.
Definition wdraw_id (x : wdraw) : nat := fst (fst x).
Definition wdraw_shape (x : wdraw) : shape := snd (fst x).
Definition loc_of (x : wdraw) : N := match snd x with WNormal l _ => l | _ => 0%N end.
Definition scale_of (x : wdraw) : N := match snd x with WNormal _ s => s | _ => 0%N end.
Definition is_normal (x : wdraw) : bool := match snd x with WNormal _ _ => true | _ => false end.

(** The normal law, by its density. *)
Definition normal_on (m s : R) : expectation R :=
  densE leb (fun x => exp (normal_log_pdf m s x)) (fun x => Rlt_le _ _ (exp_pos _)).
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

Definition law_at (c : coord) (tr : trace) : expectation R :=
  match find_draw c with
  | Some (_, WFinite l a axes) => finite_on rho l (written_value tr a) axes (snd c)
  | _ => normal_on (loc_at c tr) (scale_at c tr)
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
Variables M S : coord -> trace -> R.

Fixpoint drawn_by (cs : list coord) (tr : trace) : expectation trace :=
  match cs with
  | [] => diracE tr
  | c :: cs => mapE snd (bindE (normal_on (M c tr) (S c tr)) (fun v => drawn_by cs (set tr c v)))
  end.
(** The traces that noise leads to: what is drawn, and the noise. *)
Fixpoint leads (cs : list coord) (u n u' n' : trace) : Prop :=
  match cs with
  | [] => u' = u /\ n' = n
  | c :: cs => exists x, leads cs (set u c (M c u + S c u * x)) (set n c x) u' n'
  end.
(** Locations and scales depend neither on their own number nor on later ones. *)
Fixpoint in_turn (cs : list coord) : Prop :=
  match cs with
  | [] => True
  | c :: cs' => ignores_all (M c) cs /\ ignores_all (S c) cs /\ in_turn cs'
  end.

Lemma leads_somewhere cs : forall u n, exists u' n', leads cs u n u' n'.
Proof.
  induction cs as [|c cs IH]; intros u n; [now exists u, n|].
  destruct (IH (set u c (M c u + S c u * 0)) (set n c 0)) as (u' & n' & H). exists u', n'. now exists 0.
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
(** In the end every number is its location plus its scale times its noise. *)
Lemma leads_related cs : forall u n u' n', NoDup cs -> in_turn cs -> leads cs u n u' n' ->
  forall c, In c cs -> get u' c = M c u' + S c u' * get n' c.
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

Theorem transported cs (Fu Fn : trace -> R) : NoDup cs -> in_turn cs -> forall u n,
  (forall u' n', leads cs u n u' n' -> Fu u' = Fn n' /\ forall c, In c cs -> 0 < S c u') ->
  Int (drawE (fun _ => normalE) cs n) Fn ->
  Int (drawn_by cs u) Fu /\ Ex (drawn_by cs u) Fu = Ex (drawE (fun _ => normalE) cs n) Fn.
Proof.
  induction cs as [|c cs IH]; intros Hd Ht u n H HI.
  - destruct (H u n (conj eq_refl eq_refl)) as [E _]. simpl. auto.
  - inversion Hd as [|? ? Hn Hd']; subst. destruct Ht as (HM & HS & Ht).
    set (m := M c u). set (s := S c u).
    assert (Hs : 0 < s).
    { destruct (leads_somewhere (c :: cs) u n) as (u' & n' & L).
      destruct (H u' n' L) as [_ Hp]. specialize (Hp c (or_introl eq_refl)).
      now rewrite (leads_ignores (S c) (c :: cs) _ _ _ _ HS L) in Hp. }
    cbn [drawE drawn_by Ex Int mapE bindE snd] in *. fold m s. destruct HI as [HI1 HI2].
    assert (Hin : forall x, Int (drawn_by cs (set u c (m + s * x))) Fu /\
      Ex (drawn_by cs (set u c (m + s * x))) Fu = Ex (drawE (fun _ => normalE) cs (set n c x)) Fn).
    { intros x. apply IH; auto. intros u' n' L. destruct (H u' n') as [E Hp]; [now exists x|].
      split; auto. intros b Hb. apply Hp. now right. }
    set (f := fun v => Ex (drawn_by cs (set u c v)) Fu).
    assert (HIn : Int normalE (fun x => f (m + s * x))).
    { eapply Int_ext; [|exact HI2]. intros x. symmetry. apply Hin. }
    pose proof (normal_change_back m s f Hs HIn) as HIl.
    destruct (normal_change m s f Hs HIl) as [_ E]. split.
    + split; [|exact HIl]. intros v. replace v with (m + s * ((v - m) / s)) by (field; lra). apply Hin.
    + transitivity (Ex normalE (fun x => f (m + s * x))); [exact E|]. apply Ex_ext. intros x. apply Hin.
Qed.
End Transport.

Lemma written_drawn_by W rho e cs tr : forallb is_normal (w_draws W) = true ->
  written_law W rho e cs tr = drawn_by (loc_at W rho e) (scale_at W rho e) cs tr.
Proof.
  intros H. rewrite forallb_forall in H. revert tr. induction cs as [|c cs IH]; intros tr; [reflexivity|].
  assert (E : law_at W rho e c tr = normal_on (loc_at W rho e c tr) (scale_at W rho e c tr)).
  { unfold law_at. destruct (find_draw W c) as [[x w]|] eqn:Ef; auto. apply find_some in Ef as [Hx _].
    specialize (H _ Hx). now destruct w. }
  cbn [written_law drawn_by]. rewrite E. do 2 f_equal. apply functional_extensionality. intros v. apply IH.
Qed.
