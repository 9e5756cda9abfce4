(** * The conditions of large graphs

    [Defined.v] and [Tame.v] keep what they know of the slots in lists.  Here are the same analyses with
    search trees, as in [Fast.v]: where they say yes, so do those. *)
From Coq Require Import List Bool Arith NArith PArith FMapPositive.
From Sgc Require Import Tensor Op Program Graph Defined Number Certificate Fast Noise Tame.
Import ListNotations.

(** The first numbers, as many as a list has elements. *)
Fixpoint numbered {A} (l : list A) (n : N) : list N :=
  match l with [] => [] | _ :: l => n :: numbered l (N.succ n) end.
Lemma numbered_eq {A} (l : list A) : forall n, map N.to_nat (numbered l n) = seq (N.to_nat n) (length l).
Proof. induction l as [|a l IH]; simpl; intros n; auto. now rewrite IH, N2Nat.inj_succ. Qed.

(** A set of numbers. *)
Definition set_of (ks : list N) : PositiveMap.t unit :=
  fold_right (fun k m => store m k tt) (PositiveMap.empty _) ks.
Definition in_set (m : PositiveMap.t unit) (k : N) : bool := match look m k with Some _ => true | None => false end.
Lemma in_set_eq ks k : in_set (set_of ks) k = existsb (Nat.eqb (N.to_nat k)) (map N.to_nat ks).
Proof.
  unfold in_set, set_of. induction ks as [|j ks IH]; simpl; [now rewrite look_empty|].
  rewrite to_nat_eqb. destruct (N.eqb_spec k j) as [->|Hne]; [now rewrite look_same|].
  now rewrite look_other.
Qed.

(** What is known of the inputs when the listed ones move. *)
Definition about_inputs {A} (f : bool -> A) (B : bgraph) (moved : list N) : PositiveMap.t A :=
  let m := set_of moved in hold (map (fun k => f (in_set m k)) (numbered (b_inputs B) 0)) 0 (PositiveMap.empty A).
Lemma about_inputs_held {A} (d : A) f B moved : held d (b_count B) (about_inputs f B moved)
  (map (fun k => f (existsb (Nat.eqb k) (map N.to_nat moved))) (range (inputs (plain B)))).
Proof.
  unfold about_inputs. set (l := map _ (numbered _ _)).
  replace (map _ (range _)) with l.
  - replace (b_count B) with (N.of_nat (length l)); [apply hold_all|]. unfold l, b_count.
    now rewrite map_length, <- (map_length N.to_nat), numbered_eq, seq_length.
  - unfold l, inputs. cbn [plain g_inputs]. change (range (length (b_inputs B)))
      with (seq (N.to_nat 0) (length (b_inputs B))).
    rewrite <- numbered_eq, map_map. apply map_ext. intros k. now rewrite in_set_eq.
Qed.

(** Is every slot seen to be where it is differentiable? *)
Fixpoint quick_survey (p : bprogram) (n : N) (mm : PositiveMap.t state) : bool :=
  match p with
  | [] => true
  | (o, ps) :: p =>
      let xs := map (get still mm) ps in
      let m := existsb moving xs in
      if m && negb (safe o xs) then false else quick_survey p (N.succ n) (store mm n (State m (above o xs)))
  end.
Lemma quick_survey_sound p : forall n mm fs, held still n mm fs -> quick_survey p n mm = true ->
  survey (plain_program p) fs = [].
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map survey quick_survey plain_node fst snd];
    intros n mm fs H E; auto.
  rewrite (held_map _ _ _ _ ps H).
  destruct (existsb moving _ && negb _); [easy|]. eapply IH; [|exact E]. now apply held_snoc.
Qed.
Definition quick_decided (B : bgraph) (moved : list N) : bool :=
  quick_survey (b_nodes B) (b_count B) (about_inputs (fun m => State m false) B moved).
Theorem quick_decided_sound B moved : quick_decided B moved = true ->
  undecided (plain B) (map N.to_nat moved) = [].
Proof. apply quick_survey_sound, about_inputs_held. Qed.

