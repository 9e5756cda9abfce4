(* The checker that Coq extracted, on certificates in sgc's text form.

   oracle FILE: the certificates of FILE, each after a line "# accepted" or "# rejected", "proved" if
   nothing is assumed of the graph, "scaled" if nothing is of the model as it is written: what the checker in C
   says of it.  The two must agree on every one. *)
open Checker

(* ---- numbers ---- *)

(* Digits, halved: the quotient, and the rest. *)
let halve digits =
  let out = Buffer.create (String.length digits) and rest = ref 0 in
  String.iter
    (fun c ->
      let v = (10 * !rest) + Char.code c - 48 in
      rest := v land 1;
      if Buffer.length out > 0 || v > 1 then Buffer.add_char out (Char.chr (48 + (v / 2))))
    digits;
  (Buffer.contents out, !rest)

let rec positive digits =
  match halve digits with
  | "", _ -> XH
  | more, 0 -> XO (positive more)
  | more, _ -> XI (positive more)

let z digits =
  match digits with
  | "0" -> Z0
  | _ when digits.[0] = '-' -> Zneg (positive (String.sub digits 1 (String.length digits - 1)))
  | _ -> Zpos (positive digits)

let number k = if k = 0 then N0 else Npos (positive (string_of_int k))

let fraction word =
  match String.split_on_char '/' word with
  | [ a; b ] -> (z a, positive b)
  | _ -> (z word, XH)

(* (a x + b) over one denominator; [mul] is of Z. *)
let affine p q =
  let (a, d), (b, e) = (fraction p, fraction q) in
  Affine (Z.mul a (Zpos e), Z.mul b (Zpos d), Coq_Pos.mul d e)

(* ---- words ---- *)

type word = Word of string | List of int list

(* Names in quotes, places and comments say nothing here. *)
let words line =
  let n = String.length line in
  let rec skip_name i = if line.[i] = '\\' then skip_name (i + 2) else if line.[i] = '"' then i + 1 else skip_name (i + 1) in
  let rec go i =
    if i >= n then []
    else
      match line.[i] with
      | ' ' -> go (i + 1)
      | '"' -> go (skip_name (i + 1))
      | '@' -> []
      | '[' ->
          let j = String.index_from line i ']' in
          let inside = String.sub line (i + 1) (j - i - 1) in
          List (List.filter_map int_of_string_opt (String.split_on_char ' ' inside)) :: go (j + 1)
      | _ ->
          let j = ref i in
          while !j < n && line.[!j] <> ' ' && line.[!j] <> '[' do incr j done;
          Word (String.sub line i (!j - i)) :: go !j
  in
  go 0

let int w = int_of_string w
let slots ws = List.map (function Word w -> number (int w) | List _ -> failwith "a slot") ws

let fn1 =
  [ ("exp", Exp); ("log", Log); ("log1p", Log1p); ("expm1", Expm1); ("sqrt", Sqrt); ("square", Square);
    ("recip", Recip); ("tanh", Tanh); ("sigmoid", Sigmoid); ("softplus", Softplus); ("sin", Sin); ("cos", Cos);
    ("abs", Abs); ("relu", Relu); ("sign", Sign); ("step", Step) ]

let fn2 =
  [ ("add", Add); ("sub", Sub); ("mul", Mul); ("div", Div); ("pow", Pow); ("min", Min); ("max", Max) ]

let node ws =
  match ws with
  | Word "affine" :: Word p :: Word q :: x -> (Map1 (affine p q), slots x)
  | Word "ein" :: List v :: List i :: List o :: x -> (Lin (Ein (v, i, o)), slots x)
  | Word "ein2" :: List v :: List i :: List j :: List o :: x -> (Ein2 (v, i, j, o), slots x)
  | Word "lse" :: List v :: List o :: x -> (Lse (v, o), slots x)
  | Word "slice" :: Word k :: Word a :: Word b :: List s :: x -> (Lin (Slice (int k, int a, int b, s)), slots x)
  | Word "pad" :: Word k :: Word a :: Word b :: List s :: x -> (Lin (Pad (int k, int a, int b, s)), slots x)
  | Word "reshape" :: List s :: List t :: x -> (Lin (Reshape (s, t)), slots x)
  | [ Word "const"; Word q; List s ] -> let a, d = fraction q in (Const (a, d, s), [])
  | [ Word "iota"; Word d ] -> (Iota (int d), [])
  | [ Word "size"; Word d ] -> (Size (int d), [])
  | [ Word "sample"; Word j; List s ] -> (Sample (int j, s), [])
  | Word f :: x when List.mem_assoc f fn1 -> (Map1 (List.assoc f fn1), slots x)
  | Word f :: x when List.mem_assoc f fn2 -> (Map2 (List.assoc f fn2), slots x)
  | _ -> failwith "an operation"

