"""fvcore's analysis of a network, from the operators that torch's dispatcher runs."""

import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_analysis import Statistics
from torch import nn
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass
from torch.utils._pytree import tree_leaves, tree_map_only

from .formulas import ELEMENTWISE, NORM, Formula
from .operators import FORMULAS, HIGHER_ORDER, NAMED_WHOLE, NESTED, formula_of, name_of
from .traffic import Ledger, Traffic, access_of, byte_count

ELSEWHERE = "forward in another thread"
"""What stands for an operator that can't be counted where a layer runs in another thread."""


class DispatchAnalysis(FlopCountAnalysis):
    """Counts the operators of one forward, on the device of the module and its inputs.

    fvcore itself reads a trace of torch.jit, which has no convolution on the meta device and shows
    a fused kernel as one operator. Here each operator is counted when torch dispatches it. Torch
    splits composite operators (`linear`, `einsum`, `lstm`, ...) into those of the tables.
    """

    _stats: Statistics | None
    _traffic: Traffic

    def traffic(self) -> Traffic:
        """Return the bytes that the forward must move."""
        self._analyze()
        return self._traffic

    def _analyze(self) -> Statistics:
        if self._stats is None:
            weights = (*self._model.parameters(), *self._model.buffers())
            recorder = _Recorder(Ledger(weights, _tensors(self._inputs)))
            fast = torch.backends.mha.get_fastpath_enabled()
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                # Only in inference mode does the dispatcher show composite operators whole.
                with _uncompiled(), torch.inference_mode(), self._scopes(recorder), recorder:
                    result = self._model(*self._inputs)
            finally:
                torch.backends.mha.set_fastpath_enabled(fast)
            self._stats = self._sum_up(recorder)
            self._traffic = self._sum_up_traffic(recorder.ledger, result)
        return self._stats

    @contextmanager
    def _scopes(self, recorder: "_Recorder") -> Iterator[None]:
        """Keep the running module in the recorder's scopes."""

        here = threading.get_ident()

        def enter(module: nn.Module, inputs: Any) -> None:
            if threading.get_ident() == here:
                recorder.scopes.append(self._aliases[module])
            else:  # torch shows each thread's operators to that thread alone
                recorder.unknown[self._aliases[module]][ELSEWHERE] += 1

        def leave(module: nn.Module, inputs: Any, outputs: Any) -> None:
            if threading.get_ident() == here:
                recorder.scopes.pop()

        hooks = []
        for module in self._model.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # it takes no hooks; its operators count for the module around it
            hooks.append(module.register_forward_pre_hook(enter))
            hooks.append(module.register_forward_hook(leave, always_call=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _sum_up(self, recorder: "_Recorder") -> Statistics:
        """Add the counts of each module to all modules that contain it."""
        modules = self._model.modules()  # some may be new since the forward began
        names = [self._aliases[module] for module in modules if module in self._aliases]
        counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        unknown: dict[str, Counter[str]] = {name: Counter() for name in names}
        for scope in recorder.called:
            for parent in self._get_all_ancestors(scope):
                counts[parent].update(recorder.counts[scope])
                unknown[parent].update(recorder.unknown[scope])
        return Statistics(counts, unknown, set(names) - recorder.called)

    def _sum_up_traffic(self, ledger: Ledger, result: Any) -> Traffic:
        by_module: Counter[str] = Counter()
        for scope, moved in ledger.by_scope.items():
            for parent in self._get_all_ancestors(scope):
                by_module[parent] += moved
        return Traffic(
            weights_bytes=ledger.read_of_weights(),
            input_bytes=ledger.read_of_inputs(),
            output_bytes=sum(map(byte_count, _tensors(result))),
            operator_bytes=ledger.by_scope.total(),
            by_module={name: moved for name, moved in by_module.items() if moved},
        )


class _Recorder(TorchDispatchMode):
    """Counts every operator that runs while it is active, by module."""

    supports_higher_order_operators = True

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.scopes = [""]
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.unknown: dict[str, Counter[str]] = defaultdict(Counter)
        self._whole: str | None = None

    @property
    def called(self) -> set[str]:
        return {*self.counts, *self.unknown}

    def __torch_dispatch__(
        self,
        operator: OpOverload | HigherOrderOperator,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        if isinstance(operator, HigherOrderOperator):
            return self._call(operator, args, kwargs or {})
        given = list(_tensors((args, kwargs)))
        if any(map(is_traceable_wrapper_subclass, given)):
            return NotImplemented  # what it does with the tensors that it wraps comes here
        args, kwargs = on_one_device(args, kwargs or {})
        formula = NESTED.get(name_of(operator)) if any(each.is_nested for each in given) else None
        if formula is None and _is_split(operator):
            return self._split(operator, args, kwargs)
        result = operator(*args, **kwargs)
        self._add(operator._schema.name, formula or formula_of(operator), args, result)
        self._move(operator, args, kwargs, result)
        return result

    def _call(self, operator: HigherOrderOperator, args: Any, kwargs: Any) -> Any:
        """Run an operator that takes functions; of `torch.cond`, count the branch that runs."""
        if operator is torch.ops.higher_order.cond:
            args = tuple(self._watching(each) if callable(each) else each for each in args)
            return operator(*args, **kwargs)
        result = operator(*args, **kwargs)
        name = operator.name()
        self._add(f"higher_order::{name}", HIGHER_ORDER.get(name), args, result)
        self._move(operator, args, kwargs, result)
        return result

    def _watching(self, branch: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            with self:
                return branch(*args)

        return run

    def _add(self, unknown: str, formula: Formula | None, args: Any, result: Any) -> None:
        """Count by the formula; without one, count the operator as unknown by its full name."""
        if formula is None:
            self.unknown[self.scopes[-1]][unknown] += 1
            return
        for name, count in formula(args, result).items():
            plain = name in (ELEMENTWISE, NORM)
            self.counts[self.scopes[-1]][name if plain else self._whole or name] += count

    def _move(
        self, operator: OpOverload | HigherOrderOperator, args: Any, kwargs: Any, result: Any
    ) -> None:
        """Add the bytes of an operator; parts of one that counts as a whole move none."""
        if self._whole is None:
            self.ledger.add(self.scopes[-1], access_of(operator, args, kwargs, result))

    def _split(self, operator: OpOverload, args: Any, kwargs: Any) -> Any:
        """Run a composite operator by its parts, which count under the outermost one's name."""
        outermost = self._whole is None and name_of(operator) in NAMED_WHOLE
        if outermost:
            self._whole = name_of(operator)
        try:
            with self:
                result = operator.decompose(*args, **kwargs)
        finally:
            if outermost:
                self._whole = None
        if outermost:
            self._move(operator, args, kwargs, result)
        return result


def _uncompiled() -> AbstractContextManager[Any]:
    """Run compiled parts of a network uncompiled; flex_attention always compiles itself."""
    compiling = {"torch._dynamo", "torch.nn.attention.flex_attention"} & sys.modules.keys()
    # The first use of torch's compiler takes seconds.
    return torch.compiler.set_stance("force_eager") if compiling else nullcontext()


@cache
def _is_split(operator: OpOverload) -> bool:
    key = DispatchKey.CompositeImplicitAutograd
    return operator.has_kernel_for_dispatch_key(key) and name_of(operator) not in FORMULAS


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))


def on_one_device(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Move tensors to the meta device if another argument is there, such as a constant table."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    if len({tensor.device.type == "meta" for tensor in tensors if tensor.dim()}) < 2:
        return args, kwargs
    moved: tuple[Any, Any] = tree_map_only(
        torch.Tensor, lambda tensor: tensor.to("meta"), (args, kwargs)
    )
    return moved
