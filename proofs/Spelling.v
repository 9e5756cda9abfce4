(** * How the files of certificates spell their programs

    A program is a list of pairs of an operation and a list of slots.  Coq reads that slowly: for every cell it
    infers types, and every number it computes from its digits.  [node1 o a p] is the same cell at once, and a
    slot's number is taken as it is; so a file of ten thousand nodes takes a third of the time. *)
From Coq Require Import List NArith ZArith.
From Sgc Require Import Op Program Fast.
Import ListNotations.

Definition node0 (o : op) (p : bprogram) : bprogram := (o, []) :: p.
Definition node1 (o : op) (a : N) (p : bprogram) : bprogram := (o, [a]) :: p.
Definition node2 (o : op) (a b : N) (p : bprogram) : bprogram := (o, [a; b]) :: p.

Definition slot_of_Z (z : Z) : option N :=
  match z with Z0 => Some N0 | Zpos p => Some (Npos p) | Zneg _ => None end.
Definition slot_to_Z (n : N) : option Z := Some (Z.of_N n).
Declare Scope slot_scope.
Delimit Scope slot_scope with slot.
Number Notation N slot_of_Z slot_to_Z : slot_scope.
Arguments node1 o a%slot p.
Arguments node2 o a%slot b%slot p.