(* ---- certificates ---- *)

type cert = {
  mutable inputs : shape list; mutable draws : draw list; mutable sizes : (int * int) list;
  mutable source : bnode list; mutable gradient : bnode list; mutable cost : int;
  mutable written : bnode list; mutable given : bool; mutable total : int; (* the model as it is written: its cost *)
  mutable laws : (int * (shape option * wlaw)) list; mutable copies : (int * (int * int) list) list;
  mutable sums : (int * int) list; (* draws that are summed over, and their sizes; the last one first *)
  mutable entries : (n * n) list; mutable roles : bscored list; mutable explained : bool;
  mutable known : bool; (* every draw has a law that the theorems speak of *)
  mutable outs : (n * n) list; mutable within : string }

let numbers = List.map number

let roles c density weight = function
  | Word "draw" :: Word j :: Word law :: rest ->
      let law, rest =
        match (law, rest) with
        | "bernoulli", rest -> (BernoulliLogits, rest)
        | _, Word d :: rest -> (CategoricalLogits (int d), rest)
        | _ -> failwith "a law"
      in
      (match rest with
      | [ Word "logits"; Word l; List axes; Word "copies"; Word p; List kept; Word "scale"; Word s; Word "costs";
          List costs; Word "less"; Word q; List base; Word "others"; List others ] ->
          let shape = match List.find_opt (fun x -> draw_id x = int j) c.draws with Some x -> draw_shape x | None -> [] in
          c.roles <-
            { bs_draw = int j; bs_shape = shape; bs_law = law; bs_arg = number (int l); bs_axes = axes;
              bs_density = density; bs_weight = weight; bs_plates = int p; bs_kept = kept; bs_scale = number (int s);
              bs_costs = numbers costs; bs_share = fraction q; bs_base = numbers base; bs_others = numbers others }
            :: c.roles
      | _ -> failwith "roles")
  | _ -> c.explained <- false

let line c = function
  | Word "size" :: Word d :: Word "=" :: Word n :: _ -> c.sizes <- (int d, int n) :: c.sizes
  | Word "input" :: _ :: _ :: List s :: _ -> c.inputs <- s :: c.inputs
  | Word "draw" :: Word j :: Word base :: rest ->
      let base, shape =
        match (base, rest) with
        | "normal", [ List s ] -> (Normal, s)
        | "uniform", [ List s ] -> (Uniform, s)
        | "bits", [ List s ] -> (Bits, s)
        | "values", [ Word d; List s ] -> (Values (int d), s)
        | "line", [ List s ] -> (Line, s)
        | "given", [ List s ] -> c.known <- false; (Line, s)
        | _ -> failwith "a draw"
      in
      c.draws <- ((int j, shape), base) :: c.draws
  | [ Word (("source" | "gradient") as word) ] -> c.within <- word
  | [ Word "written" ] -> c.within <- "written"; c.given <- true
  | Word "law" :: Word j :: Word (("normal" | "uniform" | "exponential" | "laplace") as law) :: rest ->
      let shape, numbers = match rest with List s :: rest -> (Some s, rest) | _ -> (None, rest) in
      let drawn =
        match (law, List.map (function Word k -> number (int k) | _ -> failwith "a law") numbers) with
        | "normal", [ l; s ] -> WNormal (l, s)
        | "uniform", [ l; h ] -> WUniform (l, h)
        | "exponential", [ r ] -> WExponential r
        | "laplace", [ l; s ] -> WLaplace (l, s)
        | _ -> failwith "a law"
      in
      c.laws <- (int j, (shape, drawn)) :: c.laws
  | [ Word "law"; Word j; Word "bernoulli"; List s; Word "logits"; Word l; List axes ] ->
      c.laws <- (int j, (Some s, WFinite (BernoulliLogits, number (int l), axes))) :: c.laws
  | [ Word "law"; Word j; Word "categorical"; Word d; List s; Word "logits"; Word l; List axes ] ->
      c.laws <- (int j, (Some s, WFinite (CategoricalLogits (int d), number (int l), axes))) :: c.laws
  | Word "summed" :: Word j :: Word d :: _ -> c.sums <- (int j, int d) :: c.sums
  | [ Word "copies"; Word d; List draws; List at ] -> c.copies <- (int d, List.combine draws at) :: c.copies
  | [ Word "cost"; Word k ] -> if c.within = "written" then c.total <- int k else c.cost <- int k
  | Word "score" :: Word l :: Word "weight" :: Word w :: rest ->
      c.entries <- (number (int l), number (int w)) :: c.entries;
      roles c (number (int l)) (number (int w)) rest
  | [ Word "of"; Word k; Word "is"; Word j ] -> c.outs <- (number (int k), number (int j)) :: c.outs
  | Word _ :: Word "=" :: rest ->
      if c.within = "written" then c.written <- node rest :: c.written
      else if c.within = "source" then c.source <- node rest :: c.source
      else c.gradient <- node rest :: c.gradient
  | _ -> ()

