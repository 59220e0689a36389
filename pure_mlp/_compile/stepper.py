"""One step at a time: by a program that has proved itself, by one beside the pure step, or by the pure step alone."""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.leaves import Built, built, is_plain, returned, skeleton, structure, tensors
from pure_mlp._compile.modes import modes, outside_inference
from pure_mlp._compile.program import Engine, Program, check_engine
from pure_mlp._compile.programs import Made, Programs
from pure_mlp._compile.spec import spec_of
from pure_mlp.record import tree_leaves, tree_like, tree_map
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")


class Stepper(Generic[S, B]):
    """The carry, the programs made so far, and which of them is in use.

    program is the one used last, built how the batches are built that it takes, modes those that it was made under;
    trusted says whether it may run without the pure step beside it. refusal says why there is no program, once that is known.
    """

    def __init__(self, step: Step[S, B], carry: S, engine: Engine) -> None:
        from pure_mlp._compile.carry import Carry  # the compiler is imported where something is compiled

        self.engine: Engine = check_engine(engine)
        self.programs = Programs(engine)
        self.program: Program | None = None
        self.built: Built = built(None)
        self.modes: tuple[object, ...] | None = ()
        self.trusted = False
        self.refusal: Unplannable | None = None
        self.dtype: torch.dtype | None = None
        self._step = step
        self._rest: S | None = None
        with outside_inference():
            self._carry = Carry(carry)

    def carry(self) -> S:
        """A copy of the carry as it is now."""
        return _cloned(self._rest) if self._rest is not None else self._carry.tree(self._carry.copy())

    def now(self) -> S:
        """The carry as it is now, in memory that the next step overwrites."""
        return self._rest if self._rest is not None else self._carry.tree()

    def restart(self, carry: S) -> bool:
        """Go on from this carry; False, and nothing is done, if it has other specs than the old. Trust ends."""
        if self.refusal is not None or structure(carry) != self._carry.structure:
            return False
        self._carry.set(tree_leaves(carry))
        self.programs.doubt()
        self.trusted = False
        return True

    def step(self, batch: B) -> float:
        """A step on any batch: with the program for its specs, or one that is made now where that is worth it."""
        given = _plain(batch)
        if modes() is None:
            return self.pure(batch)
        key = _key(batch, given)
        made = self.programs.find(key)
        if made is None:
            return self._make(batch, given, key) if self.programs.worth() else self.pure(batch)
        if not made.trusted:
            return self._prove(made, batch, given, key)
        self._use(made.program, batch, trusted=True)
        try:
            loss = made.program.run(*given)
        except Exception:  # an error of the batch: the pure step raises its own
            loss = None
        if loss is None:  # or a rate of 0 or inf
            return self.pure(batch)
        self.programs.steps += 1
        return loss.item() if isinstance(loss, Tensor) else loss

    def pure(self, batch: B) -> float:
        """One step as it stands, on a copy of the carry."""
        after, loss = returned(self._step(self._carry.tree(self._carry.copy()), batch))
        self.programs.steps += 1
        return self._adopt(after, loss)

    def rehearse(self, batch: B) -> None:
        """Make the program for such batches and compare it with a second run of the step; nothing else changes.

        Raises `Unplannable` where there is none.
        """
        from pure_mlp._compile.pipeline import compiled, traced_step
        from pure_mlp._compile.trial import trial

        given, before = _plain(batch), self._carry.copy()
        if modes() is None:
            raise Unplannable("a mode of Python's watches every operation")
        traced = traced_step(self._step, self._carry, before, batch, given)
        try:
            program = compiled(traced, self._carry, batch, self.engine)
            after, loss = returned(self._step(self._carry.tree(before), tree_like(batch, given)))
            draws = [(generator, last, generator.get_state()) for generator, _, last in traced.generators]
            verdict = trial(program, self._carry, given, before, [*tree_leaves(after), loss], draws)
        finally:
            for generator, first, _ in traced.generators:
                generator.set_state(first)
        self._carry.set(before)
        if verdict.refusal is not None:
            raise verdict.refusal
        agreed = verdict.loss is not None
        made = Made(program, [g for g, _, _ in traced.generators], proved=agreed, trusted=agreed)
        self.programs.add(_key(batch, given), made)
        self.programs.counted()
        self._use(program, batch, trusted=agreed)

    def _make(self, batch: B, given: list[Tensor], key: object) -> float:
        """The pure step, and a program made of it, which must come to the same."""
        from pure_mlp._compile.pipeline import compiled, traced_step
        from pure_mlp._compile.trial import trial

        before = self._carry.copy()
        try:
            traced = traced_step(self._step, self._carry, before, batch, given)
        except Unplannable:
            raise
        except Exception as error:  # torch checks other things while operations are recorded: the pure step raises its own
            loss = self.pure(batch)
            self.refusal = Unplannable(f"{type(error).__name__} while operations are recorded: {error}")
            return loss
        self.programs.counted()
        self.programs.steps += 1
        after, J = returned(traced.result)
        try:
            program = compiled(traced, self._carry, batch, self.engine)
        except Unplannable as refusal:
            self.refusal = refusal
            return self._adopt(after, J)
        self.programs.add(key, Made(program, [g for g, _, _ in traced.generators]))
        self._use(program, batch, trusted=False)
        verdict = trial(program, self._carry, given, before, [*tree_leaves(after), J], traced.generators)
        self.refusal = verdict.refusal
        return self._adopt(after, J) if verdict.loss is None else verdict.loss

    def _prove(self, made: Made, batch: B, given: list[Tensor], key: object) -> float:
        """The pure step, and a program that is not trusted yet beside it."""
        from pure_mlp._compile.trial import trial

        before, first = self._carry.copy(), [g.get_state() for g in made.generators]
        after, loss = returned(self._step(self._carry.tree(before), tree_like(batch, given)))
        self.programs.steps += 1
        last = [g.get_state() for g in made.generators]
        draws = [*zip(made.generators, first, last)]
        verdict = trial(made.program, self._carry, given, before, [*tree_leaves(after), loss], draws)
        if verdict.loss is not None:
            self.programs.add(key, made._replace(proved=True, trusted=True))
            self._use(made.program, batch, trusted=True)
            return verdict.loss
        if verdict.refusal is not None and made.proved:  # what the step reads from Python has changed
            self.programs.forget(key)
        else:
            self.refusal = verdict.refusal
        return self._adopt(after, loss)

    def _use(self, program: Program, batch: B, *, trusted: bool) -> None:
        self.program, self.built, self.modes, self.trusted = program, built(batch), modes(), trusted

    def _adopt(self, after: S, loss: Tensor) -> float:
        """Go on from what the step made; where that has another structure, without a program."""
        if structure(after) == self._carry.structure:
            self._carry.set(tree_leaves(after))
        else:
            self._rest = _cloned(after)
            self.refusal = self.refusal or Unplannable("the new carry differs from the old one in structure, shapes or dtypes")
        self.dtype = loss.dtype
        return loss.item()


def _key(batch: object, given: list[Tensor]) -> object:
    """What batches have in common that one program serves: the modes, how they are built, and the specs of their tensors."""
    return modes(), skeleton(batch), *map(spec_of, given)


def _plain(batch: object) -> list[Tensor]:
    """The tensors of a batch as plain ones: no tape, no lazy negatives. Raises `Unplannable` for other leaves."""
    given = tensors(batch, "batch")
    for t in given:
        if not is_plain(t) or t.layout != torch.strided:
            raise Unplannable(f"the batch holds {type(t).__name__}, not plain tensors alone")
    return [t.detach().resolve_neg() for t in given]


def _cloned(tree: S) -> S:
    return tree_map(lambda leaf: leaf.detach().clone() if isinstance(leaf, Tensor) else leaf, tree)
