"""A session in a CUDA graph that torch captures, as it captures its own forwards."""

import torch

from ..cuda_graph import CapturedForward
from .session import Logits, Session, activation_bytes_of, notes_of


class CapturedSession:
    """A session whose calls replay a graph; the first one captures it. See `session.Session`."""

    def __init__(self, session: Session, model: str) -> None:
        """Take a session of whole clips on a GPU; `model` names it in messages."""
        self._session, self._model = session, model
        self._captured: CapturedForward | None = None
        self.runs_on, self.arithmetic = session.runs_on, session.arithmetic
        self.threads, self.streams = session.threads, session.streams
        self.notes = notes_of(session)

    @property
    def activation_bytes(self) -> int | None:
        """What the capture took, and what the runtime keeps; a replay takes nothing more."""
        own = activation_bytes_of(self._session)
        if own is None or self._captured is None:
            return None
        return own + self._captured.peak_activation_bytes

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the GPU -> the logits alone, in memory that the next call writes.

        Raises:
            KinobenchError: What the runtime does can't be captured.
        """
        if self._captured is None:
            self._captured = CapturedForward(Logits(self._session), inputs, self._model)
        return (self._captured(*inputs),)