(** What is known of every slot, if the graph is tame. *)
Fixpoint quick_scan_forms (keeps : nat -> bool) (p : bprogram) (n : N) (mm : PositiveMap.t facts)
  (mf : PositiveMap.t form) : option (PositiveMap.t facts) :=
  match p with
  | [] => Some mm
  | (o, ps) :: p =>
      let here := map (get Other mf) ps in
      match judge_noise keeps o (map (get unknown mm) ps) here with
      | Some f => quick_scan_forms keeps p (N.succ n) (store mm n f) (store mf n (form_held keeps o here))
      | None => None
      end
  end.
Definition quick_scan_held (keeps : nat -> bool) (p : bprogram) (n : N) (mm : PositiveMap.t facts) :
  option (PositiveMap.t facts) := quick_scan_forms keeps p n mm (PositiveMap.empty _).
Definition quick_scan : bprogram -> N -> PositiveMap.t facts -> option (PositiveMap.t facts) :=
  quick_scan_held none_held.
Lemma quick_scan_forms_sound keeps p : forall n mm fs mf ms mm', held unknown n mm fs -> held Other n mf ms ->
  quick_scan_forms keeps p n mm mf = Some mm' ->
  exists n' fs', scan_forms keeps (plain_program p) fs ms = Some fs' /\ held unknown n' mm' fs'.
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map scan_forms quick_scan_forms plain_node fst snd];
    intros n mm fs mf ms mm' H Hf E; [injection E as <-; eauto|].
  rewrite (held_map _ _ _ _ ps H), (held_map _ _ _ _ ps Hf).
  destruct (judge_noise keeps o _ _) as [f|]; [|easy]. eapply IH; [| |exact E]; now apply held_snoc.
Qed.
Lemma quick_scan_held_sound keeps p n mm fs mm' : held unknown n mm fs ->
  quick_scan_held keeps p n mm = Some mm' ->
  exists n' fs', scan_held keeps (plain_program p) fs = Some fs' /\ held unknown n' mm' fs'.
Proof.
  intros H. apply (quick_scan_forms_sound keeps p n mm fs); auto. destruct H as [Hn _].
  split; [now rewrite map_length|]. intros k. unfold get. rewrite look_empty.
  exact (map_nth (fun _ : facts => Other) fs unknown (N.to_nat k)).
Qed.
Lemma quick_scan_sound p n mm fs mm' : held unknown n mm fs -> quick_scan p n mm = Some mm' ->
  exists n' fs', scan (plain_program p) fs = Some fs' /\ held unknown n' mm' fs'.
Proof. apply quick_scan_held_sound. Qed.
Definition input_map_facts (B : bgraph) (moved : list N) : PositiveMap.t facts :=
  about_inputs (fun m => Facts (negb m) true true false) B moved.
Definition quick_tame (keeps : nat -> bool) (B : bgraph) (moved : list N) : bool :=
  match quick_scan_held keeps (b_nodes B) (b_count B) (input_map_facts B moved) with
  | Some _ => true
  | None => false
  end.
Theorem quick_tame_sound keeps B moved : quick_tame keeps B moved = true ->
  tame keeps (plain B) (map N.to_nat moved) = true.
Proof.
  unfold quick_tame, tame. cbn [plain g_nodes]. destruct (quick_scan_held _ _ _ _) as [mm|] eqn:H; [|easy]. intros _.
  destruct (quick_scan_held_sound keeps _ _ _ _ _ (about_inputs_held unknown _ B moved) H) as (n & fs & E & _).
  unfold input_facts. now rewrite E.
Qed.
Lemma tame_ext keeps keeps' G moved : (forall j, keeps j = keeps' j) -> tame keeps G moved = tame keeps' G moved.
Proof.
  intros H. unfold tame, scan_held.
  assert (E : forall p fs ms, scan_forms keeps p fs ms = scan_forms keeps' p fs ms); [|now rewrite E].
  induction p as [|[o ps] p IH]; cbn [scan_forms]; intros fs ms; auto.
  assert (E : forall xs ms, judge_noise keeps o xs ms = judge_noise keeps' o xs ms /\
    form_held keeps o ms = form_held keeps' o ms).
  { intros xs m. unfold judge_noise. split; destruct o; cbn [judge_held form_held]; now rewrite ?H. }
  rewrite (proj1 (E _ _)), (proj2 (E [] _)). destruct (judge_noise keeps' o _ _); auto.
Qed.