(* A draw without a law has one that no slot holds. *)
let drawn c x =
  match List.assoc_opt (draw_id x) c.laws with
  | Some (None, l) -> ((draw_id x, draw_shape x), l)
  | Some (Some s, l) -> ((draw_id x, s), l)
  | None -> ((draw_id x, draw_shape x), WNormal (number 0xffffff, number 0xffffff))

let summed c (j, _) = drawn c ((j, []), Bits)

let finite c = c.sums <> [] || List.exists (function _, (_, WFinite _) -> true | _ -> false) c.laws
(* Draws of both kinds: one without a law counts as normal. *)
let both c model = c.sums = [] && finite c && List.exists (function _, WFinite _ -> false | _ -> true) model.w_draws

let verdict c =
  let graph =
    { b_inputs = List.rev c.inputs; b_nodes = List.rev c.source; b_cost = number c.cost;
      b_scores = List.rev c.entries; b_sizes = c.sizes } in
  let est = List.rev c.gradient and outs = List.rev c.outs and draws = List.rev c.draws in
  let scores = List.rev c.roles in
  let model =
    { w_inputs = graph.b_inputs; w_nodes = List.rev c.written; w_cost = number c.total;
      w_draws = List.map (drawn c) draws @ List.rev_map (summed c) c.sums } in
  let moved = List.map fst outs in
  let copies = List.rev c.copies in
  let alone, alone_if =
    if copies = [] then (quick_same_mean, quick_same_mean_if) else (same_samples copies, same_samples_if copies) in
  let accepted =
    fast_check graph est outs
    && ((not c.explained) || scores = [] || quick_scores_ok graph scores)
    && ((not c.given)
       || if both c model then copies = [] && same_both model graph draws moved
          else if finite c then same_summed (List.map snd c.sums) copies model graph draws else alone_if model graph draws moved) in
  let scaled = accepted && c.given && (finite c || alone model graph draws moved) in
  let proved = accepted && c.explained && c.known && fast_certify graph est outs draws scores in
  (if accepted then "accepted" else "rejected") ^ (if proved then " proved" else "") ^ if scaled then " scaled" else ""

let fresh () =
  { inputs = []; draws = []; sizes = []; source = []; gradient = []; cost = 0; entries = []; roles = [];
    explained = true; known = true; outs = []; within = ""; written = []; given = false; total = 0; laws = []; copies = []; sums = [] }

(* By mistake: how many certificates have it, and how many of those are accepted, being right all the same. *)
let counted : (string, int * int) Hashtbl.t = Hashtbl.create 16
let count mistake accepted =
  let all, right = try Hashtbl.find counted mistake with Not_found -> (0, 0) in
  Hashtbl.replace counted mistake (all + 1, if accepted then right + 1 else right)
let table () =
  let rows = Hashtbl.fold (fun m (all, right) rows -> (m, all, right) :: rows) counted [] in
  List.iter (fun (m, all, right) -> if m <> "none" then Printf.printf "| %s | %d | %d |\n" m all right) (List.sort compare rows)

let () =
  let file = open_in Sys.argv.(1) in
  let c = ref (fresh ()) and said = ref "" and mistake = ref "none" and seen = ref 0 and accepted = ref 0 and at = ref 0 in
  (try
     while true do
       let text = input_line file in
       incr at;
       if String.length text > 3 && text.[0] = '#' && text.[1] = ':' then mistake := String.sub text 3 (String.length text - 3)
       else if String.length text > 2 && text.[0] = '#' then said := String.sub text 2 (String.length text - 2)
       else if text = "end" then begin
         let mine = verdict !c in
         if mine <> !said then begin
           Printf.printf "%s: the certificate that ends at line %d: sgc says %s, Coq says %s\n" Sys.argv.(1) !at !said mine;
           exit 1
         end;
         incr seen;
         count !mistake (mine <> "rejected");
         if mine <> "rejected" then incr accepted;
         c := fresh ()
       end
       else line !c (words (String.trim text))
     done
   with End_of_file -> ());
  table ();
  Printf.printf "%d certificates, %d accepted: both checkers agree\n" !seen !accepted;
  if !seen = 0 then exit 1
